"""Formats of shows, and the file in which a producer writes one down: TOML in, an outline of segments out, or a sentence why not.

A format (message_templates/shows) gives segments in their order; a show's own file says what is special about it. Words to be
said aloud stand there in every language the show speaks.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

FOLDER: Final = "shows"
ADDRESS: Final = r"^(https?://[^\s\"<>]{1,300})?$"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Unfit(ValueError):
    """A file is no show. The message is for whoever wrote it."""


class Kind(StrEnum):
    """What a segment is."""

    SAY = "say"
    OPEN_LINES = "open_lines"
    POLL = "poll"
    QUIZ = "quiz"
    READ_BACK = "read_back"
    MUSIC = "music"


class Gives(StrEnum):
    """A way in that is read out."""

    TIPS = "tips"
    RADIO = "radio"
    USSD = "ussd"
    VOICE = "voice"


Words = Annotated[dict[str, Annotated[str, Field(min_length=1, max_length=300)]], Field(default_factory=dict)]


class Option(BaseModel):
    """One answer of a poll: its words by language, and the line whose ringing is a vote for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Words
    beep: str = ""


class Part(BaseModel):
    """One segment of an outline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    title: str = Field(min_length=1, max_length=80)
    minutes: int = Field(ge=1, le=240)
    gives: tuple[Gives, ...] = ()
    say: Words
    poll: Words
    options: tuple[Option, ...] = ()

    @model_validator(mode="after")
    def _asks(self) -> Self:
        asks = self.kind in {Kind.POLL, Kind.QUIZ}
        if bool(self.poll) != asks or (asks and not 2 <= len(self.options) <= 4):
            raise ValueError(f"{self.title}: a poll or quiz, and nothing else, has a question and two to four answers")
        return self


class Written(BaseModel):
    """A show as its producer wrote it down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    station: str = Field(min_length=1, max_length=60)
    aliases: tuple[str, ...] = ()
    name: str = Field(min_length=1, max_length=80)
    format: str
    language: str
    days: tuple[str, ...] = Field(min_length=1)
    at: time
    minutes: int = Field(ge=1, le=240)
    code: str = Field("", pattern=r"^\+?\d{0,13}$")
    keyword: str = Field("", pattern=r"^[A-Za-z]{0,12}$")
    stream: str = Field("", pattern=ADDRESS)
    budget: int = Field(3000, ge=0)
    segment: tuple[dict[str, Any], ...] = ()

    @field_validator("days")
    @classmethod
    def _known(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        if not set(days) <= set(DAYS):
            raise ValueError(f"days are {', '.join(DAYS)}")
        return days


def read(file: Path, templates: Path) -> tuple[Written, tuple[Part, ...]]:
    """Read a show's file and lay it over its format. Raises Unfit, OSError."""
    try:
        return laid_out(tomllib.loads(file.read_text(encoding="utf-8")), templates)
    except tomllib.TOMLDecodeError as error:
        raise Unfit(str(error)) from None


def laid_out(given: Mapping[str, Any], templates: Path) -> tuple[Written, tuple[Part, ...]]:
    """Return a show and its segments. A segment of the same title replaces the format's, any other is put before its end."""
    try:
        written = Written.model_validate(given)
        shape = _shape(templates, written.format)
        own = {str(one.get("title")): one for one in written.segment}
        merged = [{**one, **own.pop(one["title"], {})} for one in shape]
        asked = [one for one in merged if one["kind"] not in {"poll", "quiz"} or one.get("poll")]
        parts = [Part.model_validate(one) for one in (*asked[:-1], *own.values(), asked[-1])]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Unfit(f"{where}: {first['msg']}" if where else first["msg"]) from None
    except FileNotFoundError:
        raise Unfit(f"there is no format {given.get('format')!r}; there are {', '.join(formats(templates))}") from None
    return written, tuple(_stretched(parts, written.minutes))


def formats(templates: Path) -> tuple[str, ...]:
    """Return the names of all formats."""
    return tuple(sorted(file.stem for file in (templates / FOLDER).glob("*.toml")))


def _shape(templates: Path, name: str) -> list[dict[str, Any]]:
    if name not in formats(templates):
        raise FileNotFoundError(name)
    segments: list[dict[str, Any]] = tomllib.loads((templates / FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["segment"]
    return segments


def _stretched(parts: Sequence[Part], minutes: int) -> list[Part]:
    """Give each segment its share of the show's minutes, at least one; the longest takes what is left over."""
    total = sum(part.minutes for part in parts)
    shares = [max(1, part.minutes * minutes // total) for part in parts]
    longest = max(range(len(parts)), key=lambda at: shares[at])
    shares[longest] = max(1, shares[longest] + minutes - sum(shares))
    return [part.model_copy(update={"minutes": share}) for part, share in zip(parts, shares, strict=True)]
