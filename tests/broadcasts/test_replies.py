"""What people send back after a broadcast: an answer is counted, a report names the broadcast, danger is found at once."""

from datetime import timedelta

from hotline.broadcasts import campaign
from hotline.broadcasts.replies import Replies, replies
from hotline.models import BroadcastAnswer, Case, Lane, Message, MessageKind, Report
from tests.broadcasts.casting import Casts

LOCKED_IN = "They lock the door at night and took my passport, help me now"


def asked(casts: Casts, people: int = 30) -> tuple[str, list[str]]:
    """Send a question with two answers."""
    numbers = casts.people("a", people, language="en")
    made = casts.draft("a")
    with casts.site.db.transaction() as session:
        campaign.edit(session, made, actor="jeanne", now=casts.now, choices=2)
    casts.check(made)
    casts.send(made)
    casts.line.work()
    casts.line.forget()
    casts.tick(minutes=10)
    return made, numbers


def came_back(casts: Casts, made: str) -> Replies:
    with casts.site.db.reading() as session:
        return replies(session, casts.row(made))


def test_a_danger_in_reply_goes_to_intake_at_once_and_names_the_broadcast(casts: Casts) -> None:
    made, numbers = asked(casts)
    casts.line.says(numbers[4], LOCKED_IN)
    (report,) = casts.line.rows(Report)
    assert report["broadcast_id"] == made
    assert casts.line.case()["urgency"] == "immediate"
    alerts = [row for row in casts.line.rows(Message) if row["kind"] == MessageKind.ALERT]
    assert {row["lane"] for row in alerts} == {Lane.LIFE}
    assert len(alerts) >= 2, "two agencies"


def test_an_answer_with_danger_behind_it_is_a_report(casts: Casts) -> None:
    _, numbers = asked(casts)
    casts.line.says(numbers[4], f"1 {LOCKED_IN}")
    assert casts.line.case()["urgency"] == "immediate"
    assert casts.line.rows(BroadcastAnswer) == []
    casts.line.says(numbers[4], "1")
    assert casts.line.rows(BroadcastAnswer) == [], "whoever is telling answers our question, not the broadcast's"


def test_a_digit_is_an_answer_the_first_one_counts_and_nobody_is_written_to(casts: Casts) -> None:
    made, numbers = asked(casts)
    for at, said in enumerate(("1", "1", "2", "1", "1")):
        casts.line.says(numbers[at], said)
    casts.line.says(numbers[0], "2")
    assert came_back(casts, made) == Replies(0, {1: 4, 2: 1})
    assert casts.line.rows(Case) == []
    assert casts.line.sent == []


def test_few_answers_and_few_reports_are_no_number(casts: Casts) -> None:
    made, numbers = asked(casts)
    casts.line.says(numbers[0], "1")
    casts.line.says(numbers[1], LOCKED_IN)
    assert came_back(casts, made) == Replies(None, {})


def test_what_is_no_answer_or_comes_late_or_from_a_stranger_is_a_text_like_any(casts: Casts) -> None:
    _, numbers = asked(casts)
    casts.line.says(numbers[0], "7")
    casts.line.says("+250788999999", "1")
    casts.line.now += timedelta(days=3)
    casts.line.says(numbers[1], "1")
    assert casts.line.rows(BroadcastAnswer) == []
    assert len(casts.line.rows(Report)) == 3
