"""One text told twice is read once, two texts that say the same are two; nothing is dropped, and what is doubtful is flagged.

The network plays gateways that give no id, tell the time of sending, or tell of one SMS under two ids. Numbers are invented.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from hotline.deployment import Deployment
from hotline.models import Caller, Case, Inbox, InboxFlag, InboxState, Message, Report, table
from tests.line import Line, in_three_sizes

PHONE, OTHER = "+250780000101", "+250780000102"
LOCKED_IN = "They locked me in a house in Kamembe, help me"
MORNING = "2026-11-23T08:00:00+02:00"


def network(line: Line, fields: Mapping[str, str], kind: str = "sms") -> int:
    """Post a webhook of the phones' network and return the status it hears."""
    body = urlencode(fields).encode()
    target = f"/in/simulator/{kind}"
    phones = line.site.shelf.get("simulator")
    signed = {"X-Simulator-Signature": phones.real.sign(target, body)}  # type: ignore[union-attr]
    return line.client.post(target, data=body, headers=signed).status_code


def android(line: Line, event: str, body: str = LOCKED_IN, *, sender: str = PHONE, at: str = MORNING) -> None:
    """Tell of an SMS as a phone does that may tell of it again under another id."""
    fields = {"id": event, "from": sender, "to": "7788", "text": body, "at": at, "doubled": "1"}
    assert network(line, fields) == 200


def nameless(line: Line, body: str = LOCKED_IN, **more: str) -> None:
    assert network(line, {"from": PHONE, "to": "7788", "text": body, **more}) == 200


def flags(line: Line) -> list[str | None]:
    return [row["flag"] for row in line.rows(Inbox)]


def told(line: Line) -> list[str]:
    return [words for case in line.rows(Case) for words in line.told(str(case["id"]))]


def answers(line: Line, number: str = PHONE) -> list[str]:
    return line.to(number)


@pytest.mark.parametrize("together", [True, False])
def test_one_sms_under_two_ids_is_told_once_and_answered_once(line: Line, together: bool) -> None:  # noqa: FBT001
    android(line, "a1")
    if not together:
        line.work()
    android(line, "a2", at="2026-11-23T08:00:01+02:00")
    line.work()
    first, second = line.rows(Inbox)
    assert (first["flag"], second["flag"], second["same_as"]) == (None, InboxFlag.TWIN, first["id"])
    assert (first["state"], second["state"]) == (InboxState.DONE, InboxState.DONE), "both rows are kept"
    assert told(line) == [LOCKED_IN]
    assert len(answers(line)) == 1


def test_a_twin_alone_in_its_batch_moves_nothing(line: Line) -> None:
    android(line, "a1")
    line.work()
    before = [dict(row) for model in (Case, Report, Caller, Message) for row in line.rows(model)]
    line.later(seconds=3)
    android(line, "a2")
    line.work()
    assert [dict(row) for model in (Case, Report, Caller, Message) for row in line.rows(model)] == before


@pytest.mark.parametrize(
    "second",
    [
        {"at": "2026-11-23T08:02:00+02:00"},
        {"sender": OTHER},
        {"body": LOCKED_IN + "!"},
    ],
    ids=["minutes later", "another phone", "other words"],
)
def test_what_is_another_text_is_not_folded(line: Line, second: dict[str, str]) -> None:
    android(line, "a1")
    android(line, "a2", **second)
    line.work()
    assert flags(line) == [None, None]
    assert len(told(line)) == 2


def test_a_text_repeated_each_half_minute_does_not_vanish_in_a_chain(line: Line) -> None:
    for number in range(5):
        minute, second = divmod(number * 30, 60)
        android(line, f"a{number}", at=f"2026-11-23T08:{minute:02}:{second:02}+02:00")
    line.work()
    assert flags(line) == [None, InboxFlag.TWIN, InboxFlag.TWIN, None, InboxFlag.TWIN], "the first of each minute is a text"
    assert len(told(line)) == 2


def test_the_last_of_stop_start_stop_counts_and_a_stop_told_twice_is_confirmed_once(line: Line) -> None:
    android(line, "a0")
    line.work()
    for number, word in enumerate(("STOP", "START", "STOP")):
        for telling in range(2):
            android(line, f"b{number}{telling}", word, at=f"2026-11-23T08:01:{number * 10 + telling:02}+02:00")
        line.work()
    (caller,) = line.rows(Caller)
    assert caller["opted_out_at"] is not None
    assert flags(line)[1:] == [None, InboxFlag.TWIN] * 3
    assert len(answers(line)) == 1 + 3


