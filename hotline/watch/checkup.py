"""What must be right for the hotline to work, one line each, and what to do where it is not: for `hotline doctor` and for Setup.

A check may trip over what it looks at; that becomes its line. None changes anything.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hotline import audit, schema
from hotline.catalog import CatalogError
from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE, Gateway
from hotline.intake import reconcile, tapes
from hotline.intake.spool import Spool
from hotline.models import Counter, Inbox, InboxState
from hotline.outbound import breaker, bridge
from hotline.queue import QueueName
from hotline.routing import directory, ladder
from hotline.routing.book import sentences
from hotline.routing.gaps import gaps, hours_alone
from hotline.routing.rules import Rules, idle
from hotline.triage.rules import SIGNS
from hotline.watch import alarm, dead
from hotline.watch.alarm import BEAT, LATE_BEAT
from hotline.watch.invariants import Invariant


class Health(StrEnum):
    """How a thing is. A warning lets the command succeed."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One line."""

    what: str
    health: Health
    says: str
    fix: str = ""


def keys(deployment: Deployment) -> Iterator[Finding]:
    """Key files are there and nobody else can read them."""
    folder = deployment.settings.keys
    missing = [name for name in deployment.keyring.FILES if not (folder / name).exists()]
    if missing:
        yield Finding("keys", Health.BROKEN, f"{len(missing)} of {len(deployment.keyring.FILES)} missing", "hotline migrate")
        return
    open_ones = [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077]
    if open_ones:
        yield Finding("keys", Health.BROKEN, f"others can read {', '.join(open_ones)}", f"chmod 600 {folder}/*")
    else:
        yield Finding("keys", Health.OK, f"in {folder}, mode 0600; without a copy kept elsewhere a lost disk loses every case")


def database(deployment: Deployment) -> Iterator[Finding]:
    """The database answers and has the newest shape."""
    kind = deployment.db.engine.dialect.name
    if not schema.current(deployment.db):
        yield Finding("database", Health.BROKEN, f"{kind}: not migrated", "hotline migrate")
        return
    yield Finding("database", Health.OK, kind)
    with deployment.db.reading() as session:
        poison, parked = (
            session.execute(select(Inbox.id).where(Inbox.state == state).limit(100)).all()
            for state in (InboxState.POISON, InboxState.PARKED)
        )
    if parked:
        yield Finding(
            "inbox",
            Health.WARNING,
            f"{len(parked)} webhooks lack what they must have",
            "compare `hotline hooks` with the gateway",
        )
    if poison:
        yield Finding(
            "inbox", Health.WARNING, f"{len(poison)} webhooks set aside after repeated failure", "read the worker's log"
        )


def redis(deployment: Deployment) -> Iterator[Finding]:
    """Redis answers and each queue has a worker."""
    try:
        deployment.bell.redis.ping()
    except (RedisError, OSError):
        yield Finding("redis", Health.BROKEN, "no answer; workers poll the database meanwhile", "hotline up, or check REDIS_URL")
        return
    yield Finding("redis", Health.OK, "answers")
    served = {name for worker in Worker.all(connection=deployment.bell.redis) for name in worker.queue_names()}
    for name in QueueName:
        ok = str(name) in served
        fix = "" if ok else f"python -m workers {name}"
        yield Finding(f"worker {name}", Health.OK if ok else Health.BROKEN, "works" if ok else "nobody serves this queue", fix)


def clock(deployment: Deployment) -> Iterator[Finding]:
    """The clock has gone round lately."""
    with deployment.db.reading() as session:
        beat = session.scalar(select(Counter.value).where(Counter.name == BEAT))
        now = deployment.db.now(session).timestamp()
    age = now - beat if beat else None
    late = age is None or age > LATE_BEAT
    says = "has never run" if age is None else f"last round {age:.0f} s ago"
    yield Finding("clock", Health.BROKEN if late else Health.OK, says, "python -m workers.clock" if late else "")


def spooled(deployment: Deployment) -> Iterator[Finding]:
    """The spool takes files, and nothing stays in it."""
    kept = Spool.of(deployment.settings)
    waiting, refusing = kept.waiting(), kept.refusing
    if refusing:
        health = Health.WARNING if len(refusing) < len(kept.folders) else Health.BROKEN
        yield Finding("spool", health, f"{refusing[0]} takes no file", "free its disk, make the folder, or set another")
    elif bad := kept.bad():
        yield Finding("spool", Health.BROKEN, f"{len(bad)} files could not be stored", f"look into {bad[0].path.parent}")
    elif waiting:
        age = max(0.0, time.time() - waiting[0].stat().st_mtime)
        says = f"{len(waiting)} webhooks wait for the database, the oldest for {age:.0f} s"
        yield Finding("spool", Health.WARNING, says, "mend the database; the clock stores them")
    else:
        yield Finding("spool", Health.OK, "empty, and takes files")
    for ballast in kept.ballasts if kept.ballast_bytes else ():
        fix = "" if ballast.there else "free the disk; the clock makes it again"
        size = f"{ballast.size // 1024 // 1024} MiB"
        says = f"{size} kept for a full disk" if ballast.there else f"{size} not kept: no clock yet, or no room"
        yield Finding("ballast", Health.OK if ballast.there else Health.WARNING, says, fix)


