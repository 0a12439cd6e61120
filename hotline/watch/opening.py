"""Whether the line may be opened: what must be true first, asked of how things really are, and who opened it when.

Until an administrator opens it the hotline is in practice: it says so on every page, and works as it always does, because whoever
can text a number must be answered (docs/adr/0046). Opening and going back to practice stand in the audit record.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.models import Case, Counter, Message, MessageState, Officer, first_id, table
from hotline.roles import MATRIX, May, Role
from hotline.routing import directory
from hotline.routing.choose import Entry
from hotline.watch import checkup
from hotline.watch.alarm import set_counter
from hotline.watch.channels import TEST
from hotline.watch.checkup import Finding, Health

MESSAGE: Final = table(Message)
OPENED, RESTORED = "line.opened", "line.restored"  # when, in seconds since 1970; 0 is never or no more
TRIED_WITHIN: Final = timedelta(days=30)
RESTORED_WITHIN: Final = timedelta(days=90)
AGENCIES: Final = 2  # a danger to life goes to two, so that no single one decides whether anything happens
HERE: Final = frozenset({"localhost", "127.0.0.1", "::1", ""})


class Step(StrEnum):
    """The six steps, in the order in which they are gone through."""

    MACHINE = "machine"
    CHANNELS = "channels"
    PEOPLE = "people"
    TEAM = "team"
    WORDS = "words"
    PRACTICE = "practice"


class NotYet(Exception):
    """The line cannot be opened: something is still missing."""


@dataclass(frozen=True)
class Gate:
    """One thing that must be true. `says` is a name or a count that the page adds to its sentence."""

    code: str
    step: Step
    holds: bool
    says: str = ""


def opened_at(session: Session) -> int | None:
    """Return when the line was opened, in seconds since 1970, or None in practice. One look-up by key."""
    return _counter(session, OPENED) or None


def gates(session: Session, deployment: Deployment, now: datetime) -> list[Gate]:
    """Return every gate. In a demo the first one never holds: its people and numbers are invented."""
    entries = directory.load(session)
    return [
        Gate("real", Step.MACHINE, not deployment.settings.demo),
        *_addresses(deployment),
        *_checked(session, deployment),
        *_channels(session, deployment, now),
        *_people(deployment, entries),
        *_team(session),
        *_words(deployment),
        *_practised(session, deployment, now),
    ]


def must_hold(session: Session, deployment: Deployment, now: datetime) -> None:
    """Raise NotYet where a gate does not hold.

    Asked in a session that reads: the checks look at the machine, and on SQLite every webhook would wait for them.
    """
    if not all(gate.holds for gate in gates(session, deployment, now)):
        raise NotYet


def open_line(session: Session, deployment: Deployment, *, officer: Officer, now: datetime) -> None:
    """Open the line, of which `must_hold` said a moment ago that it may be."""
    set_counter(session, deployment, OPENED, int(now.timestamp()))
    audit.record(session, now, actor=f"officer:{officer.name}", action="line.opened", subject="line")


def back_to_practice(session: Session, deployment: Deployment, *, officer: Officer, now: datetime) -> None:
    """Say that the line is in practice again."""
    set_counter(session, deployment, OPENED, 0)
    audit.record(session, now, actor=f"officer:{officer.name}", action="line.practice", subject="line")


def note_restored(session: Session, deployment: Deployment, *, officer: Officer, now: datetime) -> None:
    """Note that somebody brought a copy back to life elsewhere. No program can see that; a person says so, on record."""
    set_counter(session, deployment, RESTORED, int(now.timestamp()))
    audit.record(session, now, actor=f"officer:{officer.name}", action="line.restored", subject="backup")


def _addresses(deployment: Deployment) -> Iterator[Gate]:
    chosen = deployment.settings
    for code, address in (("public_url", chosen.public_url), ("console_url", chosen.console_url)):
        there = urlsplit(address)
        yield Gate(code, Step.MACHINE, there.scheme == "https" and there.hostname not in HERE, there.hostname or "")


def _checked(session: Session, deployment: Deployment) -> Iterator[Gate]:
    """Ask what the doctor asks, of what can be seen from the desk; the rest it says on the machine itself.

    What is asked of cases is asked of those that whoever looks may see.
    """
    machine = (checkup.safely(check, deployment) for check in MACHINE)
    quiet = (checkup.safely(check, deployment, session) for check in (checkup.seen_broken, checkup.seen_letters))
    for code, findings in (("machine", machine), ("quiet", quiet)):
        broken = [one.what for found in findings for one in found if one.health is Health.BROKEN]
        yield Gate(code, Step.MACHINE, not broken, ", ".join(broken))


def _channels(session: Session, deployment: Deployment, now: datetime) -> Iterator[Gate]:
    name = deployment.settings.gateway
    gateway = deployment.shelf.get(name)
    whole = gateway is not None and name != "simulator" and not gateway.lacking()
    yield Gate("gateway", Step.CHANNELS, whole, name)
    arrived = select(MESSAGE.c.id).where(
        MESSAGE.c.id > first_id(now - TRIED_WITHIN),
        MESSAGE.c.template == TEST,
        MESSAGE.c.gateway == name,
        MESSAGE.c.state.in_((MessageState.SENT, MessageState.DELIVERED)),
    )
    yield Gate("tested", Step.CHANNELS, session.execute(arrived.limit(1)).first() is not None, name)


def _people(deployment: Deployment, entries: Sequence[Entry]) -> Iterator[Gate]:
    agencies = {entry.agency for entry in entries if entry.wakes}
    yield Gate("two_agencies", Step.PEOPLE, len(agencies) >= AGENCIES, str(len(agencies)))
    yield Gate("last_resort", Step.PEOPLE, any(entry.last_resort for entry in entries))
    found = list(checkup.safely(checkup.rota, deployment))
    yield Gate("every_hour", Step.PEOPLE, all(one.health is Health.OK for one in found), _says(found))


def _team(session: Session) -> Iterator[Gate]:
    """Ask for people who have signed in with their second factor: it was enrolled and it works."""
    proved = select(Officer.role, func.count()).where(Officer.active, Officer.demo.is_(False), Officer.totp_last_step > 0)
    of: Mapping[str, int] = dict(session.execute(proved.group_by(Officer.role)).all())
    working = sum(count for role, count in of.items() if role in set(Role) and May.WORK_CASE in MATRIX[Role(role)])
    yield Gate("officer", Step.TEAM, working > 0, str(working))
    yield Gate("supervisor", Step.TEAM, of.get(Role.SUPERVISOR, 0) > 0)
    invented = session.scalar(select(func.count()).select_from(Officer).where(Officer.active, Officer.demo)) or 0
    yield Gate("nobody_invented", Step.TEAM, invented == 0, str(invented))


def _words(deployment: Deployment) -> Iterator[Gate]:
    words, own = deployment.words, deployment.settings.default_language
    drafts = [words.name(one) for one in words.languages if words.is_draft(one)]
    yield Gate("reviewed", Step.WORDS, own in words.languages and not words.is_draft(own), ", ".join(drafts))


def _practised(session: Session, deployment: Deployment, now: datetime) -> Iterator[Gate]:
    taken = session.execute(select(Case.id).where(Case.acknowledged_at.is_not(None)).limit(1)).first()
    yield Gate("taken", Step.PRACTICE, taken is not None)
    anchors = checkup.anchors(deployment)
    yield Gate("anchored", Step.PRACTICE, anchors.exists() and audit.holds(session, anchors))
    at = _counter(session, RESTORED)
    yield Gate("restored", Step.PRACTICE, now.timestamp() - at <= RESTORED_WITHIN.total_seconds())


def _says(found: list[Finding]) -> str:
    return "; ".join(one.says for one in found if one.health is not Health.OK)


def _counter(session: Session, name: str) -> int:
    return session.scalar(select(Counter.value).where(Counter.name == name)) or 0


Check = Callable[[Deployment], Iterator[Finding]]
MACHINE: Final[tuple[Check, ...]] = (checkup.database, checkup.redis, checkup.clock)
