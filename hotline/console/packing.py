"""Compresses what is sent to browsers, for whoever reads the desk over 3G at the border.

A page may be compressed although it holds secrets beside words of strangers: to measure its length again and again (BREACH,
breachattack.com) somebody else's site would have to ask for it with an officer's cookie, and that cookie is `SameSite=Strict`.
"""

import gzip
from typing import Final

from flask import Flask, Response, request

LEVEL: Final = 5  # a queue of 34 rows: 82 to 8 KB in 0.3 ms; 9 saves 1 % more in twice the time
LEAST: Final = 1000  # bytes; what fits one packet is sent as it is
KINDS: Final = frozenset({"text/html", "application/json", "image/svg+xml"})


def install(app: Flask) -> None:
    """Compress every page and fragment for browsers that take it."""

    @app.after_request
    def pack(response: Response) -> Response:
        plain = response.mimetype in KINDS and "Content-Encoding" not in response.headers
        if plain and not response.is_streamed and not response.direct_passthrough:
            response.vary.add("Accept-Encoding")
            body = response.get_data()
            if len(body) >= LEAST and wanted():
                response.set_data(gzip.compress(body, LEVEL, mtime=0))
                response.headers["Content-Encoding"] = "gzip"
        return response


def wanted() -> bool:
    """Whether the browser that asks takes gzip (RFC 9110, section 12.5.3)."""
    return bool(request.accept_encodings["gzip"])
