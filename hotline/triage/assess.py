"""Assess: one message in, one explained assessment out.

This is the only door to triage. It accepts any string and never raises for its content; it reads nothing but message_templates
and the models beside it, keeps nothing, and logs nothing. Its answer is a suggestion with reasons: software may say "possible",
and a person decides.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from hotline.triage import clues, everyday, facts, followup, language, lexicon, places, rules
from hotline.triage.clues import Clue
from hotline.triage.folding import Folded, fold
from hotline.triage.judge import Category, Minors, Urgency, judge
from hotline.triage.lexicon import TEMPLATES
from hotline.triage.model import Model, Opinion
from hotline.triage.model import load as load_model
from hotline.triage.places import Place
from hotline.triage.weigh import models_alarm, of_few_words, weigh

RULES_VERSION = "2026.11-9"
LONGEST = 10_000
_KIRUNDI = 0.5
_FEW_WORDS = 2


class Finding(NamedTuple):
    """One reason: the rule, what it speaks for, a sentence for an officer, and the caller's words at `text[start:end]`."""

    rule: str
    axis: str
    value: str
    sentence: str
    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """What triage makes of one message.

    `language` is en, fr, sw or rw, `variety` the same or rn for Kirundi; `categories` are all that apply, best first, and
    `certainty` is how often such a first one is right, between 0 and 1, and `everyday` how often such a message is small talk,
    a question or spam, whichever of them. `act`,
    `means` and `purpose` use the words of Palermo article 3 and are empty unless the category is trafficking. `missing` names
    what the message leaves open, `next_question` the one to ask.
    """

    language: str
    variety: str
    language_confident: bool
    category: Category
    categories: tuple[Category, ...]
    certainty: float
    everyday: float
    urgency: Urgency
    minors: Minors
    act: tuple[str, ...]
    means: tuple[str, ...]
    purpose: tuple[str, ...]
    places: tuple[str, ...]
    place_details: tuple[Place, ...]
    clues: tuple[Clue, ...]
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    next_question: str | None
    rules_version: str

    def as_dict(self) -> dict[str, Any]:
        """Return the assessment as plain lists, texts and numbers, fit for JSON."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in FIELDS}
        plain["place_details"] = [place._asdict() | {"choices": list(place.choices)} for place in self.place_details]
        plain["clues"] = [clue._asdict() for clue in self.clues]
        plain["findings"] = [finding._asdict() for finding in self.findings]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Assessment":
        """Return the assessment that `as_dict` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            language=plain["language"],
            variety=plain["variety"],
            language_confident=plain["language_confident"],
            category=Category(plain["category"]),
            categories=tuple(Category(name) for name in plain["categories"]),
            certainty=plain.get("certainty", 0.0),
            everyday=plain.get("everyday", 0.0),
            urgency=Urgency(plain["urgency"]),
            minors=Minors(plain["minors"]),
            act=tuple(plain["act"]),
            means=tuple(plain["means"]),
            purpose=tuple(plain["purpose"]),
            places=tuple(plain["places"]),
            place_details=tuple(Place(**place | {"choices": tuple(place["choices"])}) for place in plain["place_details"]),
            clues=tuple(Clue(**clue) for clue in plain.get("clues", ())),
            findings=tuple(Finding(**finding) for finding in plain["findings"]),
            missing=tuple(plain["missing"]),
            next_question=plain["next_question"],
            rules_version=plain["rules_version"],
        )


# dataclasses.asdict copies every value deeply, which takes half as long as the whole assessment.
FIELDS = tuple(field.name for field in fields(Assessment))


@dataclass(frozen=True, slots=True)
class Equipment:
    """Everything triage reads from disk, loaded once and then only read; safe to share between forked workers."""

    lexicon: lexicon.Lexicon
    gazetteer: places.Gazetteer
    announcers: clues.Announcers
    identifier: language.Identifier
    model: Model
    sentences: Mapping[str, str]


