"""Messages that look like one thing and are another. All are invented."""

import pytest

from hotline.triage import assess

NOT_A_CASE = [
    "is trafficking the same as smuggling? it is for a school debate",
    "la traite des personnes c est quoi exactement, pour un exposé",
    "yesterday the radio said police saved girls who were sold, well done",
    "nobody was taken from our village, all children are here",
    "these taxes are killing us, greetings to the studio",
    "asanteni sana, mtoto amerudi nyumbani salama",
    "murakoze cyane, umwana yagarutse amahoro",
    "you have won a motorbike, send 2000 to claim your prize",
    "ok",
    "1",
    "👍",
]


@pytest.mark.parametrize("text", NOT_A_CASE)
def test_ordinary_texts_raise_no_alarm(text: str) -> None:
    found = assess(text)
    assert found.category != "trafficking"
    assert found.urgency == "routine"


CASES = [
    "THEY LOCKED US IN A HOUSE IN GOMA AND TOOK OUR PASSPORTS HELP US",
    "they l0cked us in a house in Goma and to0k our pass ports, men pay the madam, help us",
    "ils nous ont enfermées dans une maison à Goma, ils ont pris nos passeports, aidez-nous",
    "wametufungia ndani ya nyumba Goma na wamechukua pasipoti zetu, tusaidieni",
    "badufungiranye mu nzu i Goma batwaka pasiporo, mudutabare",
    "batwugaranye mu nzu i Goma batwaka pasiporo, mutabare ningoga",
    "please, badufungiranye in a house i Goma, they took passport zacu, help",
]


@pytest.mark.parametrize("text", CASES)
def test_one_story_is_seen_in_any_language_and_spelling(text: str) -> None:
    found = assess(text)
    assert found.category == "trafficking"
    assert found.urgency == "immediate"


def test_a_forwarded_job_lure_is_kept_as_evidence_and_not_called_spam() -> None:
    found = assess("URGENT 20 housemaids needed in Oman, visa and ticket free, send your photo whatsapp +968 0000 0000")
    assert found.category == "trafficking"
    assert "recruit" in found.act


def test_what_is_long_past_is_not_immediate() -> None:
    assert assess("In 2016 I was sold in Uganda, now I am home and married and want to give my testimony").urgency == "routine"


def test_a_text_of_ten_messages_is_read_to_its_end() -> None:
    story = "we planted beans and the rain came late this season and the road was bad. " * 19
    found = assess(story + "now they locked me in a house in Kampala")
    assert "locked-in" in {finding.rule for finding in found.findings}


def test_a_misspelt_sector_is_written_as_it_should_be() -> None:
    assert assess("they are at Bugrama").places == ("Bugarama",)
    assert assess("bari ikamembe").places == ("Kamembe",)


@pytest.mark.parametrize(
    "text",
    [
        "ari mu musigiti mu minota itanu",
        "yagiye mu mahanga kwa muganga",
        "namba ya mwana wa benki",
        "bonne annee et surtout la sante",
        "c'est quoi l'Isange?",
        "three Burundian traders",
        "aunt Grace is well",
        "data buja yavuze mu ijwi rirenga",
        "nilicheza ngoma, ni baraka tu",
        "ndi mu masaka",
        "inakuru yari ibugiriye",
        "abana birukana inyoni mu muceri",
        "amazi y'igisagara agaruka isaha zingahe",
        "yateye n'ikibuye imbwa",
        "murakoze ku muti w'ibicurane",
        "tugiye mu murwa mukuru",
    ],
)
def test_a_word_that_is_only_like_a_place_is_none(text: str) -> None:
    assert assess(text).places == ()


def test_a_town_with_a_words_name_is_one_where_it_can_be_nothing_else() -> None:
    assert assess("wako huko baraka na wengine").places == ("Baraka",)
    assert assess("ari i buja").places == ("Bujumbura",)
    assert assess("yuko katika kambi ya Nyarugusu").places == ("Nyarugusu",)
    assert assess("rusizi ya pili inafungwa saa ngapi").places == ("Rusizi II",)


def test_an_ordinary_word_is_no_village_unless_it_is_called_one() -> None:
    assert assess("amahoro kuri mwese").places == ()
    assert "Amahoro" in assess("bari mu mudugudu wa Amahoro").places


def test_a_cell_that_exists_twice_is_offered_as_a_choice() -> None:
    (place,) = assess("baba mu kagari ka Ruganda").place_details
    assert len(place.choices) == 2


def test_what_the_message_says_is_not_asked_again() -> None:
    found = assess("a man takes my daughter of 14 from Bugarama to Goma tonight")
    assert "place" not in found.missing
    assert "age" not in found.missing
    assert found.next_question == (found.missing[0] if found.missing else None)
