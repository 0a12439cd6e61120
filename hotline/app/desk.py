"""The application officers and radio people open; in a demo it also carries the browser phones."""

from flask import Flask

from hotline import api, app, console, simulator, studio
from hotline.config import Settings, load
from hotline.deployment import Deployment
from hotline.log import configure
from hotline.studio import windows


def create(settings: Settings | None = None) -> Flask:
    """Return the application."""
    configure()
    deployment = Deployment(settings or load())
    desk = app.bare(deployment)
    windows.install(desk, deployment)
    console.install(desk, deployment, studio.root())
    api.install(desk, deployment)
    if deployment.settings.demo:
        simulator.install(desk, deployment)
    return desk
