"""Every screen there is, in a browser: axe finds nothing and nothing runs off the side; light, dark, narrow, wide, en, rw.

Which screens there are is asked of the console's own map, so that a new one is looked at the day it is there. Each is opened with
something on it, by the first role that may. All people are invented.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import select, update

from hotline.console import guard
from hotline.models import Contact, Officer, Referral
from hotline.roles import MATRIX, Role
from tests.broadcasts.casting import Casts, fill, number
from tests.conftest import PUBLIC_URL
from tests.console.desk import Desk
from tests.console.test_broadcasts import hour
from tests.console.test_browser import CHROMIUM, Street, chromium, look, open_street
from tests.console.test_every_screen import furnished
from tests.console.test_team import invited
from tests.line import TOKEN, Line, fill_directory
from tests.radio.conftest import put_on

__all__ = ["chromium"]

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]

SOUNDS_AND_DRAWINGS = {
    "console.broadcasts.recording",
    "console.listening.disguised",
    "console.listening.original",
    "console.studio.sheet.chart",
}


@pytest.fixture
def street(build: Callable[..., Desk], chromium: Chromium, tmp_path: Path, redis_url: str) -> Iterator[Street]:
    desk = build(quiet_from=hour(0), quiet_until=hour(0), public_url=PUBLIC_URL, twilio_auth_tokens=(TOKEN,), redis_url=redis_url)
    for role in Role:
        desk.enrol(str(role), role)
    desk.enrol("second", Role.INTAKE)
    fill_directory(desk.site, tmp_path)
    with open_street(desk, chromium) as place:
        yield place


def everything(desk: Desk) -> dict[str, str]:
    """Put something on every screen; returns what addresses need, by the name in the route."""
    known = furnished(desk) | {"at": "0", "language": "rw", "form": "csv"}
    line = Line(desk.site, now=datetime.now(UTC))
    casts = Casts(line)
    fill(casts.site, "market", [number(at) for at in range(30)], casts.now, language="rw", sector="Kamembe")
    jeanne, claudine = desk.signed_in("broadcaster"), desk.signed_in("supervisor")
    made = jeanne.post("/broadcasts", key="real_job").location.removesuffix("/words")
    jeanne.post(f"{made}/people", lists="market", sample="100", then="check")
    jeanne.post(f"{made}/check")
    claudine.post("/rules/draft")
    air = put_on(line)
    line.text("+250780000777", "Can they keep my passport?", to="7799")
    known |= {"broadcast_id": made.rpartition("/")[2], "episode_id": air.episode_id, "show_id": air.show_id}
    with desk.site.db.transaction() as session:
        told = session.scalars(select(Referral)).first()
        assert told is not None
        contact = session.get_one(Contact, told.contact_id)
        session.execute(update(Officer).where(Officer.name == "agency").values(agency_id=contact.agency_id))
        known |= {"contact_id": contact.id, "referral_id": told.id}
    kept = desk.signed_in("intake").post("/new", text="A woman at the desk tells of two girls")
    known["row_id"] = kept.location.rpartition("/")[2]
    return known


def screens(desk: Desk, known: dict[str, str]) -> Iterator[tuple[Role, str]]:
    """Return every page that may be asked for, and the first role that may; what answers with less than a page is none."""
    browsers = {role: desk.signed_in(str(role)) for role in Role}
    for rule in sorted(desk.app.url_map.iter_rules(), key=lambda one: one.rule):
        act = guard.act_of(desk.app, rule.endpoint)
        if act is None or "GET" not in (rule.methods or ()) or rule.endpoint in SOUNDS_AND_DRAWINGS:
            continue
        role = next(role for role in Role if act in MATRIX[role])
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda hole: known[hole[1]], rule.rule)
        answer = browsers[role].client.get(path, follow_redirects=True)
        assert answer.status_code < 300, f"{path}: {answer.status_code}"
        if b"<html" in answer.data:
            yield role, path


@pytest.mark.faults
@pytest.mark.parametrize("language", ["en", "rw"])
def test_every_screen_there_is_is_fit_for_everybody(street: Street, language: str) -> None:
    known = everything(street.desk)
    shown = list(screens(street.desk, known))
    assert len(shown) > 45
    with street.desk.site.db.transaction() as session:
        session.execute(update(Officer).values(language=language))
    pages = {role: street.officer(f"{role.title()} {role.title()}", lands="me") for role in Role}
    for role, path in [*shown, (Role.INTAKE, "/me")]:
        pages[role].goto(street.address + path)
        expect(pages[role].locator("html")).to_have_attribute("lang", language)
        look(pages[role])
    stranger = street.page()
    for path in ("/sign-in", "/screen", invited(street.desk.signed_in("admin"))):
        stranger.goto(street.address + path)
        look(stranger)
    assert street.complaints == []
