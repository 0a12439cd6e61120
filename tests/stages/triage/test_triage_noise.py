"""What may be put aside as noise, and what never. All texts are invented and none was trained on."""

import pytest

from hotline.triage import assess
from hotline.triage.noise import is_noise

NOISE = [
    "CONGRATULATIONS your number won the lucky draw of airtime, click the link and subscribe to claim the bonus",
    "Felicitations, votre numero a gagne la loterie, cliquez sur le lien pour le bonus",
    "Hongera, namba yako imeshinda bahati nasibu, bonyeza link upate bonasi",
]
LIFTED = [
    "Job! Girls 18-25 wanted in Oman, salary 900$, visa free, whatsapp +000 123 456",
    "Urgent hiring house maids Saudi, no fee, send photo wa.me/000111",
    "you won a prize, click here. help me they locked me in the house",
    "congratulations you won, send your daughter of 12 to collect the prize",
]


@pytest.mark.parametrize("text", NOISE)
def test_a_scam_that_holds_nothing_else_is_noise(text: str) -> None:
    assert is_noise(assess(text))


@pytest.mark.parametrize("text", LIFTED)
def test_a_job_lure_a_word_of_danger_and_a_child_are_never_noise(text: str) -> None:
    assert not is_noise(assess(text))


@pytest.mark.parametrize("text", ["", "ok", "haha", "win", "thank you", "what is this number?"])
def test_few_words_and_everyday_texts_are_not_put_aside(text: str) -> None:
    assert not is_noise(assess(text))


CRY = "They locked me in a house in Kamembe, madam took my passport, help me now"


@pytest.mark.parametrize("text", [CRY, f"{NOISE[0]}\n{CRY}", f"{CRY}\n{NOISE[0]}", f"{NOISE[0]}\n{CRY}\n{NOISE[0]}"])
def test_a_cry_for_help_is_immediate_whatever_stands_around_it(text: str) -> None:
    assert assess(text).urgency == "immediate"
