"""A shift at the desk: who else is here, what calls, the lock, the break, the hand-over, and what stays covered."""

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from hotline.console import presence
from hotline.models import AuditEvent, Handover, NamedClue, OfficerSession
from tests.console.desk import PASSWORD, Browser, Desk

# ---- who else is here ----


def test_an_item_says_who_else_has_it_open_and_who_writes(desk: Desk) -> None:
    case = desk.case()
    first, second = desk.signed_in("intake"), desk.signed_in("second")
    first.get(f"/case/{case.token}")
    assert "Intake is here" in second.get(f"/case/{case.token}").get_data(as_text=True)
    first.get(f"/case/{case.token}/live?writing=1")
    assert "Intake is writing" in second.get(f"/case/{case.token}/live").get_data(as_text=True)
    assert "Intake is writing" in second.get("/queue").get_data(as_text=True)
    assert "is writing" not in first.get("/queue").get_data(as_text=True)


def test_whoever_was_not_heard_of_for_a_while_is_gone(desk: Desk) -> None:
    here, now, officer = presence.Presence(), datetime.now(UTC), desk.officer("intake")
    here.note("token", officer, now, writing=True)
    assert [one.name for one in here.others("token", "somebody else", now)] == ["Intake"]
    assert here.others("token", officer.id, now) == ()
    assert here.others("token", "somebody else", now + timedelta(seconds=21)) == ()


# ---- what calls ----


def test_what_calls_is_what_nobody_has_and_the_answer_stays_the_same_until_it_changes(desk: Desk) -> None:
    browser, case = desk.signed_in("intake"), desk.case()
    desk.case(urgency="soon", rank=1)
    answer = browser.get("/urgent")
    assert answer.get_json() == [case.token]
    assert browser.get("/urgent", If_None_Match=answer.headers["ETag"]).status_code == 304
    browser.post(f"/case/{case.token}/claim", version="0")
    assert browser.get("/urgent", If_None_Match=answer.headers["ETag"]).get_json() == []


# ---- the lock ----


def test_a_locked_session_opens_nothing_until_the_password_is_said(desk: Desk) -> None:
    case = desk.case()
    browser = desk.browser()
    answer = browser.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
    assert answer.status_code == 303
    assert browser.post("/lock").location == "/lock"
    assert browser.get(f"/case/{case.token}").location == "/lock"
    kept = browser.post(f"/case/{case.token}/note", text="half a thought", token=locked_token(browser))
    assert (kept.status_code, "half a thought" in kept.get_data(as_text=True)) == (423, True)
    assert browser.post("/lock/open", password="wrong", token=locked_token(browser)).status_code == 403
    assert browser.post("/lock/open", password=PASSWORD, token=locked_token(browser)).status_code == 303
    assert browser.get(f"/case/{case.token}").status_code == 200


def test_five_wrong_passwords_end_a_locked_session(desk: Desk) -> None:
    browser = desk.browser()
    browser.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
    browser.post("/lock")
    for _ in range(4):
        assert browser.post("/lock/open", password="wrong", token=locked_token(browser)).status_code == 403
    assert browser.post("/lock/open", password="wrong", token=locked_token(browser)).location == "/sign-in"
    with desk.site.db.reading() as session:
        assert session.scalars(select(OfficerSession)).one().ended_at is not None


