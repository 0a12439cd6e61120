"""Every sentence the hotline says, read once from message_templates/ and refused as a whole when one of them is not fit.

A folder of TOML files comes in; out comes a Catalog that fills texts and knows the command words. English is the reference:
its keys and placeholders are what every other language must have. A text to a caller must fit one segment with the longest
values it may be given, stay inside the GSM alphabet, begin harmlessly and never contain a word that tells what this line is.
A fault stops the start of the program, never the sending of a text. No error ever repeats a value it was given.
"""

import re
import string
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hotline.gsm7 import COST

REFERENCE: Final = "en"
SEGMENT: Final = 160  # septets a text may have and still be charged once (3GPP TS 23.038)
LONGEST_PROMPT: Final = 200  # letters somebody can say in twelve seconds; nobody listens longer on a phone they fear for

CALLER_COMMANDS: Final = ("stop", "start", "help", "info", "lang", "radio", "join", "yes", "no")
OFFICER_COMMANDS: Final = ("take", "pass_on", "not_ours", "accept", "outcome")
LOOKALIKES: Final = "lookalikes"
COMMANDS: Final = (*CALLER_COMMANDS, *OFFICER_COMMANDS, LOOKALIKES)


class CatalogError(ValueError):
    """A text, or a value given to one, is not fit to be sent. The message is one sentence for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Book:
    """One file of texts. A book for every language must be complete in each; another may be missing as a whole.

    `on_lock_screens` says that a text's first characters are seen by whoever holds the phone, so it must begin harmlessly;
    `spoken` that it is heard and not read, so that any letter may stand in it and twelve seconds are its limit; `on_a_page`
    that it is read on a page, where letters cost nothing.
    """

    to_callers: bool
    in_every_language: bool
    on_lock_screens: bool = False
    spoken: bool = False
    on_a_page: bool = False


BOOKS: Final[Mapping[str, Book]] = MappingProxyType(
    {
        "sms": Book(to_callers=True, in_every_language=True, on_lock_screens=True),
        "news": Book(to_callers=True, in_every_language=True, on_lock_screens=True),
        "phrases": Book(to_callers=True, in_every_language=False, on_lock_screens=True),
        "ussd": Book(to_callers=True, in_every_language=False),
        "staff": Book(to_callers=False, in_every_language=False),
        "voice": Book(to_callers=True, in_every_language=False, spoken=True),
        "page": Book(to_callers=True, in_every_language=False, on_a_page=True),
        "calls": Book(to_callers=False, in_every_language=False),
    }
)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What may stand in a text: the form of the value and the longest one a text must leave room for.

    `cut` says that a longer value is shortened instead of refused: an alert must go out whatever a place is called.
    """

    form: str
    longest: str
    cut: bool = False


DEPLOYMENT: Final[Mapping[str, Placeholder]] = MappingProxyType(
    {
        # A sender name on the air has at most 11 characters (3GPP TS 23.040, 9.1.2.5).
        "cover": Placeholder(r"[A-Za-z0-9][A-Za-z0-9 ]{1,10}", longest="M" * 11),
        "tips": Placeholder(r"\+?\d{3,13}", longest="+250000000000"),
        "radio": Placeholder(r"\+?\d{3,13}", longest="+250000000000"),
        "ussd": Placeholder(r"\*[\d*]{1,8}#", longest="*00000000#"),
        "emergency": Placeholder(r"\d{3,4}", longest="0000"),
        "child_line": Placeholder(r"\d{3,4}", longest="0000"),
        "home_line": Placeholder(r"\d{3,4}", longest="0000"),
    }
)

# 112 is an emergency call on every GSM phone (3GPP TS 22.101, 10.1.1), and Rwanda's number; 116 is Rwanda's line for children and
# 3512 that for violence at home (police.gov.rw).
LINES: Final[Mapping[str, str]] = MappingProxyType({"emergency": "112", "child_line": "116", "home_line": "3512"})

