"""Prompts for gateways to play: each audio file under an address that its content gives it, and nothing else of the folder."""

from flask import Flask, Response, abort, send_file

from hotline.deployment import Deployment
from hotline.intake.voice.prompts import PATH, Prompts


def install(app: Flask, deployment: Deployment) -> None:
    """Let an application serve the prompts of a deployment."""
    chosen = deployment.settings
    prompts = Prompts(chosen.instance, deployment.words, chosen.public_url.rstrip("/"))

    @app.get(f"{PATH}<digest>/<language>/<name>.wav")
    def prompt(digest: str, language: str, name: str) -> Response:
        found = prompts.audio(name, language)
        if found is None or found.digest != digest:
            abort(404)
        answer = send_file(found.file.resolve(), "audio/wav", conditional=True)
        answer.headers["Cache-Control"] = "public, max-age=86400"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer
