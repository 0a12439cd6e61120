"""One case: what was written, what triage saw in it, who was told, and what an officer can do about it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.casework import bridge, closing, links, listen, parts, read, shred, tracks, work
from hotline.casework.acknowledge import acknowledge as stop_ladder
from hotline.casework.correct import CATEGORIES, SetMeanwhile, correct
from hotline.casework.reply import NobodyToWriteTo, leave
from hotline.console import care, changes, faults, findings, guard, lately, listing, presence, reply_box, standing, thread
from hotline.console.reply_box import LONGEST_TEXT, Typed
from hotline.models import (
    RANK,
    Case,
    CheckWord,
    Ground,
    KeptFor,
    MessageState,
    SharedFact,
    Track,
)
from hotline.phone import masked
from hotline.roles import May
from hotline.routing import conflict

screen = Blueprint("case", __name__, url_prefix="/case/<token>")

_BY_TOKEN: Final = select(Case).where(Case.token == bindparam("token"))
_SHARED: Final = select(SharedFact).where(SharedFact.case_id == bindparam("case")).order_by(SharedFact.at, SharedFact.id)

Reply = Answer | tuple[str, int]


@screen.get("")
@guard.may(May.READ_CASE)
def show(token: str) -> str:
    """Show a case; opening it is put on record."""
    page = drawn(token, None)
    presence.here().note(token, guard.officer(), guard.moment(), writing=False)
    return page


@screen.get("/live")
@guard.may(May.READ_CASE)
def live(token: str) -> Response:
    """Return what changed for a page that refreshes itself, or 204 where nothing did."""
    with guard.reading() as session:
        case = found(session, token)
        presence.here().note(token, guard.officer(), guard.moment(), writing=request.args.get("writing") == "1")
        current = _mark(case, parts.of(session, case.id), _leave(session, case))
    if current == request.args.get("mark"):
        return Response(status=204)
    return Response(changes.drawn("console/_case_live.html", token, {**_opened(token, None), "live": True}))


@screen.post("/claim")
@guard.may(May.WORK_CASE)
def claim(token: str) -> Reply:
    """Make the case one's own."""
    version = request.form.get("version", 0, int)
    with worked(token) as (session, case):
        work.claim(session, case, officer=guard.officer(), version=version, now=guard.moment())
    return _back(token, "claimed")


@screen.post("/release")
@guard.may(May.WORK_CASE)
def release(token: str) -> Reply:
    """Give the case back to the queue."""
    with worked(token) as (session, case):
        work.release(session, case, officer=guard.officer(), now=guard.moment())
    return _back(token, "released")


@screen.post("/bring-back")
@guard.may(May.WORK_CASE)
def bring_back(token: str) -> Reply:
    """Put a case that was set aside as noise into the queue."""
    with worked(token) as (session, case):
        work.bring_back(session, case, officer=guard.officer(), now=guard.moment())
    return _to_queue(listing.View.NOISE, "brought_back")


@screen.post("/set-aside")
@guard.may(May.WORK_CASE)
def set_aside(token: str) -> Reply:
    """Put noise out of the queue."""
    with worked(token) as (session, case):
        work.set_aside(session, case, officer=guard.officer(), now=guard.moment())
    return _to_queue(listing.View.NEW, "set_aside")


@screen.post("/acknowledge")
@guard.may(May.WORK_CASE)
def acknowledge(token: str) -> Reply:
    """Say that a person has the case: the ladder stops."""
    with worked(token) as (session, case):
        first = stop_ladder(session, case, now=guard.moment(), officer=guard.officer())
    return _back(token, "acknowledged" if first else "acknowledged_before")


@screen.post("/correct")
@guard.may(May.WORK_CASE)
def set_right(token: str) -> Reply:
    """Say what the case really is and how urgent; what triage had made of it is kept to learn from."""
    said = (request.form.get("category", ""), request.form.get("urgency", ""))
    seen = (request.form.get("was_category", ""), request.form.get("was_urgency", ""))
    with worked(token) as (session, case):
        done = correct(session, guard.deployment(), case, officer=guard.officer(), said=said, seen=seen, now=guard.moment())
    return _back(token, "corrected" if done else "not_corrected")


@screen.post("/track")
@guard.may(May.WORK_CASE)
def track(token: str) -> Reply:
    """Choose the track in law that the case goes, and on what ground."""
    asked, ground = request.form.get("track", ""), request.form.get("ground", "")
    if asked not in set(Track) or ground not in set(Ground):
        abort(400)
    chosen, officer, now = guard.deployment().settings, guard.officer(), guard.moment()
    try:
        with worked(token) as (session, case):
            tracks.choose(session, chosen, case, Track(asked), Ground(ground), officer=officer, now=now)
    except tracks.Unfit:
        return _back(token, "track_ground")
    return _back(token, "track_chosen")


@screen.post("/note")
@guard.may(May.WORK_CASE)
def note(token: str) -> Reply:
    """Keep a note for colleagues."""
    if not (text := _typed()):
        return _back(token, "empty")
    with worked(token) as (session, case):
        work.note(session, guard.deployment(), case, officer=guard.officer(), text=text, now=guard.moment())
    return _back(token, "noted")


