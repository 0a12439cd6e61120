"""The catalog says what it is asked in the nearest language, and refuses a folder of texts with one bad sentence in it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.catalog import Catalog, CatalogError, load, shipped

SHIPPED = Path(__file__).parents[2] / "message_templates"
SETTINGS = {"cover": "IJWI", "tips": "7788", "radio": "7799", "ussd": "*778#", "emergency": "112"}


@pytest.fixture
def words() -> Catalog:
    return shipped().with_deployment(**SETTINGS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED, tmp_path / "message_templates")


@pytest.fixture
def refused(folder: Path) -> Callable[[str, str, str], str]:
    """Change one sentence of the shipped folder and hear why it is refused."""

    def change(file: str, before: str, after: str) -> str:
        text = (folder / file).read_text(encoding="utf-8")
        assert before in text
        (folder / file).write_text(text.replace(before, after), encoding="utf-8")
        with pytest.raises(CatalogError) as refusal:
            load(folder)
        return str(refusal.value)

    return change


def test_a_text_is_filled_in_its_language(words: Catalog) -> None:
    assert words.text("sms.s9", "en").startswith("Hello from IJWI.")
    assert words.text("staff.taken", "en", code="K7-4QM9", time="18:42").startswith("IJWI: K7-4QM9 is yours (taken 18:42).")
    assert "*778#" in words.text("sms.s14", "fr")


def test_a_count_may_be_given_as_a_number(words: Catalog) -> None:
    assert "15 min" in words.text("staff.supervisor", "en", code="K7-4QM9", minutes=15)


def test_kirundi_borrows_from_kinyarwanda_what_it_does_not_say_itself(words: Catalog) -> None:
    values = {"code": "K7-4QM9", "area": "Rusizi"}
    assert words.text("staff.alert", "rn", **values) == words.text("staff.alert", "rw", **values)
    assert words.text("sms.s1", "rn") != words.text("sms.s1", "rw")


def test_a_language_is_called_by_the_name_it_gives_itself(words: Catalog) -> None:
    assert [words.name(language) for language in words.languages] == [
        "English",
        "Français",
        "Ikirundi",
        "Ikinyarwanda",
        "Kiswahili",
    ]


def test_an_unknown_language_is_the_default_of_the_deployment(words: Catalog) -> None:
    assert words.text("sms.received", "xx") == words.text("sms.received", "rw")
    french = shipped().with_deployment(**SETTINGS, language="fr")
    assert french.text("sms.received", "xx") == words.text("sms.received", "fr")


def test_a_default_language_without_a_book_is_helped_out_in_english() -> None:
    swahili = shipped().with_deployment(**SETTINGS, language="sw")
    assert swahili.text("staff.area_abroad", "sw") == "abroad"


def test_an_alert_goes_out_whatever_a_place_is_called(words: Catalog) -> None:
    text = words.text("staff.alert", "en", code="K7-4QM9", area="A place with a very long name {code}")
    assert text.startswith("[K7-4QM9] New, A place with a very . Reply 1")


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("sms.nothing", {}),
        ("staff.taken", {"code": "K7-4QM9"}),
        ("staff.taken", {"code": "K7-4QM9", "time": "18:42", "area": "Rusizi"}),
        ("staff.taken", {"code": "+250788000111", "time": "18:42"}),
        ("staff.closed", {"code": "K7-4QM9", "name": "Invented Person"}),
    ],
)
def test_a_wrong_key_or_value_is_refused_and_never_repeated(words: Catalog, key: str, values: dict[str, str]) -> None:
    with pytest.raises(CatalogError) as refusal:
        words.text(key, "en", **values)
    assert not any(value in str(refusal.value) for value in values.values())


def test_a_text_with_a_setting_needs_a_deployment() -> None:
    assert shipped().text("sms.received", "en") == "Thank you. Your message was received."
    with pytest.raises(CatalogError, match="'cover'"):
        shipped().text("sms.s1", "en")


@pytest.mark.parametrize(
    "setting",
    [{"cover": "x" * 12}, {"cover": "Police"}, {"ussd": "778"}, {"tips": "seven"}, {"emergency": ""}, {"language": "xx"}],
)
def test_a_deployment_with_an_unfit_setting_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(CatalogError):
        shipped().with_deployment(**{**SETTINGS, **setting})


@pytest.mark.parametrize(
    ("file", "before", "after", "reason"),
    [
        ("fr/sms.toml", 's4 = "', 's4x = "', "fr has the text 'sms.s4x', which en does not have."),
        ("fr/sms.toml", 's9 = "', '# "', "fr lacks the text 'sms.s9'."),
        ("fr/staff.toml", 'closed = "', '# "', "fr lacks the text 'staff.closed'."),
        ("sw/sms.toml", "{time}", "{minutes}", "sw: sms.s15 and its English text differ in the placeholder 'minutes', 'time'."),
        ("sw/sms.toml", "{time}", "{hour}", "sw: sms.s15 has the unknown placeholder 'hour'."),
        ("sw/sms.toml", "{time}", "{time!r}", "sw: sms.s15 has a placeholder that is more than a name in braces."),
        ("sw/sms.toml", "{time}", "{time", "sw: sms.s15 has a brace that does not close."),
        ("rw/sms.toml", "Murakoze. Turafunga", "Murakoze. T\u2019urafunga", "rw: sms.s12 has '\u2019', which the GSM-7"),
        ("rw/sms.toml", "Murakoze. Turafunga", "Murakoze. " + "a" * 80, "one segment holds 160."),
        ("rw/sms.toml", "Murakoze. Turafunga", "Turafunga", "rw: sms.s12 does not begin with one of the harmless openings"),
        ("rw/sms.toml", "Murakoze. Turafunga", "Murakoze. Polisi", "rw: sms.s12 says 'polisi', which no text to a caller"),
        ("en/sms.toml", "Thank you. We are", "Thank you. The cas\u00c9 is", "en: sms.s12 says 'case', which no text to a caller"),
        ("en/sms.toml", 's12 = "Thank', 's12 = "T}hank', "en: sms.s12 has a brace that does not close."),
        ("fr/language.toml", "draft = true", 'draft = "yes"', "fr/language.toml needs 'draft' as a bool."),
        ("fr/language.toml", "draft = true", "draft = true\nflag = 1", "fr/language.toml has the unknown key 'flag'."),
        ("rn/language.toml", '"rw"', '"xx"', "rn/language.toml borrows from a language that is not here."),
        ("fr/commands.toml", "lang =", "tongue =", "fr/commands.toml has the unknown key 'tongue'."),
        ("fr/commands.toml", "lang =", "#", "fr/commands.toml lacks 'lang'."),
        ("fr/commands.toml", '"AIDE"', '"aide"', "fr/commands.toml: 'aide' must be capital letters without accents."),
        ("fr/commands.toml", '["LANGUE"]', '"LANGUE"', "fr/commands.toml must give a list of words for each kind."),
        ("fr/language.toml", '"Pardon"', "1", "fr/language.toml must list openings and never_say as words in quotes."),
        ("sw/commands.toml", '"HABARI"', '"HELP"', "sw/commands.toml: HELP is already a word for help."),
        ("sw/sms.toml", 's12 = "', "s12 = ", "sw/sms.toml cannot be read:"),
        ("sw/sms.toml", 's12 = "', 's12 = ""#', "sw/sms.toml: s12 must be a text in quotes."),
    ],
)
def test_a_folder_with_one_fault_is_refused_in_one_sentence(
    refused: Callable[[str, str, str], str], file: str, before: str, after: str, reason: str
) -> None:
    assert reason in refused(file, before, after)


def test_a_folder_without_the_reference_language_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "en")
    with pytest.raises(CatalogError, match="the reference for all others"):
        load(folder)


def test_a_new_language_needs_one_folder_and_nothing_else(folder: Path) -> None:
    shutil.copytree(folder / "sw", folder / "ln")
    learned = load(folder).with_deployment(**SETTINGS)
    assert learned.languages == ("en", "fr", "ln", "rn", "rw", "sw")
    assert learned.text("sms.received", "ln") == learned.text("sms.received", "sw")
