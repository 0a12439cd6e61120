import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.triage import Assessment, assess, preload
from hotline.triage.explain import explain
from hotline.triage.predict import predict

LOCKED_IN = "They locked me in a house in Kampala, madam took my passport, help me now"


def test_a_locked_in_caller_is_an_immediate_trafficking_case_with_its_reasons() -> None:
    found = assess(LOCKED_IN)
    assert (found.category, found.urgency) == ("trafficking", "immediate")
    assert "coercion" in found.means
    assert found.places == ("Kampala",)
    assert "took my passport" in {finding.words for finding in found.findings}


def test_an_assessment_survives_the_way_through_json() -> None:
    found = assess(LOCKED_IN)
    assert Assessment.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_every_finding_tells_an_officer_a_sentence() -> None:
    for finding in assess(LOCKED_IN).findings:
        assert finding.sentence.endswith((".", "answer."))


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_string_is_assessed_and_every_finding_stands_where_it_says(text: str) -> None:
    found = assess(text)
    for finding in found.findings:
        assert text[finding.start : finding.end] == finding.words
        assert finding.words
    for place in found.place_details:
        assert 0 <= place.start < place.end <= len(text)


WORDS = [
    "locked",
    "bamufungiranye",
    "n'umwana",
    "Éléonore",
    "œuvre",
    "\ud800",
    "\x00",
    "🙂",
    "Bukavu",
    "pr0mise",
    "\uff2e\uff2f\uff37",
    "\ufb01lle",
]


@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_findings_keep_their_place_among_signs_of_other_lengths(text: str) -> None:
    for finding in assess(text).findings:
        assert text[finding.start : finding.end] == finding.words


@pytest.mark.parametrize("text", ["", " ", "\x00\x00", "\ud800\udfff", "🙂" * 50, "a" * 10_000, "no " * 5_000, "1" * 200])
def test_odd_texts_are_assessed_without_an_error(text: str) -> None:
    found = assess(text)
    assert found.urgency != "immediate"
    json.dumps(found.as_dict())


def test_the_known_language_decides_what_letters_cannot() -> None:
    assert assess("ok", known_language="sw").language == "sw"
    assert assess("ok", known_language="fr").language == "fr"


def test_kirundi_is_told_from_kinyarwanda() -> None:
    found = assess("Abigeme babiri barabatwaye mw ijoro, bafise ubwoba kandi canke ntibazi iyo baja")
    assert (found.language, found.variety) == ("rw", "rn")
    assert assess("Abakobwa babiri babatwaye nijoro, bafite ubwoba kandi ntibazi aho bajya").variety == "rw"


def test_prediction_writes_one_line_of_labels_for_each_message() -> None:
    lines = [json.dumps({"id": "a", "text": LOCKED_IN}), "", json.dumps({"id": "b", "text": "asante sana"})]
    labels = list(predict(lines))
    assert [label["id"] for label in labels] == ["a", "b"]
    assert labels[0]["palermo"]["means"]
    assert set(labels[1]) == {
        "id",
        "lang",
        "variety",
        "category",
        "certainty",
        "urgency",
        "minors",
        "palermo",
        "places",
        "findings",
    }


def test_prediction_names_the_line_it_cannot_read() -> None:
    with pytest.raises(ValueError, match=re.escape("line 2")):
        list(predict(['{"text": "hello"}', "hello"]))


def test_an_explanation_orders_the_findings_by_what_they_speak_for() -> None:
    told = explain(LOCKED_IN)
    assert next(iter(told.by_axis)) == "danger"
    assert {finding.rule for finding in told.by_axis["means"]} >= {"locked-in", "papers-taken"}


def test_triage_can_be_loaded_before_a_worker_forks() -> None:
    preload()
    assert assess("hello").category
