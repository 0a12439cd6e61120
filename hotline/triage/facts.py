"""Facts: what a message says, gathered once, so that every rule can ask short questions about it.

Comes in: the folded message, its lexicon hits and its language. Goes out: one frozen Facts. Words that are denied ("nobody was
taken") are kept apart, and chance likenesses with words of another language are left out. Nothing is judged here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hotline.triage.folding import Folded
from hotline.triage.language import Language
from hotline.triage.lexicon import Hit
from hotline.triage.mask import mask
from hotline.triage.places import Place

_FAMILY = {"rw": "rw", "rn": "rw", "sw": "sw", "fr": "fr", "en": "en"}
_SURELY_MEANT = 6
_REACH_OF_NO = 3
_NOBODY_IS = frozenset({("nobody", "is"), ("nobody", "was"), ("nobody", "has")})
_DENIABLE = frozenset({
    "move", "recruit", "sale_trade", "sexual_exploitation", "rape", "threat_violence", "immediate_danger", "death_risk",
    "abduction",
    "weapon", "organ_removal", "forced_marriage", "escape", "armed_group", "crime_forced", "gbv", "handover", "buyer_pay",
})  # fmt: skip
_LINK = re.compile(r"https?:|www\.|\bwa\.me|\bbit\.ly|\.com\b", re.IGNORECASE)
_OF_LINKS = ("http", "www", "wa.", "bit", ".com")  # one of them is in every link: looked for before the pattern, as it is faster
_DIGIT = re.compile(r"\d")
_PHONE = re.compile(r"(?<!\d)\+?\d[\d ]{7,13}\d(?!\d)")
_AGE_AFTER = frozenset({"years", "year", "yrs", "yr", "yo", "ans", "an", "y"})
_AGE_BEFORE = frozenset({
    "miaka", "imyaka", "myaka", "aged", "age", "agee", "ages", "afite", "mfite", "ufite", "bafite", "afise", "mfise", "ufise",
    "am", "im", "nina", "ana", "wana", "girl", "boy", "fille", "garcon", "umri", "umwana", "is", "turned", "just",
    "only", "mwenye",
})  # fmt: skip
_SPAN_BEFORE = frozenset({
    "for", "since", "depuis", "pendant", "a", "kuva", "tangu", "kwa", "past", "last", "hashize", "maze", "after", "muda", "apres",
})  # fmt: skip
_SPAN_AFTER = frozenset({"ago", "ishize", "iheze", "iliyopita", "later", "passes", "sasa", "contract", "experience"})
_GLUED_AGE = re.compile(r"(\d{1,2})(yrs?|years?|yo|ans|y)")
_ADULT = 18
_OLDEST = 99
_OF = frozenset({"of", "de", "wa"})
_PERSONS = frozenset(
    {
        "girl",
        "girls",
        "boy",
        "boys",
        "daughter",
        "son",
        "child",
        "kid",
        "niece",
        "nephew",
        "sister",
        "brother",
        "fille",
        "filles",
        "garcon",
        "enfant",
        "soeur",
        "frere",
        "binti",
        "mtoto",
    }
)
_LISTED = frozenset({"and", "to", "or", "et", "a", "na", "kugeza", "hadi"})


@dataclass(frozen=True, slots=True)
class Age:
    """An age in years, and the word of the message that gives it."""

    years: int
    word: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What one message says.

    `spoken` maps a concept of the lexicon to its hits, `denied` names concepts that are only mentioned as not being so,
    `heard` are the words as the statistical judge hears them: see mask.py.
    """

    message: Folded
    heard: list[str]
    language: Language
    spoken: dict[str, list[Hit]]
    denied: frozenset[str]
    ages: tuple[Age, ...]
    foreign_places: int
    asks: bool
    has_link: bool
    has_phone: bool

    def says(self, *concepts: str) -> bool:
        """Tell whether any of the concepts is spoken of."""
        return not self.spoken.keys().isdisjoint(concepts)

    def says_all(self, *concepts: str) -> bool:
        """Tell whether every one of the concepts is spoken of."""
        return self.spoken.keys() >= set(concepts)

    def hit(self, *concepts: str) -> Hit | None:
        """Return the first hit of the first of the concepts that is spoken of."""
        for concept in concepts:
            if concept in self.spoken:
                return self.spoken[concept][0]
        return None

    @property
    def words(self) -> list[str]:
        """The folded words of the message."""
        return self.message.words

    @property
    def child(self) -> bool:
        """A person under 18 is spoken of, by age or by a word such as "child"."""
        return "child_word" in self.spoken or (bool(self.ages) and any(age.years < _ADULT for age in self.ages))

    @property
    def adult(self) -> bool:
        """An adult is spoken of and no child."""
        return bool(self.ages) and not self.child and any(age.years >= _ADULT for age in self.ages)