def gateways(deployment: Deployment) -> Iterator[Finding]:
    """Every gateway there is has all its settings, and those that send are there."""
    chosen = deployment.settings
    sending = [*filter(None, (chosen.gateway, chosen.second_gateway))]
    for name in dict.fromkeys([*sending, *deployment.shelf.names]):
        yield _gateway(name, deployment.shelf.get(name), sends=name in sending)
    with deployment.db.reading() as session:
        shut = breaker.health(session, deployment.db.now(session)).shut
        entries = directory.load(session)
    for way in BESIDE:
        told = sum(way in entry.beside for entry in entries)
        alone = sum(way in entry.beside and not directory.way_to(entry, deployment) for entry in entries)
        if told and deployment.shelf.get(way) is None:
            says = f"{told} contacts are to be told by it, and it is not set up"
            says += f"; {alone} of them have no other way" if alone else ""
            yield Finding(f"gateway {way}", Health.WARNING, says, BESIDE_NEEDS[way])
    joins = bridge.gateway_for(deployment)
    says = (
        f"{joins} joins officers and reporters by phone"
        if joins
        else "nothing joins two phones: officers cannot call without seeing a number"
    )
    yield Finding("joined calls", Health.OK, says)
    for name in sorted(shut):
        yield Finding(
            f"gateway {name}", Health.WARNING, "left alone for a while, it kept failing", "docs/operations.md says more"
        )
    if not chosen.demo and chosen.public_url.startswith("http://"):
        yield Finding(
            "public address", Health.WARNING, "webhooks come over plain HTTP", "set HOTLINE_PUBLIC_URL to an https address"
        )


BESIDE_NEEDS: Mapping[str, str] = {"mail": "set HOTLINE_MAIL_HOST", "webhook": "set HOTLINE_WEBHOOK_OUT"}


def recordings(deployment: Deployment) -> Iterator[Finding]:
    """Recordings of calls have come, and none is left at a provider."""
    with deployment.db.reading() as session:
        stuck, lost, left = tapes.troubled(session, deployment.db.now(session))
    if stuck:
        yield Finding("recordings", Health.WARNING, f"{stuck} wait for their provider", "read the log of the worker of tapes")
    if lost:
        yield Finding("recordings", Health.WARNING, f"{lost} never came", "ask the provider for them, by the time of the call")
    if left:
        yield Finding("recordings", Health.WARNING, f"{left} still lie at a provider", "have them removed there by hand")


def _gateway(name: str, gateway: Gateway | None, *, sends: bool) -> Finding:
    what = f"gateway {name}"
    if gateway is None:
        return Finding(what, Health.BROKEN, "has no settings", f"set HOTLINE_{name.upper()}_… (docs/operations.md)")
    if lacking := gateway.lacking():
        return Finding(what, Health.BROKEN if sends else Health.WARNING, "lacks settings", f"set {', '.join(lacking)}")
    return Finding(what, Health.OK, "has settings; texts leave here" if sends else "has settings")


def lists(deployment: Deployment) -> Iterator[Finding]:
    """Each gateway that can say what it received has been asked lately, so that a webhook that failed is no person lost."""
    for name in reconcile.able(deployment):
        with deployment.db.reading() as session:
            asked, now = reconcile.last_asked(session, name), deployment.db.now(session)
        late = asked is None or (now - asked).total_seconds() > 3 * deployment.settings.reconcile_seconds
        says = "has never answered" if asked is None else f"compared {(now - asked).total_seconds():.0f} s ago"
        fix = "look for `gateway gave no list` in the clock's log" if late else ""
        yield Finding(f"list {name}", Health.WARNING if late else Health.OK, says, fix)


def rota(deployment: Deployment) -> Iterator[Finding]:
    """At each hour of the coming week a life-danger case finds two agencies, and a last resort exists."""
    with deployment.db.reading() as session:
        entries = directory.load(session)
        now = deployment.local(deployment.db.now(session))
    if not any(entry.last_resort for entry in entries):
        yield Finding("rota", Health.BROKEN, "no last resort", "mark at least one contact as last resort")
        return
    alone = hours_alone(entries, sentences(deployment), now, deployment.settings.district)
    if alone:
        yield Finding(
            "rota", Health.BROKEN, f"{len(alone)} h of the week with one agency, first {alone[0]:%a %H:00}", "add duty hours"
        )
    else:
        yield Finding("rota", Health.OK, f"{len(entries)} contacts; two agencies at every hour of the coming week")
    ladder.parse(deployment.settings.ladder_life)
    ladder.parse(deployment.settings.ladder_normal)


