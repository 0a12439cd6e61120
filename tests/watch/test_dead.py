"""Dead letters: everything that stands still is on one list, moves once and on record, and nothing of it is read."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import (
    AuditEvent,
    Case,
    Inbox,
    InboxKind,
    InboxState,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Quarantine,
    QuarantineState,
    table,
)
from hotline.queue import QueueName
from hotline.watch import rules
from hotline.watch.dead import Letter, Source, life_waiting, listed
from hotline.watch.mend import Mender, Moved, NotForThis, mend
from hotline.watch.rules import Act, Rule, What
from tests.line import Line
from tests.watch.letters import NUMBER, WORDS, Letters
from workers import jobs

NOW = datetime.now(UTC)


def all_of(site: Deployment) -> dict[What, list[Letter]]:
    with site.db.reading() as session:
        letters = listed(session, site).letters
    return {what: [one for one in letters if one.judged.what is what] for what in What}


def only(site: Deployment, what: What) -> Letter:
    (letter,) = all_of(site)[what]
    return letter


def do(site: Deployment, letter: Letter, act: Act) -> None:
    with site.db.transaction() as session:
        who = Mender("officer:invented", site.db.now(session))
        mend(session, site, (letter.source, letter.name), act, letter.once, who)


def record(site: Deployment) -> list[tuple[str, str]]:
    with site.db.reading() as session:
        return [
            (event.action, event.meta.get("item", "")) for event in session.scalars(select(AuditEvent).order_by(AuditEvent.seq))
        ]


@pytest.fixture
def reading(deployment: Deployment) -> Iterator[Session]:
    with deployment.db.reading() as session:
        yield session


def test_everything_that_stands_still_is_on_one_list(letters: Letters) -> None:
    letters.one_of_each()
    found = all_of(letters.site)
    assert {what: len(some) for what, some in found.items()} == {
        What.ALERT: 2,
        What.NOTICE: 1,
        What.REPLY: 2,
        What.AUTO: 1,
        What.SENDING: 0,
        What.TEXT: 2,
        What.RECEIPT: 1,
        What.FILE: 1,
        What.FORGED: 2,
        What.UNTOLD: 1,
    }


def test_what_may_cost_a_life_stands_first_and_what_nobody_can_mend_last(letters: Letters) -> None:
    letters.one_of_each()
    with letters.site.db.reading() as session:
        found = listed(session, letters.site).letters
    lives = [letter.life for letter in found]
    assert lives == sorted(lives, reverse=True)
    assert {letter.judged.what for letter in found if letter.life} == {What.ALERT, What.TEXT, What.FILE}
    assert found[-1].judged.what in {What.AUTO, What.REPLY}


def test_no_word_and_no_number_is_in_a_letter(letters: Letters) -> None:
    letters.one_of_each()
    letters.message(reason=f"refused {NUMBER} because")
    shown = str(all_of(letters.site))
    assert NUMBER[1:] not in shown
    assert "locked" not in shown
    assert WORDS not in shown


@pytest.mark.parametrize(
    ("kind", "lane", "state", "rule", "acts"),
    [
        (MessageKind.ALERT, Lane.LIFE, MessageState.DEAD, Rule.ALERT, rules.AGAIN),
        (MessageKind.ALERT, Lane.REPLY, MessageState.UNKNOWN, Rule.ALERT, rules.AGAIN),
        (MessageKind.NOTICE, Lane.LIFE, MessageState.UNKNOWN, Rule.NOTICE, rules.AGAIN),
        (MessageKind.REPLY, Lane.REPLY, MessageState.DEAD, Rule.REPLY_UNSENT, rules.AGAIN),
        (MessageKind.REPLY, Lane.REPLY, MessageState.FAILED, Rule.REPLY_UNSENT, rules.AGAIN),
        (MessageKind.REPLY, Lane.REPLY, MessageState.UNKNOWN, Rule.REPLY_PERHAPS, rules.ONLY_SETTLE),
        (MessageKind.AUTO, Lane.REPLY, MessageState.FAILED, Rule.AUTO, rules.ONLY_SETTLE),
        (MessageKind.AUTO, Lane.REPLY, MessageState.UNKNOWN, Rule.AUTO, rules.ONLY_SETTLE),
        *((kind, Lane.BULK, MessageState.DEAD, Rule.SENDING, rules.ONLY_SETTLE) for kind in MessageKind),
    ],
)
def test_each_kind_has_its_rule(kind: MessageKind, lane: Lane, state: MessageState, rule: Rule, acts: tuple[Act, ...]) -> None:
    judged = rules.of_message(kind, lane, state)
    assert (judged.rule, judged.acts) == (rule, acts)


# ---- once, and on record ----------------------------------------------------------------------------------------


def test_an_alert_that_is_tried_again_leaves_once_however_often_the_form_is_sent(line: Line) -> None:
    line.says(NUMBER, WORDS + ", help me now, they will kill us")
    with line.site.db.transaction() as session:
        alerts = table(Message).c.kind == MessageKind.ALERT
        session.execute(update(table(Message)).where(alerts).values(state=MessageState.DEAD, settled_at=line.now))
    letter = all_of(line.site)[What.ALERT][0]
    line.forget()
    do(line.site, letter, Act.REPLAY)
    for _ in range(3):
        with pytest.raises(Moved):
            do(line.site, letter, Act.REPLAY)
    line.work()
    assert len(line.sent) == 1
    assert [action for action, _ in record(line.site)[-1:]] == ["dead.replay"]
    assert all(other.name != letter.name for other in all_of(line.site)[What.ALERT])


def test_two_clicks_at_the_same_moment_are_one_replay(letters: Letters) -> None:
    letters.message()
    letter, outcomes = only(letters.site, What.ALERT), []

    def click() -> None:
        try:
            do(letters.site, letter, Act.REPLAY)
        except Moved:
            outcomes.append("moved")
        else:
            outcomes.append("done")

    clicks = [threading.Thread(target=click) for _ in range(8)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sorted(outcomes) == ["done"] + ["moved"] * 7
    assert record(letters.site) == [("dead.replay", letter.item)]


def test_an_old_page_cannot_replay_what_has_died_again_since(line: Line) -> None:
    letters = Letters(line.site)
    letters.message(contact_id=line.contact("Bugarama police post")["id"], sealed=b"\x01rot")
    old = only(line.site, What.ALERT)
    do(line.site, old, Act.REPLAY)
    line.site.settings = line.site.settings.model_copy(update={"max_attempts": 1})
    jobs.deliver_batch(line.site, Lane.LIFE)
    with line.site.db.transaction() as session:
        session.execute(update(table(Message)).values(state=MessageState.DEAD))
    new = only(line.site, What.ALERT)
    assert new.once != old.once
    with pytest.raises(Moved):
        do(line.site, old, Act.REPLAY)
    do(line.site, new, Act.REPLAY)


def test_what_its_rule_forbids_is_not_done_and_not_on_record(letters: Letters) -> None:
    letters.message(MessageKind.REPLY, MessageState.UNKNOWN, Lane.REPLY)
    with pytest.raises(NotForThis):
        do(letters.site, only(letters.site, What.REPLY), Act.REPLAY)
    with letters.site.db.reading() as session:
        assert session.scalars(select(Message.state)).one() == MessageState.UNKNOWN
    assert record(letters.site) == []


def test_no_record_no_replay(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    letters.message()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("hotline.audit.record", broken)
    with pytest.raises(RuntimeError):
        do(letters.site, only(letters.site, What.ALERT), Act.REPLAY)
    assert only(letters.site, What.ALERT).state == MessageState.DEAD


@pytest.mark.parametrize(
    "what", [What.ALERT, What.NOTICE, What.REPLY, What.AUTO, What.TEXT, What.RECEIPT, What.FILE, What.FORGED]
)
def test_what_is_marked_handled_leaves_the_list_and_stays_stored(letters: Letters, what: What) -> None:
    letters.one_of_each()
    before, rows = all_of(letters.site), stored(letters)
    do(letters.site, before[what][0], Act.SETTLE)
    after = all_of(letters.site)
    assert len(after[what]) == len(before[what]) - 1
    assert stored(letters) == rows
    assert record(letters.site) == [("dead.settle", before[what][0].item)]


def stored(letters: Letters) -> int:
    with letters.site.db.reading() as session:
        rows = sum(len(session.scalars(select(model.id)).all()) for model in (Message, Inbox, Quarantine, Case))
    return rows + sum(path.is_file() for path in (letters.site.settings.instance / "spool").rglob("*"))


# ---- what a replay does -----------------------------------------------------------------------------------------


def test_a_text_nobody_has_read_becomes_a_report_when_it_is_tried_again(line: Line) -> None:
    line.text(NUMBER, WORDS)
    with line.site.db.transaction() as session:
        session.execute(update(table(Inbox)).values(state=InboxState.POISON, attempts=5, claim_token="gone"))
    line.site.bell.redis.flushall()
    do(line.site, only(line.site, What.TEXT), Act.REPLAY)
    assert line.site.bell.redis.exists(f"hotline:wake:{QueueName.INTAKE}")
    line.work()
    assert line.told(str(line.case()["id"])) == [WORDS]


def test_a_replayed_alert_is_valid_again(line: Line) -> None:
    letters = Letters(line.site, line.now)
    letters.message(contact_id=line.contact("Bugarama police post")["id"])
    do(line.site, only(line.site, What.ALERT), Act.REPLAY)
    (row,) = line.rows(Message)
    assert (row["state"], row["attempts"]) == (MessageState.QUEUED, 0)
    assert row["valid_until"] == line.now + timedelta(hours=12)


def test_a_case_nobody_was_told_of_climbs_at_once(line: Line) -> None:
    with line.site.db.transaction() as session:
        session.execute(update(table_of("contact")).values(active=False))
    line.says(NUMBER, WORDS + ", help me now, they will kill us")
    letter = only(line.site, What.UNTOLD)
    assert letter.life
    assert line.sent[1:] == []
    with line.site.db.transaction() as session:
        session.execute(update(table_of("contact")).values(active=True))
        mend(session, line.site, (letter.source, letter.name), Act.REPLAY, letter.once, Mender("officer:invented", line.now))
    line.tick(seconds=1)
    assert all_of(line.site)[What.UNTOLD] == []
    assert any("URGENT" in text.body for text in line.sent)


def test_an_item_somebody_has_acknowledged_waits_for_nobody(line: Line) -> None:
    letters = Letters(line.site)
    letters.message()
    letters.case()
    with line.site.db.transaction() as session:
        session.execute(update(table(Case)).values(acknowledged_at=line.now))
    assert all_of(line.site)[What.ALERT] == all_of(line.site)[What.UNTOLD] == []


def test_the_desk_asks_and_the_worker_checks_a_signature_again(line: Line) -> None:
    line.post({"MessageSid": "SM77", "From": NUMBER, "To": "7788", "Body": WORDS}, token="new-token")
    line.post({"MessageSid": "SM78", "From": NUMBER, "To": "7788", "Body": WORDS}, token="a-forger-s")
    (letter,) = all_of(line.site)[What.FORGED]
    assert letter.many == 2
    do(line.site, letter, Act.VERIFY)
    assert only(line.site, What.FORGED).state == QuarantineState.ASKED
    line.carriers["twilio"].real._tokens.append("new-token")
    jobs.check_asked(line.site)
    line.work()
    assert line.told(str(line.case()["id"])) == [WORDS]
    (left,) = all_of(line.site)[What.FORGED]
    assert (left.many, left.state) == (1, QuarantineState.HELD)


def test_a_file_goes_back_to_the_spool_or_is_put_away_and_nothing_opens_it(letters: Letters) -> None:
    first, second = sorted((letters.bad_file(), letters.bad_file()))
    first.chmod(0)
    letter, other = sorted(all_of(letters.site)[What.FILE], key=lambda one: one.name)
    assert (letter.name, letter.size) == (first.name, second.stat().st_size)
    do(letters.site, letter, Act.REPLAY)
    assert (first.parent.parent / first.name).exists()
    do(letters.site, other, Act.SETTLE)
    assert all_of(letters.site)[What.FILE] == []
    assert (second.parent / "settled" / second.name).exists()


def test_a_name_that_leads_elsewhere_is_no_dead_letter(letters: Letters) -> None:
    letters.bad_file()
    secret = letters.site.settings.keys / "field.key"
    for name in ("../../keys/field.key", str(secret), "..", ""):
        with pytest.raises(Moved), letters.site.db.transaction() as session:
            mend(session, letters.site, (Source.SPOOL, name), Act.REPLAY, "", Mender("officer:invented", NOW))
    assert secret.exists()


def test_a_folder_that_cannot_be_read_hides_nothing_else(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    letters.message()
    letters.bad_file()

    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "scandir", refuse)
    with letters.site.db.reading() as session:
        found = listed(session, letters.site)
    assert found.blind
    assert [letter.judged.what for letter in found.letters] == [What.ALERT]


# ---- who waits for more than a minute ---------------------------------------------------------------------------


@pytest.mark.parametrize("ago", [30, 90])
def test_a_life_counts_once_it_has_waited_for_a_minute(letters: Letters, reading: Session, ago: int) -> None:
    span = timedelta(seconds=ago)
    letters.message(ago=span)
    letters.webhook(ago=span)
    letters.case(ago=span)
    letters.message(MessageKind.REPLY, lane=Lane.REPLY, ago=span)
    letters.webhook(kind=InboxKind.STATUS, ago=span)
    letters.forged()
    assert life_waiting(reading, letters.site, letters.now) == (3 if ago > 60 else 0)


def test_a_page_holds_as_many_as_it_can_and_says_that_more_wait(letters: Letters) -> None:
    case = letters.told()
    for _ in range(55):
        letters.message(case=case)
    with letters.site.db.reading() as session:
        found = listed(session, letters.site)
    assert (len(found.letters), found.more) == (50, True)


def table_of(name: str) -> Table:
    return Message.metadata.tables[name]
