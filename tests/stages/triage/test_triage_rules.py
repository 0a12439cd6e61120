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


@pytest.mark.parametrize(
    "text", ["il attend à la gare de Bukavu", "bari muri gare ya Kamembe", "wako stendi ya Kamembe", "habari za mtaani"]
)
def test_whoever_stands_at_a_station_is_not_in_a_weak_position_for_that(text: str) -> None:
    assert "weak-position" not in {finding.rule for finding in assess(text).findings}


@pytest.mark.parametrize("text", ["le garçon dort à la gare", "umwana arara muri gare", "mtoto analala stendi"])
def test_whoever_sleeps_at_a_station_is_in_a_weak_position(text: str) -> None:
    assert "weak-position" in {finding.rule for finding in assess(text).findings}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("our albino neighbour was followed by two men", "organs-taken"),
        ("un enfant albinos a été suivi", "organs-taken"),
        ("umwana ufite ubumuga bw'uruhu bamukurikiye", "organs-taken"),
        ("wamemteka dada yangu njiani", "abducted"),
        ("baramunyuruje mu nzira", "abducted"),
        ("afise grenade mu ntoke", "weapon-near"),
        ("ana bunduki, mtoto wangu wa miaka 12 yuko msituni na wao", "made-to-fight"),
        ("urugi rufunze kandi sinsohoka", "locked-in"),
        ("mlango umefungwa kwa kufuli", "locked-in"),
        ("umwana ntaraboneka kuva ejo", "somebody-missing"),
        ("mtoto hajulikani alipo", "somebody-missing"),
        ("pris nos cartes et nos téléphones", "papers-taken"),
    ],
)
def test_what_is_said_without_the_usual_word_is_found_in_every_language(text: str, rule: str) -> None:
    assert rule in {finding.rule for finding in assess(text).findings}


@pytest.mark.parametrize(
    "text",
    [
        "nous avons loué une maison avec jardin",
        "umuzamu yafunguye idirishya",
        "je refais ma carte d'identité à la commune",
        "anakunywa dawa ya malaria",
        "imyenda mishya yageze mu iduka",
        "the fence has no gate, a guard sits there",
    ],
)
def test_everyday_things_are_no_finding_of_act_or_means_or_danger(text: str) -> None:
    rules = [finding for finding in assess(text).findings if finding.rule != "model-hears-danger"]
    assert not [finding.rule for finding in rules if finding.axis in ("means", "danger") or finding.rule == "hands-over"]


def test_now_in_another_clause_than_a_past_journey_moves_nobody() -> None:
    found = assess("en 2014 mon frère est parti à Kampala, aujourd'hui il a un atelier")
    assert "moving-now" not in {finding.rule for finding in found.findings}
    found = assess("en 2014 mon frère est parti, aujourd'hui on emmène ma soeur à Kampala")
    assert "moving-now" in {finding.rule for finding in found.findings}


@pytest.mark.parametrize(
    "text",
    [
        "deux enfants ont traverse le lac hier avec un oncle",
        "watoto wawili walivuka ziwa jana na mjomba",
        "abana babiri bambutse ikiyaga ejo bari kumwe na nyirarume",
    ],
)
def test_a_lake_is_crossed_and_is_no_place_of_work(text: str) -> None:
    assert "forced-work" not in {finding.rule for finding in assess(text).findings}
