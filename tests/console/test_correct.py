"""An officer sets triage right: the case takes it, the record names who, and what triage had seen is kept to learn from."""

import json

from click.testing import CliRunner
from sqlalchemy import select

from hotline.casework.correct import lessons
from hotline.models import AuditEvent, Case, Correction, NamedClue
from tests.console.desk import Desk

WORDS = "the teacher shouts at my cousin every day"


def corrected(desk: Desk, *, category: str = "child_protection", urgency: str = "soon") -> Case:
    case = desk.case(WORDS)
    desk.assess(
        case, rules_version="invented", variety="en", certainty=0.61, findings=[{"rule": "says-child", "words": "cousin"}]
    )
    seen = {"was_category": "trafficking", "was_urgency": "immediate"}
    answer = desk.signed_in("intake").post(f"/case/{case.token}/correct", category=category, urgency=urgency, **seen)
    assert answer.status_code in (303, 409)
    return case


def test_a_correction_becomes_the_cases_and_is_on_record(desk: Desk) -> None:
    case = corrected(desk)
    with desk.site.db.reading() as session:
        fresh = session.get_one(Case, case.id)
        assert (fresh.category, fresh.urgency, fresh.rank) == ("child_protection", "soon", 1)
        actions = session.scalars(select(AuditEvent.action).where(AuditEvent.object == case.handle)).all()
    assert "case.corrected" in actions


def test_what_triage_had_seen_is_sealed_and_without_the_callers_words(desk: Desk) -> None:
    corrected(desk)
    with desk.site.db.reading() as session:
        row = session.scalars(select(Correction)).one()
        assert b"says-child" not in row.sealed
        (lesson,) = lessons(session, desk.site)
    assert (lesson.said, lesson.right) == (("trafficking", "immediate"), ("child_protection", "soon"))
    assert lesson.rules == ("says-child",)
    assert lesson.certainty == 0.61
    assert "cousin" not in json.dumps(lesson.rules)


def test_saying_what_triage_said_is_no_correction(desk: Desk) -> None:
    corrected(desk, category="trafficking", urgency="immediate")
    with desk.site.db.reading() as session:
        assert session.scalars(select(Correction)).all() == []


def test_a_word_we_do_not_know_corrects_nothing(desk: Desk) -> None:
    case = corrected(desk, category="invented")
    with desk.site.db.reading() as session:
        assert session.get_one(Case, case.id).category == "trafficking"


def test_the_page_shows_what_others_name_too_and_the_form(desk: Desk) -> None:
    cases = [desk.case("car RAB 123 C at the bridge"), desk.case("that rab123c again")]
    for case in cases:
        desk.assess(case, clues=[{"kind": "plate", "value": "RAB123C", "start": 4, "end": 13}])
        with desk.site.db.transaction() as session:
            session.add(
                NamedClue(case_id=case.id, value_index=desk.site.clue_index("plate", "RAB123C"), kind="plate", at=case.opened_at)
            )
    page = desk.signed_in("intake").get(f"/case/{cases[0].token}").get_data(as_text=True)
    assert "Plate RAB123C</b>: 2 independent reports, 2 sources" in page
    assert "Set triage right" in page


def test_the_commands_of_triage_say_what_they_should(tmp_path: object) -> None:
    from hotline.cli import main  # noqa: PLC0415  the command line configures logs when it is imported

    told = CliRunner().invoke(main, ["triage", "--help"]).output
    assert {"evaluate", "explain", "lessons", "predict"} <= set(told.split())


def test_two_officers_set_it_right_at_once_and_both_are_shown(desk: Desk) -> None:
    case = corrected(desk)
    seen = {"was_category": "trafficking", "was_urgency": "immediate"}
    second = desk.signed_in("second")
    answer = second.post(f"/case/{case.token}/correct", category="gbv", urgency="immediate", **seen)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Possible harm to a child" in page
    assert "Possible violence" in page
    assert desk.again(case).category == "child_protection"
    meanwhile = {"was_category": "child_protection", "was_urgency": "soon"}
    assert second.post(f"/case/{case.token}/correct", category="gbv", urgency="immediate", **meanwhile).status_code == 303
    assert desk.again(case).category == "gbv"
