"""Figures: a month counted, small numbers kept back on every way out, and nothing of what is kept from whoever looks."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from hotline.figures import counts, shapes
from hotline.models import SECTOR, Case, CaseKey, Exposure, NamedClue, Prompt, Referral, new_id, table
from hotline.places import sectors
from hotline.radio import formats, shows
from hotline.roles import Role
from tests.console.desk import Desk
from tests.console.test_hidden import keep_from
from tests.radio.conftest import SHOW

CATEGORIES = ("trafficking", "labour_abuse", "gbv", "smuggling", "child_protection", "question", "spam_or_prank")


def reports(desk: Desk, many: int, *, sector: str = "", at: datetime | None = None, **facts: object) -> list[str]:
    """Invented cases of a month, as rows alone. Returns their ids."""
    when = at or datetime.now(UTC)
    plain = {"category": "trafficking", "urgency": "soon", "rank": 1, "minors": "no", "language": "rw", "channel": "sms"}
    rows = [
        {
            "id": new_id(),
            "token": new_id(),
            "handle": new_id(),
            "state": "closed",
            "opened_at": when,
            "updated_at": when,
            "ladder_step": 0,
            "version": 0,
            **plain,
            **facts,
        }
        for _ in range(many)
    ]
    named = {"kind": SECTOR, "at": when, "value_index": desk.site.clue_index(SECTOR, sector)}
    with desk.site.db.transaction() as session:
        session.execute(insert(table(Case)), rows)
        if sector:
            session.execute(insert(table(NamedClue)), [{"case_id": row["id"], **named} for row in rows])
    return [str(row["id"]) for row in rows]


def year_of_reports(desk: Desk) -> None:
    """A year of invented reports, more and fewer, for the eye."""
    names = sectors(desk.site.settings.templates, "Rusizi")
    now = datetime.now(UTC)
    for back in range(12):
        for place, category in enumerate(CATEGORIES):
            at = now - timedelta(days=30 * back, minutes=1)
            reports(desk, (7 * (back + 3) * (place + 2)) % 23, category=category, at=at, sector=names[(place * 5 + back) % 18])


def table_of(desk: Desk, who: str = "supervisor", month: str = "") -> dict[tuple[str, str], str]:
    answer = desk.signed_in(who).get(f"/reports.csv?month={month}")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    return {(row["table"], row["row"]): row["reports"] for row in rows}


def test_a_month_is_counted_and_small_numbers_are_kept_back(desk: Desk) -> None:
    reports(desk, 41, sector="Bugarama")
    reports(desk, 3, category="gbv", sector="Muganza", channel="ussd")
    reports(desk, 12, category="smuggling", language="sw")
    shown = table_of(desk)
    assert shown["all", ""] == "55"
    assert [shown["category", one] for one in ("trafficking", "gbv", "smuggling")] == ["40", "<5", "10"]
    assert (shown["sector", "Bugarama"], shown["sector", "Muganza"], shown["sector", "Nkombo"]) == ("40", "<5", "0")
    page = desk.signed_in("supervisor").get("/reports").get_data(as_text=True)
    assert ">41<" not in page
    assert ">3<" not in page
    drawn = desk.signed_in("supervisor").get("/map").get_data(as_text=True)
    assert "<title>Bugarama: 40</title>" in drawn
    assert "<title>Muganza: &lt;5</title>" in drawn


def test_months_are_the_wall_clock_s_and_only_months_are_counted(desk: Desk) -> None:
    zone = desk.site.settings.zone
    reports(desk, 10, at=datetime(2026, 10, 31, 23, 59, tzinfo=zone))
    reports(desk, 20, at=datetime(2026, 11, 1, tzinfo=zone))
    assert table_of(desk, month="2026-10")["all", ""] == "10"
    assert table_of(desk, month="2026-11")["all", ""] == "20"
    this = str(counts.month_of(desk.site.local(datetime.now(UTC))))
    for odd in ("2026", "2026-13", "2026-11-03", "9999-01", "x", ""):
        answer = desk.signed_in("supervisor").get(f"/reports.csv?month={odd}")
        assert this in answer.headers["Content-Disposition"], odd


def test_how_long_lives_waited_is_counted_and_hidden_where_it_tells_too_much(desk: Desk) -> None:
    now = datetime.now(UTC)
    urgent = {"urgency": "immediate", "rank": 0, "at": now}
    reports(desk, 20, acknowledged_at=now + timedelta(minutes=4), **urgent)
    reports(desk, 9, acknowledged_at=now + timedelta(minutes=50), **urgent)
    shown = table_of(desk)
    assert (shown["wait", "5"], shown["wait", "60"], shown["wait", "never"]) == ("20", "10", "0")


def test_how_it_ended_is_counted_once_a_case(desk: Desk) -> None:
    ids = reports(desk, 6)
    told = [desk.tell(desk.case(), name) for name in ("Invented one", "Invented two")]
    now = datetime.now(UTC)
    rows = [
        Referral(case_id=case_id, contact_id=one.id, state="outcome", why="invented", created_at=now, outcome="safe")
        for case_id in ids
        for one in told
    ]
    with desk.site.db.transaction() as session:
        session.add_all(rows)
    assert table_of(desk)["outcome", "safe"] == "5", "six cases, rounded"


def test_what_is_kept_from_somebody_is_not_counted_for_them(desk: Desk) -> None:
    ids = reports(desk, 9, sector="Bugarama")
    desk.enrol("inside", Role.SUPERVISOR)
    with desk.site.db.reading() as session:
        cases = [session.get_one(Case, case_id) for case_id in ids[:4]]
    for case in cases:
        _, wrapped = desk.site.keyring.new_case_key(case.id)
        with desk.site.db.transaction() as session:
            session.add(CaseKey(case_id=case.id, kid="invented", wrapped=wrapped))
        keep_from(desk, case, f"officer:{desk.officer('inside').id}")
    assert table_of(desk)["sector", "Bugarama"] == "10"
    assert table_of(desk, "inside")["sector", "Bugarama"] == "5"


def test_nothing_is_said_calmly(desk: Desk) -> None:
    browser = desk.signed_in("supervisor")
    assert "Nothing was reported" in browser.get("/reports").get_data(as_text=True)
    assert "No sector was named" in browser.get("/map").get_data(as_text=True)


def test_shapes_that_were_brought_in_are_drawn_with_their_credit(desk: Desk, tmp_path: Path) -> None:
    names = sectors(desk.site.settings.templates, "Rusizi")
    area = {"type": "Polygon", "coordinates": [[[29, -2], [29.1, -2], [29, -2.1]]]}
    features = [{"properties": {"sector": name.upper()}, "geometry": area} for name in names]
    file = tmp_path / "shapes.geojson"
    file.write_text(json.dumps({"attribution": "(c) Invented <maps>", "features": features}))
    shapes.bring_in(file, desk.site.settings.instance, names)
    reports(desk, 9, sector="Bugarama")
    page = desk.signed_in("supervisor").get("/map").get_data(as_text=True)
    assert len(re.findall(r'<path class="sector', page)) == 18
    assert "(c) Invented &lt;maps&gt;" in page
    file.write_text(json.dumps({"features": features[:-1]}))
    with pytest.raises(shapes.NoShapes, match="Rwimbogo"):
        shapes.bring_in(file, desk.site.settings.instance, names)
    file.write_text("[]")
    with pytest.raises(shapes.NoShapes):
        shapes.bring_in(file, desk.site.settings.instance, names)


def test_every_sector_stands_on_the_grid_once() -> None:
    names = sectors(Path("message_templates"), "Rusizi")
    tiles = shapes.grid("Rusizi", names).tiles
    assert sorted(tile.sector for tile in tiles) == sorted(names)
    assert len({(tile.column, tile.row) for tile in tiles}) == len(names)


def on_air(desk: Desk, show: str = SHOW["name"], **reports_by_prompt: int) -> None:
    """An invented show of this month, so many reports laid to each of its prompts."""
    now = datetime.now(UTC)
    written, parts = formats.laid_out({**SHOW, "name": show, "segment": []}, desk.site.settings.templates)
    with desk.site.db.transaction() as session:
        show_id = shows.keep(session, written, parts, now)
        episode_id = shows.plan(session, desk.site.settings, show_id, now.date())
        prompts = [{"id": name, "episode_id": episode_id, "name": name, "gives": []} for name in reports_by_prompt]
        session.execute(insert(table(Prompt)), prompts)
        shows.aired(session, list(reports_by_prompt), now)
    for name, many in (one for one in reports_by_prompt.items() if one[1]):
        laid = {"prompt_id": name, "how": "time", "inlet": "sms", "certainty": 50, "at": now}
        rows = [{"case_id": case_id, **laid} for case_id in reports(desk, many)]
        with desk.site.db.transaction() as session:
            session.execute(insert(table(Exposure)), rows)


def test_radio_is_told_from_prompt_to_outcome_without_giving_a_small_number_away(desk: Desk) -> None:
    on_air(desk, opening=41, poll=3)
    answer = desk.signed_in("auditor").get("/reports/radio.csv")
    rows = {row["prompt"]: row["reports"] for row in csv.DictReader(io.StringIO(answer.get_data(as_text=True)))}
    assert rows == {"": "45", "opening": "40", "poll": "<5"}
    page = desk.signed_in("supervisor").get("/reports/radio").get_data(as_text=True)
    assert "&lt;5" in page
    assert not re.search(r">(3|41|44)<", page.partition("<main")[2])
    assert desk.signed_in("supervisor").get("/reports/radio?month=2026-01").status_code == 200
    for role in ("producer", "presenter", "intake", "admin"):
        assert desk.signed_in(role).get("/reports/radio").status_code == 404


def test_the_prompts_of_a_station_add_up_over_its_shows_and_no_show_has_a_sum_of_its_own(desk: Desk) -> None:
    on_air(desk, opening=6, poll=3)
    on_air(desk, "Second show (invented)", closing=42, jingle=0)
    answer = desk.signed_in("auditor").get("/reports/radio.csv")
    rows = [(row["show"], row["prompt"], row["reports"]) for row in csv.DictReader(io.StringIO(answer.get_data(as_text=True)))]
    assert rows[0] == ("", "", "50"), "six, three and forty-two, rounded"
    assert set(rows[1:]) == {
        (SHOW["name"], "opening", "5"),
        (SHOW["name"], "poll", "<5"),
        ("Second show (invented)", "closing", "40"),
        ("Second show (invented)", "jingle", "0"),
    }


def test_a_total_that_would_tell_a_small_number_is_left_out(desk: Desk) -> None:
    on_air(desk, opening=5, poll=1)
    answer = desk.signed_in("auditor").get("/reports/radio.csv")
    rows = {row["prompt"]: row["reports"] for row in csv.DictReader(io.StringIO(answer.get_data(as_text=True)))}
    assert rows["poll"] == "<5"
    assert rows[""] == "…"
