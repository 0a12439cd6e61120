"""What the statistical judge may not hear: names of places and long numbers. All texts are invented."""

import pytest

from hotline.triage import assess
from hotline.triage.assess import equipment, gather
from hotline.triage.features import features
from hotline.triage.judge import judge
from hotline.triage.rules import signs


@pytest.mark.parametrize("place", ["Bugarama", "Kamembe", "Mururu", "Gihundwe"])
def test_one_place_of_the_district_is_as_good_as_another_to_the_judge(place: str) -> None:
    facts = gather(f"they keep 4 girls in a house in {place}, rent 25000")
    assert place.lower() not in facts.heard
    everyday = equipment().model.vocabulary.everyday
    here = features(facts, signs(facts), judge(facts, signs(facts)), everyday)
    other = gather("they keep 4 girls in a house in Nyakabuye, rent 30000")
    there = features(other, signs(other), judge(other, signs(other)), everyday)
    assert here.columns.tolist() == there.columns.tolist()


@pytest.mark.parametrize("place", ["Bugarama", "Bukavu", "Cyangugu", "Dubai", "Nkombo"])
@pytest.mark.parametrize(
    "frame", ["niko {}", "turi {} n'abana", "on part à {} demain", "girls in {} tonight, come", "{} {} {} vite"]
)
def test_a_place_is_never_the_word_of_danger(frame: str, place: str) -> None:
    found = assess(frame.format(place, place, place))
    names = {(named.start, named.end) for named in found.place_details}
    assert names
    for finding in found.findings:
        if finding.rule == "model-hears-danger":
            assert finding.words.lower() != place.lower()


def test_masked_words_keep_their_place_among_the_others() -> None:
    facts = gather("Bukavu 2019, men from Bukavu took 300000")
    assert len(facts.heard) == len(facts.words)
    assert [word for word in facts.heard if not word.startswith("_")] == ["men", "from", "took"]
