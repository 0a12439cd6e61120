"""Themes: cards are proposed for them by words, two people code a sample alone, and how far they agree is told beyond chance."""

import re
from datetime import timedelta

import pytest

from hotline.models import Card, Coding, Poll, new_id, table
from hotline.radio import themes
from tests.console.desk import Desk
from tests.radio.conftest import OnAir

PAPERS, PAY = "How long does a passport take?", "Who must pay the fee of the agent?"


def cards(air: OnAir, *texts: str, withdrawn: bool = False) -> None:
    """Approved cards of the episode, as rows."""
    now = air.line.now
    plain = {"language": "en", "inlet": "sms", "personal": False, "approved_at": now, "approved_by": "p", "withdrawn": withdrawn}
    rows = [
        {"id": new_id(), "episode_id": air.episode_id, "number": at, "text": text, "visible_from": now, **plain}
        for at, text in enumerate(texts)
    ]
    with air.line.site.db.transaction() as session:
        session.execute(table(Card).insert(), rows)


def test_kappa_is_agreement_beyond_chance() -> None:
    first = {str(at): "a" if at < 25 else "b" for at in range(50)}
    second = {str(at): "a" if at < 20 or at >= 45 else "b" for at in range(50)}
    (found,) = themes.agreements({"one": first, "two": second})
    assert (found.cards, found.same) == (50, 40)
    assert found.kappa == pytest.approx(0.6)  # (0.8 - 0.5) / (1 - 0.5)
    assert found.within == pytest.approx(1.96 * (0.8 * 0.2 / 50) ** 0.5 / 0.5)
    (alike,) = themes.agreements({"one": {"1": "a"}, "two": {"1": "a"}})
    assert alike.kappa is None
    assert themes.agreements({"one": first, "two": {"other": "a"}}) == []


def test_cards_are_grouped_by_words_and_coded_alone(desk: Desk, air: OnAir) -> None:
    cards(air, PAPERS, PAY, "Which song is next?")
    cards(air, "Taken back", withdrawn=True)
    page = f"/themes/{air.show_id}"
    producer, second = desk.signed_in("producer"), desk.signed_in("supervisor")
    producer.post(page, name="Papers", words="passport*, VISA")
    producer.post(page, name="Money", words="pay, fee*")
    assert "Not kept" in producer.get(producer.post(page, name="papers", words="x").headers["Location"]).get_data(as_text=True)
    shown = producer.get(page).get_data(as_text=True)
    assert re.findall(r"<summary>([^<]+?) <b>(\d)</b>", shown) == [("Papers", "1"), ("Money", "1"), ("None of these", "1")]
    assert "Taken back" not in shown
    with air.line.reading() as session:
        named = {one["name"]: one["id"] for one in themes.of_show(session, air.show_id)}
        drawn = themes.sample(themes.cards(session, air.show_id))
    for coder, about in ((producer, "Papers"), (second, "Papers")):
        for _ in drawn:
            form = coder.get(f"{page}/code").get_data(as_text=True)
            assert "1 of" not in form or coder is producer or "producer" not in form, "what the other said is not shown"
            card_id = re.search(r'name="card_id" value="(\w+)"', form)
            assert card_id is not None
            coder.post(f"{page}/code", card_id=card_id[1], theme_id=named[about])
        assert "whole sample" in coder.get(f"{page}/code").get_data(as_text=True)
    assert coder.post(f"{page}/code", card_id=drawn[0]["id"], theme_id="").status_code == 303
    assert coder.post(f"{page}/code", card_id="none", theme_id="").status_code == 404
    assert len(air.line.rows(Coding)) == 6, "coding anew replaces"
    assert "the same for 2 of 3 cards, kappa" in producer.get(page).get_data(as_text=True)
    producer.post(page, theme_id=named["Papers"], strike="1")
    assert "passport*" not in producer.get(page).get_data(as_text=True)
    assert desk.signed_in("presenter").get(page).status_code == 404


def test_the_sample_is_two_hundred_and_the_same_for_everybody(air: OnAir) -> None:
    cards(air, *(f"Question {number}?" for number in range(230)))
    with air.line.reading() as session:
        every = themes.cards(session, air.show_id)
    drawn = themes.sample(every)
    assert len(drawn) == themes.SAMPLE
    assert themes.sample(reversed(every)) == drawn
    assert [one["id"] for one in drawn] != sorted(one["id"] for one in drawn)
    air.line.now += timedelta(days=1)


def test_a_show_keeps_its_stream_its_lines_its_recording_and_its_budget(desk: Desk, air: OnAir) -> None:
    producer = desk.signed_in("producer")
    plain = {
        "station": "Radio Ijwi (invented)",
        "name": "Lines",
        "format": "call_in",
        "language": "en",
        "at": "10:00",
        "minutes": "30",
    }
    asked = {"day_mon": "1", "poll_en": "Is it so?", "option_1_en": "Yes", "option_2_en": "No", "beep_2": "+250780000902"}
    assert producer.post("/shows", **plain, **asked, stream="javascript:alert(1)").status_code == 422
    made = producer.post("/shows", **plain, **asked, stream="https://radio.example.org/live", budget="250").headers["Location"]
    (poll,) = [one for one in air.line.rows(Poll) if one["question"] == {"en": "Is it so?"}]
    assert [one["beep"] for one in poll["options"]] == ["", "+250780000902"]
    desk_page = producer.get(made).get_data(as_text=True)
    assert "0 of 250 automatic answers" in desk_page
    episode_id = made.rpartition("/")[2]
    for address in ("javascript:alert(1)", "https://radio.example.org/lines.mp3", "radio.example.org"):
        producer.post(f"/shows/{episode_id}/recording", address=address)
    assert "https://radio.example.org/lines.mp3" in producer.get(f"/studio/{episode_id}/after").get_data(as_text=True)
