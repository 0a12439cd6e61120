"""What stands between the console and other web sites: CSRF tokens, the Origin check and the security headers."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, request
from flask_wtf.csrf import CSRFProtect

from hotline.config import Settings
from hotline.console.faults import CameFromElsewhere
from hotline.console.sessions import secure
from hotline.deployment import Deployment

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
TWO_YEARS: Final = timedelta(days=730)


def install(app: Flask, root: Blueprint, deployment: Deployment) -> None:
    """Set the application's secrets and cookies, check unsafe requests of the console, and send the headers on every answer."""
    settings = deployment.settings
    app.secret_key = deployment.keyring.secret("session.key")
    app.config.update(_cookies(settings))
    protection = CSRFProtect(app)

    @root.before_request
    def refuse_forgeries() -> None:
        if request.method not in SAFE_METHODS:
            refuse_other_origins(settings)
            protection.protect()

    @app.after_request
    def shield(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if secure(settings):
            response.headers["Strict-Transport-Security"] = f"max-age={int(TWO_YEARS.total_seconds())}; includeSubDomains"
        return response


def refuse_other_origins(settings: Settings) -> None:
    """Let an unsafe request pass only if one of our own pages sent it. Raises CameFromElsewhere.

    Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with a form even to its own site (Fetch Standard,
    "append a request Origin header"); for those the browser's own word in Sec-Fetch-Site is asked.
    """
    origin = request.headers.get("Origin", "null")
    if origin == "null":
        ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    else:
        ours = origin in {_origin(settings.console_url), _origin(request.host_url)}
    if not ours:
        raise CameFromElsewhere


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _cookies(settings: Settings) -> dict[str, object]:
    return {
        "SESSION_COOKIE_NAME": "__Host-form" if secure(settings) else "form",
        "SESSION_COOKIE_SECURE": secure(settings),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "WTF_CSRF_CHECK_DEFAULT": False,
        # The Origin check does what flask-wtf wants a Referer for, and we send no Referer.
        "WTF_CSRF_SSL_STRICT": False,
        "WTF_CSRF_TIME_LIMIT": settings.session_hours * 3600,
    }
