"""Weighing: the rules and the statistical model each have their say, and one judgement comes out.

The model ranks the categories, having seen what the rules think. On urgency both are added up, and the limit leans
to the more urgent: a wrong alarm costs an officer a minute, a missed one may cost a life. The elements of article 3
are those the model finds likely. A job advertisement is never spam alone: it may be the first page of a case. Of one or two words
the rules judge alone, for letters by themselves say little.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.triage.judge import NAMED, URGENCIES, Category, Judgement, Minors, Urgency
from hotline.triage.model import CHOICES, ELEMENTS, SLICES, Model, Opinion
from hotline.triage.rules import Sign

_OF_DANGER = frozenset({"help", "life", "weapon"})
_SURELY = 3  # signs of danger
_ABSURD = 0.35
_ALSO = 0.2
_MOSTLY = 0.5
_SURELY_ADULT = 0.6
_CASE, _SPAM = "trafficking", "spam_or_prank"
_EVERYDAY = ("question", "thanks_or_other", _SPAM)
_EVERYDAYS = [at for at, name in enumerate(CHOICES["category"]) if name in _EVERYDAY]
_HARMS = [at for at, name in enumerate(CHOICES["category"]) if name not in _EVERYDAY]
_ALARM, _URGENCY = SLICES["alarm"].start, SLICES["urgency"]
_VOICES = tuple(f"alarm:{at}" for at in range(6))
_LEANINGS = tuple(f"leaning:{name}" for name in CHOICES["category"])
Limits = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Weighed(Judgement):
    """The judgement of rules and model together, and how certain the first category is, between 0 and 1.

    `everyday` is the chance that a message is small talk, a question or spam, whichever of them: that it tells of nobody.
    """

    certainty: float
    everyday: float


def weigh(rules: Judgement, signs: Sequence[Sign], opinion: Opinion, limits: Limits) -> Weighed:
    """Return the judgement on a message from what the rules and the model make of it."""
    shares = shares_of(opinion, limits)
    everyday = everyday_of(shares)
    ranked = sorted(shares, key=shares.__getitem__, reverse=True)
    shown = {sign.rule for sign in signs}
    if ranked[0] == _SPAM and "job-lure" in shown:
        ranked = [_CASE, *(name for name in ranked if name != _CASE)]
    if "nobody-harmed" in shown:
        ranked.sort(key=lambda name: name not in _EVERYDAY)
    categories = tuple([NAMED[name] for place, name in enumerate(ranked) if place == 0 or shares[name] >= _ALSO])
    trafficking = categories[0] is Category.TRAFFICKING
    return Weighed(
        categories=categories,
        urgency=_urgency(rules, signs, opinion, everyday, limits=limits),
        minors=_minors(rules, opinion),
        act=_elements("act", opinion, limits) if trafficking else (),
        means=_elements("means", opinion, limits) if trafficking else (),
        purpose=_elements("purpose", opinion, limits) if trafficking else (),
        certainty=shares[ranked[0]],
        everyday=everyday,
    )


def of_few_words(rules: Judgement) -> Weighed:
    """Return the judgement of the rules alone, called half certain."""
    return Weighed(
        categories=rules.categories,
        urgency=rules.urgency,
        minors=rules.minors,
        act=rules.act,
        means=rules.means,
        purpose=rules.purpose,
        certainty=0.5,
        everyday=0.5,
    )


def models_alarm(rules: Judgement, weighed: Judgement, words: Sequence[str], *, model: Model) -> Sign | None:
    """Return the word that made the model call a message more urgent than the rules did, or nothing when it did not."""
    if URGENCIES.index(weighed.urgency) >= URGENCIES.index(rules.urgency):
        return None
    word = next(iter(model.loudest(words, "urgency", weighed.urgency)), None)
    return None if word is None else Sign("model-hears-danger", "danger", weighed.urgency, word, word)


def shares_of(opinion: Opinion, limits: Limits) -> dict[str, float]:
    """Return the chance of each category, leaned and sharpened so that it is worth what it says."""
    sharpness = limits["sharpness"]
    scores = [(score + limits[name]) * sharpness for name, score in zip(_LEANINGS, opinion.scores, strict=False)]
    highest = max(scores)
    odds = [math.exp(score - highest) for score in scores]
    total = sum(odds)
    return {name: odd / total for name, odd in zip(CHOICES["category"], odds, strict=True)}


def alarms(rules: Judgement, signs: Sequence[Sign], opinion: Opinion) -> list[float]:
    """Return what speaks for "immediate": the model's two opinions, how little the text is an everyday one, and the rules."""
    scores = opinion.scores
    immediate, soon, routine = scores[_URGENCY]
    harm, everyday = max([scores[at] for at in _HARMS]), max([scores[at] for at in _EVERYDAYS])
    dangers = len([sign for sign in signs if sign.axis == "danger"])
    by_rules = float(rules.urgency is Urgency.IMMEDIATE)
    return [scores[_ALARM], immediate - max(soon, routine), harm - everyday, by_rules, min(dangers, 3), 1.0]


def alarm(rules: Judgement, signs: Sequence[Sign], opinion: Opinion, limits: Limits) -> float:
    """Return how much speaks for "immediate", all told."""
    return sum([limits[name] * value for name, value in zip(_VOICES, alarms(rules, signs, opinion), strict=True)])


def is_everyday(signs: Sequence[Sign], everyday: float) -> bool:
    """Tell from the chance of it whether a text is small talk, a question or spam without a word of danger: no emergency.

    "Now" beside a journey, or "I" beside a locked door, are said every day: they lift nothing by themselves.
    """
    return everyday > _MOSTLY and not any(sign.axis == "danger" and sign.value in _OF_DANGER for sign in signs)


def everyday_of(shares: Mapping[str, float]) -> float:
    """Return the chance that a text is small talk, a question or spam."""
    return sum([shares[name] for name in _EVERYDAY])


def _urgency(rules: Judgement, signs: Sequence[Sign], opinion: Opinion, everyday: float, *, limits: Limits) -> Urgency:
    heard = _heard(signs)
    if heard >= _SURELY or (not is_everyday(signs, everyday) and alarm(rules, signs, opinion, limits) >= limits["alarm"]):
        return Urgency.IMMEDIATE
    _, soon, routine = opinion.scores[_URGENCY]
    return Urgency.SOON if soon >= routine or heard > 1 else Urgency.ROUTINE


def _heard(signs: Sequence[Sign]) -> int:
    """Return how many signs of danger the rules heard, if one is a cry for help, a life at risk or a weapon; else none.

    Three are believed whatever else stands in the text: somebody may cry for help right under an advertisement. Of the corpus
    58 texts that are immediate have three and three that are not; 368 and 120 have two.
    """
    dangers = [sign.value for sign in signs if sign.axis == "danger"]
    return 0 if _OF_DANGER.isdisjoint(dangers) else len(dangers)


def _minors(rules: Judgement, opinion: Opinion) -> Minors:
    """A child is believed unless the model finds it absurd; that all are adults is said only where little doubt is left."""
    chances = opinion.chances("minors")
    if rules.minors is Minors.TRUE and chances["true"] >= _ABSURD:
        return Minors.TRUE
    likely = Minors(max(chances, key=chances.__getitem__))
    return Minors.UNKNOWN if likely is Minors.FALSE and chances["false"] < _SURELY_ADULT else likely


def _elements(head: str, opinion: Opinion, limits: Limits) -> tuple[str, ...]:
    """Return the elements that are likely; the model has heard the rules' signs of them."""
    chances = opinion.chances(head)
    return tuple(name for name in ELEMENTS[head] if chances[name] >= limits["element"])
