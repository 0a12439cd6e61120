"""Traces a report back to what was on air: by its code, by what its caller says, or by the time that has passed.

A report is laid to one prompt, or to none. No person stands in what is kept: it is a case and a prompt, and whoever must not know
of the case does not count it either (hotline/sight.py).
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.config import Settings
from hotline.db import insert_unless_there
from hotline.models import Airing, Episode, Exposure, How, Prompt, Show, Station, table
from hotline.radio.formats import Gives
from hotline.radio.wall import Words, folded, words_of

AIRING, EPISODE, EXPOSURE, PROMPT, SHOW, STATION = (table(model) for model in (Airing, Episode, Exposure, Prompt, Show, Station))
HALF_LIFE: Final = timedelta(minutes=45)  # after which it is half as likely that a text answers what was heard
LEAST: Final = 10  # per cent; below it a report is laid to nothing
REMEMBERED: Final = timedelta(days=14)  # for who says where they heard it
SURE: Final = {How.CODE: 95, How.INLET: 90, How.SAID: 80}
WAYS: Final = {"sms": Gives.TIPS, "ussd": Gives.USSD, "voice": Gives.VOICE}


@dataclass(frozen=True, slots=True)
class Told:
    """A new report: its case, the words it began with, its way in (sms, ussd, voice), and the code it was sent to."""

    case_id: str
    words: str
    inlet: str
    to: str
    at: datetime


def lay(session: Session, settings: Settings, told: Iterable[Told]) -> int:
    """Lay new reports to the prompts they most likely answer. Returns how many were."""
    every = list(told)
    if not every:
        return 0
    since = min(one.at for one in every) - REMEMBERED
    heard = _airings(session, since, max(one.at for one in every))
    rows, words = [], words_of(settings.templates)
    for one in every if heard else ():
        if found := likeliest(one, heard, settings.radio_code, words):
            airing, how, certainty = found
            plain = {"case_id": one.case_id, "prompt_id": airing["prompt_id"], "how": str(how)}
            rows.append(plain | {"inlet": one.inlet, "certainty": certainty, "at": one.at})
    if rows:
        insert_unless_there(session.connection(), EXPOSURE, rows)
    return len(rows)


def likeliest(
    told: Told, heard: Sequence[Mapping[str, Any]], radio_code: str, words: Words
) -> tuple[Mapping[str, Any], How, int] | None:
    """Return the airing a report answers, by what that is known, and how sure it is in per cent. `heard` is newest first."""
    before = [one for one in heard if one["at"] <= told.at]
    if told.to and (own := next((one for one in before if one["code"] and same(one["code"], told.to)), None)):
        return own, How.CODE, _faded(SURE[How.CODE], told, own)
    if same(told.to, radio_code) and (asked := _first(before, Gives.RADIO)) and _decayed(told, asked) >= LEAST:
        return asked, How.INLET, SURE[How.INLET]
    if (named := _named(told, before, words)) is not None:
        return named, How.SAID, SURE[How.SAID]
    given = _first(before, WAYS.get(told.inlet, Gives.TIPS))
    if given is None or (certainty := _decayed(told, given)) < LEAST:
        return None
    return given, How.TIME, certainty


def same(one: str, other: str) -> bool:
    """Whether two codes are the same, however they are written."""
    digits = [re.sub(r"\D", "", code) for code in (one, other)]
    return bool(digits[0]) and digits[0] == digits[1]


def _first(heard: Sequence[Mapping[str, Any]], way: Gives) -> Mapping[str, Any] | None:
    return next((one for one in heard if way in one["gives"]), None)


def _decayed(told: Told, airing: Mapping[str, Any]) -> int:
    halves = (told.at - airing["at"]).total_seconds() / HALF_LIFE.total_seconds()
    return round(100 * math.pow(0.5, halves))


def _faded(most: int, told: Told, airing: Mapping[str, Any]) -> int:
    """A code of one show stays sure: who texts it has it from there, whenever that was."""
    return max(most if told.at - airing["at"] < timedelta(days=1) else most // 2, LEAST)


def _named(told: Told, heard: Sequence[Mapping[str, Any]], words: Words) -> Mapping[str, Any] | None:
    plain = folded(told.words)
    for one in heard:
        if any(
            re.search(rf"\b{re.escape(folded(name))}\b", plain) for name in (one["station"], one["show"], *one["aliases"]) if name
        ):
            return one
    says_so = words.radio.search(plain) is not None
    return next((one for one in heard if says_so and told.at - one["at"] < timedelta(days=1)), None)


def _airings(session: Session, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    names = (STATION.c.name.label("station"), STATION.c.aliases, SHOW.c.name.label("show"), SHOW.c.code)
    joined = (
        select(AIRING.c.at, AIRING.c.prompt_id, PROMPT.c.gives, *names)
        .join(PROMPT, PROMPT.c.id == AIRING.c.prompt_id)
        .join(EPISODE, EPISODE.c.id == PROMPT.c.episode_id)
        .join(SHOW, SHOW.c.id == EPISODE.c.show_id)
        .join(STATION, STATION.c.id == SHOW.c.station_id)
    )
    wanted = joined.where(AIRING.c.at >= since, AIRING.c.at <= until).order_by(AIRING.c.at.desc()).limit(500)
    return [dict(row) for row in session.execute(wanted).mappings()]
