"""Whom a report names or accuses, in five languages, misspelt, by badge and nickname; and who is only called for help."""

import pytest

from hotline.routing.named import Known, Roll, gazetteer

ROLL = Roll(
    [
        Known(
            (("contact:bosco", "named"), ("station:bugarama", "their_station")), ("Jean Bosco Habimana",), "RNP 4471", ("Kiki",)
        ),
        Known((("contact:post", "named"),), ("Bugarama police post",)),
        Known((("contact:centre", "named"),), ("Care centre, Gihundwe",)),
        Known((("officer:aline", "named"),), ("Aline Uwase",)),
        Known((("officer:marie", "named"),), ("Marie",)),
    ],
    ["Rusizi", *gazetteer()],
)


def subjects(text: str) -> set[str]:
    return {one.subject for one in ROLL.find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Jean Bosco Habimana keeps girls in his house",
        "it is jean bosco habimna again",
        "HABIMANA BOSCO",
        "afande Habimana came at night",
        "we gave it to officer habymana",
        "Habimana takes the girls over the river",
        "ask kiki where they are",
        "a man with badge RNP-4471",
        "badge number r n p 4471",
        "umupolisi Habimana",
    ],
)
def test_somebody_is_named_by_name_nickname_badge_or_nearly_so(text: str) -> None:
    assert subjects(text) >= {"contact:bosco", "station:bugarama"}


@pytest.mark.parametrize("text", ["the Bugarama police post sent us away", "police post of bugarama", "Bugarama polise post"])
def test_a_station_is_named_by_all_of_its_words(text: str) -> None:
    assert "contact:post" in subjects(text)


@pytest.mark.parametrize(
    "text",
    [
        "my son Habimana is missing",
        "Marie and I are locked in",
        "Jean is 15 and was taken to Bugarama",
        "police please come to Bugarama now",
        "call the police, they beat us",
        "police come they beat us",
        "we need police at Gihundwe",
        "he takes the girls to a house near the police station",
        "polisi muntabare",
        "appelez la police, ils frappent",
        "pigia polisi, wanapiga watoto",
        "muhamagare polisi, badukubise",
        "",
        "47",
    ],
)
def test_who_is_called_for_help_or_missing_is_nobody_to_keep_away(text: str) -> None:
    assert subjects(text) == set()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("the police takes money from them", "police"),
        ("he pays the police every week", "police"),
        ("a policeman raped her", "police"),
        ("please do not tell the police", "police"),
        ("les policiers sont complices", "police"),
        ("n appelez pas les gendarmes", "police"),
        ("umupolisi afata ruswa", "police"),
        ("ntimubwire abapolisi", "police"),
        ("umuporisi arabizi", "police"),
        ("polisi wanashirikiana nao", "police"),
        ("usiwaambie polisi", "police"),
        ("the immigration officer took money and let them pass", "immigration"),
        ("douaniers ont pris argent", "immigration"),
        ("gitifu afata amafaranga", "local_leader"),
        ("mwenyekiti anajua", "local_leader"),
        ("the presenter sells the numbers", "radio"),
    ],
)
def test_a_kind_of_people_is_accused(text: str, kind: str) -> None:
    assert f"kind:{kind}" in subjects(text)


def test_a_name_that_many_have_names_somebody_beside_a_title_alone() -> None:
    assert subjects("officer Marie told them where we hide") >= {"officer:marie"}


def test_the_words_that_said_so_are_kept_and_each_subject_comes_once() -> None:
    found = ROLL.find("Kiki, badge RNP 4471, and again Kiki")
    assert sorted(one.subject for one in found) == ["contact:bosco", "station:bugarama"]
    assert {one.words for one in found} == {"rnp 4471"}


def test_nobody_is_known_and_nothing_breaks() -> None:
    assert Roll([], []).find("Jean Bosco") == []
