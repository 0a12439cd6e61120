"""The dry run: every row of a broadcast as it would be sent, what it costs, how long it takes, and what is wrong.

Nobody's number is opened for it: the digits that price a text are kept beside the sealed number. What comes out holds counts
and a few texts, never who they are for.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Self

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hotline.broadcasts import prices, recordings
from hotline.broadcasts.audience import Audience, Part, everybody, page, size
from hotline.broadcasts.texts import Judged, Wording, closest
from hotline.deployment import Deployment
from hotline.models import Reach
from hotline.outbound.duty import gateway_for
from hotline.outbound.meter import measure

UNLIMITED: Final = 20  # texts a second, as a careful guess, through a gateway that was given no rate
SPARED: Final = 4  # a quarter of a gateway's rate is left free for alerts (hotline/outbound/pace.py)
SAMPLES: Final = 5
NOT_RECORDED: Final = "Whoever asked to be called gets nothing: nothing is recorded."
NOT_WRITTEN: Final = "Whoever asked for texts gets nothing: there is no text."


@dataclass
class Found:
    """What a check found. `networks` are lines of gateway, digits, texts, segments and cost; a cost of None is not known.

    `calls` are such lines of gateway, digits, calls, minutes and cost, and `called` is how many of the people are called.
    `samples` are the first texts as they would be sent, by language. `blocked` are sentences that keep it from being sent,
    `noted` are those that whoever approves should know.
    """

    people: int = 0
    held_out: int = 0
    by_language: dict[str, int] = field(default_factory=dict)
    networks: list[tuple[str, str, int, int, float | None]] = field(default_factory=list)
    segments: int = 0
    cost: float = 0
    currency: str = ""
    seconds: float = 0
    samples: list[tuple[str, str]] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, int, int, float | None]] = field(default_factory=list)
    called: int = 0

    def kept(self) -> dict[str, Any]:
        """Return it as it is kept in a broadcast's row."""
        return asdict(self)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Self:
        """Return what `kept` kept."""
        return cls(**kept)


def wording(deployment: Deployment, row: Mapping[str, Any]) -> Wording:
    """Return the words of a broadcast."""
    return Wording(deployment.words, row["texts"], row["filled"], deployment.settings.district)


def judge(deployment: Deployment, row: Mapping[str, Any]) -> list[Judged]:
    """Judge a broadcast's texts, one a language."""
    words, signed = wording(deployment, row), row["read_by_native"]
    return [words.judge(language, native=language in signed) for language in row["texts"]]


def gateways(deployment: Deployment) -> tuple[str, ...]:
    """Return the gateways that share a broadcast."""
    return deployment.settings.broadcast_gateways or (deployment.settings.gateway,)


def call_gateway(deployment: Deployment) -> str | None:
    """Return the gateway that carries calls to many, None where none has a voice."""
    return gateway_for(deployment)


def shares(deployment: Deployment) -> list[str]:
    """Return gateways in turns, so that each carries as many texts as its rate allows."""
    names, rates = gateways(deployment), deployment.settings.rates
    weights = {name: rates.get(name, UNLIMITED) for name in names}
    turns = sorted((turn / weights[name], name) for name in names for turn in range(1, min(weights[name], 100) + 1))
    return [name for _, name in turns] if len(names) > 1 else list(names)


def dry_run(
    session: Session,
    deployment: Deployment,
    row: Mapping[str, Any],
    now: datetime,
    told: Callable[[int], object] = lambda _: None,
) -> Found:
    """Go through all rows of a broadcast. `told` hears how many people a page had, for a progress bar."""
    found, audience = Found(), Audience.of(row)
    found.blocked = _blocked(session, deployment, row, audience, now)
    words = wording(deployment, row)
    try:
        price = prices.load(deployment.settings.prices)
        found.currency = price.currency
        found.noted += [] if price.agreed else ["The prices are examples: write your contract's into the file of prices."]
    except prices.PriceError as error:
        price, found.noted = None, [str(error)]
    if not _readable(found, deployment, row):
        return found
    found.noted += _unreached(session, audience, now)

    tally = _Tally(found, words, shares(deployment), recordings.of(row), call_gateway(deployment) or "")
    for people in everybody(session, audience, now):
        told(len(people))
        for person in people:
            part = audience.part(row["id"], person.id)
            found.held_out += part is Part.HELD_OUT
            if part is Part.TEXTED:
                tally.add(person)
    found.by_language, found.segments = dict(tally.languages), tally.segments.total()
    for by, number in sorted(tally.texts.items()):
        found.networks.append(_line(by, number, tally.segments[by], price.of(*by) if price else None))
    for by, number in sorted(tally.calls.items()):
        found.calls.append(_line(by, number, tally.minutes[by], price.of_call(*by) if price else None))
    priced = [*found.networks, *found.calls]
    found.cost = sum(line[4] or 0 for line in priced)
    if any(line[4] is None for line in priced) and price:
        found.noted.append("For some networks there is no price: the total lacks them.")
    found.seconds = max(
        _seconds(deployment, tally.texts), 60 * tally.minutes.total() / deployment.settings.broadcast_calls_at_once
    )
    return found


