"""The two web applications: `web` hears gateways, `desk` serves people. They are separate processes on separate listeners.

A slow console cannot delay a webhook, and the process that faces the internet can write reports and never read them; it does
not even load the console's code.
"""

from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hotline.deployment import Deployment


def bare(deployment: Deployment) -> Flask:
    """Return an application with nothing but its limits and its health."""
    app = Flask("hotline", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = deployment.settings.max_body_kib * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = deployment.settings.max_body_kib * 1024

    @app.get("/livez")
    def livez() -> Response:
        return Response("ok\n", content_type="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        try:
            with deployment.db.reading() as session:
                session.execute(text("SELECT 1 FROM inbox WHERE 1 = 0"))
        except SQLAlchemyError:
            return Response('{"store": "down"}\n', status=503, content_type="application/json")
        return Response('{"store": "ok"}\n', content_type="application/json")

    return app
