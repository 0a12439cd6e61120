"""Contacts told by e-mail and signed webhook beside the text: by the same outbox, with nothing of the case. All is invented."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from hotline.casework import announce
from hotline.casework.answers import Decision, answer
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.models import Contact, Lane, Message, Referral, Verb, table
from hotline.routing import sheet
from hotline.watch import invariants
from tests.gateways.vendors import SETTINGS
from tests.line import Line

CALLER = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
MAIL, HOOK = "desk@agency.example", "https://agency.example/hook"
CONTACT, MESSAGE = table(Contact), table(Message)


@pytest.fixture
def line(district: Deployment) -> Iterator[Line]:
    """A line whose every contact has an e-mail address, and the station a webhook."""
    wanted = {name: SETTINGS[name] for name in ("mail_host", "mail_from", "webhook_out")}
    site = Deployment(Settings(**{**district.settings.model_dump(), **wanted, "_env_file": None}))
    with site.db.transaction() as session:
        rows = sheet.read(sheet.write(session, site, site.db.now(session), actor="test"), site)
        for one in session.query(Contact):
            one.mail_sealed = site.keyring.fields.seal_text(MAIL, f"contact|mail|{one.id}")
            if one.name == "Kamembe police station":
                one.webhook_sealed = site.keyring.fields.seal_text(HOOK, f"contact|webhook|{one.id}")
    assert all(row.email is None for row in rows)
    yield Line(site)
    site.close()


def temporary(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.REFUSED, code="451", retry=True)


def greylisted(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.REFUSED, code="450", retry=True, theirs=True)


def test_an_alert_goes_by_every_way_and_those_beside_the_text_carry_a_code_and_a_link_alone(line: Line) -> None:
    line.says(CALLER, LOCKED_IN)
    handle, told = line.case()["handle"], len(line.rows(Referral))
    letters, hooks = line.carriers["mail"].sent, line.carriers["webhook"].sent
    assert ({text.to for text in letters}, len(letters)) == ({MAIL}, told)
    for letter in letters:
        assert handle in letter.body
        assert "http://127.0.0.1:8001/referrals" in letter.body
    assert [text.to for text in hooks] == [HOOK]
    said = json.loads(hooks[0].body)
    assert (said["type"], said["data"]) == ("referral.told", {"code": handle, "link": "http://127.0.0.1:8001/referrals"})
    everything = " ".join(text.body for text in (*letters, *hooks))
    assert not re.search(r"Kamembe|Rusizi|passport|locked|780\d{6}|URGENT|mineur|umwana", everything)
    assert {(row["gateway"], row["lane"]) for row in line.rows(Message, kind="alert")} == {
        ("simulator", Lane.LIFE),
        ("mail", Lane.REPLY),
        ("webhook", Lane.REPLY),
    }


def test_an_answer_cancels_what_has_not_left_by_any_way(line: Line) -> None:
    line.carriers["mail"].next = [greylisted] * 9
    line.carriers["webhook"].next = [greylisted]
    line.says(CALLER, LOCKED_IN)
    assert {row["state"] for row in line.rows(Message, gateway="mail")} == {"queued"}
    line.says("+250780000202", f"1 {line.case()['handle']}")
    assert {row["state"] for row in line.rows(Message, kind="alert") if row["gateway"] != "simulator"} == {"cancelled"}


def test_a_letter_that_was_not_taken_is_tried_again_by_the_same_way_and_then_set_aside(line: Line) -> None:
    station = str(line.contact("Kamembe police station")["id"])
    line.carriers["webhook"].next = [temporary] * 9
    line.says(CALLER, LOCKED_IN)
    for _ in range(5):
        line.later(minutes=16)
        line.work()
    (row,) = line.rows(Message, gateway="webhook", contact_id=station)
    assert (row["state"], row["attempts"], row["reason"]) == ("dead", 5, "451")
    assert len(line.carriers["webhook"].sent) == 5


def test_a_ladder_that_climbs_writes_again_and_somebody_excluded_is_written_to_by_no_way(line: Line) -> None:
    line.says(CALLER, LOCKED_IN)
    before = len(line.carriers["mail"].sent)
    line.tick(minutes=5)
    assert len(line.carriers["mail"].sent) > before
    line.forget()
    line.says("+250780000103", "The police at Kamembe police station took money and sell girls to the boss in Oman, help")
    station = line.contact("Kamembe police station")["id"]
    first = line.rows(Referral)[0]["case_id"]
    assert {row["case_id"] for row in line.rows(Message, kind="alert", contact_id=station)} == {first}
    assert line.carriers["webhook"].sent == []


def test_an_address_taken_away_is_written_to_no_more(line: Line) -> None:
    line.carriers["mail"].next = [greylisted] * 9
    line.says(CALLER, LOCKED_IN)
    with line.site.db.transaction() as session:
        session.execute(update(CONTACT).values(mail_sealed=None))
    line.later(minutes=1)
    line.work()
    assert {(row["state"], row["reason"]) for row in line.rows(Message, gateway="mail")} == {
        ("suppressed", "no such address any more")
    }


def test_nobody_wakes_from_a_letter_so_a_life_with_letters_alone_counts_as_unheard(line: Line) -> None:
    line.says(CALLER, LOCKED_IN)
    now = line.now + timedelta(seconds=1)
    with line.site.db.transaction() as session:
        assert invariants.unheard(session, line.site, now) == 0
        session.execute(update(MESSAGE).where(MESSAGE.c.kind == "alert", MESSAGE.c.gateway == "simulator").values(state="failed"))
        assert invariants.unheard(session, line.site, now) == 1


def test_each_change_of_a_referral_is_told_once_to_a_contact_with_a_webhook_and_nothing_of_one_taken_back(line: Line) -> None:
    line.says(CALLER, LOCKED_IN)
    line.forget()
    line.says("+250780000202", f"1 {line.case()['handle']}")

    def announced() -> list[dict[str, object]]:
        with line.site.db.transaction() as session:
            announce.changes(session, line.site, line.now)
        line.work()
        return [json.loads(text.body) for text in line.carriers["webhook"].sent]

    (said,) = announced()
    assert (said["type"], said["data"]["state"]) == ("referral.changed", "acknowledged")  # type: ignore[index]
    assert len(announced()) == 1
    line.says("+250780000202", f"5 {line.case()['handle']} 1")
    assert announced()[-1]["data"]["outcome"] == "rescued"  # type: ignore[index]
    with line.site.db.transaction() as session:
        session.execute(update(table(Referral)).values(state="withdrawn"))
    assert len(announced()) == 2


def test_who_has_no_phone_is_told_by_e_mail_alone_and_hears_the_same_way_that_it_is_taken(line: Line) -> None:
    office = str(line.contact("Labour inspector")["id"])
    with line.site.db.transaction() as session:
        session.execute(update(CONTACT).where(CONTACT.c.id == office).values(number_index=None, number_sealed=None))
    line.later(hours=12)
    line.says(CALLER, "My boss has not paid me for three months")
    handle, (row,) = line.case()["handle"], line.rows(Message, kind="alert", contact_id=office)
    assert row["gateway"] == "mail"
    (letter,) = [text for text in line.carriers["mail"].sent if text.id == row["id"]]
    assert "by text" not in letter.body
    assert [text.to for text in line.carriers["simulator"].sent if text.to != CALLER], "and somebody who has a phone is texted"
    line.forget()
    with line.site.db.transaction() as session:
        answer(session, line.site, Decision(office, Verb.TAKE, handle), line.now)
    line.later(hours=line.site.settings.return_normal_hours, minutes=1)
    line.tick()
    news = {text.body for text in line.carriers["mail"].sent if handle in text.body}
    assert any("something has changed" in body for body in news)
    assert not re.search("Rusizi|boss|paid", " ".join(news))
