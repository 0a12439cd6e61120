"""Weighing: the rules and the statistical model each have their say, and one judgement comes out.

The model ranks the categories, having seen what the rules think. On urgency the more urgent of the two wins as long as the
other does not call it absurd: a wrong alarm costs an officer a minute, a missed one may cost a life. The elements of article 3
are those the model finds likely; where it finds none in a case, those the rules saw.
"""

from collections.abc import Sequence

from hotline.triage.judge import URGENCIES, Category, Judgement, Minors, Urgency
from hotline.triage.model import ELEMENTS, Model, Opinion
from hotline.triage.rules import Sign

_ALSO = 0.2
_ABSURD = 0.35
_CALM = frozenset({Category.QUESTION, Category.THANKS_OR_OTHER, Category.SPAM_OR_PRANK})


def weigh(rules: Judgement, signs: Sequence[Sign], opinion: Opinion, model: Model) -> Judgement:
    """Return the judgement on a message from what the rules and the model make of it."""
    categories = _categories(opinion)
    trafficking = categories[0] is Category.TRAFFICKING
    return Judgement(
        categories=categories,
        urgency=_urgency(rules, opinion, model),
        minors=_minors(opinion),
        act=_elements("act", signs, opinion, model) if trafficking else (),
        means=_elements("means", signs, opinion, model) if trafficking else (),
        purpose=_elements("purpose", signs, opinion, model) if trafficking else (),
    )


def is_models_alarm(rules: Judgement, weighed: Judgement) -> bool:
    """Tell whether the model alone made a message more urgent than the rules did."""
    return URGENCIES.index(weighed.urgency) < URGENCIES.index(rules.urgency)


def _categories(opinion: Opinion) -> tuple[Category, ...]:
    chances = opinion.chances["category"]
    ranked = sorted(chances, key=chances.__getitem__, reverse=True)
    return tuple(Category(name) for place, name in enumerate(ranked) if place == 0 or chances[name] >= _ALSO)


def _urgency(rules: Judgement, opinion: Opinion, model: Model) -> Urgency:
    chances = opinion.chances["urgency"]
    limit = model.thresholds["immediate"]
    seconded = rules.urgency is Urgency.IMMEDIATE and chances["immediate"] >= limit * _ABSURD
    if chances["immediate"] >= limit or seconded:
        return Urgency.IMMEDIATE
    return Urgency.SOON if chances["soon"] >= chances["routine"] else Urgency.ROUTINE


def _minors(opinion: Opinion) -> Minors:
    chances = opinion.chances["minors"]
    return Minors(max(chances, key=chances.__getitem__))


def _elements(head: str, signs: Sequence[Sign], opinion: Opinion, model: Model) -> tuple[str, ...]:
    """An element that a rule saw needs less of a chance than one that only the model suspects."""
    chances, seen = opinion.chances[head], {sign.value for sign in signs if sign.axis == head}
    limits = {name: model.thresholds[f"{head}:{name}{'+' if name in seen else ''}"] for name in ELEMENTS[head]}
    return tuple(name for name in ELEMENTS[head] if chances[name] >= limits[name])