@dataclass
class _Tally:
    """Counts one person after the other, by gateway and the digits their number begins with."""

    found: Found
    words: Wording
    turns: Sequence[str]
    tapes: Mapping[str, recordings.Recorded]
    via: str
    languages: Counter[str] = field(default_factory=Counter)
    texts: Counter[tuple[str, str]] = field(default_factory=Counter)
    segments: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    minutes: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._filled = lru_cache(maxsize=4096)(self._fill)

    def add(self, person: Row[Any]) -> None:
        """Count somebody who is texted or called."""
        self.found.people += 1
        self._call(person) if person.reach == Reach.CALL else self._text(person)

    def _call(self, person: Row[Any]) -> None:
        language, by = closest(self.words.words, person.language, self.tapes), (self.via, person.prefix)
        self.found.called += 1
        self.languages[language] += 1
        self.calls[by] += 1
        self.minutes[by] += self.tapes[language].minutes

    def _text(self, person: Row[Any]) -> None:
        language, text, long = self._filled(person.language, person.sector)
        by = (self.turns[(self.found.people - self.found.called - 1) % len(self.turns)], person.prefix)
        self.languages[language] += 1
        self.texts[by] += 1
        self.segments[by] += long
        samples = self.found.samples
        if self.shown[language] < 2 and len(samples) < SAMPLES and (language, text) not in samples:
            self.shown[language] += 1
            samples.append((language, text))

    def _fill(self, wanted: str | None, sector: str | None) -> tuple[str, str, int]:
        language = self.words.language(wanted)
        text = self.words.text(language, sector)
        return language, text, measure(text).segments


def _blocked(session: Session, deployment: Deployment, row: Mapping[str, Any], audience: Audience, now: datetime) -> list[str]:
    people = size(session, audience, now, row["id"])
    why = ["A list it is for does not exist."] if people.unknown else []
    why += ["A list it is for has fewer than 20 people: who got a text would tell about one of them."] if people.small else []
    why += ["Fewer than 20 people would get it: who got a text would tell about one of them."] if people.texted < 20 else []
    absent = [name for name in gateways(deployment) if deployment.shelf.get(name) is None]
    why += ["A gateway that is to carry it has no settings."] if absent and row["texts"] else []
    return why + (["No gateway carries calls: name one as HOTLINE_VOICE_GATEWAY."] if _mute(deployment, row) else [])


def _unreached(session: Session, audience: Audience, now: datetime) -> list[str]:
    """Return what whoever approves should know of people who want another way than there is, and get nothing."""
    missing = [(way, why) for way, why in ((Reach.CALL, NOT_RECORDED), (Reach.TEXT, NOT_WRITTEN)) if way not in audience.ways]
    return [why for way, why in missing if page(session, replace(audience, ways=(way,)), now, "", 1)]


def _mute(deployment: Deployment, row: Mapping[str, Any]) -> bool:
    return bool(row["recorded"]) and call_gateway(deployment) is None


def _readable(found: Found, deployment: Deployment, row: Mapping[str, Any]) -> bool:
    """Note what is wrong with the texts; returns whether they can be filled at all."""
    judged, folder = judge(deployment, row), deployment.settings.instance
    found.blocked += [f"{one.language}: {wrong}" for one in judged for wrong in one.wrong]
    found.noted += [f"{one.language}: {doubt}" for one in judged for doubt in one.doubtful]
    heard = {language: recordings.wrong(deployment.words, folder, language, one) for language, one in recordings.of(row).items()}
    found.blocked += [f"{language}, to be heard: {wrong}" for language, many in heard.items() for wrong in many]
    if not judged and not heard:
        found.blocked.append("There is no text.")
    return bool(judged or heard) and not any(one.wrong for one in judged) and not any(heard.values())


def _line(by: tuple[str, str], number: int, units: int, each: float | None) -> tuple[str, str, int, int, float | None]:
    return (*by, number, units, None if each is None else round(each * units, 2))


def _seconds(deployment: Deployment, texts: Counter[tuple[str, str]]) -> float:
    """Return how long sending takes at the allowed rates, quiet hours aside."""
    by_gateway = Counter[str]()
    for (gateway, _), number in texts.items():
        by_gateway[gateway] += number
    rates = deployment.settings.rates
    allowed = {name: max(1, rates[name] - rates[name] // SPARED) if name in rates else UNLIMITED for name in by_gateway}
    return max((number / allowed[name] for name, number in by_gateway.items()), default=0)
