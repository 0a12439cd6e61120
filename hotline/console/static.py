"""Static files: read once, addressed by the hash of their content, cached for ever.

A changed file has a new address, so nothing ever has to be asked for again. Only files found at the start are served; a path
from a request is looked up, never opened.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, abort, current_app, url_for

from hotline.console import packing

screen = Blueprint("static", __name__)

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file as it is served, plain and compressed."""

    digest: str
    kind: str
    plain: bytes
    packed: bytes


def install(app: Flask) -> None:
    """Read the files and give templates `asset(path)`, the address of one."""
    assets = {path.relative_to(FOLDER).as_posix(): _read(path) for path in FOLDER.rglob("*") if path.suffix in TYPES}
    app.extensions["assets"] = assets

    @cache  # an icon stands on a page a hundred times
    def address(name: str) -> str:
        return url_for("console.static.serve", digest=assets[name].digest, name=name)

    app.jinja_env.globals["asset"] = address


@screen.get("/assets/<digest>/<path:name>")
def serve(digest: str, name: str) -> Response:
    """Serve one file at the address its content gives it."""
    asset: Asset | None = current_app.extensions["assets"].get(name)
    if asset is None or asset.digest != digest:
        abort(404)
    packed = packing.wanted()
    response = Response(asset.packed if packed else asset.plain, content_type=asset.kind)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _read(path: Path) -> Asset:
    plain = path.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:16]
    return Asset(digest, TYPES[path.suffix], plain, gzip.compress(plain, 9, mtime=0))
