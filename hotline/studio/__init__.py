"""The studio and its producer's desk: screens of a radio station, which can reach cards and counts and nothing of a report.

Comes in: requests of whoever presents or produces a show. Goes out: pages made from the tables that hotline.radio.eyes lets
through. Nothing here opens a session of the hotline's own database; the guard at the door does, and shows nothing of it.
"""

from flask import Blueprint

from hotline.studio import coding, paired, presenter, producer, sheet


def root() -> Blueprint:
    """Return the blueprint of all screens of the studio."""
    studio = Blueprint("studio", __name__, template_folder="templates")
    for one in (presenter, producer, coding, sheet, paired):
        studio.register_blueprint(one.screen)
    return studio
