"""Messages that try triage hard: negation, past, quotes, slips, mixtures, length. All are invented and none was trained on."""

import random
import tomllib
from pathlib import Path

import pytest

from hotline.triage import assess
from hotline.triage.lexicon import LANGUAGES, TEMPLATES

HELD = {
    "en": "they locked me in a house in Kampala and took my passport, the madam says i must sleep with men, please help me now",
    "fr": "on m'a enfermee dans une maison a Kampala, la patronne a pris mon passeport et m'oblige a coucher, aidez moi",
    "sw": "wamenifungia ndani ya nyumba Kampala, madam amechukua pasipoti na ananilazimisha nilale na wanaume, nisaidieni sasa",
    "rw": "bamfungiranye mu nzu i Kampala, mabuja yatwaye pasiporo yanjye antegeka kuryamana n'abagabo, muntabare nonaha",
    "rn": "banyugaraniye mu nzu i Kampala, mabuja yatwaye pasiporo yanje angoba kurarana n'abagabo, muntabare ningoga",
}
NO_CASE = {
    "negation": "nobody was taken and nobody is locked in, all the girls of our village are at home and well",
    "negation fr": "personne n'a ete enleve, tous les enfants sont a la maison, c'etait une fausse rumeur",
    "negation rw": "nta muntu wajyanywe, abana bose bari mu rugo bameze neza, murakoze",
    "past": "in 2012 my aunt was taken to Oman and came back, today she has a shop, thank you for your radio show",
    "radio": "i heard on the radio that police rescued girls sold in Kampala, good work, keep it up",
    "question": "what is human trafficking and what does the law say? it is for a school essay",
    "question sw": "biashara haramu ya binadamu ni nini? nauliza kwa ajili ya somo la shule",
    "idiom": "this heat is killing me and the teacher is a slave driver haha, see you on sunday",
    "idiom fr": "je meurs de rire, tu m'as tue avec cette blague mdr",
    "one word": "ok",
    "one word sw": "asante",
    "greeting": "mwaramutse neza, amakuru?",
    "negation sw": "hakuna mtu aliyetekwa kijijini, watoto wote wako nyumbani, ilikuwa uongo tu",
    "negation rn": "nta muntu yanyurujwe, abana bose bari i muhira bameze neza, murakoze",
    "past fr": "en 2014 ma tante est partie au Liban puis elle est rentrée, aujourd'hui elle a une boutique, merci pour la radio",
    "past sw": "mwaka 2011 shangazi alikwenda Oman akarudi salama, leo ana duka, asante kwa kipindi",
    "past rw": "muri 2012 masenge yagiye Oman agaruka amahoro, ubu afite iduka, murakoze ku kiganiro",
    "radio fr": "j'ai entendu à la radio que la police a sauvé des filles vendues, bravo, continuez",
    "radio sw": "nimesikia redioni polisi wameokoa wasichana waliouzwa Kampala, kazi nzuri, endeleeni",
    "radio rw": "numvise kuri radiyo ko polisi yatabaye abakobwa bagurishijwe Kampala, mukomereze aho",
    "question fr": "c'est quoi la traite des personnes et que dit la loi ? c'est pour un devoir d'école",
    "question rw": "icuruzwa ry'abantu ni iki kandi amategeko abivugaho iki? ni umukoro w'ishuri",
    "question rn": "ubudandaji bw'abantu ni igiki, amategeko avuga iki? ni umukoro w'ishure",
    "idiom sw": "joto hili linatuua, na mwalimu ametuchosha kama punda hahaha, tuonane jumapili",
    "idiom rw": "uru rwenya ruranyishe hahaha, tuzabonana ku cyumweru",
    "key fr": "j'ai perdu la clé de la maison, je dors chez ma soeur ce soir",
    "key en": "lost my key again, sleeping at my sister's place tonight",
    "journey sw": "kesho tunasafiri na watoto kwenda kwa bibi, tutarudi jumapili",
}
URGENT = {
    "en": "they locked us in, no air, help",
    "fr": "on est enfermés, il y a un homme armé, vite",
    "sw": "tumefungiwa ndani, kuna mtu ana bunduki, njooni haraka",
    "rw": "turafungiranye, hari umuntu ufite imbunda, mutabare vuba",
    "rn": "turugaraniwe, hari umuntu afise inkoho, mutabare ningoga",
    "understated en": "the lady says we may leave when the tickets are paid. she keeps the key. tonight another man comes",
    "understated fr": "la dame dit qu'on partira quand les billets seront payés. elle garde la clé. ce soir un autre homme vient",
    "child en": "my neighbour's girl of 9 has been put on the lorry to Goma, it starts in ten minutes",
    "child sw": "mtoto wa jirani wa miaka 9 amepandishwa lori la Goma, linaondoka baada ya dakika kumi",
    "child rw": "umwana w'umuturanyi w'imyaka 9 bamwurije ikamyo ijya i Goma, irahaguruka mu minota icumi",
}


