"""Death at every step: what was promised is kept, whatever moment a process ends at, and nothing is stored twice.

Each test forks a process that takes webhooks or empties the spool and ends itself at the step of the test's name.
"""

import threading
from collections.abc import Callable

import pytest

from hotline import inbound
from hotline.deployment import Deployment
from hotline.gateways.twilio import Twilio
from hotline.in_time import GroupCommit
from hotline.intake import ballast, spool
from hotline.intake.spool import Spool
from hotline.models import Case, Inbox
from hotline.privacy import InboxSeal
from hotline.queue import Bell, Ringer
from tests.conftest import STORES
from tests.faults.dying import BROKE, DEAD, End, Step, arm, forked, own_os, steps
from tests.line import Line
from workers import clock

TEXTS = 5
AWAY = "postgresql://nobody@127.0.0.1:9/nothing"
NOWHERE = Step("nowhere", Twilio, "answer", before=True, call=99)


class Lazy:
    """Stands for the `os` that a module of the child will get."""


OS = Lazy()
INGEST = [
    *steps("the signature is checked", Twilio, "verify"),
    *steps("the id is read", Twilio, "external_id"),
    *steps("the webhook is enclosed", inbound, "enclose"),
    *steps("it is sealed", InboxSeal, "seal"),
    *steps("it is given to the writer", GroupCommit, "put"),
    *steps("the group is written", GroupCommit, "_write"),
    Step("the commit", None, "commit", before=True, call=3),
    *steps("the group is committed", GroupCommit, "_commit"),
    *steps("it is rung for", Ringer, "ring"),
    *steps("the bell rings", Bell, "ring", call=1),
    *steps("the answer is found", Twilio, "answer"),
    *steps("the door has answered", inbound.Door, "_respond"),
]
SPOOL = [
    *steps("the spool is asked", Spool, "keep"),
    *steps("it is packed", spool, "pack"),
    *steps("the file is opened", OS, "open", call=7),  # two a webhook: the file and its folder, and once the folder above
    *steps("the file is flushed", OS, "fsync", call=6),
    *steps("the file is renamed", spool.Path, "rename"),
    *steps("the folder is flushed", spool, "_sync", call=4),
    *steps("the spooled is answered", Twilio, "answer"),
]
FLUSH = [
    *steps("the files are listed", Spool, "waiting", call=1),
    *steps("a file is read", spool, "unpack", call=2),
    *steps("a bad file is set aside", spool, "_set_aside", call=1),
    *steps("a bad file is moved", spool.Path, "rename", call=1),
    *steps("rows are inserted", spool, "_insert", call=2),
    Step("the commit of the rows", None, "commit", before=True, call=3),
    *steps("a file is removed", spool.Path, "unlink", call=2),
    *steps("the ballast is tended", ballast.Ballast, "tend", call=1),
]


def sid(number: int) -> str:
    return f"SM{number:032x}"


def post(line: Line, number: int) -> int:
    body = {"MessageSid": sid(number), "From": f"+25078000010{number}", "To": "7788", "Body": f"Mudufashe {number}"}
    return line.post(body).status_code


def dying(site: Deployment, step: Step) -> Deployment:
    """Return a deployment for a child that will die at a step."""
    mine = Deployment(site.settings)
    if step.owner is OS:
        step = Step(step.name, own_os(spool), step.attribute, step.before, step.call)
    arm(step, mine)
    return mine


def taken_until(site: Deployment, step: Step, url: str | None = None) -> End:
    """Take webhooks one after the other in a process that dies at a step; it says the id of each it promised."""

    def work(say: Callable[[str], None]) -> None:
        chosen = site.settings if url is None else site.settings.model_copy(update={"database_url": url})
        line = Line(dying(Deployment(chosen), step))
        for number in range(TEXTS):
            if post(line, number) == 200:
                say(sid(number))
        if step is not NOWHERE:
            threading.Event().wait(10)  # the bell is rung by another thread, which may still have to die

    return forked(work)


def settle(line: Line) -> None:
    """Do what the clock and the workers do after a restart."""
    clock.tend_spool(line.site)
    line.work()


def stored(line: Line) -> list[str]:
    return sorted(str(row["external_id"]) for row in line.rows(Inbox))


@pytest.fixture(
    params=["sqlite", *(pytest.param(name, marks=[pytest.mark.faults, pytest.mark.act]) for name in STORES if name != "sqlite")]
)
def store(request: pytest.FixtureRequest) -> str:
    """PostgreSQL only where all faults are tried: the steps are the same ones."""
    return str(request.param)


@pytest.fixture
def line(deployment: Deployment) -> Line:
    return Line(deployment)


@pytest.mark.parametrize("step", INGEST, ids=str)
def test_a_webhook_promised_before_a_death_in_ingest_is_stored(line: Line, step: Step) -> None:
    end = taken_until(line.site, step)
    assert end.code == DEAD, "the step was never reached"
    whole_again(line, end)


@pytest.mark.parametrize("step", SPOOL, ids=str)
def test_a_webhook_promised_before_a_death_in_the_spool_is_stored(line: Line, step: Step) -> None:
    end = taken_until(line.site, step, AWAY)
    assert end.code == DEAD, "the step was never reached"
    assert len(end.said) >= 1
    whole_again(line, end)


def whole_again(line: Line, end: End) -> None:
    """After a restart all that was promised is there; sent again by its gateway, everything is, once."""
    settle(line)
    missing = set(end.said) - set(stored(line))
    assert missing == set(), "promised and lost"
    assert {post(line, number) for number in range(TEXTS)} == {200}
    settle(line)
    assert stored(line) == [sid(number) for number in range(TEXTS)]
    told = sorted(words for case in line.rows(Case) for words in line.told(str(case["id"])))
    assert told == [f"Mudufashe {number}" for number in range(TEXTS)]


@pytest.mark.parametrize("step", FLUSH, ids=str)
def test_a_death_while_the_spool_is_emptied_loses_nothing_and_stores_nothing_twice(line: Line, step: Step) -> None:
    away = taken_until(line.site, NOWHERE, AWAY)
    assert sorted(away.said) == [sid(number) for number in range(TEXTS)]
    torn = line.site.settings.spool_folder / "0000.row"
    torn.write_bytes(b"not what was written here")

    def work(say: Callable[[str], None]) -> None:
        spool.AT_ONCE = 2
        clock.tend_spool(dying(line.site, step))

    end = forked(work)
    assert end.code == DEAD, "the step was never reached"
    settle(line)
    assert stored(line) == [sid(number) for number in range(TEXTS)]
    assert Spool.of(line.site.settings).waiting() == []
    assert [bad.path.name for bad in Spool.of(line.site.settings).bad()] == ["0000.row"]
    assert len(line.rows(Case)) == TEXTS


def test_a_process_that_breaks_is_not_taken_for_one_that_died() -> None:
    def work(say: Callable[[str], None]) -> None:
        raise RuntimeError

    assert forked(work).code == BROKE


def test_at_least_twenty_steps_are_tried() -> None:
    assert len({str(step) for step in (*INGEST, *SPOOL, *FLUSH)}) >= 20
