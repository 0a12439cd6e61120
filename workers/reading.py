"""Between triage and the other stages: an assessment becomes the reading they need."""

import json
from dataclasses import replace
from functools import cache

from pydantic_core import to_json

from hotline.catalog import REFERENCE, shipped
from hotline.intake.ussd.tree import Said
from hotline.models import RANK, Reading
from hotline.radio.wall import SURE, sentences
from hotline.routing.choose import NOBODY_TOLD
from hotline.triage import assess
from hotline.triage.noise import is_noise


def read(text: str) -> Reading:
    """Assess a text. Somebody who dials has often told nothing but answers yet, so no words at all are read once."""
    return _read(text) if text else _nothing()


@cache
def _told_little() -> dict[str, object]:
    """Return the finding that says why a case stands there although nothing of it is known."""
    sentence = shipped().text("calls.told_little", REFERENCE)
    return {"rule": "told-little", "axis": "topic", "value": "help", "sentence": sentence, "words": "", "start": 0, "end": 0}


@cache
def _nothing() -> Reading:
    return _read("")


def _read(text: str) -> Reading:
    found = assess(text)
    return Reading(
        category=str(found.category),
        urgency=str(found.urgency),
        minors=str(found.minors),
        language=found.language,
        language_confident=found.language_confident,
        places=tuple(found.places),
        rules_version=found.rules_version,
        clues=tuple((clue.kind, clue.value) for clue in found.clues),
        noise=is_noise(found),
        whole=to_json(found.as_dict()).decode(),
        words=text,
        least_everyday=_least_everyday(text) if found.everyday >= SURE else 1.0,
        signs=frozenset(finding.rule for finding in found.findings),
    )


def _least_everyday(text: str) -> float:
    return min((assess(one).everyday for one in sentences(text)), default=1.0)


def read_answers(text: str, said: Said, language: str | None, *, before: str | None = None) -> Reading:
    """Assess words together with answers somebody chose: a chosen category stands, the higher urgency counts.

    It is no noise. Whoever went all the way to ask for help, and told nothing that says what it is, is taken for what this line
    is there for, and never for routine: a person has to look.

    `before` is the category such a case has already, which then stands.
    """
    read_ = read(text)
    category = said.category or read_.category
    told_little = said.asked and {category, before or category} <= NOBODY_TOLD
    if told_little:
        said, category = replace(said, urgency=said.urgency or "soon"), "trafficking"
    urgency = min((read_.urgency, said.urgency or read_.urgency), key=RANK.__getitem__)
    minors = "true" if said.minors else read_.minors
    spoken, sure = (language, True) if language else (read_.language, read_.language_confident)
    plain = json.loads(read_.whole)
    categories = list(dict.fromkeys([category, *plain["categories"]]))
    plain |= {"category": category, "categories": categories, "urgency": urgency, "minors": minors}
    if told_little:
        plain["findings"] = [*plain["findings"], _told_little()]
        read_ = replace(read_, signs=read_.signs | {str(_told_little()["rule"])})
    return replace(
        read_,
        category=category,
        urgency=urgency,
        minors=minors,
        language=spoken,
        language_confident=sure,
        noise=False,
        whole=json.dumps(plain, ensure_ascii=False),
    )
