"""One case: what was written, what triage saw in it, who was told, and what an officer can do about it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.casework import listen, read, work
from hotline.casework.acknowledge import acknowledge as stop_ladder
from hotline.casework.correct import CATEGORIES, correct
from hotline.casework.reply import NobodyToWriteTo, leave
from hotline.casework.reply import reply as write_to_caller
from hotline.console import faults, findings, guard, listing, standing, thread
from hotline.models import RANK, Case, Exclusion, Message, MessageState, Note, Recording, Referral, SharedFact
from hotline.outbound.meter import measure, repair
from hotline.phone import masked
from hotline.roles import May
from hotline.routing import conflict

screen = Blueprint("case", __name__, url_prefix="/case/<token>")

LONGEST_TEXT: Final = 1000
Reply = Answer | tuple[str, int]


@screen.get("")
@guard.may(May.READ_CASE)
def show(token: str) -> str:
    """Show a case; opening it is put on record."""
    return render_template("console/case.html", **_opened(token))


@screen.get("/live")
@guard.may(May.READ_CASE)
def live(token: str) -> Response:
    """Return what changed for a page that refreshes itself, or 204 where nothing did."""
    with guard.reading() as session:
        current = _mark(session, _found(session, token))
    if current == request.args.get("mark"):
        return Response(status=204)
    return Response(render_template("console/_case_live.html", **_opened(token), live=True))


@screen.post("/claim")
@guard.may(May.WORK_CASE)
def claim(token: str) -> Reply:
    """Make the case one's own."""
    version = request.form.get("version", 0, int)
    with _work(token) as (session, case):
        work.claim(session, case, officer=guard.officer(), version=version, now=guard.moment())
    return _back(token, "claimed")


@screen.post("/release")
@guard.may(May.WORK_CASE)
def release(token: str) -> Reply:
    """Give the case back to the queue."""
    with _work(token) as (session, case):
        work.release(session, case, officer=guard.officer(), now=guard.moment())
    return _back(token, "released")


@screen.post("/bring-back")
@guard.may(May.WORK_CASE)
def bring_back(token: str) -> Reply:
    """Put a case that was set aside as noise into the queue."""
    with _work(token) as (session, case):
        work.bring_back(session, case, officer=guard.officer(), now=guard.moment())
    return _to_queue(listing.View.NOISE, "brought_back")


@screen.post("/set-aside")
@guard.may(May.WORK_CASE)
def set_aside(token: str) -> Reply:
    """Put noise out of the queue."""
    with _work(token) as (session, case):
        work.set_aside(session, case, officer=guard.officer(), now=guard.moment())
    return _to_queue(listing.View.NEW, "set_aside")


@screen.post("/acknowledge")
@guard.may(May.WORK_CASE)
def acknowledge(token: str) -> Reply:
    """Say that a person has the case: the ladder stops."""
    with _work(token) as (session, case):
        first = stop_ladder(session, case, now=guard.moment(), officer=guard.officer())
    return _back(token, "acknowledged" if first else "acknowledged_before")


@screen.post("/correct")
@guard.may(May.WORK_CASE)
def set_right(token: str) -> Reply:
    """Say what the case really is and how urgent; what triage had made of it is kept to learn from."""
    said = (request.form.get("category", ""), request.form.get("urgency", ""))
    with _work(token) as (session, case):
        done = correct(session, guard.deployment(), case, officer=guard.officer(), said=said, now=guard.moment())
    return _back(token, "corrected" if done else "not_corrected")


@screen.post("/note")
@guard.may(May.WORK_CASE)
def note(token: str) -> Reply:
    """Keep a note for colleagues."""
    if not (text := _typed()):
        return _back(token, "empty")
    with _work(token) as (session, case):
        work.note(session, guard.deployment(), case, officer=guard.officer(), text=text, now=guard.moment())
    return _back(token, "noted")


@screen.post("/reply")
@guard.may(May.REPLY)
def reply(token: str) -> Reply:
    """Write to the caller, now if we may, otherwise when they write again."""
    if not (text := _typed()):
        return _back(token, "empty")
    with _work(token) as (session, case):
        sent = write_to_caller(session, guard.deployment(), case, officer=guard.officer(), text=text, now=guard.moment())
    return _back(token, "held" if sent.state == MessageState.HELD else "queued")


@screen.post("/meter")
@guard.may(May.REPLY)
def meter(token: str) -> str:
    """Say what the typed text costs on the air."""
    del token
    return render_template("console/_meter.html", **_measured(request.form.get(faults.TYPED, "")))


