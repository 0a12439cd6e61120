"""T-ESC-2: the directory keeps a last resort, and somebody is always reached. All people and numbers are invented."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select

from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.models import Contact, Duty, Message, Spell, new_id, table
from hotline.routing import keeping, sheet
from tests.line import Line
from workers import clock

CALLER, PARTNER = "+250780000101", "+250780000231"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
CONTACT, DUTY, SPELL = table(Contact), table(Duty), table(Spell)


def change(line: Line, contact: Contact, **cells: str) -> None:
    with line.site.db.transaction() as session:
        known = sheet.cells(line.site, contact)
        keeping.change(session, line.site, session.get_one(Contact, contact.id), known | cells, line.now, actor="test")


@pytest.mark.parametrize("cells", [{"last_resort": "no"}, {"active": "no"}])
def test_the_last_last_resort_cannot_be_taken_away(line: Line, cells: dict[str, str]) -> None:
    with line.reading() as session:
        contacts = session.scalars(select(Contact).where(Contact.last_resort).order_by(Contact.id)).unique().all()
    *others, last = contacts
    for one in others:
        change(line, one, **cells)
    with pytest.raises(sheet.Refused) as refused:
        change(line, last, **cells)
    assert [fault.column for fault in refused.value.faults] == ["last_resort"]
    with line.site.db.transaction() as session:
        rows = sheet.read(sheet.write(session, line.site, line.now, actor="test"), line.site)
        nobody = [replace(row, last_resort=False) for row in rows]
        with pytest.raises(sheet.Refused):
            sheet.take(session, line.site, nobody, line.now, actor="test")
        kept = session.scalars(select(Contact).where(Contact.last_resort, Contact.active)).unique().all()
    assert [one.id for one in kept] == [last.id]


def test_when_every_shift_is_over_the_last_resort_is_rung_at_once_though_away(line: Line) -> None:
    with line.site.db.transaction() as session:
        session.execute(delete(DUTY))
        away = {"begins": line.now - timedelta(days=1), "ends": line.now + timedelta(days=1), "on_duty": False}
        people = session.scalars(select(CONTACT.c.id)).all()
        session.execute(insert(SPELL), [{"id": new_id(), "contact_id": one, **away} for one in people])
    line.says(CALLER, LOCKED_IN)
    told = {text.to for text in line.sent} - {CALLER}
    assert PARTNER in told
    assert len(told) >= 2


def test_a_bad_number_is_skipped_within_five_seconds(line: Line) -> None:
    """The clock's next round tells somebody of another agency in its place, and the ladder goes on as it was."""
    line.later(hours=12)
    bad: list[str] = []
    for carrier in line.carriers.values():
        carrier.send = refusing(bad, carrier.send)
    line.says(CALLER, LOCKED_IN)
    told = alerted(line)
    assert (len(bad), len(told)) == (1, 1)
    before = line.case()
    line.later(seconds=5)
    clock.round_(line.site)
    line.work()
    (instead,) = alerted(line) - told
    assert agency(line, instead) != agency(line, *told)
    assert (line.case()["ladder_step"], line.case()["next_step_at"]) == (0, before["next_step_at"])
    for _ in range(3):
        line.later(seconds=5)
        clock.round_(line.site)
        line.work()
    assert alerted(line) == told | {instead}
    assert len(line.rows(Message, kind="alert")) == 3, "each once"


def refusing(bad: list[str], send: Callable[[Sequence[OutboundText]], list[Sent]]) -> Callable[..., list[Sent]]:
    """Refuse for good whatever goes to the first contact who is texted."""

    def one(text: OutboundText) -> Sent:
        if not bad and text.to != CALLER:
            bad.append(text.to)
        return Sent(text.id, Certainty.REFUSED, code="no such number") if text.to in bad else send([text])[0]

    return lambda texts: [one(text) for text in texts]


def alerted(line: Line) -> set[str]:
    return {text.to for text in line.sent if text.to != CALLER}


def agency(line: Line, number: str) -> str:
    (row,) = line.rows(Contact, number_index=line.site.number_index(number))
    return str(row["agency_id"])