def test_what_opens_unlocked_pages_is_open_to_nobody_locked(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    browser.post("/lock")
    for path in ("/queue", "/urgent", "/new", "/phrases", "/today", "/handover"):
        assert browser.get(path).location == "/lock", path
    assert browser.get("/queue/rows", HX_Request="true").headers["HX-Redirect"] == "/lock"


# ---- care ----


def test_words_of_a_child_stay_covered_until_asked_for(desk: Desk) -> None:
    case, browser = desk.case("they hurt my little sister", minors="true"), desk.signed_in("intake")
    covered = browser.get(f"/case/{case.token}").get_data(as_text=True)
    assert "my little sister" not in covered
    assert "my little sister" not in browser.get(f"/case/{case.token}/live").get_data(as_text=True)
    browser.post(f"/case/{case.token}/uncover")
    assert "my little sister" in browser.get(f"/case/{case.token}").get_data(as_text=True)
    other = desk.signed_in("second").get(f"/case/{case.token}").get_data(as_text=True)
    assert "my little sister" not in other, "each asks for themselves"


def test_nothing_beside_covered_words_quotes_them(desk: Desk) -> None:
    case, browser = desk.case("they hurt her at Mururu", category="gbv"), desk.signed_in("intake")
    with desk.site.db.transaction() as session:
        session.add(
            NamedClue(
                case_id=case.id, value_index=desk.site.clue_index("agency", "qq agency"), kind="agency", at=datetime.now(UTC)
            )
        )
    finding = {"rule": "r", "axis": "act", "sentence": "Somebody was hurt.", "words": "qq hurt"}
    desk.assess(case, findings=[finding], places=["qq Mururu"], clues=[{"kind": "agency", "value": "qq agency"}])
    browser.post(f"/case/{case.token}/exclusion", whom=f"contact:{desk.tell(case).id}", why="qq his brother works there")
    browser.post(f"/case/{case.token}/note", text="qq a note")
    for path in ("", "/live", "/referral", "/timeline"):
        assert "qq" not in browser.get(f"/case/{case.token}{path}").get_data(as_text=True), path
    browser.post(f"/case/{case.token}/uncover")
    assert browser.get(f"/case/{case.token}").get_data(as_text=True).count("qq") >= 4


def test_a_break_hands_everything_back_and_asks_nothing(desk: Desk) -> None:
    mine = [desk.case(owner_id=desk.officer("intake").id, state=state) for state in ("open", "waiting")]
    other = desk.case(owner_id=desk.officer("second").id, state="open")
    page = desk.signed_in("intake").post("/break").get_data(as_text=True)
    assert "2 items of yours stand in New again" in page
    assert [desk.again(case).owner_id for case in mine] == [None, None]
    assert desk.again(other).owner_id == desk.officer("second").id
    with desk.site.db.reading() as session:
        released = session.scalars(select(AuditEvent.object).where(AuditEvent.action == "case.released")).all()
    assert set(released) == {case.handle for case in mine}


def test_the_hand_over_holds_what_burns_what_is_mine_and_a_word_that_is_sealed(desk: Desk) -> None:
    burning = desk.case()
    mine = desk.case(owner_id=desk.officer("intake").id, state="open", urgency="soon", rank=1)
    frozen = desk.case(state="frozen", urgency="soon", rank=1)
    browser = desk.signed_in("intake")
    browser.post("/handover", text="the radio show at six brings many texts")
    page = desk.signed_in("second").get("/handover").get_data(as_text=True)
    for shown in (burning.handle, frozen.handle, "the radio show at six"):
        assert shown in page
    assert mine.handle in browser.get("/handover").get_data(as_text=True)
    with desk.site.db.reading() as session:
        assert b"radio" not in session.scalars(select(Handover)).one().sealed


# ---- what happened ----


def test_the_timeline_holds_every_text_and_every_look_and_no_word(desk: Desk) -> None:
    case, browser = desk.case("they took our papers"), desk.signed_in("intake")
    desk.signed_in("second").get(f"/case/{case.token}")
    browser.post(f"/case/{case.token}/reply", text="Is it far?")
    page = browser.get(f"/case/{case.token}/timeline").get_data(as_text=True)
    for part in ("Second</b> read an item", "wrote to a person", "Text came in", "Leaving now"):
        assert part in page
    assert "papers" not in page
    assert "Is it far" not in page


def locked_token(browser: Browser) -> str:
    """The CSRF token on the locked door."""
    page = browser.get("/lock").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    return found.group(1) if found else ""
