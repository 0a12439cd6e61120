"""Being told is not acting: officers without internet say by text what they do, and what came of it. All people are invented."""

import re

import pytest
from sqlalchemy import select

from hotline import comeback, handle
from hotline.casework import referral as steps
from hotline.casework.read import key_of
from hotline.models import (
    Case,
    Contact,
    Fact,
    Ground,
    Note,
    Officer,
    Outcome,
    Reason,
    Referral,
    ReferralState,
    Report,
    ReturnCode,
    SharedFact,
)
from hotline.officers import enrol
from hotline.roles import Role
from hotline.routing import reasons
from hotline.routing.reasons import WhyNot
from tests.line import Line

CALLER = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


def start(line: Line) -> tuple[str, str, str]:
    """Open a case; returns its handle and the numbers of the two contacts who were told."""
    line.says(CALLER, LOCKED_IN)
    first, second = (text.to for text in line.carriers["simulator"].sent)
    return str(line.case()["handle"]), first, second


def said(line: Line, number: str, body: str) -> str:
    """Let a contact text and return the one text that comes back."""
    line.forget()
    (back,) = line.says(number, body)
    return back


def referral(line: Line, number: str) -> Referral:
    index = line.site.number_index(number)
    with line.site.db.reading() as session:
        theirs = select(Referral).join(Contact).where(Contact.number_index == index)
        return session.scalars(theirs).unique().one()


def reopened(line: Line) -> Case:
    with line.site.db.reading() as session:
        return session.scalars(select(Case)).unique().one()


def enrolled(line: Line) -> Officer:
    with line.site.db.transaction() as session:
        enrol(session, line.site, name="anybody", display_name="A.", role=Role.INTAKE, password="an invented password")
        return session.scalars(select(Officer)).unique().one()


def news(line: Line) -> str:
    """What the return code of the one case says."""
    case = reopened(line)
    with line.site.db.transaction() as session:
        session.merge(ReturnCode(**comeback.row(line.site, "0750000001", case.id, line.site.db.now(session))))
        phone = handle.make()
        return comeback.ask(session, line.site, "0750000001", phone, line.site.db.now(session))


def test_an_agency_takes_accepts_and_says_how_it_ended_all_by_text(line: Line) -> None:
    code, first, _ = start(line)
    assert news(line) == "kept"
    said(line, first, f"1 {code}")
    assert news(line) == "read"
    assert f"5 {code}" in said(line, first, f"4 {code}")
    accepted = referral(line, first)
    assert (accepted.state, accepted.accepted_at is not None) == (ReferralState.ACCEPTED, True)
    assert news(line) == "working"
    assert "1 rescued" in said(line, first, f"5 {code}")
    assert referral(line, first).state == ReferralState.ACCEPTED
    assert code in said(line, first, f"5 {code} 2")
    ended = referral(line, first)
    assert (ended.state, ended.outcome) == (ReferralState.OUTCOME, Outcome.SAFE)
    assert news(line) == "ended"


def test_whoever_accepts_without_having_taken_it_has_taken_it(line: Line) -> None:
    code, first, _ = start(line)
    said(line, first, f"accept {code}")
    assert line.case()["acknowledged_by_id"] == referral(line, first).contact_id
    line.forget()
    line.tick(minutes=30)
    assert line.sent == []


def test_two_agencies_may_work_on_one_case_and_it_ends_when_both_have_said_so(line: Line) -> None:
    code, first, second = start(line)
    for number in (first, second):
        said(line, number, f"4 {code}")
    said(line, first, f"5 {code} 1")
    assert news(line) == "working"
    said(line, second, f"5 {code} 3")
    assert news(line) == "ended"


@pytest.mark.parametrize(("digit", "outcome"), [(at + 1, outcome) for at, outcome in enumerate(Outcome)])
def test_each_outcome_has_its_digit_and_may_be_corrected(line: Line, digit: int, outcome: Outcome) -> None:
    code, first, _ = start(line)
    said(line, first, f"5 {code} 7")
    said(line, first, f"5 {code} {digit}")
    assert referral(line, first).outcome == outcome


@pytest.mark.parametrize("later", ["1 {}", "2 {}", "3 {} 1", "4 {}"])
def test_what_they_said_of_its_end_stands_until_they_correct_it(line: Line, later: str) -> None:
    code, first, _ = start(line)
    said(line, first, f"5 {code} 1")
    assert f"5 {code}" in said(line, first, later.format(code))
    assert (referral(line, first).state, referral(line, first).outcome) == (ReferralState.OUTCOME, Outcome.RESCUED)


