"""One case: opened on record, claimed by one, answered only when we may write."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select, update

from hotline import audit
from hotline.models import AuditEvent, Broadcast, Caller, Case, CaseKey, Message, MessageKind, Note, Report
from tests.console.desk import Desk

LONG_AGO = timedelta(hours=3)


def acts(desk: Desk, case: Case) -> list[tuple[str, str]]:
    with desk.site.db.reading() as session:
        found = select(AuditEvent).where(AuditEvent.object == case.handle).order_by(AuditEvent.seq)
        return [(event.actor, event.action) for event in session.scalars(found)]


def test_opening_a_case_shows_its_words_and_is_on_record(desk: Desk) -> None:
    case = desk.case("they took our papers")
    page = desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    assert "they took our papers" in page
    assert acts(desk, case) == [("officer:intake", "case.read")]


def test_a_page_that_refreshes_itself_is_one_reading_and_each_officer_is_another(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    for path in ("", "/live", "/live"):
        assert browser.get(f"/case/{case.token}{path}").status_code == 200
    desk.signed_in("second").get(f"/case/{case.token}")
    assert acts(desk, case) == [("officer:intake", "case.read"), ("officer:second", "case.read")]


def test_an_hour_later_it_is_a_new_reading(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    browser.get(f"/case/{case.token}")
    with desk.site.db.transaction() as session:
        row = session.scalars(select(AuditEvent).where(AuditEvent.object == case.handle)).one()
        row.at -= timedelta(hours=1)
    browser.get(f"/case/{case.token}")
    assert acts(desk, case) == [("officer:intake", "case.read")] * 2


def test_no_record_no_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError

    browser = desk.signed_in("intake")
    monkeypatch.setattr(audit, "record", refuse)
    desk.app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = browser.get(f"/case/{desk.case('words kept back').token}")
    assert answer.status_code == 500
    assert "words kept back" not in answer.get_data(as_text=True)


def test_the_words_that_fired_are_marked_and_explained(desk: Desk) -> None:
    case = desk.case("He took the papers; the papers are gone, newspapers too")
    desk.assess(
        case,
        findings=[
            {"axis": "means", "sentence": "Somebody else may hold papers.", "words": "the papers"},
            {"axis": "danger", "sentence": "Words of danger.", "words": "gone"},
        ],
        missing=["age"],
        next_question="age",
    )
    page = desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    assert len(re.findall(r'<mark class="means"[^>]*>the papers', page)) == 2
    assert "Somebody else may hold papers." in page
    assert "How old they are" in page
    assert "possible, for a person to decide" in page


def test_a_number_is_nowhere_on_the_page(desk: Desk) -> None:
    page = desk.signed_in("intake").get(f"/case/{desk.case().token}").get_data(as_text=True)
    assert "hidden" in page
    assert "+250" not in page


def test_a_shredded_case_says_that_its_words_are_gone(desk: Desk) -> None:
    case = desk.case()
    with desk.site.db.transaction() as session:
        session.delete(session.get_one(CaseKey, case.id))
    answer = desk.signed_in("intake").get(f"/case/{case.token}")
    assert answer.status_code == 410
    assert "The words are gone" in answer.get_data(as_text=True)


def test_claiming_is_for_the_first_and_the_second_is_told_who_was_first(desk: Desk) -> None:
    case = desk.case()
    first, second = desk.signed_in("intake"), desk.signed_in("second")
    assert first.post(f"/case/{case.token}/claim", version="0").status_code == 303
    answer = second.post(f"/case/{case.token}/claim", version="0")
    assert answer.status_code == 409
    assert "Intake took this" in answer.get_data(as_text=True)
    fresh = desk.again(case)
    assert (fresh.owner_id, fresh.state, fresh.version) == (desk.officer("intake").id, "open", 1)


def test_claiming_twice_is_harmless(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    for _ in range(2):
        assert browser.post(f"/case/{case.token}/claim", version="0").status_code == 303
    assert [action for _, action in acts(desk, case)] == ["case.claimed"]


def test_a_case_that_changed_meanwhile_is_looked_at_once_more(desk: Desk) -> None:
    case = desk.case(version=3)
    answer = desk.signed_in("intake").post(f"/case/{case.token}/claim", version="2")
    assert answer.status_code == 409
    assert "Something changed while you looked" in answer.get_data(as_text=True)
    assert desk.again(case).owner_id is None


def test_a_case_is_given_back_by_its_owner_only(desk: Desk) -> None:
    case = desk.case(owner_id=desk.officer("intake").id, state="open")
    assert desk.signed_in("second").post(f"/case/{case.token}/release").status_code == 409
    assert desk.signed_in("intake").post(f"/case/{case.token}/release").status_code == 303
    fresh = desk.again(case)
    assert (fresh.owner_id, fresh.state) == (None, "new")
    assert desk.signed_in("intake").post(f"/case/{case.token}/release").status_code == 409


def test_acknowledging_stops_the_ladder_once(desk: Desk) -> None:
    case, browser = desk.case(next_step_at=datetime.now(UTC)), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/acknowledge")
    assert desk.again(case).next_step_at is None
    page = browser.get(f"/case/{case.token}").get_data(as_text=True)
    assert "Acknowledged. The ladder has stopped" in page
    browser.post(f"/case/{case.token}/acknowledge")
    assert "had acknowledged it before" in browser.get(f"/case/{case.token}").get_data(as_text=True)


def test_claiming_does_not_stop_the_ladder(desk: Desk) -> None:
    due = datetime.now(UTC) + timedelta(minutes=4)
    case = desk.case(next_step_at=due)
    desk.signed_in("intake").post(f"/case/{case.token}/claim", version="0")
    assert desk.again(case).next_step_at == due


def test_a_note_is_sealed_and_internal(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/note", text="same site as on Monday")
    page = browser.get(f"/case/{case.token}").get_data(as_text=True)
    assert "same site as on Monday" in page
    assert "Internal note" in page
    assert desk.texts_to(case) == []
    with desk.site.db.reading() as session:
        assert b"Monday" not in session.scalars(select(Note)).one().sealed


def test_an_empty_note_is_no_note(desk: Desk) -> None:
    case = desk.case()
    desk.signed_in("intake").post(f"/case/{case.token}/note", text="  \r\n ")
    with desk.site.db.reading() as session:
        assert session.scalars(select(Note)).all() == []


# ---- replies: docs/safety.md, never first ----


def test_a_reply_within_the_window_leaves_at_once(desk: Desk) -> None:
    case = desk.case(ago=timedelta(minutes=14))
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="Thank you.\r\nIs it far?")
    message = desk.texts_to(case)[0]
    assert (message.state, message.kind, message.lane, message.reason) == ("queued", MessageKind.REPLY, "reply", None)
    assert message.gateway == "simulator"
    assert message.valid_until == message.created_at + timedelta(minutes=desk.site.settings.answer_validity_minutes)
    assert message.due_at == message.created_at + timedelta(seconds=desk.site.settings.undo_seconds)
    assert desk.bell.rung == [], "the clock rings once it can no longer be taken back"
    fresh = desk.again(case)
    assert (fresh.owner_id, fresh.state) == (desk.officer("intake").id, "waiting")
    assert acts(desk, case) == [("officer:intake", "case.replied")]


HELD = [
    ("silence", LONG_AGO, {}, {}, "wrote too long ago"),
    ("said never, even within the window", timedelta(), {}, {"safe_contact": "never"}, "not safe to write"),
    ("said stop, even within the window", timedelta(), {}, {"opted_out_at": "now"}, "asked us to stop"),
    ("pressed the panic word", timedelta(), {}, {"panic_at": "now"}, "asked us to stop"),
    ("a frozen case", timedelta(), {"state": "frozen"}, {}, "frozen"),
    ("a sender without a number", timedelta(), {}, {"reachable": False}, "no number"),
    ("outside the hours they named", LONG_AGO, {}, {"safe_contact": "hours", "safe_hours": "none such"}, "outside the hours"),
]


@pytest.mark.parametrize(("ago", "about_case", "about_caller", "why"), [row[1:] for row in HELD], ids=[row[0] for row in HELD])
def test_otherwise_it_is_kept_and_the_page_says_so(
    desk: Desk, ago: timedelta, about_case: dict[str, object], about_caller: dict[str, object], why: str
) -> None:
    about = {
        f"caller_{name}": datetime.now(UTC) + timedelta(seconds=1) if value == "now" else value
        for name, value in about_caller.items()
    }
    case, browser = desk.case(ago=ago, **about_case, **about), desk.signed_in("intake")
    assert "This will not be sent now" in browser.get(f"/case/{case.token}").get_data(as_text=True)
    browser.post(f"/case/{case.token}/reply", text="Is it far?")
    message = desk.texts_to(case)[0]
    assert message.state == "held"
    assert why in (message.reason or "")
    assert message.valid_until is None
    assert desk.bell.rung == []
    page = browser.get(f"/case/{case.token}").get_data(as_text=True)
    assert "Your reply is kept and will be asked when they write again" in page
    assert "Asked when they write again" in page


def test_whoever_said_any_hour_is_written_to_by_day(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = desk.case(ago=LONG_AGO, caller_safe_contact="any")
    _quiet_hours(desk, monkeypatch, start=time(0), end=time(0, 0, 0, 1))
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="Is it far?")
    assert desk.texts_to(case)[0].state == "queued"


def test_and_not_in_the_quiet_hours(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = desk.case(ago=LONG_AGO, caller_safe_contact="any")
    _quiet_hours(desk, monkeypatch, start=time(0), end=time(23, 59, 59, 999999))
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="Is it far?")
    assert desk.texts_to(case)[0].reason == "quiet hours"


def test_writing_again_after_stop_opens_the_line_again(desk: Desk) -> None:
    case = desk.case(caller_opted_out_at=datetime.now(UTC) - timedelta(hours=1))
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="Is it far?")
    assert desk.texts_to(case)[0].state == "queued"


def test_a_case_nobody_wrote_in_takes_no_reply(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    with desk.site.db.transaction() as session:
        session.delete(session.scalars(select(Report).where(Report.case_id == case.id)).one())
    assert "nobody wrote to us in it" in browser.get(f"/case/{case.token}").get_data(as_text=True)
    answer = browser.post(f"/case/{case.token}/reply", text="Is it far?")
    assert answer.status_code == 409
    assert "Is it far?" in answer.get_data(as_text=True)
    assert desk.texts_to(case) == []


def test_the_second_officer_is_stopped_and_keeps_the_text(desk: Desk) -> None:
    case = desk.case(owner_id=desk.officer("intake").id, state="open")
    answer = desk.signed_in("second").post(f"/case/{case.token}/reply", text="typed with care")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Intake took this" in page
    assert "typed with care" in page
    assert desk.texts_to(case) == []


def test_nothing_is_written_in_a_closed_case(desk: Desk) -> None:
    case = desk.case(state="closed")
    assert desk.signed_in("intake").post(f"/case/{case.token}/reply", text="typed").status_code == 409
    assert desk.texts_to(case) == []


def test_an_empty_reply_is_no_reply(desk: Desk) -> None:
    case = desk.case()
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="   ")
    assert desk.texts_to(case) == []


def test_a_live_page_is_quiet_until_something_happens(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    mark = re.search(r'name="mark" value="([^"]+)"', browser.get(f"/case/{case.token}").get_data(as_text=True))
    assert mark is not None
    path = f"/case/{case.token}/live?mark={mark.group(1)}"
    assert browser.get(path).status_code == 204
    desk.signed_in("second").post(f"/case/{case.token}/note", text="have a look")
    answer = browser.get(path)
    assert answer.status_code == 200
    assert "have a look" in answer.get_data(as_text=True)
    assert "<html" not in answer.get_data(as_text=True)


def test_the_end_of_the_reply_window_shows_on_a_live_page(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    mark = re.search(r'name="mark" value="([^"]+)"', browser.get(f"/case/{case.token}").get_data(as_text=True))
    assert mark is not None
    with desk.site.db.transaction() as session:
        caller = session.scalars(select(Caller)).one()
        caller.last_inbound_at -= LONG_AGO
    answer = browser.get(f"/case/{case.token}/live?mark={mark.group(1)}")
    assert "This will not be sent now" in answer.get_data(as_text=True)


def test_the_reply_is_sealed(desk: Desk) -> None:
    case = desk.case()
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="Is it far?")
    with desk.site.db.reading() as session:
        assert all(b"far" not in message.sealed for message in session.scalars(select(Message)))


def _quiet_hours(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, start: time, end: time) -> None:
    chosen = desk.site.settings.model_copy(update={"quiet_from": start, "quiet_until": end})
    monkeypatch.setattr(desk.site, "settings", chosen)


def test_an_item_says_which_text_of_ours_it_came_after(desk: Desk) -> None:
    case, other = desk.case(), desk.case("another (invented)")
    with desk.site.db.transaction() as session:
        session.add(
            Broadcast(
                id="b1",
                name="Offers far away",
                texts={},
                audience={},
                read_by_native=[],
                filled={},
                author="jeanne",
                created_at=datetime.now(UTC),
            )
        )
        session.flush()
        session.execute(update(Report).where(Report.case_id == case.id).values(broadcast_id="b1"))
    intake = desk.signed_in("intake")
    assert "Wrote after our text</dt><dd>Offers far away" in intake.get(f"/case/{case.token}").text
    assert "Wrote after our text" not in intake.get(f"/case/{other.token}").text