def _opened(token: str) -> dict[str, object]:
    """Read a case for its page. The page is drawn after the transaction, so that a slow one holds nobody up."""
    chosen, now = guard.deployment(), guard.moment()
    with guard.transaction() as session:
        case = _found(session, token)
        opened = read.open_case(session, chosen, case, officer=guard.officer(), now=now)
        allowed = _leave(session, case)
        exclusions = conflict.shown(session, case.id, read.key_of(session, chosen, case))
        choices, facts = conflict.choices(session), _shared(session, case)
        tapes = listen.tapes(session, case, officer=guard.officer(), now=now)
        counts, mark = listing.counts(session, guard.officer()), _mark(session, case)
    assessment = findings.read(opened.findings)
    return {
        "case": case,
        "opened": opened,
        "entries": thread.tell(opened, assessment.findings),
        "assessment": assessment,
        "exclusions": exclusions,
        "choices": choices,
        "facts": facts,
        "tapes": tapes,
        "links": _links(opened, assessment),
        "categories": CATEGORIES,
        "urgencies": tuple(RANK),
        "why_not": allowed,
        "views": list(listing.View),
        "counts": counts,
        "mark": mark,
        **_measured(""),
        "longest": LONGEST_TEXT,
    }


def _shared(session: Session, case: Case) -> Mapping[str, list[SharedFact]]:
    shared: defaultdict[str, list[SharedFact]] = defaultdict(list)
    for fact in session.scalars(select(SharedFact).where(SharedFact.case_id == case.id).order_by(SharedFact.at, SharedFact.id)):
        shared[fact.referral_id].append(fact)
    return shared


def _links(opened: read.OpenedCase, assessment: findings.Assessment) -> list[dict[str, object]]:
    """Return what others name too, in words where it may be read: a phone only by its ends, a wording not at all."""
    index = guard.deployment().clue_index
    named = {index(clue.kind, clue.value): clue for clue in assessment.clues}
    return [
        {"kind": link.kind, "value": _shown(named.get(link.value_index)), "reports": link.reports, "sources": link.sources}
        for link in opened.links
    ]


def _shown(clue: findings.Clue | None) -> str:
    if clue is None or clue.kind == "wording":
        return ""
    return masked(clue.value) if clue.kind == "phone" else clue.value


def _measured(text: str) -> dict[str, object]:
    measured = measure(text)
    costly = list(dict.fromkeys(char for char, _ in measured.costly))
    return {"measured": measured, "costly": costly, "saves": measured.segments - measure(repair(text)).segments}


def _leave(session: Session, case: Case) -> str | None:
    try:
        return leave(session, guard.deployment(), case, guard.moment()).why_not
    except NobodyToWriteTo:
        return "nobody wrote to us in it"


def _found(session: Session, token: str) -> Case:
    case = session.scalars(select(Case).where(Case.token == token)).first()
    return case or abort(404)


def _mark(session: Session, case: Case) -> str:
    """Return a short text that changes when anything on the page does; no words are opened for it."""
    shown = (
        (case.version, case.updated_at, case.state, case.acknowledged_at, case.next_step_at, case.urgency),
        session.execute(select(Message.id, Message.state).where(Message.case_id == case.id).order_by(Message.id)).all(),
        session.execute(select(Referral.id, Referral.state, Referral.told_at).where(Referral.case_id == case.id)).all(),
        session.execute(select(func.count()).select_from(Note).where(Note.case_id == case.id)).scalar_one(),
        session.execute(select(Recording.id, Recording.state).where(Recording.case_id == case.id).order_by(Recording.id)).all(),
        session.execute(select(Exclusion.id, Exclusion.state).where(Exclusion.case_id == case.id).order_by(Exclusion.id)).all(),
        _leave(session, case),
        standing.current(),
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


@contextmanager
def _work(token: str) -> Iterator[tuple[Session, Case]]:
    """Yield a case to be worked on in one transaction."""
    with guard.transaction() as session:
        yield session, _found(session, token)


def _typed() -> str:
    return request.form.get(faults.TYPED, "").replace("\r\n", "\n").strip()[:LONGEST_TEXT]


def _to_queue(view: listing.View, said: str) -> Answer:
    flash(said)
    return redirect(url_for("console.queue.show", view=view), 303)


def _back(token: str, said: str) -> Answer:
    flash(said)
    return redirect(url_for(".show", token=token), 303)


@screen.errorhandler(work.Taken)
def taken(error: work.Taken) -> tuple[str, int]:
    """Stop whoever comes second, and give back what they had typed."""
    address = request.path.rsplit("/", 1)[0]
    return faults.kept("taken", 409, by=error.by, address=address)


@screen.errorhandler(NobodyToWriteTo)
@screen.errorhandler(work.Changed)
def changed(_: Exception) -> tuple[str, int]:
    """Ask to look once more."""
    return faults.kept("changed", 409, address=request.path.rsplit("/", 1)[0])


@screen.errorhandler(read.Shredded)
def shredded(_: read.Shredded) -> tuple[str, int]:
    """Say that the words are gone for good."""
    return render_template("console/fault.html", status=410), 410