@pytest.mark.parametrize("name", NO_CASE)
def test_what_only_sounds_like_a_case_is_no_alarm(name: str) -> None:
    found = assess(NO_CASE[name])
    assert found.category != "trafficking"
    assert found.urgency != "immediate"


@pytest.mark.parametrize("name", URGENT)
def test_few_words_understatement_and_a_child_taken_now_cannot_wait(name: str) -> None:
    assert assess(URGENT[name]).urgency == "immediate"


@pytest.mark.parametrize("language", HELD)
def test_a_cry_for_help_is_heard_in_every_language(language: str) -> None:
    found = assess(HELD[language])
    assert (found.category, found.urgency) == ("trafficking", "immediate")
    assert "coercion" in found.means


@pytest.mark.parametrize("language", HELD)
def test_a_cry_for_help_is_heard_in_capitals(language: str) -> None:
    found = assess(HELD[language].upper())
    assert (found.category, found.urgency) == ("trafficking", "immediate")


def test_digits_for_letters_and_dropped_apostrophes_hide_nothing() -> None:
    for text in (
        "th3y l0cked me in a h0use in Kampala and to0k my passp0rt, help me now, men come at night and pay the madam",
        "ils mont enfermee dans une maison a Kampala et ont pris mon passeport, aidez moi, des hommes paient la patronne",
        "bamfungiranye munzu i Kampala batwaye pasiporo yanjye mabuja antegeka kuryamana nabagabo muntabare",
    ):
        assert (assess(text).category, assess(text).urgency) == ("trafficking", "immediate")


def test_languages_mixed_in_one_sentence_are_heard_together() -> None:
    found = assess("please help, mabuja amenifungia ndani, elle a pris mon passeport, kila usiku wanaume wanalipa, niko Goma")
    assert (found.category, found.urgency) == ("trafficking", "immediate")


@pytest.mark.parametrize("language", HELD)
def test_a_slip_of_the_finger_does_not_silence_a_cry(language: str) -> None:
    chance, heard = random.Random(5), 0
    for _ in range(20):
        letters = list(HELD[language])
        for _ in range(3):
            at = chance.randrange(1, len(letters) - 1)
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        heard += assess("".join(letters)).urgency == "immediate"
    assert heard >= 18


@pytest.mark.parametrize("language", HELD)
def test_a_cry_at_the_end_of_1500_signs_is_found_and_shown(language: str) -> None:
    story = "we planted beans and the rain came late and the road was bad. " * 20
    found = assess(story + HELD[language])
    assert len(story) > 1200
    assert any(finding.start >= len(story) and finding.axis in ("means", "danger") for finding in found.findings)


def _words() -> list[str]:
    content = [tomllib.loads((TEMPLATES / code / "lexicon.toml").read_text("utf-8")) for code in LANGUAGES]
    phrases = [p for one in content for table in one.values() if isinstance(table, dict) for many in table.values() for p in many]
    return [phrase.replace("*", "a").replace("..", "zz") for phrase in phrases]


def test_the_words_of_every_finding_stand_where_it_says_in_a_thousand_random_texts_of_all_languages() -> None:
    chance, words = random.Random(11), _words()
    for _ in range(1000):
        signs = chance.choices(["", ".", "!", " \U0001f622", "\u2019", "\n", "\u00e9", "\u0153", "\u0301"], k=12)
        text = " ".join(word + sign for word, sign in zip(chance.choices(words, k=12), signs, strict=True))
        text = text.upper() if chance.random() < 0.2 else text
        for finding in assess(text).findings:
            assert finding.words
            assert text[finding.start : finding.end] == finding.words


def test_the_corpus_names_its_hand_and_keeps_to_the_guide() -> None:
    files = sorted((Path(__file__).parents[3] / "hotline" / "triage" / "corpus").glob("*.jsonl"))
    assert sum(len(file.read_text("utf-8").splitlines()) for file in files) >= 10_000
    assert {file.stem[:2] for file in files} == set(LANGUAGES)
