"""The application officers and radio people open; in a demo it also carries the browser phones."""

import sys
from typing import Final

from flask import Flask

from hotline import api, app, console, simulator, studio
from hotline.app import templates
from hotline.config import Settings, load
from hotline.deployment import Deployment
from hotline.log import configure
from hotline.studio import windows

SWITCH_SECONDS: Final = 0.0005  # a thread that wrote must not wait behind one that draws, for webhooks wait for its lock


def create(settings: Settings | None = None) -> Flask:
    """Return the application."""
    configure()
    sys.setswitchinterval(SWITCH_SECONDS)
    deployment = Deployment(settings or load())
    desk = app.bare(deployment)
    windows.install(desk, deployment)
    console.install(desk, deployment, studio.root())
    api.install(desk, deployment)
    if deployment.settings.demo:
        simulator.install(desk, deployment)
    templates.read_all(desk)
    return desk