def rules(deployment: Deployment) -> Iterator[Finding]:
    """Each rule does something, each category finds somebody at each hour, and two agencies stand outside the district."""
    held = sentences(deployment)
    with deployment.db.reading() as session:
        entries, now = directory.load(session), deployment.local(deployment.db.now(session))
        found = list(faults(session, held))
    for fault in found:
        yield Finding("rules", Health.WARNING, fault, "hotline rules check FILE")
    for gap in gaps(entries, held, now, deployment.settings.district):
        says = f"{gap.category.replace('_', ' ')}: nobody for {gap.hours} h of the week, first {gap.first:%a %H:00}"
        yield Finding("rules", Health.WARNING, says, "add duty hours, or a rule that wakes somebody")
    outside = {entry.agency for entry in entries if entry.independent and entry.wakes}
    if len(outside) < 2:
        says = f"{len(outside)} agencies outside the district, to be told when somebody there is accused"
        yield Finding("rules", Health.WARNING, says, "add a national desk, an independent body or an NGO to the directory")
    if not found:
        yield Finding("rules", Health.OK, f"{held.version}, {len(held.rule)} rules")


def faults(session: Session, held: Rules) -> Iterator[str]:
    """Yield a sentence for each rule that never does anything."""
    kinds = frozenset(entry.agency_kind for entry in directory.load(session))
    for name, why in idle(held, kinds, SIGNS):
        yield f"{name!r} {why}"


def words(deployment: Deployment) -> Iterator[Finding]:
    """The words load, and which languages no native speaker has reviewed."""
    drafts = [language for language in deployment.words.languages if deployment.words.is_draft(language)]
    health = Health.WARNING if drafts else Health.OK
    says = f"{', '.join(deployment.words.languages)}" + (f"; drafts: {', '.join(drafts)}" if drafts else "")
    yield Finding("words", health, says, "have a native speaker review them" if drafts else "")


def audit_chain(deployment: Deployment) -> Iterator[Finding]:
    """The audit chain holds."""
    with deployment.db.reading() as session:
        found = audit.verify(session, anchors(deployment))
    if found is None:
        yield Finding("audit", Health.OK, "the chain holds")
    else:
        yield Finding("audit", Health.BROKEN, f"row {found.seq} {found.why}", "tell whoever answers for this hotline")


def watch(deployment: Deployment) -> Iterator[Finding]:
    """What must hold at every moment holds, asked now and not read from what the clock found."""
    with deployment.db.reading() as session:
        yield from seen_broken(deployment, session)


def seen_broken(deployment: Deployment, session: Session) -> Iterator[Finding]:
    """Ask the same of what this session may see."""
    broken = alarm.look(session, deployment, deployment.db.now(session))
    for one, count in broken.items():
        says = f"not so for {count}: {one}"
        yield Finding(f"watch {one.name}", Health.BROKEN, says, FIXES[one])
    if not broken:
        yield Finding("watch", Health.OK, f"{', '.join(one.name for one in Invariant)} hold")


def dead_letters(deployment: Deployment) -> Iterator[Finding]:
    """Nothing that may cost a life waits among the dead letters."""
    with deployment.db.reading() as session:
        yield from seen_letters(deployment, session)


def seen_letters(deployment: Deployment, session: Session) -> Iterator[Finding]:
    """Ask the same of what this session may see."""
    lives = dead.life_waiting(session, deployment, deployment.db.now(session))
    some = bool(dead.listed(session, deployment).letters)
    if lives:
        yield Finding("dead letters", Health.BROKEN, f"{lives} that may cost a life", "hotline dead list")
    else:
        yield Finding("dead letters", Health.OK, "none of a life in danger" + ("; others: hotline dead list" if some else ""))


def anchors(deployment: Deployment) -> Path:
    """Return the file that anchors the audit chain."""
    return deployment.settings.instance / "audit.anchors"


CHECKS: tuple[Callable[[Deployment], Iterator[Finding]], ...] = (
    keys,
    database,
    redis,
    clock,
    spooled,
    gateways,
    lists,
    recordings,
    rota,
    rules,
    words,
    audit_chain,
    watch,
    dead_letters,
)
FIXES: Mapping[Invariant, str] = {
    Invariant.I1: "hotline dead list; replay it, and report the cause to us without its words",
    Invariant.I2: "call somebody, acknowledge at the desk; then look at rota, gateways and the clock",
    Invariant.I3: "python -m workers.clock; it frees what dead workers held",
    Invariant.I4: "hotline broadcast report; stop what is still going, and report the cause to us",
    Invariant.I5: "add duty hours (docs/add-a-contact.md)",
    Invariant.I6: "hotline audit verify; tell whoever answers for this hotline, repair nothing",
}


def safely(check: Callable[..., Iterator[Finding]], *asked: Deployment | Session) -> list[Finding]:
    """Run one check; whatever it trips over becomes its line, so that the others still run."""
    try:
        return list(check(*asked))
    except (SQLAlchemyError, OSError, ValueError, CatalogError) as error:
        return [Finding(check.__name__, Health.BROKEN, f"cannot be checked ({type(error).__name__})", "see the line above")]
