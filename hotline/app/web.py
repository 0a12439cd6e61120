"""The application gateways call."""

import sys

from flask import Flask

from hotline import app, inbound
from hotline.app import listen, prompts
from hotline.config import Settings, load
from hotline.deployment import Deployment
from hotline.intake.spool import Spool
from hotline.log import configure

# Sixteen threads wait for one writer; with Python's 5 ms a thread that is busy keeps the writer from its next commit.
SWITCH_SECONDS = 0.0005


def create(settings: Settings | None = None) -> Flask:
    """Return the application."""
    configure()
    sys.setswitchinterval(SWITCH_SECONDS)
    deployment = Deployment(settings or load())
    web = app.bare(deployment, Spool.of(deployment.settings))
    inbound.install(web, deployment)
    prompts.install(web, deployment)
    listen.install(web, deployment)
    return web
