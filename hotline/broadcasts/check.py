"""The dry run: every row of a broadcast as it would be sent, what it costs, how long it takes, and what is wrong.

Nobody's number is opened for it: the digits that price a text are kept beside the sealed number. What comes out holds counts
and a few texts, never who they are for.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Self

from sqlalchemy.orm import Session

from hotline.broadcasts import prices
from hotline.broadcasts.audience import Audience, Part, everybody, size
from hotline.broadcasts.texts import Judged, Wording
from hotline.deployment import Deployment
from hotline.outbound.meter import measure

UNLIMITED: Final = 20  # texts a second, as a careful guess, through a gateway that was given no rate
SPARED: Final = 4  # a quarter of a gateway's rate is left free for alerts (hotline/outbound/pace.py)
SAMPLES: Final = 5


@dataclass
class Found:
    """What a check found. `networks` are lines of gateway, digits, texts, segments and cost; a cost of None is not known.

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
    found, audience = Found(), Audience.read(row["audience"])
    found.blocked = _blocked(session, deployment, row, audience, now)
    words, turns = wording(deployment, row), shares(deployment)
    try:
        price = prices.load(deployment.settings.prices)
        found.currency = price.currency
        found.noted += [] if price.agreed else ["The prices are examples: write your contract's into the file of prices."]
    except prices.PriceError as error:
        price, found.noted = None, [str(error)]
    if not _readable(found, deployment, row):
        return found

    @lru_cache(maxsize=4096)
    def one(wanted: str | None, sector: str | None) -> tuple[str, str, int]:
        language = words.language(wanted)
        text = words.text(language, sector)
        return language, text, measure(text).segments

    languages, texts, segments = Counter[str](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    shown = Counter[str]()
    for page in everybody(session, audience, now):
        told(len(page))
        for person in page:
            part = audience.part(row["id"], person.id)
            found.held_out += part is Part.HELD_OUT
            if part is not Part.TEXTED:
                continue
            language, text, long = one(person.language, person.sector)
            by = (turns[found.people % len(turns)], person.prefix)
            found.people += 1
            languages[language] += 1
            texts[by] += 1
            segments[by] += long
            if shown[language] < 2 and len(found.samples) < SAMPLES and (language, text) not in found.samples:
                shown[language] += 1
                found.samples.append((language, text))
    found.by_language, found.segments = dict(languages), sum(segments.values())
    for (gateway, prefix), number in sorted(texts.items()):
        each = price.of(gateway, prefix) if price else None
        found.networks.append((gateway, prefix, number, segments[gateway, prefix], _cost(each, segments[gateway, prefix])))
    found.cost = sum(line[4] or 0 for line in found.networks)
    if any(line[4] is None for line in found.networks) and price:
        found.noted.append("For some networks there is no price: the total lacks them.")
    found.seconds = _seconds(deployment, texts)
    return found


def _blocked(session: Session, deployment: Deployment, row: Mapping[str, Any], audience: Audience, now: datetime) -> list[str]:
    people = size(session, audience, now, row["id"])
    why = ["A list it is for does not exist."] if people.unknown else []
    why += ["A list it is for has fewer than 20 people: who got a text would tell about one of them."] if people.small else []
    why += ["Fewer than 20 people would get it: who got a text would tell about one of them."] if people.texted < 20 else []
    absent = [name for name in gateways(deployment) if deployment.shelf.get(name) is None]
    return why + (["A gateway that is to carry it has no settings."] if absent else [])


def _readable(found: Found, deployment: Deployment, row: Mapping[str, Any]) -> bool:
    """Note what is wrong with the texts; returns whether they can be filled at all."""
    judged = judge(deployment, row)
    found.blocked += [f"{one.language}: {wrong}" for one in judged for wrong in one.wrong]
    found.noted += [f"{one.language}: {doubt}" for one in judged for doubt in one.doubtful]
    if not judged:
        found.blocked.append("There is no text.")
    return bool(judged) and not any(one.wrong for one in judged)


def _cost(each: float | None, segments: int) -> float | None:
    return None if each is None else round(each * segments, 2)


def _seconds(deployment: Deployment, texts: Counter[tuple[str, str]]) -> float:
    """Return how long sending takes at the allowed rates, quiet hours aside."""
    by_gateway = Counter[str]()
    for (gateway, _), number in texts.items():
        by_gateway[gateway] += number
    rates = deployment.settings.rates
    allowed = {name: max(1, rates[name] - rates[name] // SPARED) if name in rates else UNLIMITED for name in by_gateway}
    return max((number / allowed[name] for name, number in by_gateway.items()), default=0)
