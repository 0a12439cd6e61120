"""Writing to the person: the reply, taking it back, and what the box says while it is being typed."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from hotline.casework import reply as replies
from hotline.casework import work
from hotline.casework.reply import NobodyToWriteTo, Written, WroteAgain
from hotline.console import case, faults, guard, reply_box
from hotline.console.reply_box import LONGEST_TEXT, Typed
from hotline.models import MessageState
from hotline.outbound.meter import repair
from hotline.roles import May

screen = Blueprint("writing", __name__, url_prefix="/case/<token>")

Page = Answer | str | tuple[str, int]


@screen.post("/reply")
@guard.may(May.REPLY)
def reply(token: str) -> Page:
    """Write to the person, now if we may, otherwise when they write again."""
    if not (text := typed()):
        flash("empty")
        return redirect(url_for("console.case.show", token=token), 303)
    seen, known_as = request.form.get("seen"), request.form.get("known_as", "")
    try:
        with case.worked(token) as (session, its):
            written = Written(text, seen, known_as)
            sent = replies.reply(session, guard.deployment(), its, officer=guard.officer(), written=written, now=guard.moment())
    except WroteAgain:
        language = request.form.get("language", "")
        return case.drawn(token, Typed(text, language, wrote_again=True)), 409
    flash("held" if sent.state == MessageState.HELD else "queued")
    return redirect(url_for("console.case.show", token=token, _anchor=f"text-{sent.id}"), 303)


@screen.post("/reply/<message_id>/take-back")
@guard.may(May.REPLY)
def take_back(token: str, message_id: str) -> Answer:
    """Take a reply back that has not left, and put its words into the box again."""
    with case.worked(token) as (session, its):
        back = replies.take_back(session, its, message_id, officer=guard.officer(), now=guard.moment())
    flash("taken_back" if back else "left_already")
    its_page = url_for("console.case.show", token=token, again=message_id if back else None)
    return redirect(f"{its_page}#write" if back else f"{its_page}#text-{message_id}", 303)


@screen.post("/meter")
@guard.may(May.REPLY)
def meter(token: str) -> str:
    """Say what the typed text costs on the air, and how a phone shows it."""
    shown = reply_box.measured(guard.deployment().words, request.form.get(faults.TYPED, ""))
    return render_template("console/_meter.html", token=token, **shown)


@screen.post("/draft")
@guard.may(May.REPLY)
def draft(token: str) -> Page:
    """Draw the box anew: with a phrase, with plain characters, or in another language. The fragment alone where scripts ask."""
    words, text, language = guard.deployment().words, typed(), request.form.get("language", "")
    if (key := request.form.get("phrase", "")) in reply_box.PHRASES:
        phrase = words.text(key, language)
        text = f"{text} {phrase}" if text else phrase
    if "plain" in request.form:
        text = repair(text)
    kept = Typed(text[:LONGEST_TEXT], language, request.form.get("seen", ""))
    if "HX-Request" in request.headers:
        return render_template("console/_writing.html", token=token, **reply_box.box(words, kept))
    return case.drawn(token, kept)


def typed() -> str:
    """Return what was typed, with the line ends a phone knows."""
    return request.form.get(faults.TYPED, "").replace("\r\n", "\n").strip()[:LONGEST_TEXT]


@screen.errorhandler(work.Taken)
def taken(error: work.Taken) -> tuple[str, int]:
    """Stop whoever comes second, and give back what they had typed."""
    return case.taken(error)


@screen.errorhandler(NobodyToWriteTo)
@screen.errorhandler(work.Changed)
def changed(error: Exception) -> tuple[str, int]:
    """Ask to look once more."""
    return case.changed(error)
