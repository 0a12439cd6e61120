"""Texts to many at the desk, without scripts: each step is a form, and no page tells what it must not."""

import io
import re
import zipfile
from datetime import UTC, datetime
from datetime import time as hour

import pytest
from sqlalchemy import select

from hotline.broadcasts import campaign, checking
from hotline.models import Broadcast, BroadcastState, Lane, Subscriber
from hotline.roles import Role
from tests.broadcasts.casting import Casts, fill, number
from tests.console.desk import ORIGIN, Browser, Desk
from tests.line import Line
from tests.voices import said_aloud
from workers import jobs


@pytest.fixture
def casts(build: object) -> Casts:
    """A desk with two people, and a line on which thirty people agreed."""
    desk = build(quiet_from=hour(0), quiet_until=hour(0), broadcast_second_person=20)  # type: ignore[operator]
    desk.enrol("jeanne", Role.BROADCASTER)
    desk.enrol("paul", Role.SUPERVISOR)
    casts = Casts(Line(desk.site, now=datetime.now(UTC)))
    casts.desk = desk  # type: ignore[attr-defined]
    fill(casts.site, "market", [number(at) for at in range(30)], casts.now, language="rw", sector="Kamembe")
    return casts


@pytest.fixture
def desk(casts: Casts) -> Desk:
    return casts.desk  # type: ignore[attr-defined,no-any-return]


def page(browser: Browser, path: str) -> str:
    return browser.client.get(path, follow_redirects=True).get_data(as_text=True)


def draft(desk: Desk, jeanne: Browser) -> str:
    """Begin from the library and choose the market; returns the path of the broadcast."""
    made = jeanne.post("/broadcasts", key="real_job").location.removesuffix("/words")
    jeanne.post(f"{made}/people", lists="market", sample="100", then="check")
    return made


def test_a_recording_is_brought_in_heard_and_taken_away(casts: Casts, desk: Desk) -> None:
    jeanne = desk.signed_in("jeanne")
    made = draft(desk, jeanne)
    where, said = f"{made}/recording/rw", "Mbere yo kugenda, tubaze."

    def bring(sound: bytes, **more: str) -> tuple[int, str]:
        form = {"file": (io.BytesIO(sound), "a.wav"), "said": said, "csrf_token": jeanne.token(), **more}
        answer = jeanne.client.post(where, data=form, headers={"Origin": ORIGIN})
        return answer.status_code, answer.get_data(as_text=True)

    assert "Listen to it to its end" in bring(said_aloud(2.0))[1]
    assert "neither WAV nor MP3" in bring(b"no sound", listened="yes")[1]
    assert bring(said_aloud(2.0), listened="yes")[0] == 303
    heard = jeanne.client.get(where)
    assert (heard.status_code, heard.mimetype) == (200, "audio/wav")
    assert said in page(jeanne, f"{made}/words")
    assert jeanne.client.get(f"{made}/recording/fr").status_code == 404
    assert jeanne.post(where, then="remove").status_code == 303
    assert jeanne.client.get(where).status_code == 404


def test_how_somebody_is_reached_is_answered_alike_for_everybody(casts: Casts, desk: Desk) -> None:
    jeanne = desk.signed_in("jeanne")
    told = [jeanne.post("/lists/reach", number=one, way="call") for one in (number(3), "+250780099999")]
    assert {(one.status_code, one.location) for one in told} == {(303, "/lists")}
    assert casts.subscriber(number(3))["reach"] == "call"
    assert jeanne.post("/lists/reach", number="12", way="call").status_code == 422


def test_a_broadcast_needs_no_script(casts: Casts, desk: Desk) -> None:
    jeanne, paul = desk.signed_in("jeanne"), desk.signed_in("paul")
    made = draft(desk, jeanne)
    text = {"text-rw": "Akazi: {ussd}. STOP", "native-rw": "yes"}
    kept = jeanne.post(f"{made}/words", name="Real jobs", choices="3", **text)
    assert kept.status_code == 303
    assert "JOIN" not in page(jeanne, f"{made}/words")
    jeanne.post(f"{made}/check")
    assert "Going through every row" in page(jeanne, f"{made}/check")
    assert checking.make(casts.site) == 1
    found = page(jeanne, f"{made}/check")
    assert "The prices are examples" in found
    assert "No native reader" not in found
    assert jeanne.post(f"{made}/approve-few", people="30").status_code == 404, "thirty are not few here"
    assert paul.post(f"{made}/approve", people="29").status_code == 422
    assert paul.post(f"{made}/approve", people="30").status_code == 303
    assert paul.post(f"{made}/send", when="now").status_code == 404, "who approves does not send"
    assert jeanne.post(f"{made}/send", when="later", at="nonsense").status_code == 422
    assert jeanne.post(f"{made}/send", when="now").status_code == 303
    with casts.site.db.transaction() as session:
        campaign.begin_due(session, casts.site, datetime.now(UTC))
    paul.post(f"{made}/pause")
    assert jobs.deliver_batch(casts.site, Lane.BULK) == 0
    assert "Paused" in page(jeanne, made)
    jeanne.post(f"{made}/stop", name="something else")
    assert "so nothing was ended" in page(jeanne, made)
    jeanne.post(f"{made}/resume")
    casts.line.work()
    assert len(casts.line.sent) == 30
    casts.tick(seconds=5)
    shown = page(jeanne, made)
    assert "30 of 30" in shown
    assert not any(number(at) in shown for at in range(30)), "no page shows a number"
    table = jeanne.get(f"{made}/report.csv").get_data(as_text=True)
    assert "25078,rw,text,sent,,30" in table
    assert zipfile.ZipFile(io.BytesIO(jeanne.get(f"{made}/report.xlsx").data)).testzip() is None