PLACEHOLDERS: Final[Mapping[str, Placeholder]] = MappingProxyType(
    {
        **DEPLOYMENT,
        "code": Placeholder(r"[0-9A-Z]{2}-[0-9A-Z]{4}", longest="MM-MMMM"),
        "time": Placeholder(r"\d{2}:\d{2}", longest="00:00"),
        "number": Placeholder(r"0\d{2} \d{3} \d{4}", longest="000 000 0000"),
        "choice": Placeholder(r"[1-9]", longest="9"),
        "minutes": Placeholder(r"\d{1,4}", longest="0000"),
        "area": Placeholder(r"(?s:.+)", longest="M" * 20, cut=True),
    }
)


@dataclass(frozen=True, slots=True)
class Language:
    """One folder of message_templates/: its texts by key ("sms.s1") and its command words by kind."""

    code: str
    name: str
    draft: bool
    borrows: str | None
    openings: tuple[str, ...]
    never_say: tuple[str, ...]
    texts: Mapping[str, str]
    commands: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All languages, with the settings of one deployment once `with_deployment` has given them."""

    by_code: Mapping[str, Language]
    deployment: Mapping[str, str] = field(default_factory=dict)
    default: str = "rw"

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of all languages, in alphabetical order."""
        return tuple(sorted(self.by_code))

    @property
    def commands(self) -> Mapping[str, frozenset[str]]:
        """The words of each kind of command, of all languages together, in plain capital letters."""
        every = self.by_code.values()
        return {kind: frozenset(chain.from_iterable(one.commands[kind] for one in every)) for kind in COMMANDS}

    def name(self, language: str, /) -> str:
        """Tell what a language calls itself. Raises KeyError for a language that is not here."""
        return self.by_code[language].name

    def is_draft(self, language: str, /) -> bool:
        """Whether no native speaker has signed the texts of this language yet. Raises KeyError for an unknown one."""
        return self.by_code[language].draft

    def telling(self, text: str, /) -> tuple[str, ...]:
        """Return the words of a text that tell, in any language, what this line is."""
        return _telling(text, frozenset(chain.from_iterable(one.never_say for one in self.by_code.values())))

    def with_deployment(self, *, cover: str, tips: str, radio: str, ussd: str, language: str = "rw", **lines: str) -> "Catalog":
        """Give the catalog its cover name, numbers and default language, and check every text again with them.

        `lines` are numbers of other services in place of LINES. Raises CatalogError.
        """
        settings = {"cover": cover, "tips": tips, "radio": radio, "ussd": ussd, **LINES, **lines}
        if language not in self.by_code:
            raise CatalogError(f"The default language must be one of {', '.join(self.languages)}.")
        deployment = {name: _formed(name, value) for name, value in settings.items()}
        _check(self.by_code, deployment)
        return replace(self, deployment=MappingProxyType(deployment), default=language)

    def text(self, key: str, language: str, /, **values: object) -> str:
        """Fill a text, such as "sms.s1", in a language or the nearest one that has it.

        A text that is missing is taken from the language this one borrows from, then from the default, then from English;
        an unknown language is the default. Raises CatalogError for an unknown key, or a value missing, unasked or malformed.
        """
        template = self._template(key, language)
        wanted = _placeholders(template)
        if unasked := values.keys() - wanted:
            raise CatalogError(f"{key} has no placeholder {_listed(unasked)}.")
        given = {**self.deployment, **{name: _formed(name, str(value)) for name, value in values.items()}}
        if missing := wanted - given.keys():
            raise CatalogError(f"{key} needs a value for {_listed(missing)}.")
        return template.format_map(given)

    def _template(self, key: str, language: str) -> str:
        for code in (language, self._lender(language), self.default, REFERENCE):
            spoken = self.by_code.get(code)
            if spoken is not None and key in spoken.texts:
                return spoken.texts[key]
        raise CatalogError(f"There is no text {key}.")

    def _lender(self, language: str) -> str:
        spoken = self.by_code.get(language)
        return self.default if spoken is None or spoken.borrows is None else spoken.borrows


def load(folder: Path) -> Catalog:
    """Read and check all languages of a folder. Raises CatalogError at the first fault, OSError if a file is unreadable."""
    homes = sorted(file.parent for file in folder.glob("*/language.toml"))
    by_code = {home.name: _language(home) for home in homes}
    if REFERENCE not in by_code:
        raise CatalogError(f"{folder.name}/ has no {REFERENCE}/language.toml, the reference for all others.")
    for language in by_code.values():
        _check_parity(language, by_code)
    _check_commands(by_code.values())
    _check(by_code, {})
    return Catalog(MappingProxyType(by_code))


