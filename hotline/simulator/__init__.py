"""The browser phones: two handsets and their network, so that anybody can watch a text become a report and an alert.

What a phone sends takes the road a real gateway's webhook takes: signed, over HTTP, to the public address. What the hotline
sends arrives at the network's own address, signed too. Only a demo has them, and only a browser on the same machine may open
the phones; nothing here ever reaches a real network.
"""

from collections.abc import Sequence

from flask import Flask

from hotline.deployment import Deployment
from hotline.simulator.calling import Calling, Tapes
from hotline.simulator.fates import Fate
from hotline.simulator.handsets import Handsets
from hotline.simulator.network import Network, blueprint
from hotline.simulator.pages import Pages
from hotline.simulator.profiles import Profile, Role, shipped
from hotline.simulator.receipts import Receipts
from hotline.simulator.send import Carrier, Exchange, NoSuchLine, send_sms

__all__ = ["Exchange", "Fate", "NoSuchLine", "Profile", "Role", "install", "send_sms", "shipped"]


def install(app: Flask, deployment: Deployment, *, profiles: Sequence[Profile] | None = None, receipts: bool = True) -> None:
    """Put the phones and their network into the console's application.

    Install CSRF protection first: the network proves itself by signature and is exempted here from tokens. `receipts` says
    whether the network reports back what became of each text, which is one webhook for every text.
    """
    carrier = Carrier(deployment)
    reports = Receipts(carrier.report) if receipts else None
    handsets = Handsets(deployment)
    calling = Calling(handsets, carrier, Tapes())
    network = blueprint(Network(deployment, handsets, reports, calling))
    app.register_blueprint(network)
    app.register_blueprint(Pages(handsets, carrier, reports, calling, profiles=profiles or shipped()).blueprint())
    if (csrf := app.extensions.get("csrf")) is not None:
        csrf.exempt(network)
