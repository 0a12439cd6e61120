"""What free answers are about: themes that a producer names, cards proposed for them by words, and how far two coders agree.

Only cards are coded: words a moderator wrote and approved. Nobody codes what a listener typed. A sample is drawn by lot, the same
for every coder, and each codes it without seeing what the others said or what the words propose.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hotline.models import Card, Coding, Episode, Theme, new_id, table
from hotline.radio.wall import folded, pattern

CARD, CODING, EPISODE, THEME = table(Card), table(Coding), table(Episode), table(Theme)
SAMPLE: Final = 200
MOST_THEMES: Final = 9  # a digit each
LONGEST_NAME: Final = 40
MOST_WORDS: Final = 40
NONE: Final = ""  # about none of the themes


@dataclass(frozen=True)
class Agreement:
    """How far two coders agree on `cards` that both have coded.

    `kappa` is Cohen's (1960), None where chance alone would agree always; `within` is half of its 95 % interval.
    """

    coders: tuple[str, str]
    cards: int
    same: int
    kappa: float | None
    within: float


@dataclass(frozen=True)
class Grouped:
    """A theme with the cards that its words propose, and how many each coder of the sample put there."""

    theme: Mapping[str, Any] | None
    cards: tuple[Mapping[str, Any], ...]
    coded: Mapping[str, int]


def of_show(session: Session, show_id: str) -> list[Mapping[str, Any]]:
    """Return the themes of a show in the order in which they were made."""
    mine = select(THEME).where(THEME.c.show_id == show_id, THEME.c.struck.is_(False)).order_by(THEME.c.id)
    return [dict(row) for row in session.execute(mine).mappings()]


def keep(session: Session, show_id: str, theme_id: str, name: str, words: str) -> bool:
    """Write a theme down, or anew where it has an id. `words` are separated by commas; `*` stands for any ending.

    Returns False where it has no name, another theme has it, or there are as many as a coder has digits.
    """
    name, others = name.strip()[:LONGEST_NAME], [one for one in of_show(session, show_id) if one["id"] != theme_id]
    listed = [word for word in (folded(one).strip() for one in re.split(r"[,\n]", words)) if word.strip("* ")][:MOST_WORDS]
    if not name or folded(name) in {folded(one["name"]) for one in others} or (not theme_id and len(others) >= MOST_THEMES):
        return False
    if theme_id:
        mine = update(THEME).where(THEME.c.id == theme_id, THEME.c.show_id == show_id)
        session.execute(mine.values(name=name, words=listed))
    else:
        session.execute(THEME.insert().values(id=new_id(), show_id=show_id, name=name, words=listed, struck=False))
    return True


def strike(session: Session, show_id: str, theme_id: str) -> None:
    """Code nothing for a theme any more."""
    session.execute(update(THEME).where(THEME.c.id == theme_id, THEME.c.show_id == show_id).values(struck=True))


def proposed(themes: Sequence[Mapping[str, Any]], text: str) -> str:
    """Return the theme most of whose words stand in a text, the first of equals; none where no word does."""
    plain = folded(text)
    hits = {one["id"]: len(pattern(one["words"]).findall(plain)) for one in themes if one["words"]}
    best = max(hits, key=lambda theme_id: hits[theme_id], default=NONE)
    return best if hits.get(best) else NONE


def cards(session: Session, show_id: str) -> list[Mapping[str, Any]]:
    """Return the cards of a show that stand, of all its episodes."""
    joined = select(CARD.c.id, CARD.c.text, CARD.c.language, CARD.c.approved_at).join(EPISODE, EPISODE.c.id == CARD.c.episode_id)
    standing = joined.where(EPISODE.c.show_id == show_id, CARD.c.withdrawn.is_(False), CARD.c.text != "")
    return [dict(row) for row in session.execute(standing.order_by(CARD.c.id)).mappings()]


def sample(every: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Draw the cards to code: the same for every coder, and in an order that has nothing to do with when they came."""
    return sorted(every, key=lambda card: hashlib.sha256(card["id"].encode()).digest())[:SAMPLE]


def codes(session: Session, card_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return what was coded of these cards: theme by card, by coder."""
    found: dict[str, dict[str, str]] = {}
    for row in session.execute(select(CODING).where(CODING.c.card_id.in_(card_ids)).order_by(CODING.c.coder)):
        found.setdefault(row.coder, {})[row.card_id] = row.theme_id
    return found


def code(session: Session, card_id: str, coder: str, theme_id: str, now: datetime) -> None:
    """Write down what a coder says a card is about, in place of what they said before."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    written = dialect.insert(CODING).values(card_id=card_id, coder=coder, theme_id=theme_id, at=now)
    said = {"theme_id": written.excluded.theme_id, "at": written.excluded.at}
    session.execute(written.on_conflict_do_update(index_elements=[CODING.c.card_id, CODING.c.coder], set_=said))


def grouped(
    themes: Sequence[Mapping[str, Any]], every: Sequence[Mapping[str, Any]], coded: Mapping[str, Mapping[str, str]]
) -> list[Grouped]:
    """Return cards by the theme their words propose, those of none last."""
    by: dict[str, list[Mapping[str, Any]]] = {one["id"]: [] for one in themes}
    by[NONE] = []
    for card in every:
        by[proposed(themes, card["text"])].append(card)
    counts = {coder: Counter(said if said in by else NONE for said in of.values()) for coder, of in coded.items()}
    return [
        Grouped(theme, tuple(by[theme_id]), {coder: count[theme_id] for coder, count in counts.items()})
        for theme_id, theme in (*((one["id"], one) for one in themes), (NONE, None))
    ]


def agreements(coded: Mapping[str, Mapping[str, str]]) -> list[Agreement]:
    """Return how far each two coders agree who have coded a card in common."""
    names = sorted(coded)
    found = []
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            common = sorted(coded[first].keys() & coded[second].keys())
            if common:
                pairs = [(coded[first][card], coded[second][card]) for card in common]
                found.append(_agreement((first, second), pairs))
    return found


def _agreement(coders: tuple[str, str], pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Cohen's kappa: agreement beyond what two coders with these habits would reach by chance.

    Cohen (1960), Educational and Psychological Measurement 20(1), with the simple standard error given there.
    """
    many, same = len(pairs), sum(one == other for one, other in pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(first[theme] * second[theme] for theme in first) / many**2
    if by_chance == 1:
        return Agreement(coders, many, same, None, 0.0)
    share = same / many
    error = math.sqrt(share * (1 - share) / many) / (1 - by_chance)
    return Agreement(coders, many, same, (share - by_chance) / (1 - by_chance), 1.96 * error)