@lru_cache(maxsize=1)
def shipped() -> Catalog:
    """Load the catalog that comes with the program, once, before any deployment's settings."""
    return load(Path(__file__).resolve().parent.parent / "message_templates")


# ---- reading ----------------------------------------------------------------------------------------------------


def _language(home: Path) -> Language:
    about = _read(home / "language.toml")
    known = {"name": str, "draft": bool, "borrows": str, "openings": list, "never_say": list}
    for name, kind in known.items():
        if not isinstance(about.get(name), kind) and (name in about or name != "borrows"):
            raise CatalogError(f"{home.name}/language.toml needs {name!r} as a {kind.__name__}.")
    if not all(isinstance(word, str) for word in chain(about["openings"], about["never_say"])):
        raise CatalogError(f"{home.name}/language.toml must list openings and never_say as words in quotes.")
    if unknown := about.keys() - known.keys():
        raise CatalogError(f"{home.name}/language.toml has the unknown key {_listed(unknown)}.")
    return Language(
        code=home.name,
        name=about["name"],
        draft=about["draft"],
        borrows=about.get("borrows"),
        openings=tuple(about["openings"]),
        never_say=tuple(about["never_say"]),
        texts=MappingProxyType(_texts(home)),
        commands=MappingProxyType(_commands(home, about.get("borrows"))),
    )


def _texts(home: Path) -> dict[str, str]:
    texts = {}
    for book, kind in BOOKS.items():
        file = home / f"{book}.toml"
        if not file.exists() and not kind.in_every_language:
            continue
        for name, text in _read(file).items():
            if not isinstance(text, str) or not text.strip():
                raise CatalogError(f"{home.name}/{file.name}: {name} must be a text in quotes.")
            texts[f"{book}.{name}"] = text
    return texts


def _commands(home: Path, borrows: str | None) -> dict[str, tuple[str, ...]]:
    read = _read(home / "commands.toml")
    if unknown := read.keys() - set(COMMANDS):
        raise CatalogError(f"{home.name}/commands.toml has the unknown key {_listed(unknown)}.")
    if borrows is None and (missing := set(COMMANDS) - read.keys()):
        raise CatalogError(f"{home.name}/commands.toml lacks {_listed(missing)}.")
    if not all(isinstance(words, list) for words in read.values()):
        raise CatalogError(f"{home.name}/commands.toml must give a list of words for each kind.")
    for word in chain.from_iterable(read.values()):
        if not isinstance(word, str) or not re.fullmatch(r"[A-Z]+( [A-Z]+)*", word):
            raise CatalogError(f"{home.name}/commands.toml: {word!r} must be capital letters without accents.")
    return {kind: tuple(read.get(kind, ())) for kind in COMMANDS}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise CatalogError(f"{file.parent.name}/{file.name} cannot be read: {fault}.") from fault


# ---- checking ---------------------------------------------------------------------------------------------------


def _check_parity(language: Language, by_code: Mapping[str, Language]) -> None:
    """Every text of the reference is here, or may be borrowed; none is here that the reference lacks."""
    reference = by_code[REFERENCE].texts
    if language.borrows is not None and language.borrows not in by_code:
        raise CatalogError(f"{language.code}/language.toml borrows from a language that is not here.")
    if unknown := language.texts.keys() - reference.keys():
        raise CatalogError(f"{language.code} has the text {_listed(unknown)}, which {REFERENCE} does not have.")
    for book, kind in BOOKS.items():
        keys = {key for key in reference if _book(key) == book}
        whole_book_missing = not kind.in_every_language and not keys & language.texts.keys()
        if language.borrows is None and not whole_book_missing and (missing := keys - language.texts.keys()):
            raise CatalogError(f"{language.code} lacks the text {_listed(missing)}.")
    for key, text in language.texts.items():
        _check_placeholders(f"{language.code}: {key}", text, reference[key])