def gather(message: Folded, hits: Iterable[Hit], language: Language, *, places: Sequence[Place]) -> Facts:
    """Return the facts of a message that names `places`."""
    meant = _meant(hits, language) if language.confident else list(hits)
    noes = {word for hit in meant if hit.concept == "negation" for word in range(hit.first, hit.last + 1)}
    nobody = "nobody" in message.words
    spoken: dict[str, list[Hit]] = {}
    denied: set[str] = set()
    for hit in meant:
        if (noes and hit.concept in _DENIABLE and _is_denied(hit, noes, message)) or (nobody and _is_nobodys(hit, message.words)):
            denied.add(hit.concept)
        else:
            spoken.setdefault(hit.concept, []).append(hit)
    digits = _DIGIT.search(message.text) is not None
    return Facts(
        message=message,
        heard=mask(message, places) if places or digits else message.words,
        language=language,
        spoken=spoken,
        denied=frozenset(denied),
        ages=tuple(_ages(message.words)) if digits else (),
        foreign_places=sum(place.country != "RW" for place in places),
        asks="?" in message.text or "question" in spoken,
        has_link=any(map(message.text.lower().__contains__, _OF_LINKS)) and _LINK.search(message.text) is not None,
        has_phone=digits and _PHONE.search(message.text) is not None,
    )


def _meant(hits: Iterable[Hit], language: Language) -> list[Hit]:
    """Return the hits that count: those in another language than the message only if too long to be a chance likeness."""
    code = language.code
    return [hit for hit in hits if hit.letters >= _SURELY_MEANT or _FAMILY[hit.language] == code]


def _is_denied(hit: Hit, noes: set[int], message: Folded) -> bool:
    clause = message.clauses[hit.first]
    nearby = range(max(0, hit.first - _REACH_OF_NO), hit.first + 1)
    return any(word in noes and message.clauses[word] == clause for word in nearby)


def _is_nobodys(hit: Hit, words: list[str]) -> bool:
    """Tell whether "nobody is" stands just before: then not even being held is meant."""
    before = words[max(0, hit.first - 3) : hit.first]
    return any(pair in _NOBODY_IS for pair in pairwise(before))


def _ages(words: list[str]) -> Iterator[Age]:
    for at, word in enumerate(words):
        glued = _GLUED_AGE.fullmatch(word)
        if glued:
            yield from _age(int(glued[1]), at, words=words, sure=True)
        elif word.isdigit() and len(word) <= 2:
            after = words[at + 1] if at + 1 < len(words) else ""
            yield from _age(int(word), at, words=words, sure=after in _AGE_AFTER)


def _age(years: int, at: int, *, words: list[str], sure: bool) -> Iterator[Age]:
    """Yield an age when a number is one: beside a word of age, and not a span of time ("for 2 years", "imyaka 2 ishize")."""
    before = words[at - 1] if at else ""
    later = words[at + 1 : at + 3]
    if not 0 < years <= _OLDEST or before in _SPAN_BEFORE or _SPAN_AFTER.intersection(later):
        return
    if (
        sure
        or (before in _OF and at > 1 and words[at - 2] in _PERSONS)
        or before in _AGE_BEFORE
        or (before in _LISTED and at > 1 and _AGE_BEFORE.intersection(words[max(0, at - 3) : at]))
    ):
        yield Age(years, at)
