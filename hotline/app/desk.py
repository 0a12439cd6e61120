"""The application officers open; in a demo it also carries the browser phones."""

from flask import Flask

from hotline import app, console, simulator
from hotline.config import Settings, load
from hotline.deployment import Deployment
from hotline.log import configure


def create(settings: Settings | None = None) -> Flask:
    """Return the application."""
    configure()
    deployment = Deployment(settings or load())
    desk = app.bare(deployment)
    console.install(desk, deployment)
    if deployment.settings.demo:
        simulator.install(desk, deployment)
    return desk
