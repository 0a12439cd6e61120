"""Strangers who name one plate are linked, and nobody learns who they are."""

from sqlalchemy import select

from hotline.casework.links import links
from hotline.models import Case, NamedClue
from tests.line import Line
from workers import jobs

CAR = "A white car RAB 123 C took three girls from the market towards Ruhwa last night"
SAME_CAR = "jana imodoka rab-123-c yatwaye abakobwa ku mupaka, umushoferi yarabakanguriraga kwihuta cyane"
OTHER_CAR = "A man in a car RAD 999 X took two boys from school to the border"


def kept(line: Line, texts: list[tuple[str, str]]) -> list[Case]:
    """Send texts, each from a phone, and return the cases in order."""
    for phone, text in texts:
        line.text(phone, text)
    while jobs.drain_batch(line.site):
        pass
    with line.site.db.reading() as session:
        return list(session.scalars(select(Case).order_by(Case.opened_at, Case.id)))


def test_two_strangers_who_name_one_plate_are_linked(line: Line) -> None:
    cases = kept(line, [("+250780000201", CAR), ("+250780000202", SAME_CAR), ("+250780000203", OTHER_CAR)])
    with line.site.db.reading() as session:
        found = {case.id: [link for link in links(session, case.id) if link.kind == "plate"] for case in cases}
    assert sorted(len(plates) for plates in found.values()) == [0, 1, 1]
    assert [(link.reports, link.sources) for plates in found.values() for link in plates] == [(2, 2), (2, 2)]


def test_a_chain_letter_from_two_phones_is_seen_to_be_one_text(line: Line) -> None:
    letter = "Need {} housemaids in Oman, free visa and ticket, good salary, call the agent today, please share"
    cases = kept(line, [("+250780000204", letter.format(20)), ("+250780000205", letter.format(45))])
    with line.site.db.reading() as session:
        assert {(link.kind, link.reports) for case in cases for link in links(session, case.id)} == {("wording", 2)}


def test_a_report_that_grows_keeps_each_clue_once(line: Line) -> None:
    kept(line, [("+250780000206", CAR)])
    cases = kept(line, [("+250780000206", "again that car RAB123C is here, the driver is called Eric")])
    with line.site.db.reading() as session:
        plates = session.scalars(select(NamedClue).where(NamedClue.kind == "plate")).all()
    assert len(cases) == len(plates) == 1


def test_what_is_stored_of_a_clue_is_a_keyed_hash(line: Line) -> None:
    kept(line, [("+250780000207", CAR)])
    with line.site.db.reading() as session:
        row = session.scalars(select(NamedClue).where(NamedClue.kind == "plate")).one()
    assert row.value_index == line.site.clue_index("plate", "RAB123C")
    assert b"RAB123C" not in row.value_index
    assert row.value_index != line.site.clue_index("phone", "RAB123C")