def drawn(token: str, typed: Typed | None) -> str:
    """Return the page of a case, with a text in the box where one was being written."""
    return changes.drawn("console/case.html", token, _opened(token, typed))


def _opened(token: str, typed: Typed | None) -> dict[str, object]:
    """Read a case for its page, once it is on record that this officer reads it."""
    try:
        return _read(token, typed)
    except read.NotOnRecord:
        with worked(token) as (session, case):
            read.put_on_record(session, case, guard.officer(), now=guard.moment())
    return _read(token, typed)


def _read(token: str, typed: Typed | None) -> dict[str, object]:
    chosen, now = guard.deployment(), guard.moment()
    with guard.reading() as session:
        case = found(session, token)
        key = read.key_of(session, chosen, case)
        opened = read.open_case(session, case, key, officer=guard.officer(), now=now)
        allowed = _leave(session, case)
        there = parts.of(session, case.id)
        exclusions = conflict.shown(session, case.id, key) if there["exclusions"] else []
        choices = lately.here().known("choices", now, lambda: conflict.choices(session))
        facts = _shared(session, case) if there["facts"] else {}
        tapes = listen.tapes(session, case, officer=guard.officer(), now=now) if there["recordings"] else {}
        counts = listing.counts(session, guard.officer())
        linked = links.linked(session, case.id)
        track = tracks.standing(session, chosen.settings, case) if there["track"] else None
        word = session.get(CheckWord, case.id) if there["word"] else None
        on_phone = bridge.on_phone(session, case) if there["calls"] else None
    assessment = findings.read(opened.findings)
    said = opened.findings.get("findings", ())
    return {
        "track": track,
        "late": track is not None and track.overdue(now),
        "tracks": tracks.known(chosen.settings),
        "proposed": tracks.propose(case.category, case.minors, said if isinstance(said, list) else ()),
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
        "mark": _mark(case, there, allowed),
        "word": word,
        "others": _others(case),
        "covered": care.covered(case),
        "may_reopen": closing.may_reopen(case, now),
        "words_go_at": shred.ends_at(case, chosen.settings.case_days),
        "kept_for": list(KeptFor),
        "linked": linked,
        "on_phone": on_phone,
        "answered": there["answered"],
        **reply_box.box(
            chosen.words, replace(typed or _taken_back(opened), seen=there["heard"] or "", language=_language(typed, case))
        ),
    }


def _others(case: Case) -> tuple[presence.Seen, ...]:
    return presence.here().others(case.token, guard.officer().id, guard.moment())


def _shared(session: Session, case: Case) -> Mapping[str, list[SharedFact]]:
    shared: defaultdict[str, list[SharedFact]] = defaultdict(list)
    for fact in session.scalars(_SHARED, {"case": case.id}):
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


def _language(typed: Typed | None, case: Case) -> str:
    return typed.language if typed and typed.language else case.language


def _taken_back(opened: read.OpenedCase) -> Typed:
    """Return the reply this officer has just taken back, to be written anew; an empty box otherwise."""
    wanted, mine = request.args.get("again"), guard.officer().id
    for text in opened.texts:
        message = text.message
        if (message.id, message.officer_id, message.state) == (wanted, mine, MessageState.CANCELLED):
            return Typed(text.words)
    return Typed()


def _leave(session: Session, case: Case) -> str | None:
    try:
        return leave(session, guard.deployment(), case, guard.moment()).why_not
    except NobodyToWriteTo:
        return "nobody wrote to us in it"


def found(session: Session, token: str) -> Case:
    """Return the case of an address, or end the request as if there were none."""
    case = session.scalars(_BY_TOKEN, {"token": token}).first()
    return case or abort(404)


def _mark(case: Case, there: Mapping[str, str | None], allowed: str | None) -> str:
    """Return a short text that changes when anything on the page does; no words are opened for it."""
    shown = (
        (case.version, case.updated_at, case.state, case.acknowledged_at, case.next_step_at, case.urgency),
        parts.shown(there),
        allowed,
        standing.current(),
        [(one.name, one.writing) for one in _others(case)],
        care.covered(case),
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


@contextmanager
def worked(token: str) -> Iterator[tuple[Session, Case]]:
    """Yield a case to be worked on in one transaction."""
    with guard.transaction() as session:
        yield session, found(session, token)


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


@screen.errorhandler(SetMeanwhile)
def set_meanwhile(error: SetMeanwhile) -> tuple[str, int]:
    """Show both: what somebody else has set meanwhile, and what this officer chose."""
    address, yours = request.path.rsplit("/", 1)[0], (request.form.get("category"), request.form.get("urgency"))
    return render_template("console/both.html", now_it_is=error.found, yours=yours, address=address), 409


@screen.errorhandler(work.Changed)
def changed(_: Exception) -> tuple[str, int]:
    """Ask to look once more."""
    return faults.kept("changed", 409, address=request.path.rsplit("/", 1)[0])


@screen.errorhandler(read.Shredded)
def shredded(_: read.Shredded) -> tuple[str, int]:
    """Say that the words are gone for good."""
    return render_template("console/fault.html", status=410), 410