def test_whoever_changes_it_is_its_author_and_cannot_approve_it(casts: Casts, desk: Desk) -> None:
    jeanne = desk.signed_in("jeanne")
    made = draft(desk, jeanne)
    jeanne.post(f"{made}/check")
    checking.make(casts.site)
    assert "You wrote this one" in page(jeanne, f"{made}/approve")
    jeanne.post(f"{made}/words", **{"name": "x", "text-rw": "Akazi. STOP"})
    assert desk.signed_in("paul").post(f"{made}/approve", people="30").status_code == 422, "a change undoes the check"


def test_a_text_changed_while_it_is_checked_has_to_be_checked_again(casts: Casts, desk: Desk) -> None:
    jeanne = desk.signed_in("jeanne")
    made = draft(desk, jeanne)
    jeanne.post(f"{made}/check")
    jeanne.post(f"{made}/words", **{"name": "x", "text-rw": "Akazi. STOP"})
    assert checking.make(casts.site) == 1
    with casts.site.db.reading() as session:
        row = session.scalars(select(Broadcast)).one()
        assert (row.state, row.found, checking.underway(session, row.id)) == (BroadcastState.DRAFT, None, None)


def test_the_count_follows_a_choice_and_never_names_fewer_than_twenty(casts: Casts, desk: Desk) -> None:
    fill(casts.site, "few", [number(at) for at in range(500, 519)], casts.now, language="sw", sector="Nkombo")
    jeanne = desk.signed_in("jeanne")
    made = draft(desk, jeanne)
    everybody = jeanne.post(f"{made}/count").get_data(as_text=True)
    assert ">49<" in everybody
    assert "19" not in everybody
    assert "Fewer than 20" in jeanne.post(f"{made}/count", languages="sw").get_data(as_text=True)
    assert "a list that is ticked" in jeanne.post(f"{made}/count", lists="few").get_data(as_text=True).casefold()
    offered = page(jeanne, f"{made}/people")
    assert "Kamembe" in offered
    assert "Nkombo" not in offered, "a sector of nineteen would point at them"


def test_a_test_text_goes_to_who_joined_and_nobody_is_told_whether(casts: Casts, desk: Desk) -> None:
    jeanne = desk.signed_in("jeanne")
    made = draft(desk, jeanne)
    said = []
    for to in (number(3), number(999)):
        jeanne.post(f"{made}/try", number=to, language="en")
        said.append(re.sub(r'value="[^"]+"', "", page(jeanne, f"{made}/check")))
    assert said[0] == said[1]
    assert jeanne.post(f"{made}/try", number="MTN", language="en").status_code == 422
    casts.line.now = datetime.now(UTC)
    casts.line.work()
    assert [text.to for text in casts.line.sent] == [number(3)]
    for _ in range(6):
        jeanne.post(f"{made}/try", number=number(3), language="en")
    casts.line.now = datetime.now(UTC)
    casts.line.work()
    assert len(casts.line.sent) == 5, "five a day"


def test_an_operator_lets_somebody_go_and_an_attendance_list_is_judged_line_by_line(casts: Casts, desk: Desk) -> None:
    jeanne = desk.signed_in("jeanne")
    jeanne.post("/lists/leave", number=number(4))
    with casts.site.db.reading() as session:
        mine = select(Subscriber.left_at).where(Subscriber.number_index == casts.site.number_index(number(4)))
        assert session.scalar(mine) is not None
    sheet = "phone,consent source,consent date\n0788000001,Training,2026-11-01\nMugabo,Training,2026-11-01\n"
    form = {"file": (io.BytesIO(sheet.encode() + b",,\n" * 40_000), "list.csv"), "csrf_token": jeanne.token()}
    answer = jeanne.client.post("/lists/market/import", data=form, headers={"Origin": ORIGIN})
    shown = answer.get_data(as_text=True)
    assert "This is no phone number" in shown
    assert "Mugabo" not in shown
