"""The console: what officers open in a browser. One module a screen, all behind one guard.

Comes in: requests to the desk's listener. Goes out: pages and fragments of them, never a script or a style in the page itself,
never a caller's number. It works without scripts; with them it is live.
"""

from flask import Blueprint, Flask

from hotline.console import (
    armour,
    bridge,
    broadcasts,
    bulk,
    calling,
    care,
    case,
    changes,
    channels,
    closing,
    conflict,
    dead,
    demo,
    directory,
    drawing,
    faults,
    figures,
    filters,
    guard,
    heard,
    keys,
    lately,
    listening,
    lists,
    lock,
    me,
    missed,
    new_item,
    number,
    owed,
    own,
    packing,
    passkey,
    phrasebook,
    presence,
    queue,
    record,
    referral,
    rota,
    rules,
    search,
    sending,
    setup,
    sign_in,
    static,
    team,
    timeline,
    today,
    tongue,
    wall,
    welcome,
    word,
    wording,
    writing,
)
from hotline.deployment import Deployment

OFFICE = (search, figures, heard, number, bridge, me, passkey)
TO_MANY = (broadcasts, sending, lists)
SCREENS = (
    *(static, sign_in, welcome, today, wall, queue, bulk, new_item, case, closing, writing, word, conflict, referral, listening),
    *(dead, missed, own, owed, rota, directory, rules, record, team, keys, channels, phrasebook, *TO_MANY),
    *(timeline, calling, lock, care, filters, setup),
    *OFFICE,
)


def install(app: Flask, deployment: Deployment, *beside: Blueprint) -> None:
    """Put the console into a Flask application, with screens `beside` its own behind the same guard.

    Raises guard.Unguarded for a route that nobody was given.
    """
    app.extensions["deployment"] = deployment
    root = Blueprint("console", __name__, template_folder="templates")
    for screen in (*SCREENS, demo) if deployment.settings.demo else SCREENS:
        root.register_blueprint(screen.screen)
    for studio in beside:
        root.register_blueprint(studio)
    guard.install(root)
    armour.install(app, root, deployment)
    tongue.install(app, deployment)
    wording.install(app, deployment)
    drawing.install(app, deployment)
    static.install(app)
    packing.install(app)
    changes.install(app)
    presence.install(app)
    lately.install(app)
    faults.install(app)
    app.register_blueprint(root)
    guard.check(app)
