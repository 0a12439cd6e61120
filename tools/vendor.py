"""Vendoring: fetches the console's third-party parts once, so that no running hotline ever fetches anything.

Comes in: the exact versions of frontend/package.json and its lock file. Goes out: hotline/console/static/vendor/, with a
vendor.json that names version, licence and SHA-256 of every file, and THIRD_PARTY.md. A part that carries a font or an
address of another host stops the run: a console must never tell a stranger that somebody opened it. Of the style sheet only
what a page can ask for is kept, since it is fetched over 3G; frontend/classes.txt names every class there is, for the test
that none is missed.

Run `python tools/vendor.py` after a version or the classes of a page change and commit what it wrote; it alone needs npm.
"""  # noqa: INP001  a script of the house, not a package

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
FRONTEND = HOUSE / "frontend"
VENDOR = HOUSE / "hotline" / "console" / "static" / "vendor"
NOTICE = HOUSE / "THIRD_PARTY.md"
CLASSES = FRONTEND / "classes.txt"
ASKING = ("hotline/**/templates/**/*.html", "hotline/**/*.py", "hotline/console/static/own/*.js")

ICONS = (
    *("alert-triangle", "arrow-left", "arrow-up-right", "ban", "bell-ringing", "check", "checks", "chevron-right", "circle"),
    *("circle-check", "circle-dashed", "clock", "clock-pause", "corner-down-right", "device-mobile", "diamond", "eye-off"),
    *("friends", "hand-stop", "help", "inbox", "info-circle", "keyboard", "language", "list-check", "lock", "logout"),
    *("map-pin", "message", "message-2", "messages", "mood-kid", "moon", "note", "pencil", "phone", "plug-connected-x"),
    *("refresh", "robot", "send", "shield-lock", "stairs-up", "sun", "sun-moon", "user", "user-check", "user-off", "users", "x"),
    *("calendar", "copy", "player-pause", "player-play", "player-stop", "plus", "speakerphone", "upload"),
    *("antenna", "chart-bar", "device-tv", "download", "fingerprint", "key", "map-2", "printer", "search", "volume-off"),
)
ELSEWHERE = re.compile(r"""@import|@font-face|url\((?!\s*["']?(?:data:|#))""")
SOURCE_MAP = re.compile(r"/[/*]# sourceMappingURL=\S+(?: \*/)?\n?")


@dataclass(frozen=True)
class Part:
    """One npm package we take files from: what it is called there, and what becomes of it here."""

    package: str
    files: tuple[tuple[str, str], ...]


TAKEN = (
    Part("@tabler/core", (("dist/css/tabler.min.css", "tabler.min.css"),)),
    Part("htmx.org", (("dist/htmx.min.js", "htmx.min.js"),)),
    Part("@tabler/icons", (("icons/outline", "icons.svg"),)),
)


class Refused(Exception):
    """A part is not fit to be served to people at risk. Says which and why."""


def kept(sheet: Path, modules: Path) -> str:
    """Return what of a style sheet a word in our templates, scripts or code may ask for; note every class it had."""
    selectors = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = sorted(set(re.findall(r"\.(-?[a-zA-Z_][\w-]*)", selectors)))
    CLASSES.write_text("\n".join(names) + "\n", encoding="utf-8")
    purge = ["node", str(modules / "purgecss" / "bin" / "purgecss.js"), "--variables", "--keyframes"]
    asked = [*purge, "--css", str(sheet), "--content", *(str(HOUSE / place) for place in ASKING), "--output", str(sheet)]
    subprocess.run(asked, check=True, capture_output=True)
    return sheet.read_text(encoding="utf-8")


def layered(text: str) -> str:
    """Return a style sheet as the cascade layer `vendor`, so that the house's own rules win whatever their weight."""
    body = SOURCE_MAP.sub("", text).removeprefix('@charset "UTF-8";')
    if found := ELSEWHERE.search(body):
        raise Refused(f"a style sheet fetches something: {body[found.start() : found.start() + 60]}")
    return f"@layer vendor{{{body.strip()}}}\n"


def script(text: str) -> str:
    """Return a script without its pointer to a source map."""
    return SOURCE_MAP.sub("", text)


def sprite(folder: Path) -> str:
    """Return the chosen icons as the symbols of one SVG file."""
    symbols = "".join(_symbol(name, (folder / f"{name}.svg").read_text(encoding="utf-8")) for name in sorted(ICONS))
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}</svg>\n'


def _symbol(name: str, svg: str) -> str:
    shapes = re.findall(r"<(?:path|circle|rect|line|polyline)\b[^>]*/>", svg)
    drawn = "".join(shape for shape in shapes if 'stroke="none"' not in shape)
    look = 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"'
    return f'<symbol id="{name}" viewBox="0 0 24 24" {look}>{drawn}</symbol>\n'


def prepare(source: Path, modules: Path) -> str:
    """Return what is to be served of one file or folder of a package. Raises Refused."""
    if source.is_dir():
        return sprite(source)
    return layered(kept(source, modules)) if source.suffix == ".css" else script(source.read_text(encoding="utf-8"))


def fetch(folder: Path) -> Path:
    """Install the locked packages into `folder`, running none of their scripts, and return where they lie."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FRONTEND / name, folder)
    npm = shutil.which("npm")
    if npm is None:
        raise Refused("npm is not installed")
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit"], cwd=folder, check=True, capture_output=True)
    return folder / "node_modules"


def take(modules: Path) -> Iterator[dict[str, object]]:
    """Write the served files of every part and yield what vendor.json says of it."""
    for part in TAKEN:
        about = json.loads((modules / part.package / "package.json").read_text(encoding="utf-8"))
        sums: dict[str, str] = {}
        for origin, served in part.files:
            content = prepare(modules / part.package / origin, modules).encode()
            (VENDOR / served).write_bytes(content)
            sums[served] = hashlib.sha256(content).hexdigest()
        yield {"name": part.package, "version": about["version"], "licence": about["license"], "sha256": sums}


def notice(parts: list[dict[str, object]]) -> str:
    """Return THIRD_PARTY.md: what is served to browsers that others wrote, and under which licence."""
    rows = "".join(f"| {part['name']} | {part['version']} | {part['licence']} |\n" for part in parts)
    return (
        "# Parts others wrote\n\n"
        "Served to browsers from `hotline/console/static/vendor/`, copied and checked by `tools/vendor.py`. Exact hashes are\n"
        "in `vendor.json` there. Nothing is fetched from anywhere while the hotline runs. Python packages are listed in\n"
        "`pyproject.toml`.\n\n"
        f"| part | version | licence |\n|---|---|---|\n{rows}\n"
        "Tabler and Tabler Icons: Copyright (c) 2018-2026 The Tabler Authors, Paweł Kuna. MIT: permission is granted, free of\n"
        "charge, to use, copy, modify, merge, publish, distribute, sublicense and sell copies, provided that this copyright\n"
        "notice and this permission notice are included in all copies or substantial portions. The software is provided\n"
        '"as is", without warranty of any kind.\n\n'
        "Changes: Tabler's style sheet is cut to what our pages use and wrapped in a cascade layer; icons are a subset, drawn\n"
        "with a thinner stroke, in one file. htmx is under the Zero-Clause BSD licence and unchanged.\n"
    )


def main() -> int:
    """Write the vendor folder anew. Returns 1, with one sentence, when a part is refused."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            parts = list(take(fetch(Path(folder))))
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    (VENDOR / "vendor.json").write_text(json.dumps(parts, indent=2) + "\n", encoding="utf-8")
    NOTICE.write_text(notice(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
