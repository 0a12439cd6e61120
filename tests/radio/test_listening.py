"""Listeners vote and ask; whoever tells of somebody in need is heard by the hotline and by nobody at a station."""

from datetime import timedelta
from xml.etree import ElementTree as ET

from sqlalchemy import update

from hotline.models import Card, Case, Exposure, Prompt, Question, Report, Show, Tally, Vote, table
from hotline.radio import forgetting, moderation
from tests.console.desk import Desk
from tests.radio.conftest import OnAir

MARIE, JEAN, PAUL = "+250788000701", "+250788000702", "+250788000703"
TIP = "They took the girls from our street to a house in Goma, locked them in and beat them. Please help"


def test_a_phone_has_one_vote_and_may_change_it(air: OnAir) -> None:
    air.begin("poll")
    (answer,) = air.says(MARIE, "1")
    assert ": 1." in answer
    air.says(JEAN, "2", "2", "1", "3")
    air.says(PAUL, "yego")
    assert air.counts() == {"1": 2, "3": 1}
    assert len(air.line.rows(Vote)) == 3
    assert air.line.rows(Case) == []


def test_when_a_show_s_budget_is_spent_votes_are_counted_and_no_longer_answered(desk: Desk, air: OnAir) -> None:
    with air.line.site.db.transaction() as session:
        session.execute(update(table(Show)).values(budget=1))
    air.begin("poll")
    assert air.says(MARIE, "1")
    assert air.says(JEAN, "2") == []
    assert sum(air.counts().values()) == 2
    presenter, producer = desk.signed_in("presenter"), desk.signed_in("producer")
    assert "no longer answered" in producer.get(f"/shows/{air.episode_id}").get_data(as_text=True)
    picture = presenter.get(f"/studio/{air.episode_id}/chart.svg")
    assert (picture.mimetype, picture.headers["Content-Disposition"]) == ("image/svg+xml", "attachment; filename=poll.svg")
    drawn = ET.fromstring(picture.data)  # noqa: S314  our own page
    assert [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")][-1].endswith("2 phones")


def test_after_the_show_a_vote_is_too_late_and_says_so(air: OnAir) -> None:
    air.begin("poll")
    air.line.later(minutes=20)
    air.switch(on=False)
    air.line.later(minutes=5)
    (answer,) = air.says(MARIE, "1")
    assert "cyarangiye" in answer
    assert air.counts() == {}
    air.line.later(hours=3)
    air.says(MARIE, "1")
    assert air.line.case()["state"] == "new", "a bare digit with nothing open is for an officer"


def test_a_tip_among_votes_goes_to_the_hotline_and_is_answered_like_any_first_text(air: OnAir) -> None:
    air.begin("poll")
    stranger = air.says(JEAN, TIP, to="7788")
    assert air.says(MARIE, TIP) == stranger
    case_ids = [row["id"] for row in air.line.rows(Case)]
    assert len(case_ids) == 2
    assert [air.line.told(case_id) for case_id in case_ids] == [[TIP], [TIP]]
    assert air.waiting() == []
    assert air.line.rows(Question) == []
    assert air.counts() == {}


def test_a_question_waits_for_its_moderator_and_opens_no_case(air: OnAir) -> None:
    air.begin("open_lines")
    (answer,) = air.says(MARIE, "How do I know that an agent is real?")
    assert "7788" in answer
    assert air.waiting() == ["How do I know that an agent is real?"]
    assert air.line.rows(Case) == []


def test_what_the_words_missed_a_moderator_moves_with_one_key_and_its_words_leave_radio(air: OnAir) -> None:
    air.begin("open_lines")
    missed = "What do you say about the new lodge and its helpers?"
    air.says(MARIE, missed)
    with air.line.site.db.transaction() as session:
        card_id = moderation.approve(session, air.question(), "What can be done?", personal=False, by="p", now=air.line.now)
        assert card_id
        assert moderation.move(session, air.question())
    air.line.later(minutes=2)
    air.line.work()
    case = air.line.case()
    assert air.line.told(case["id"]) == [missed]
    (question,) = air.line.rows(Question)
    assert (question["state"], question["sealed"]) == ("moved", b"")
    assert [(row["text"], row["withdrawn"]) for row in air.line.rows(Card)] == [("", True)]
    air.line.work()
    assert len(air.line.rows(Report)) == 1, "it is moved once"


def test_somebody_who_is_telling_hears_what_anybody_hears_and_the_words_join_their_report(air: OnAir) -> None:
    air.says(MARIE, TIP, to="7788")
    air.line.later(minutes=20)
    question = "Can you play a song tonight?"
    assert air.says(MARIE, question) == air.says(JEAN, question)
    assert air.line.told(air.line.case()["id"]) == [TIP, question]
    assert air.waiting() == [question], "only the stranger's is radio's"


def test_an_answer_to_our_own_question_is_no_vote(air: OnAir) -> None:
    air.begin("poll")
    air.says(MARIE, TIP)
    air.says(MARIE, "1")
    assert air.counts() == {}
    assert air.line.told(air.line.case()["id"]) == [TIP, "1"]


def test_stop_stops_on_the_radio_code_too(air: OnAir) -> None:
    air.begin("poll")
    (answer,) = air.says(MARIE, "STOP")
    assert "STOP" not in air.waiting()
    assert answer.startswith("Murakoze")
    assert air.line.rows(Question) == []
    air.says(MARIE, "1")
    assert air.counts() == {"1": 1}


def test_with_one_code_for_all_the_word_radio_leads_to_the_show(air: OnAir) -> None:
    air.begin("poll")
    (how,) = air.says(MARIE, "RADIO", to="7788")
    assert "7799" in how
    air.says(MARIE, "radio 2", to="7788")
    assert air.counts() == {"2": 1}
    air.says(JEAN, "2", to="7788")
    assert len(air.line.rows(Case)) == 1, "without it the code for tips is for tips"


def test_a_report_is_laid_to_what_was_on_air_by_code_by_word_and_by_time(air: OnAir) -> None:
    air.begin("poll")
    air.says(MARIE, TIP)
    air.line.later(minutes=10)
    air.begin("open_lines")
    air.line.later(minutes=30)
    air.says(JEAN, TIP, to="7788")
    air.line.later(hours=30)
    air.says(PAUL, f"I heard it on Radio Ijwi. {TIP}", to="7788")
    air.says("+250788000704", TIP, to="7788")
    by_name = {row["id"]: row["name"] for row in air.line.rows(Prompt)}
    rows = sorted(air.line.rows(Exposure), key=lambda row: row["at"])
    assert [(row["how"], by_name[row["prompt_id"]]) for row in rows] == [
        ("inlet", "The question of today"),
        ("time", "Open lines"),
        ("said", "Open lines"),
    ]
    assert 50 < rows[1]["certainty"] < 70


def test_after_thirty_days_words_and_phones_are_forgotten_and_counts_stay(air: OnAir) -> None:
    air.begin("poll")
    air.says(MARIE, "1")
    air.says(JEAN, "Can you play a song tonight?")
    air.switch(on=False)
    for later, left in ((timedelta(days=29), 1), (timedelta(days=2), 0)):
        air.line.now += later
        with air.line.site.db.transaction() as session:
            forgetting.forget(session, air.line.site, air.line.now)
        assert len(air.line.rows(Vote)) == left
        assert air.waiting() == ["Can you play a song tonight?" if left else ""]
    (question,) = air.line.rows(Question)
    assert (question["sealed"], question["phone"], question["likeness"]) == (b"", b"", b"")
    assert [row["votes"] for row in air.line.rows(Tally)] == [1]
