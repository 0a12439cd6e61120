"""The judgement of the rules: from signs to a category, an urgency and the three elements of trafficking.

Comes in: facts and signs. Goes out: what the rules alone make of them. The combination follows ILO: two strong signs on
different axes, or a child with a purpose, make a possible trafficking case; one axis alone does not. Pure and total: any signs
give a judgement.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hotline.triage.facts import Facts
from hotline.triage.rules import Sign


class Category(StrEnum):
    """What a message is about; the words of the label guide."""

    TRAFFICKING = "trafficking"
    SMUGGLING = "smuggling"
    GBV = "gbv"
    LABOUR_ABUSE = "labour_abuse"
    MISSING_PERSON = "missing_person"
    CHILD_PROTECTION = "child_protection"
    QUESTION = "question"
    THANKS_OR_OTHER = "thanks_or_other"
    SPAM_OR_PRANK = "spam_or_prank"


class Urgency(StrEnum):
    """immediate: minutes count; soon: today; routine: in its turn."""

    IMMEDIATE = "immediate"
    SOON = "soon"
    ROUTINE = "routine"


class Minors(StrEnum):
    """Whether a person affected is under 18, as far as the message tells."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


NAMED = {category.value: category for category in Category}  # plain strings hash faster than members
URGENCIES = (Urgency.IMMEDIATE, Urgency.SOON, Urgency.ROUTINE)
_STRONG_MEANS = frozenset({"coercion", "payments", "deception", "abduction"})
_HARMFUL = (Category.TRAFFICKING, Category.GBV, Category.CHILD_PROTECTION, Category.MISSING_PERSON, Category.SMUGGLING)
_SMALL_TALK = 6
_OF_A_CASE = ("danger", "means", "purpose")
Said = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one judge makes of a message: categories best first, and the elements of Palermo article 3."""

    categories: tuple[Category, ...]
    urgency: Urgency
    minors: Minors
    act: tuple[str, ...]
    means: tuple[str, ...]
    purpose: tuple[str, ...]


def judge(facts: Facts, signs: Sequence[Sign]) -> Judgement:
    """Return the judgement of the rules on one message."""
    said = _by_axis(signs)
    child = facts.child
    categories = _categories(facts, signs, said, child=child)
    trafficking = categories[0] is Category.TRAFFICKING
    return Judgement(
        categories=categories,
        urgency=_urgency(facts, said.get("danger", ()), category=categories[0], child=child),
        minors=Minors.TRUE if child else Minors.FALSE if facts.adult else Minors.UNKNOWN,
        act=tuple(said.get("act", ())) if trafficking else (),
        means=tuple(said.get("means", ())) if trafficking else (),
        purpose=tuple(said.get("purpose", ())) if trafficking else (),
    )


def _by_axis(signs: Sequence[Sign]) -> Said:
    """Return the values of each axis, each once, in the order of the signs."""
    said: dict[str, dict[str, None]] = {}
    for _, axis, value, _, _ in signs:
        said.setdefault(axis, {})[value] = None
    return said


def _trafficking_score(facts: Facts, said: Said, *, child: bool) -> float:
    """Return how much speaks for trafficking: 1 and more is a possible case.

    Two axes with a strong means, or a child with a purpose and an act, pass; sold people and removed organs pass alone.
    """
    if not said:
        return _of_words(facts)
    acts, means, purposes = said.get("act", ()), said.get("means", ()), said.get("purpose", ())
    strong = len(_STRONG_MEANS.intersection(means))
    score = 0.35 * bool(acts) + 0.2 * (len(acts) > 1) + 0.35 * min(strong, 2) + 0.1 * bool(means) + 0.35 * bool(purposes)
    score += 0.3 * (child and bool(purposes) and bool(acts))
    return score + _of_words(facts)


def _of_words(facts: Facts) -> float:
    """Return how much single words speak for trafficking, whatever the rules make of them."""
    spoken = facts.spoken
    return 0.5 * ("sale_trade" in spoken) + 0.3 * ("doc_confiscation" in spoken) + 0.3 * ("recruit" in spoken)


def _categories(facts: Facts, signs: Sequence[Sign], said: Said, *, child: bool) -> tuple[Category, ...]:
    score = dict.fromkeys(NAMED, 0.0)
    score["trafficking"] = _trafficking_score(facts, said, child=child)
    if "topic" in said:
        for sign in signs:
            if sign.axis == "topic":
                score[sign.value] += 0.7
    for concept, category in _TOPICS.items():
        if concept in facts.spoken:
            score[category] += 0.15 * len(facts.spoken[concept])
    if len(facts.words) <= _SMALL_TALK and said.keys().isdisjoint(_OF_A_CASE):
        score["thanks_or_other"] += 0.5
    if facts.asks and score["trafficking"] < 1.2:
        score["question"] += 0.6
    if child:
        score["child_protection"] += 0.2
    else:
        score["child_protection"] *= 0.3
    ranked = sorted(NAMED, key=score.__getitem__, reverse=True)
    kept = [name for name in ranked if score[name] >= 0.6] or ["thanks_or_other"]
    return tuple([NAMED[name] for name in kept])


_TOPICS = {
    "smuggling": "smuggling",
    "gbv": "gbv",
    "rape": "gbv",
    "wage_withholding": "labour_abuse",
    "labour_abuse": "labour_abuse",
    "missing_abduction": "missing_person",
    "child_home": "child_protection",
    "question": "question",
    "help_line": "question",
    "thanks": "thanks_or_other",
    "spam": "spam_or_prank",
}


def _urgency(facts: Facts, found: Iterable[str], *, category: Category, child: bool) -> Urgency:
    """Danger now is immediate; harm that goes on is soon; what is past, asked or about pay is routine."""
    if category in (Category.QUESTION, Category.THANKS_OR_OTHER, Category.SPAM_OR_PRANK):
        return Urgency.ROUTINE
    dangers = set(found)
    if facts.says("past") and not dangers & {"help", "moving"} and not facts.says("now"):
        return Urgency.ROUTINE
    if dangers & {"help", "life", "self"} or (dangers & {"moving", "weapon"} and category is not Category.LABOUR_ABUSE):
        return Urgency.IMMEDIATE
    if category is Category.MISSING_PERSON and child:
        return Urgency.IMMEDIATE
    return Urgency.SOON if category in _HARMFUL and category is not Category.SMUGGLING else Urgency.ROUTINE
