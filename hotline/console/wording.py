"""How times are written on the console's pages, and what every template may use.

Points in time come in aware; they go out in the deployment's zone, 24 hours, with the day where it is not today. Words stand in
the templates, not here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from flask import Flask, g, request

from hotline.console import standing, tongue
from hotline.deployment import Deployment
from hotline.roles import May, allows

THEMES: Final = ("light", "dark")
MAY: Final = {
    "may_read": May.READ_CASE,
    "may_work": May.WORK_CASE,
    "may_see_rota": May.SEE_ROTA,
    "may_see_own": May.OWN_REFERRALS,
    "may_keep_rules": May.KEEP_RULES,
    "may_keep_directory": May.KEEP_DIRECTORY,
    "may_propose": May.PROPOSE_EXCLUSION,
    "may_decide": May.DECIDE_EXCLUSION,
    "may_reply": May.REPLY,
    "may_thaw": May.THAW,
    "may_keep_case": May.KEEP_CASE,
    "may_see_dead": May.SEE_DEAD,
    "may_mend": May.MEND,
    "may_see_record": May.READ_AUDIT,
    "may_see_studio": May.SEE_STUDIO,
    "may_make_shows": May.MAKE_SHOWS,
    "may_manage_keys": May.MANAGE_KEYS,
    "may_manage_team": May.MANAGE_TEAM,
    "may_see_figures": May.SEE_FIGURES,
    "may_see_outcomes": May.SEE_OUTCOMES,
    "may_call": May.CALL,
    "may_ask_number": May.ASK_NUMBER,
    "may_decide_number": May.DECIDE_NUMBER,
    "may_see_today": May.SEE_TODAY,
    "may_verify_record": May.VERIFY_AUDIT,
    "may_see_health": May.SEE_HEALTH,
    "may_see_broadcasts": May.SEE_BROADCASTS,
    "may_broadcast": May.BROADCAST,
    "may_hold": May.HOLD_BROADCAST,
}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def install(app: Flask, deployment: Deployment) -> None:
    """Give templates the filters `clock`, `iso` and `age`, and who is looking."""

    def clock(moment: datetime) -> str:
        return clock_time(deployment.local(moment), deployment.local(g.now))

    def about() -> dict[str, Any]:
        theme, role = request.cookies.get("theme", ""), getattr(g.get("officer"), "role", "")
        return {
            "settings": deployment.settings,
            "officer": g.get("officer"),
            "now": g.get("now"),
            "ends_at": g.get("ends_at"),
            "theme": theme if theme in THEMES else "auto",
            "hung": bool(g.get("only")),
            **allowed(role),
            "standing": standing.current(),
            "tongue": tongue.chosen().code,
            "tongues": tongue.offered(),
            "said_by_scripts": tongue.scripts(),
            "practising": standing.practising(),
        }

    app.context_processor(about)
    app.jinja_env.filters.update(clock=clock, iso=iso, age=lambda moment: age(g.now - moment))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


@lru_cache
def allowed(role: str) -> Mapping[str, bool]:
    """Return what a role may do, by the names that templates ask for."""
    return {name: allows(role, what) for name, what in MAY.items()}


def clock_time(moment: datetime, now: datetime) -> str:
    """Write a local time: 18:42 today, Tue 3 Nov 18:42, in another year Tue 3 Nov 2026 18:42."""
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    day, month = tongue.say(tongue.WEEKDAYS[moment.weekday()]), tongue.say(tongue.MONTHS[moment.month - 1])
    year = f" {moment.year}" if moment.year != now.year else ""
    return f"{day} {moment.day} {month}{year} {moment:%H:%M}"


def iso(moment: datetime) -> str:
    """Write a point in time for machines: UTC, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def age(span: timedelta) -> str:
    """Write how long something has been so: now, 4 min, 2 h 05, 3 d."""
    if span < MINUTE:
        return str(tongue.say("now"))
    if span < HOUR:
        return f"{span // MINUTE} min"
    if span < DAY:
        return f"{span // HOUR} h {span % HOUR // MINUTE:02}"
    return f"{span // DAY} d"