def test_a_gateway_with_ids_of_its_own_is_believed(line: Line) -> None:
    for sid in ("SM1", "SM2"):
        line.text(PHONE, LOCKED_IN, sid=sid)
    line.work()
    assert flags(line) == [None, None]
    assert [row["likeness"] for row in line.rows(Inbox)] == [None, None], "and pays for nothing"
    assert told(line) == [LOCKED_IN] * 2


@pytest.mark.parametrize("together", [True, False])
def test_two_texts_without_id_are_both_kept_both_read_and_the_later_is_flagged(line: Line, together: bool) -> None:  # noqa: FBT001
    nameless(line)
    if not together:
        line.work()
    nameless(line)
    nameless(line, "Other words")
    line.work()
    first, second, _ = line.rows(Inbox)
    assert flags(line) == [None, InboxFlag.ALIKE, None]
    assert second["same_as"] == first["id"]
    assert told(line) == [LOCKED_IN, LOCKED_IN, "Other words"]


def test_without_id_the_time_of_sending_tells_a_second_try_from_a_second_text(line: Line) -> None:
    for at in (MORNING, MORNING, "2026-11-23T08:00:02+02:00", MORNING):
        nameless(line, at=at)
    assert len(line.rows(Inbox)) == 2, "the same text of the same second is the gateway trying again"
    line.work()
    assert flags(line) == [None, InboxFlag.ALIKE]
    assert told(line) == [LOCKED_IN] * 2


def test_whose_text_it_is_and_to_whom_belongs_to_what_a_text_without_id_is_known_by(line: Line) -> None:
    for more in ({}, {"from": OTHER}, {"to": "7799"}, {"text": "Other words"}):
        assert network(line, {"from": PHONE, "to": "7788", "text": LOCKED_IN, "at": MORNING} | more) == 200
    assert len(line.rows(Inbox)) == 4
    for row in line.rows(Inbox):
        assert str(row["external_id"]).startswith("hash-")
        assert PHONE not in str(row["external_id"])


def test_the_hash_is_worth_nothing_without_its_key(line: Line, deployment: Deployment) -> None:
    nameless(line, at=MORNING)
    key = deployment.settings.keys / "repeat.key"
    key.write_bytes(b"another key" * 3)
    deployment.keyring._cache.pop("repeat.key")
    nameless(line, at=MORNING)
    assert len(line.rows(Inbox)) == 2
    key.unlink()
    deployment.keyring._cache.pop("repeat.key")
    nameless(line, at=MORNING)
    assert len(line.rows(Inbox)) == 3, "no key is no reason to turn a text away"


def test_a_receipt_without_id_that_comes_twice_is_one(line: Line) -> None:
    receipt = {"provider_id": "sim-1", "status": "delivered"}
    for fields in (receipt, receipt, {**receipt, "status": "sent"}):
        assert network(line, fields, kind="status") == 200
    assert len(line.rows(Inbox)) == 2


def test_flags_can_be_counted(line: Line) -> None:
    for number in range(3):
        android(line, f"a{number}")
        nameless(line, "Ndi i Kamembe")
    line.work()
    inbox = table(Inbox)
    with line.reading() as session:
        counted = session.execute(select(inbox.c.flag, func.count()).group_by(inbox.c.flag)).all()
    assert dict(map(tuple, counted)) == {None: 2, InboxFlag.TWIN: 2, InboxFlag.ALIKE: 2}


# ---- T-IN-7: duplicates -----------------------------------------------------------------------------------------


def deliver_each(line: Line, webhooks: Sequence[tuple[str, int]]) -> None:
    """Send each webhook so many times, all mixed, from eight clients at once."""
    posts = [number for turn in range(7) for number, (_, times) in enumerate(webhooks) if turn < times]

    def post(number: int) -> int:
        fields = {"MessageSid": webhooks[number][0], "From": PHONE[:-3] + f"{number % 1000:03}", "Body": f"Text {number}"}
        return line.post(fields).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(post, posts)) == {200}


@pytest.mark.parametrize("count", in_three_sizes(500, 5000, 20_000))
def test_webhooks_sent_up_to_seven_times_by_eight_clients_are_one_row_each(line: Line, count: int) -> None:
    webhooks = [(f"SM{number:032x}", number % 7 + 1) for number in range(count)]
    deliver_each(line, webhooks)
    with line.reading() as session:
        stored = session.scalars(select(Inbox.external_id)).all()
    assert sorted(stored) == [sid for sid, _ in webhooks]