def test_what_ended_without_an_end_is_no_end_for_the_person(line: Line) -> None:
    code, first, _ = start(line)
    said(line, first, f"5 {code} 6")
    assert news(line) == "read"


def test_who_declines_says_why_and_the_next_is_told(line: Line) -> None:
    code, first, _ = start(line)
    said(line, first, f"3 {code} 3")
    declined = referral(line, first)
    assert (declined.state, declined.reason) == (ReferralState.DECLINED, Reason.NO_MEANS)
    line.forget()
    line.tick(seconds=5)
    assert line.sent
    assert all(first != text.to for text in line.carriers["simulator"].sent)


def test_words_with_a_code_become_a_note_and_nothing_is_sent_to_the_person(line: Line) -> None:
    code, first, _ = start(line)
    assert code in said(line, first, f"{code} the house is behind the market, two men at the gate")
    said(line, first, f"1 {code} leaving now with two colleagues from the post")
    said(line, first, f"2 {code} thank you")
    with line.site.db.reading() as session:
        case = reopened(line)
        notes = session.scalars(select(Note).order_by(Note.id)).all()
        key = key_of(session, line.site, case)
        words = [key.open_text(note.sealed, f"note|sealed|{note.id}") for note in notes]
    assert ["behind the market" in words[0], "two colleagues" in words[1], len(words)] == [True, True, 2]


def test_what_only_looks_like_a_code_is_a_report_and_stays_one(line: Line) -> None:
    _, first, _ = start(line)
    other = handle.make()
    line.says(first, f"{other} is the plate of the car that took the girl to the border")
    line.says(first, f"4 {other} they have four girls in the house near the river")
    assert len(line.rows(Report)) == 2


def test_who_takes_it_and_sends_no_news_loses_it(line: Line) -> None:
    code, first, _ = start(line)
    said(line, first, f"1 {code}")
    line.forget()
    line.tick(minutes=59)
    assert line.sent == []
    line.tick(minutes=2)
    back = referral(line, first)
    assert (back.state, back.reason) == (ReferralState.PASSED_ON, Reason.NO_NEWS)
    assert line.case()["acknowledged_at"] is None
    line.tick(seconds=5)
    told = [text.to for text in line.carriers["simulator"].sent]
    assert first in told  # that it was taken back
    assert len(set(told)) > 1  # and others that it waits


def test_who_works_on_it_keeps_it(line: Line) -> None:
    code, first, _ = start(line)
    said(line, first, f"4 {code}")
    line.forget()
    for _ in range(5):
        line.tick(minutes=45)
    assert line.sent == []
    assert referral(line, first).state == ReferralState.ACCEPTED


def test_a_fact_is_told_once_on_one_ground_and_consent_is_news(line: Line) -> None:
    code, first, _ = start(line)
    said(line, first, f"4 {code}")
    case, officer = reopened(line), enrolled(line)
    with line.site.db.transaction() as session:
        one = session.get_one(Referral, referral(line, first).id)
        kept = session.get_one(Case, case.id)
        now = line.site.db.now(session)
        assert steps.share(session, kept, one, [Fact.PLACE, Fact.AGES], Ground.DANGER, officer=officer, now=now) == 2
    assert news(line) == "working"
    with line.site.db.transaction() as session:
        one, kept = session.get_one(Referral, one.id), session.get_one(Case, case.id)
        assert steps.share(session, kept, one, [Fact.PLACE, Fact.WHAT], Ground.CONSENT, officer=officer, now=now) == 1
    assert news(line) == "passed_on"
    with line.site.db.reading() as session:
        shared = {fact.fact: fact.ground for fact in session.scalars(select(SharedFact))}
    assert shared == {"place": "danger", "ages": "danger", "what": "consent"}


def test_everybody_was_told_or_has_a_reason_why_not(line: Line) -> None:
    start(line)
    case = reopened(line)
    with line.site.db.reading() as session:
        told = len(session.scalars(select(Referral.id)).all())
        untold = reasons.untold(session, line.site, case)
        everybody = len(session.scalars(select(Contact.id)).all())
    assert told + len(untold) == everybody
    by_name = {one.name: one.why for one in untold}
    assert by_name["Labour inspector"] == WhyNot.OTHER_MATTER
    assert by_name["District supervisor"] == WhyNot.HIGHER
    assert by_name["Child protection, Rusizi"] in {WhyNot.ONLY_CHILDREN, WhyNot.OTHERS_FIRST}


def test_the_texts_of_all_languages_name_the_same_digits(line: Line) -> None:
    for language in ("en", "fr", "rw"):
        text = line.site.words.text("staff.outcomes", language, code="K7-4QM9")
        assert re.findall(r"\b([1-7]) (?!K7)[^\d]", text) == list("1234567")
