"""What others wrote is what we looked at, byte for byte, and asks for nothing from anywhere."""

import hashlib
import json
import re
from pathlib import Path

from hotline.console.static import FOLDER

HOUSE = FOLDER.parents[2]
LISTED = json.loads((FOLDER / "vendor" / "vendor.json").read_text(encoding="utf-8"))


def test_every_file_of_others_is_listed_with_its_hash() -> None:
    sums = {name: digest for part in LISTED for name, digest in part["sha256"].items()}
    files = {path.name: path for path in (FOLDER / "vendor").iterdir() if path.suffix != ".json"}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sums


def test_versions_are_those_of_the_lock_and_of_the_notice() -> None:
    locked = json.loads((HOUSE / "frontend" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    notice = (HOUSE / "THIRD_PARTY.md").read_text(encoding="utf-8")
    for part in LISTED:
        assert locked[f"node_modules/{part['name']}"]["version"] == part["version"]
        assert f"| {part['name']} | {part['version']} | {part['licence']} |" in notice


def test_no_style_sheet_fetches_anything() -> None:
    for path in FOLDER.rglob("*.css"):
        css = path.read_text(encoding="utf-8")
        assert "@import" not in css
        assert "@font-face" not in css
        assert all(address.strip("\"' ").startswith("data:") for address in re.findall(r"url\(([^)]{0,40})", css))


def test_every_class_of_theirs_that_a_page_may_ask_for_is_in_the_sheet() -> None:
    """Only what pages use was kept: a page that begins to use another class needs `python tools/vendor.py`."""
    theirs = set((HOUSE / "frontend" / "classes.txt").read_text(encoding="utf-8").split())
    pages = [path for kind in ("*.html", "*.js") for path in HOUSE.glob(f"hotline/**/{kind}") if "vendor" not in path.parts]
    text = " ".join(path.read_text(encoding="utf-8") for path in pages)
    named = re.findall(r'class="([^"]*)"', text) + re.findall(r"classList\.\w+\(([^)]*)\)", text)
    asked = theirs & set(re.findall(r"[\w-]+", " ".join(named)))
    sheet = (FOLDER / "vendor" / "tabler.min.css").read_text(encoding="utf-8")
    assert len(asked) > 20
    assert not asked - set(re.findall(r"\.(-?[a-zA-Z_][\w-]*)", sheet))


def test_every_icon_the_templates_ask_for_is_in_the_sprite() -> None:
    sprite = (FOLDER / "vendor" / "icons.svg").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    templates = "".join(path.read_text(encoding="utf-8") for path in Path(FOLDER.parent / "templates").rglob("*.html"))
    asked = set(re.findall(r'icon\("([a-z0-9-]+)"\)', templates)) | set(re.findall(r'", "([a-z]+-[a-z0-9-]+)"\)', templates))
    assert asked <= drawn, asked - drawn
