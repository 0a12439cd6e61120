"""The two web applications: `web` hears gateways, `desk` serves people. They are separate processes on separate listeners.

A slow console cannot delay a webhook, and the process that faces the internet can write reports and never read them; it does
not even load the console's code.
"""

from flask import Flask, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text

from hotline.deployment import Deployment
from hotline.in_time import Glance, Unavailable
from hotline.intake.spool import Spool


def bare(deployment: Deployment, spool: Spool | None = None) -> Flask:
    """Return an application with nothing but its limits and its health; with a spool, it is ready without a database too."""
    glance = Glance(deployment.hurried_db, wait=deployment.settings.commit_wait_seconds)
    app = Flask("hotline", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = deployment.settings.max_body_kib * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = deployment.settings.max_body_kib * 1024

    @app.get("/livez")
    def livez() -> Response:
        return Response("ok\n", content_type="text/plain")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        store = _store(glance, spool)
        return jsonify(store=store, redis=_redis(deployment)), 503 if store == "down" else 200

    return app


def _store(glance: Glance, spool: Spool | None) -> str:
    try:
        glance.at(lambda session: session.execute(text("SELECT 1 FROM inbox WHERE 1 = 0")).all())
    except Unavailable:
        return "spooling" if spool is not None and spool.usable else "down"
    return "ok"


def _redis(deployment: Deployment) -> str:
    try:
        deployment.bell.redis.ping()
    except (RedisError, OSError):
        return "away"
    return "ok"
