"""The rules of who is told, as sentences: those in force, and a draft that is changed a sentence at a time, tried and published.

Nothing is published that was not tried in this very wording. Trying tells nobody, and shows no word of a report.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from pydantic import ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.console import faults, guard, listing
from hotline.models import RANK, Tier
from hotline.roles import May
from hotline.routing import directory, draft
from hotline.routing.book import place, publish, sentences
from hotline.routing.gaps import CATEGORIES, gaps, hours_alone
from hotline.routing.rehearse import rehearse
from hotline.routing.rules import ANY, DAYS, Rule, Rules, Unfit, idle, read
from hotline.triage.rules import SIGNS

screen = Blueprint("rules", __name__, url_prefix="/rules")

TELLS: Final = 5  # sentences of more than so many people are two rules
LAST: Final = (50, 100, 500)
Reply = str | Answer | tuple[str, int]


@screen.get("")
@guard.may(May.KEEP_RULES)
def show() -> str:
    """Show the rules in force."""
    chosen = guard.deployment()
    begun = draft.draft_of(chosen.settings) is not None
    return _page(sentences(chosen), drafting=False, begun=begun, former=draft.former(chosen.settings))


@screen.get("/draft")
@guard.may(May.KEEP_RULES)
def drafted() -> Reply:
    """Show the draft, or the rules in force where there is none."""
    held = draft.draft_of(guard.deployment().settings)
    return _page(held, drafting=True) if held else redirect(url_for(".show"), 303)


@screen.post("/draft")
@guard.may(May.KEEP_RULES)
def begin() -> Answer:
    """Begin a draft from the rules in force, or from a file that was in force before. Another draft is not overwritten."""
    chosen, name = guard.deployment(), request.form.get("from", "")
    if name and name not in draft.former(chosen.settings):
        abort(404)
    if draft.draft_of(chosen.settings) is None:
        held = read(place(chosen.settings).with_name(name)) if name else sentences(chosen)
        draft.keep(chosen.settings, held)
    return redirect(url_for(".drafted"), 303)


@screen.post("/draft/drop")
@guard.may(May.KEEP_RULES)
def drop() -> Answer:
    """Forget the draft."""
    draft.drop(guard.deployment().settings)
    flash("rules_dropped")
    return redirect(url_for(".show"), 303)


@screen.post("/draft/<int:at>/<any(up, down, remove):act>")
@guard.may(May.KEEP_RULES)
def arrange(at: int, act: str) -> Reply:
    """Move a sentence, for rules count in their order, or remove it."""
    held = _draft()
    rules = list(held.rule)
    if at >= len(rules) or request.form.get("mark") != draft.mark(held):
        return faults.kept("changed", 409, address=url_for(".drafted"))
    one = rules.pop(at)
    if act != "remove":
        rules.insert(max(0, at - 1) if act == "up" else at + 1, one)
    _keep(held, rules)
    return redirect(url_for(".drafted"), 303)


@screen.get("/draft/<int:at>")
@guard.may(May.KEEP_RULES)
def edit(at: int) -> str:
    """Show one sentence with its blanks; one past the last is a new one."""
    held = _draft()
    if at > len(held.rule):
        abort(404)
    return _form(held, at, held.rule[at].model_dump(mode="json") if at < len(held.rule) else {})


@screen.post("/draft/<int:at>")
@guard.may(May.KEEP_RULES)
def write(at: int) -> Reply:
    """Take over one sentence. What cannot be read is said, and what was chosen stays."""
    held, given = _draft(), _given()
    if at > len(held.rule) or request.form.get("mark") != draft.mark(held):
        return faults.kept("changed", 409, address=url_for(".drafted"))
    rules = list(held.rule)
    try:
        rules[at : at + 1] = [Rule.model_validate(given)]
        _keep(held, rules)
    except (ValidationError, Unfit) as fault:
        where = str(fault.errors(include_url=False)[0]["loc"][0]) if isinstance(fault, ValidationError) else "name"
        return _form(held, at, given, wrong=where), 422
    return redirect(url_for(".drafted"), 303)


@screen.get("/draft/try")
@guard.may(May.KEEP_RULES)
def rehearsal() -> str:
    """Show whom the draft would have told of the last reports, and whom else than the rules in force."""
    chosen, held = guard.deployment(), _draft()
    last = request.args.get("last", default=LAST[1], type=int)
    if last not in LAST:
        abort(404)
    with guard.reading() as session:
        seen = list(rehearse(session, chosen, (sentences(chosen), held), last))
        rail = listing.rail(session, guard.officer())
    changed = [one for one in seen if one.changed]
    return render_template(
        "console/rules_try.html", here="rules", seen=seen, changed=changed, last=last, lasts=LAST, mark=draft.mark(held), **rail
    )


@screen.post("/publish")
@guard.may(May.KEEP_RULES)
def put_in_force() -> Reply:
    """Put the draft in force as it was tried."""
    chosen, held, now = guard.deployment(), _draft(), guard.moment()
    if request.form.get("mark") != draft.mark(held):
        return faults.kept("changed", 409, address=url_for(".drafted"))
    with guard.transaction() as session:
        if _faults(session, held):
            return faults.kept("changed", 409, address=url_for(".drafted"))
        version = f"{chosen.settings.district.lower()}-{chosen.local(now):%Y-%m-%d-%H%M}"
        text = draft.written(held.model_copy(update={"version": version}))
        publish(session, chosen, text, now, actor=f"officer:{guard.officer().name}")
    draft.drop(chosen.settings)
    flash("rules_published")
    return redirect(url_for(".show"), 303)


def _page(held: Rules, *, drafting: bool, begun: bool = False, former: Sequence[str] = ()) -> str:
    chosen, local = guard.deployment(), guard.deployment().local(guard.moment())
    with guard.reading() as session:
        entries = directory.load(session)
        found = _faults(session, held)
        rail = listing.rail(session, guard.officer())
    district = chosen.settings.district
    return render_template(
        "console/rules.html",
        here="rules",
        held=held,
        drafting=drafting,
        begun=begun,
        former=former,
        shipped=not place(chosen.settings).exists(),
        idle=found,
        gaps=list(gaps(entries, held, local, district)),
        alone=hours_alone(entries, held, local, district),
        mark=draft.mark(held),
        lasts=LAST,
        **rail,
    )


def _form(held: Rules, at: int, given: dict[str, Any], *, wrong: str = "") -> str:
    with guard.reading() as session:
        entries = directory.load(session)
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/rule.html",
        here="rules",
        at=at,
        fresh=at == len(held.rule),
        rule=given,
        when=given.get("when") or {},
        tell=[*given.get("tell", ()), *[{}] * TELLS][:TELLS],
        kinds=sorted({entry.agency_kind for entry in entries} | {one.kind for rule in held.rule for one in rule.tell} - {ANY}),
        tiers=list(Tier),
        categories=CATEGORIES,
        urgencies=list(RANK),
        signs=sorted(SIGNS),
        days=DAYS,
        mark=draft.mark(held),
        wrong=wrong,
        **rail,
    )  # fmt: skip


def _given() -> dict[str, Any]:
    """Read the sentence's blanks as a table of the file."""
    form = request.form
    minors = {"yes": True, "no": False}.get(form.get("minors", ""))
    hours = "-".join(filter(None, (form.get("from", ""), form.get("until", "")))) or None
    places = [place for one in form.get("places", "").split(",") if (place := one.strip())]
    when = {"minors": minors, "hours": hours, "places": places}
    when |= {name: form.getlist(name) for name in ("category", "urgency", "signs", "days")}
    asked = {name: value for name, value in when.items() if value not in (None, [])}
    return {"name": form.get("name", "").strip(), "when": asked, "tell": list(_told(form)), "only": "only" in form}


def _told(form: Any) -> Iterable[dict[str, object]]:
    for at in range(TELLS):
        if kind := form.get(f"kind-{at}", ""):
            tier = form.get(f"tier-{at}") or Tier.DUTY
            yield {"kind": kind, "tier": tier, "wake": f"wake-{at}" in form, "every": f"every-{at}" in form}


def _faults(session: Session, held: Rules) -> list[tuple[str, str]]:
    kinds = frozenset(entry.agency_kind for entry in directory.load(session))
    return list(idle(held, kinds, SIGNS))


def _draft() -> Rules:
    return draft.draft_of(guard.deployment().settings) or abort(404)


def _keep(held: Rules, rules: Sequence[Rule]) -> None:
    draft.keep(guard.deployment().settings, held.model_copy(update={"rule": tuple(rules)}))
