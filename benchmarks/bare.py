"""The yardstick: a Flask view that does nothing."""

from flask import Flask


def create() -> Flask:
    """Return the application."""
    app = Flask("bare")

    @app.post("/hello")
    def hello() -> str:
        return "hello"

    return app