def _check_placeholders(where: str, text: str, reference: str) -> None:
    found = _placeholders(text, where)
    if unknown := found - PLACEHOLDERS.keys():
        raise CatalogError(f"{where} has the unknown placeholder {_listed(unknown)}.")
    if differing := found ^ _placeholders(reference, where):
        raise CatalogError(f"{where} and its English text differ in the placeholder {_listed(differing)}.")


def _check_commands(languages: Iterable[Language]) -> None:
    """Let a word stand for one command only, in all languages together."""
    everyone = tuple(languages)
    for audience in (CALLER_COMMANDS, OFFICER_COMMANDS):
        meaning: dict[str, str] = {}
        for language in everyone:
            for kind, word in _pairs(language, audience):
                if meaning.setdefault(word, kind) != kind:
                    raise CatalogError(f"{language.code}/commands.toml: {word} is already a word for {meaning[word]}.")


def _pairs(language: Language, audience: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    return ((kind, word) for kind in audience for word in language.commands[kind])


def _check(by_code: Mapping[str, Language], deployment: Mapping[str, str]) -> None:
    """Measure every text with a deployment's own values, and the longest ones where there are none."""
    values = {**{name: one.longest for name, one in PLACEHOLDERS.items()}, **deployment}
    banned = frozenset(chain.from_iterable(one.never_say for one in by_code.values()))
    for language in by_code.values():
        for key, text in language.texts.items():
            where, filled, book = f"{language.code}: {key}", text.format_map(values), BOOKS[_book(key)]
            if not book.on_a_page:
                (_check_spoken if book.spoken else _check_alphabet)(where, filled)
            if book.on_lock_screens:
                _check_opening(where, text, language.openings)
            if book.to_callers:
                _check_banned(where, filled, banned)


def _check_alphabet(where: str, filled: str) -> None:
    if foreign := sorted({char for char in filled if char not in COST}):
        raise CatalogError(f"{where} has {_listed(foreign)}, which the GSM-7 alphabet does not have.")
    if (septets := sum(COST[char] for char in filled)) > SEGMENT:
        raise CatalogError(f"{where} takes {septets} septets with its longest values; one segment holds {SEGMENT}.")


def _check_spoken(where: str, filled: str) -> None:
    if len(filled) > LONGEST_PROMPT:
        raise CatalogError(f"{where} has {len(filled)} letters with its longest values; a prompt holds {LONGEST_PROMPT}.")


def _check_opening(where: str, text: str, openings: tuple[str, ...]) -> None:
    if not any(text.startswith(opening) and not text[len(opening) :][:1].isalpha() for opening in openings):
        raise CatalogError(f"{where} does not begin with one of the harmless openings of its language.")


def _check_banned(where: str, filled: str, banned: frozenset[str]) -> None:
    """Banned in one language is banned in all: the words travel, and so do the phones."""
    if told := _telling(filled, banned):
        raise CatalogError(f"{where} says {told[0]!r}, which no text to a caller may say.")


def _telling(text: str, banned: frozenset[str]) -> tuple[str, ...]:
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(char))
    return tuple(word for word in re.findall(r"[a-z]+", plain) if _any_of(banned).match(word))


@lru_cache(maxsize=8)
def _any_of(banned: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, sorted(banned))) or r"(?!)")


# ---- values -----------------------------------------------------------------------------------------------------


def _formed(name: str, value: str) -> str:
    """Give a value in the form its placeholder asks for. The error names the placeholder and keeps the value to itself."""
    placeholder = PLACEHOLDERS.get(name)
    if placeholder is None or not re.fullmatch(placeholder.form, value):
        raise CatalogError(f"The value for {name!r} does not have the form its placeholder asks for.")
    return value[: len(placeholder.longest)] if placeholder.cut else value


@lru_cache(maxsize=1024)
def _placeholders(text: str, where: str = "A text") -> frozenset[str]:
    try:
        pieces = [(name, form, turned) for _, name, form, turned in string.Formatter().parse(text) if name is not None]
    except ValueError as fault:
        raise CatalogError(f"{where} has a brace that does not close.") from fault
    for name, form, turned in pieces:
        if not name.isidentifier() or form or turned:
            raise CatalogError(f"{where} has a placeholder that is more than a name in braces.")
    return frozenset(name for name, _, _ in pieces)


def _book(key: str) -> str:
    return key.partition(".")[0]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
