"""Noise on its way in: put aside, sampled, and back in the queue as soon as it is more than noise. All people are invented."""

from hotline.intake.aside import LOOKED_AT, aside
from hotline.models import Aside, Reading, new_id
from tests.line import Line

CALLER = "+250780000101"
SCAM = "CONGRATULATIONS your number won the lucky draw of airtime, click the link and subscribe to claim the bonus"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


def reading(*, noise: bool) -> Reading:
    return Reading(
        "spam_or_prank",
        "routine",
        "unknown",
        "en",
        language_confident=True,
        places=(),
        rules_version="x",
        whole="{}",
        noise=noise,
    )


def test_one_in_ten_is_looked_at_and_what_is_no_noise_never_waits_aside() -> None:
    found = [aside(new_id(), reading(noise=True)) for _ in range(2000)]
    assert set(found) == {Aside.PARKED, Aside.SAMPLED}
    assert 0.7 / LOOKED_AT < found.count(Aside.SAMPLED) / len(found) < 1.3 / LOOKED_AT
    assert aside(new_id(), reading(noise=False)) is None


def test_a_scam_becomes_a_case_that_waits_aside_with_its_words(line: Line) -> None:
    line.says(CALLER, SCAM)
    case = line.case()
    assert case["aside"] in (Aside.PARKED, Aside.SAMPLED)
    assert line.told(case["id"]) == [SCAM]


def test_a_cry_for_help_from_the_same_phone_brings_it_back(line: Line) -> None:
    line.says(CALLER, SCAM)
    line.says(CALLER, LOCKED_IN)
    assert (line.case()["aside"], line.case()["urgency"]) == (None, "immediate")


def test_more_of_the_same_stays_aside(line: Line) -> None:
    line.says(CALLER, SCAM)
    before = line.case()["aside"]
    line.says(CALLER, SCAM)
    assert line.case()["aside"] == before


def test_a_first_cry_for_help_never_waits_aside(line: Line) -> None:
    line.says(CALLER, LOCKED_IN)
    assert line.case()["aside"] is None
