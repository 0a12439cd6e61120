"""Weighing: the rules and the statistical model each have their say, and one judgement comes out.

The model ranks the categories, having seen what the rules think. On urgency the more urgent of the two wins as long as the
other does not call it absurd: a wrong alarm costs an officer a minute, a missed one may cost a life. The elements of article 3
are those the model finds likely; where it finds none in a case, those the rules saw.
"""

import math
from collections.abc import Sequence

from hotline.triage.judge import URGENCIES, Category, Judgement, Minors, Urgency
from hotline.triage.model import ELEMENTS, Model, Opinion
from hotline.triage.rules import Sign

_ALSO = 0.2
_ABSURD = 0.35


def weigh(rules: Judgement, signs: Sequence[Sign], opinion: Opinion, model: Model) -> Judgement:
    """Return the judgement on a message from what the rules and the model make of it."""
    categories = _categories(opinion, model)
    trafficking = categories[0] is Category.TRAFFICKING
    return Judgement(
        categories=categories,
        urgency=_urgency(rules, opinion, model),
        minors=_minors(rules, opinion),
        act=_elements("act", signs, opinion, model) if trafficking else (),
        means=_elements("means", signs, opinion, model) if trafficking else (),
        purpose=_elements("purpose", signs, opinion, model) if trafficking else (),
    )


def models_alarm(rules: Judgement, weighed: Judgement, words: Sequence[str], *, model: Model) -> Sign | None:
    """Return the word that made the model call a message more urgent than the rules did, or nothing when it did not."""
    if URGENCIES.index(weighed.urgency) >= URGENCIES.index(rules.urgency):
        return None
    word = next(iter(model.loudest(words, "urgency", weighed.urgency)), None)
    return None if word is None else Sign("model-hears-danger", "danger", weighed.urgency, word, word)


def _categories(opinion: Opinion, model: Model) -> tuple[Category, ...]:
    chances = opinion.chances("category")
    leaning = {name: chance * math.exp(model.thresholds[f"leaning:{name}"]) for name, chance in chances.items()}
    ranked = sorted(leaning, key=leaning.__getitem__, reverse=True)
    return tuple(Category(name) for place, name in enumerate(ranked) if place == 0 or chances[name] >= _ALSO)


def _urgency(rules: Judgement, opinion: Opinion, model: Model) -> Urgency:
    chances = opinion.chances("urgency")
    limit = model.thresholds["immediate"]
    seconded = rules.urgency is Urgency.IMMEDIATE and chances["immediate"] >= limit * _ABSURD
    if chances["immediate"] >= limit or seconded:
        return Urgency.IMMEDIATE
    return Urgency.SOON if chances["soon"] >= chances["routine"] else Urgency.ROUTINE


def _minors(rules: Judgement, opinion: Opinion) -> Minors:
    """An age or a word for a child is believed unless the model finds it absurd: it may be about somebody else."""
    chances = opinion.chances("minors")
    if rules.minors is Minors.TRUE and chances["true"] >= _ABSURD:
        return Minors.TRUE
    return Minors(max(chances, key=chances.__getitem__))


def _elements(head: str, signs: Sequence[Sign], opinion: Opinion, model: Model) -> tuple[str, ...]:
    """An element that a rule saw needs less of a chance than one that only the model suspects."""
    chances, seen = opinion.chances(head), {sign.value for sign in signs if sign.axis == head}
    limits = {name: model.thresholds[f"{head}:{name}{'+' if name in seen else ''}"] for name in ELEMENTS[head]}
    return tuple(name for name in ELEMENTS[head] if chances[name] >= limits[name])
