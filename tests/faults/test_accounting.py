"""The accounting says BROKEN when it is fed a lie: each figure has one that trips it, and the truth trips none."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.harness import books
from tests.faults.harness.accounting import RULES, account
from tests.faults.harness.facts import Accept, Acked, Act, Facts, Out, Row, Try
from tests.faults.harness.report import Page, bound, markdown, table

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MEASURED = {
    "acked while away": 1.0,
    "ack p99": 1.6,
    "spool empty after": 4.0,
    "5xx": 0.0,
    "acked while full": 9.0,
    "steps": 52.0,
    "steps that lost": 0.0,
    "runs": 1.0,
    "runs that lost": 0.0,
    "forgeries taken": 0.0,
    "forgeries stored": 0.0,
    "turned away": 1.0,
    "not mended": 0.0,
}
UNPOSTED = ("T-IN-3", "T-Q-3")  # these look at processes of their own
Lie = Callable[[Facts], Facts]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def truth() -> Facts:
    """A text for each act: taken, kept, read; its alert tried, broken off, tried again and taken; its answer sent once."""
    acts, acked, rows, out, accepts = [], [], [], [], []
    for name in ("calm", *RULES):
        text, body = f"text of {name}", f"Body={name}".encode()
        acts.append(Act(name, "something", 1, at=(at(3),), measured=MEASURED))
        acked.append(Acked(name, body, text, at(0), 0.01, name))
        rows.append(Row(name, "done", body, (text,), f"case of {name}"))
        tries = (Try(at(1), None, None), Try(at(20), at(21), "accepted"))
        out.append(Out(f"alert of {name}", "alert", True, "delivered", f"case of {name}", "police", at(1), tries))
        out.append(
            Out(
                f"answer to {name}",
                "auto",
                False,
                "accepted",
                f"case of {name}",
                "caller",
                at(1),
                (Try(at(1), at(2), "accepted"),),
            )
        )
        accepts += [Accept(f"alert of {name}", "twilio", at(2)), Accept(f"answer to {name}", "twilio", at(2))]
    receipts = {"alert of calm": frozenset({"sent", "delivered"})}
    return Facts("sqlite", tuple(acts), tuple(acked), tuple(rows), tuple(out), tuple(accepts), receipts)


def broken(facts: Facts) -> set[tuple[str, str]]:
    return {(line.promise, figure.what) for line in account(facts) for figure in line.figures if not figure.ok}


def texts(facts: Facts, which: Callable[[Out], bool], **changed: object) -> Facts:
    return replace(facts, out=tuple(replace(one, **changed) if which(one) else one for one in facts.out))  # type: ignore[arg-type]


def rows(facts: Facts, name: str, **changed: object) -> Facts:
    return replace(facts, rows=tuple(replace(row, **changed) if row.external_id == name else row for row in facts.rows))  # type: ignore[arg-type]


def measured(facts: Facts, **changed: float) -> Facts:
    named = {name.replace("_", " "): value for name, value in changed.items()}
    return replace(facts, acts=tuple(replace(act, measured=act.measured | named) for act in facts.acts))


def more(facts: Facts, *accepts: Accept) -> Facts:
    return replace(facts, accepts=(*facts.accepts, *accepts))


def is_alert(name: str) -> Callable[[Out], bool]:
    return lambda one: one.id == f"alert of {name}"


def is_answer(name: str) -> Callable[[Out], bool]:
    return lambda one: one.id == f"answer to {name}"


def without(facts: Facts, name: str) -> Facts:
    return replace(facts, rows=tuple(row for row in facts.rows if row.external_id != name))


def twice(facts: Facts, name: str) -> Facts:
    return replace(facts, rows=(*facts.rows, *(row for row in facts.rows if row.external_id == name)))


def untaken(facts: Facts, name: str) -> Facts:
    return replace(facts, accepts=tuple(one for one in facts.accepts if one.text != f"alert of {name}"))


def late(facts: Facts, name: str, seconds: float) -> Facts:
    return more(untaken(facts, name), Accept(f"alert of {name}", "twilio", at(seconds)))


def paged_twice(facts: Facts, name: str) -> Facts:
    again = [replace(one, id="again") for one in facts.out if is_alert(name)(one)]
    return more(replace(facts, out=(*facts.out, *again)), Accept("again", "twilio", at(2)))


def answered_twice(facts: Facts, name: str) -> Facts:
    return replace(facts, out=(*facts.out, *(replace(one, id="again") for one in facts.out if is_answer(name)(one))))


def refused_then_accepted(facts: Facts) -> Facts:
    return texts(facts, is_alert("calm"), tries=(Try(at(1), at(2), "refused"), Try(at(17), at(18), "accepted")))


ACKED = [name for name in RULES if name not in ("T-OUT-3", *UNPOSTED)]
TOLD = [name for name in RULES if name in ("T-Q-1", "T-Q-2", "T-Q-4", "T-IN-4", "T-IN-6", "T-OUT-3")]
LIES: dict[str, tuple[Lie, str, str]] = {
    **{f"{name}: a lost row": (lambda facts, name=name: without(facts, name), name, "lost") for name in ACKED},
    **{f"{name}: two rows": (lambda facts, name=name: twice(facts, name), name, "twice") for name in ACKED},
    **{
        f"{name}: two reports of one row": (
            lambda facts, name=name: rows(facts, name, told=(f"text of {name}",) * 2),
            name,
            "twice",
        )
        for name in ACKED
    },
    **{f"{name}: never read": (lambda facts, name=name: rows(facts, name, state="claimed"), name, "not read") for name in ACKED},
    **{f"{name}: poisoned": (lambda facts, name=name: rows(facts, name, state="poison"), name, "not read") for name in ACKED},
    **{f"{name}: parked": (lambda facts, name=name: rows(facts, name, state="parked"), name, "not read") for name in ACKED},
    **{f"{name}: no report made": (lambda facts, name=name: rows(facts, name, told=()), name, "not read") for name in ACKED},
    **{
        f"{name}: a byte changed": (lambda facts, name=name: rows(facts, name, body=b"Body=x"), name, "altered") for name in ACKED
    },
    **{
        f"{name}: a seal that does not open": (lambda facts, name=name: rows(facts, name, body=None), name, "altered")
        for name in ACKED
    },
    **{
        f"{name}: words changed": (lambda facts, name=name: rows(facts, name, told=("other",)), name, "altered") for name in ACKED
    },
    **{
        f"{name}: an alert that never left": (lambda facts, name=name: untaken(facts, name), name, "alerts never taken")
        for name in TOLD
    },
    "any 2xx lost": (lambda facts: without(facts, "calm"), "every 2xx", "lost"),
    "slow acks": (lambda facts: measured(facts, ack_p99=2.6), "T-IN-2", "ack p99"),
    "none acked while away": (lambda facts: measured(facts, acked_while_away=0), "T-IN-2", "acked while away"),
    "a spool that fills": (lambda facts: measured(facts, spool_empty_after=61), "T-IN-2", "spool empty after"),
    "a ballast that does not help": (lambda facts: measured(facts, acked_while_full=0), "T-IN-4", "acked while full"),
    "few steps tried": (lambda facts: measured(facts, steps=19), "T-IN-3", "steps"),
    "a step that lost": (lambda facts: measured(facts, steps_that_lost=1), "T-IN-3", "steps that lost"),
    "no poison tried": (lambda facts: measured(facts, runs=0), "T-Q-3", "runs"),
    "poison that spread": (lambda facts: measured(facts, runs_that_lost=1), "T-Q-3", "runs that lost"),
    "a forgery taken": (lambda facts: measured(facts, forgeries_taken=1), "T-IN-5", "forgeries taken"),
    "a forgery stored": (lambda facts: measured(facts, forgeries_stored=1), "T-IN-5", "forgeries stored"),
    "a wrong token that did": (lambda facts: measured(facts, turned_away=0), "T-IN-6", "turned away"),
    "a token never mended": (lambda facts: measured(facts, not_mended=1), "T-IN-6", "not mended"),
    "one report paged twice": (lambda facts: paged_twice(facts, "T-IN-7"), "T-IN-7", "committed twice"),
    "a nasty text turned away": (lambda facts: measured(facts, **{"5xx": 1}), "T-BAD-1", "5xx"),
    "a late alert": (lambda facts: late(facts, "T-Q-1", 23), "T-Q-1", "delay more p99"),
    "a late next try": (
        lambda facts: texts(facts, is_alert("T-Q-2"), tries=(Try(at(1), None, None), Try(at(34), at(35), "accepted"))),
        "T-Q-2",
        "life tried again within",
    ),
    "no try was broken off": (
        lambda facts: texts(facts, is_alert("T-Q-2"), tries=(Try(at(1), at(2), "accepted"),)),
        "T-Q-2",
        "life tried again within",
    ),
    "one contact paged twice": (lambda facts: paged_twice(facts, "T-Q-2"), "T-Q-2", "committed twice"),
    "a doubled answer": (lambda facts: answered_twice(facts, "T-Q-2"), "T-Q-2", "committed twice"),
    "a slow change of gateway": (lambda facts: late(facts, "T-OUT-3", 47), "T-OUT-3", "longest wait"),
    "an alert nobody took": (lambda facts: untaken(facts, "calm"), "T-OUT-1", "never taken"),
    "a copy more than tries": (
        lambda facts: more(facts, *[Accept("alert of calm", "b", at(9))] * 2),
        "T-OUT-1",
        "unexplained copies",
    ),
    "a copy of a refused try": (
        lambda facts: more(refused_then_accepted(facts), Accept("alert of calm", "twilio", at(9))),
        "T-OUT-1",
        "unexplained copies",
    ),
    "tried again though it had arrived": (
        lambda facts: texts(facts, is_alert("calm"), tries=(Try(at(1), at(2), "accepted"), Try(at(9), at(10), "accepted"))),
        "T-OUT-1",
        "unexplained copies",
    ),
    "an answer taken twice": (lambda facts: more(facts, Accept("answer to calm", "twilio", at(9))), "T-OUT-2", "taken twice"),
    "an answer tried again in doubt": (
        lambda facts: texts(facts, is_answer("calm"), tries=(Try(at(1), at(2), "unknown"), Try(at(9), at(10), "accepted"))),
        "T-OUT-2",
        "tried again in doubt",
    ),
    "a receipt that was overtaken": (lambda facts: texts(facts, is_alert("calm"), state="sent"), "T-ST-1", "ended otherwise"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_breaks_the_line_it_is_about(lie: str) -> None:
    told, promise, figure = LIES[lie]
    assert (promise, figure) in broken(told(truth()))


def test_the_truth_breaks_nothing_and_every_figure_has_a_lie() -> None:
    lines = account(truth())
    assert broken(truth()) == set()
    assert all(line.ok for line in lines)
    figures = {(line.promise, figure.what) for line in lines for figure in line.figures}
    assert figures - {(promise, figure) for _, promise, figure in LIES.values()} == {
        ("every 2xx", "twice"),
        ("every 2xx", "not read"),
        ("every 2xx", "altered"),
    }, "these are the same figures, over all texts"


def test_a_second_copy_is_explained_by_a_try_nobody_knew_the_end_of() -> None:
    assert broken(more(truth(), Accept("alert of calm", "twilio", at(20)))) == set()


def test_a_try_that_was_thought_lost_and_came_back_explains_a_copy() -> None:
    tries = (Try(at(1), at(31), "accepted"), Try(at(20), at(21), "accepted"))
    facts = texts(truth(), is_alert("calm"), tries=tries)
    assert broken(more(facts, Accept("alert of calm", "twilio", at(20)))) == set()


def test_the_last_try_is_the_one_that_left_last_also_by_a_gateway_without_ids(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    texts_out = [("other", ""), ("alert", "SM1"), ("alert", ""), ("reply", ""), ("reply", "SM2")]
    lines: list[dict[str, object]] = [
        {"kind": "text", "api": "twilio", "at": 1.0, "taken": True, "message": message} | ({"sid": sid} if sid else {})
        for message, sid in texts_out
    ]
    lines.append({"kind": "callback", "sid": "SM1", "status": "undelivered", "heard": 200})
    record.write_text("".join(json.dumps(line) + "\n" for line in lines))
    last, accepts, heard = books.taken(record)
    assert last == {"other": "", "alert": "", "reply": "SM2"}
    assert [one.text for one in accepts] == [message for message, _ in texts_out]
    assert heard == {"SM1": {"undelivered"}}


def test_an_answer_may_be_tried_again_after_a_refusal() -> None:
    tries = (Try(at(1), at(2), "refused"), Try(at(17), at(18), "accepted"))
    assert broken(texts(truth(), is_answer("calm"), tries=tries)) == set()


def test_an_alert_that_an_answer_made_needless_is_not_missed() -> None:
    assert broken(untaken(texts(truth(), is_alert("T-Q-4"), state="cancelled"), "T-Q-4")) == set()


def test_a_text_nobody_can_read_may_be_parked() -> None:
    facts = rows(truth(), "T-BAD-1", state="parked", told=(), case=None)
    assert ("T-BAD-1", "not read") in broken(facts)
    unreadable = tuple(replace(one, readable=one.act != "T-BAD-1") for one in facts.acked)
    assert broken(replace(facts, acked=unreadable)) == set()


@pytest.mark.parametrize("nothing", ["no text", "nothing done"])
def test_a_line_that_looked_at_nothing_is_broken(nothing: str) -> None:
    facts = truth()
    if nothing == "no text":
        facts = replace(facts, acked=tuple(one for one in facts.acked if one.act != "T-Q-4"))
    else:
        facts = replace(facts, acts=tuple(replace(act, times=0) if act.name == "T-Q-4" else act for act in facts.acts))
    assert [line.promise for line in account(facts) if not line.ok] == ["T-Q-4"]


def test_only_the_promises_that_were_played_have_a_line() -> None:
    facts = truth()
    played = replace(facts, acts=tuple(act for act in facts.acts if act.name == "T-IN-1"), receipts={})
    assert [line.promise for line in account(played)] == ["T-IN-1", "every 2xx", "T-OUT-1", "T-OUT-2"]


def test_the_table_and_the_page_show_what_is_broken() -> None:
    found = {"sqlite": account(without(truth(), "T-IN-1"))}
    page = markdown(found, Page("make faults", 7, date(2026, 11, 24), 300))
    assert "| **BROKEN** | sqlite | T-IN-1 |" in page
    assert "| ok | sqlite | T-Q-4 |" in page
    assert "**1 lost of 14 acknowledged.** Nothing is proved" in page
    assert table(found).row_count == len(found["sqlite"])


def test_every_line_stands_on_the_page_of_promises() -> None:
    page = (Path(__file__).parents[2] / "docs" / "safety.md").read_text(encoding="utf-8")
    assert {line.promise for line in account(truth()) if f"| {line.promise} |" not in page} == {"every 2xx"}


def test_none_lost_of_a_hundred_thousand_proves_three_in_a_hundred_thousand() -> None:
    assert "fewer than 3.0 in 100,000" in bound(0, 100_000)
    assert "fewer than 150.0 in 100,000" in bound(0, 2_000)