@lru_cache(maxsize=2)
def equipment(templates: Path = TEMPLATES) -> Equipment:
    """Return the equipment made from `templates`. Raises OSError or ValueError when a file is missing or broken."""
    sentences = tomllib.loads((templates / "en" / "findings.toml").read_text(encoding="utf-8"))
    return Equipment(
        lexicon=lexicon.load(templates),
        gazetteer=places.load(templates),
        announcers=clues.load(templates),
        identifier=language.load(),
        model=load_model(everyday.load(templates)),
        sentences=sentences["findings"],
    )


def preload() -> None:
    """Load everything now: a worker calls this before it forks, so that its children share one copy."""
    equipment()


def assess(text: str, *, known_language: str | None = None) -> Assessment:
    """Return the assessment of `text`; `known_language` is the sender's last certain language.

    Any string is welcome: signs no phone can send are read as gaps, and words after the first 10,000 signs are not looked at.
    """
    tools = equipment()
    named, gathered = _gather(tools, text, known_language)
    signs = rules.signs(gathered)
    by_rules = judge(gathered, signs)
    opinion = tools.model.judge(gathered, signs, by_rules)
    few = len(set(gathered.words)) <= _FEW_WORDS
    judgement = of_few_words(by_rules) if few else weigh(by_rules, signs, opinion, tools.model.thresholds)
    alarm = models_alarm(by_rules, judgement, gathered.heard, model=tools.model)
    signs += [alarm] if alarm else []
    open_facts = followup.missing(gathered, categories=judgement.categories, minors=judgement.minors, places=len(named))
    named_things = _without_places(tools.announcers.find(gathered.message), named)
    return Assessment(
        language=gathered.language.code,
        variety=_variety(gathered, opinion),
        language_confident=gathered.language.confident,
        category=judgement.categories[0],
        categories=judgement.categories,
        certainty=round(judgement.certainty, 3),
        everyday=round(judgement.everyday, 3),
        urgency=judgement.urgency,
        minors=judgement.minors,
        act=judgement.act,
        means=judgement.means,
        purpose=judgement.purpose,
        places=tuple(place.name for place in named),
        place_details=named,
        clues=named_things,
        findings=_findings(gathered.message, signs, tools.sentences),
        missing=open_facts,
        next_question=followup.next_question(open_facts),
        rules_version=RULES_VERSION,
    )


def gather(text: str) -> facts.Facts:
    """Return the facts of a text alone; what training reads."""
    return _gather(equipment(), text, None)[1]


def _gather(tools: Equipment, text: str, known_language: str | None) -> tuple[tuple[Place, ...], facts.Facts]:
    message = fold(text[:LONGEST])
    hits = tools.lexicon.find(message.words)
    spoken = language.detect(tools.identifier, message.text, votes=_votes(hits), known=known_language)
    named = tools.gazetteer.find(message)
    return named, facts.gather(message, hits, spoken, places=named)


def _without_places(found: Sequence[clues.Clue], named: Sequence[Place]) -> tuple[Clue, ...]:
    """Drop names that are a place's: "a hotel in Goma" names no hotel."""
    spans = [(place.start, place.end) for place in named]
    return tuple(clue for clue in found if clue.kind == "wording" or (clue.start, clue.end) not in spans)


def _variety(gathered: facts.Facts, opinion: Opinion) -> str:
    """Tell Kirundi from Kinyarwanda by what the model hears; other languages have one variety."""
    code = gathered.language.code
    return lexicon.KIRUNDI if code == "rw" and opinion.chances("variety")["rn"] >= _KIRUNDI else code


def _votes(hits: Sequence[lexicon.Hit]) -> Mapping[str, int]:
    """Count lexicon words by language, Kirundi with Kinyarwanda, each stretch of words once for each language."""
    counts = dict.fromkeys(language.SPOKEN, 0)
    for code, _ in {("rw" if hit.language == lexicon.KIRUNDI else hit.language, hit.first) for hit in hits}:
        counts[code] += 1
    return counts


def _findings(message: Folded, signs: Sequence[rules.Sign], sentences: Mapping[str, str]) -> tuple[Finding, ...]:
    findings = []
    for sign in signs:
        start, end = message.span(sign.first, sign.last)
        words = message.text[start:end]
        findings.append(Finding(sign.rule, sign.axis, sign.value, sentences[sign.rule], words, start, end))
    return tuple(findings)
