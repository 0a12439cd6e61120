import inspect
import tomllib

import pytest

from hotline.triage import assess
from hotline.triage.lexicon import TEMPLATES, Lexicon, load
from hotline.triage.rules import RULES


def test_every_rule_has_a_docstring_and_a_sentence_for_officers() -> None:
    sentences = tomllib.loads((TEMPLATES / "en" / "findings.toml").read_text(encoding="utf-8"))["findings"]
    names = {rule.__name__.replace("_", "-") for rule in RULES}
    assert all(inspect.getdoc(rule) for rule in RULES)
    assert names | {"model-hears-danger"} == set(sentences)


def test_every_concept_a_rule_asks_for_is_in_the_lexicon() -> None:
    concepts = {phrase.concept for phrases in load().phrases.values() for phrase in phrases}
    source = "\n".join(inspect.getsource(rule) for rule in RULES)
    asked = {name for name in concepts if f'"{name}"' in source}
    assert len(asked) > 30


@pytest.mark.parametrize("phrase", ["", "..", "word ..", "Été", "*"])
def test_a_phrase_that_cannot_be_found_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="lexicon"):
        Lexicon().learn("job", "en", phrase, attested=True, traps=frozenset())


@pytest.mark.parametrize(
    ("text", "concept_word"),
    [
        ("igikomangoma cyaje gusura abaturage", "oman"),
        ("ihungabana ry'ubukungu rirakomeye", "abana"),
        ("gutambuka imbere y'abantu", "ambuk"),
    ],
)
def test_a_word_inside_another_word_is_no_finding(text: str, concept_word: str) -> None:
    assert not [finding for finding in assess(text).findings if concept_word in finding.words.lower()]


def test_a_dropped_apostrophe_hides_no_word() -> None:
    words = {finding.words for finding in assess("batwaye numwana wacu kungufu").findings}
    assert "numwana" in words


def test_what_is_denied_is_not_found() -> None:
    rules = {finding.rule for finding in assess("nobody was sold and nobody was beaten").findings}
    assert not rules & {"hands-over", "beaten"}
