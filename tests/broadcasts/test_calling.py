"""People who asked to be called: one call each with the recording in their language, and nothing to whoever else picks up.

All people, numbers and recordings are invented.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotline.broadcasts import campaign, recordings
from hotline.broadcasts.importing import Fault, bring_in
from hotline.broadcasts.progress import Fate, lines, progress
from hotline.cli import main
from hotline.gateways.contract import Certainty, Sent
from hotline.gateways.voice import many_of
from hotline.models import BroadcastState, Case, Inbox, Message, MessageKind, MessageState, Reach, Report
from hotline.outbound import callback
from hotline.recordings import Unfit
from hotline.subscribers import reached_by
from tests.broadcasts.casting import TEXTS, Casts, fill
from tests.calling import Called
from tests.stages.test_beeps import Answered
from tests.voices import said_aloud

SAID = "Offered work far away? Keep your identity card, and ask us first."


@pytest.fixture
def calls(casts: Casts) -> Casts:
    """A line whose calls Twilio carries."""
    casts.site.settings = casts.site.settings.model_copy(update={"voice_gateway": "twilio", "broadcast_calls_at_once": 100})
    return casts


def listeners(casts: Casts, keyword: str, count: int, start: int = 100, **more: str) -> list[str]:
    numbers = casts.people(keyword, count, start, **more)
    with casts.site.db.transaction() as session:
        for one in numbers:
            reached_by(session, casts.site.number_index(one), Reach.CALL)
    return numbers


def record(casts: Casts, broadcast_id: str, *languages: str, words: str = SAID) -> None:
    taken = {
        language: recordings.bring_in(casts.site.settings.instance, language, words, said_aloud(2.0)).kept()
        for language in languages
    }
    with casts.site.db.transaction() as session:
        campaign.edit(session, broadcast_id, actor="jeanne", now=casts.now, recorded=taken)


def begin(casts: Casts, *lists: str, **more: object) -> str:
    made = casts.draft(*lists, **more)  # type: ignore[arg-type]
    record(casts, made, "rw", "en")
    assert not casts.check(made).blocked
    casts.send(made)
    casts.line.work()
    return made


def placed(casts: Casts) -> dict[str, str]:
    """The calls of the broadcast that were placed: number and name."""
    return dict(casts.line.carriers["twilio"].called)


def over(casts: Casts, name: str, status: str = "no-answer") -> None:
    said = {"CallSid": f"CA-{name}", "CallStatus": status, "Direction": "outbound-api"}
    assert casts.line.post(said, kind="voice_event", query=f"placed={name}").status_code == 200
    casts.line.work()


def fate(casts: Casts, name: str) -> str:
    (row,) = casts.line.rows(Message, id=(many_of(name) or pytest.fail(name)).message_id)
    return str(row["state"])


def test_each_is_reached_once_by_the_way_they_asked_for_in_their_language(calls: Casts) -> None:
    readers, heard = calls.people("a", 30, language="en"), listeners(calls, "b", 30, 5000, language="rw")
    made = begin(calls, "a", "b")
    assert calls.reached() == Counter(readers)
    assert sorted(placed(calls)) == sorted(heard)
    assert {(many_of(name) or pytest.fail(name)).language for name in placed(calls).values()} == {"rw"}
    calls.tick(minutes=20)
    calls.line.work()
    assert len(calls.line.carriers["twilio"].called) == 30, "nobody's phone rings twice"
    kinds = Counter(row["kind"] for row in calls.line.rows(Message, broadcast_id=made))
    assert kinds == {MessageKind.BROADCAST: 30, MessageKind.CALL: 30}
    assert not any(number[4:] in name for number, name in placed(calls).items()), "a call's name holds no number"


def test_whoever_picks_up_hears_nothing_of_it_before_the_key(calls: Casts) -> None:
    listeners(calls, "a", 30, language="en")
    begin(calls, "a")
    name = next(iter(placed(calls).values()))
    call = Answered(calls.line, name)
    assert "/many-" not in call.heard
    assert SAID not in call.heard
    assert "press 1" in call.heard
    silent = call.step()
    assert "Hangup" in silent
    calls.line.work()
    assert fate(calls, name) == MessageState.UNDELIVERED
    assert calls.line.rows(Case) == []


def test_the_message_is_played_to_whoever_presses_and_that_is_what_delivered_means(calls: Casts) -> None:
    listeners(calls, "a", 30, language="en")
    made = begin(calls, "a")
    name = next(iter(placed(calls).values()))
    heard = Answered(calls.line, name).press("1")
    assert f"/en/{calls.row(made)['recorded']['en']['name']}.wav" in heard
    calls.line.work()
    over(calls, name, "completed")
    assert fate(calls, name) == MessageState.DELIVERED, "that it ended says nothing else"
    assert calls.line.rows(Case) == [], "who listens has told nothing"


def test_a_machine_hears_nothing(calls: Casts) -> None:
    listeners(calls, "a", 30, language="en")
    begin(calls, "a")
    name = next(iter(placed(calls).values()))
    said = {"CallSid": "CA9", "CallStatus": "in-progress", "Direction": "outbound-api", "AnsweredBy": "machine_start"}
    heard = calls.line.post(said, kind="voice", query=f"placed={name}").text
    assert not {"Say", "Play", "Gather"} & set(re.findall(r"<(\w+)", heard))
    calls.line.work()
    assert fate(calls, name) == MessageState.UNDELIVERED


@pytest.mark.parametrize("keys", [("3",), ("1", "3")])
def test_one_key_and_nobody_calls_again(calls: Casts, keys: tuple[str, ...]) -> None:
    numbers = listeners(calls, "a", 30, language="en")
    begin(calls, "a")
    name = placed(calls)[numbers[4]]
    Answered(calls.line, name).press(*keys)
    calls.line.work()
    assert calls.subscriber(numbers[4])["left_at"] is not None
    assert calls.line.rows(Case) == []
    calls.line.carriers["twilio"].called.clear()
    begin(calls, "a")
    assert sorted(placed(calls)) == sorted(set(numbers) - {numbers[4]})


def test_another_key_leads_to_the_line_and_makes_a_report_of_that_broadcast(calls: Casts) -> None:
    numbers = listeners(calls, "a", 30, language="en")
    made = begin(calls, "a")
    call = Answered(calls.line, placed(calls)[numbers[2]])
    call.press("1", "2")
    call.press("1", "1", "1")
    calls.line.work()
    assert "message to many" in " ".join(calls.line.told(calls.line.case()["id"]))
    (report,) = calls.line.rows(Report)
    assert report["broadcast_id"] == made
    calls.line.carriers["twilio"].called.clear()
    begin(calls, "a")
    assert numbers[2] not in placed(calls), "who reports is left out of all that follow"


def test_at_most_so_many_ring_at_a_time_and_the_next_when_one_ends(calls: Casts) -> None:
    calls.site.settings = calls.site.settings.model_copy(update={"broadcast_calls_at_once": 4})
    listeners(calls, "a", 30, language="en")
    begin(calls, "a")
    assert len(placed(calls)) == 4
    over(calls, next(iter(placed(calls).values())))
    assert len(placed(calls)) == 5
    calls.tick(seconds=callback.FORGOTTEN.total_seconds() + 1)
    calls.line.work()
    assert len(placed(calls)) == 9, "calls of which no word ever came stand in nobody's way"


def test_quiet_hours_a_pause_and_the_end_hold_for_calls_too(calls: Casts) -> None:
    calls.site.settings = calls.site.settings.model_copy(update={"broadcast_calls_at_once": 4})
    listeners(calls, "a", 30, language="en")
    calls.line.now = calls.now.replace(hour=18, minute=30)  # half past eight in Kigali
    made = begin(calls, "a")
    assert placed(calls) == {}
    calls.tick(hours=11)
    calls.line.work()
    assert len(placed(calls)) == 4
    with calls.site.db.transaction() as session:
        campaign.pause(session, made, actor="paul", now=calls.now)
    for name in list(placed(calls).values()):
        over(calls, name)
    assert len(placed(calls)) == 4
    with calls.site.db.transaction() as session:
        campaign.stop(session, made, actor="paul", now=calls.now)
    assert calls.fates(made) == {MessageState.UNDELIVERED: 4, MessageState.CANCELLED: 26}


def test_what_it_costs_and_what_came_of_it_is_told_by_way(calls: Casts) -> None:
    calls.people("a", 30, language="en")
    listeners(calls, "b", 30, 5000, language="en")
    made = calls.draft("a", "b")
    record(calls, made, "en")
    found = calls.check(made)
    assert (found.people, found.called) == (60, 30)
    assert [(gateway, calls_, minutes, cost) for gateway, _, calls_, minutes, cost in found.calls] == [
        ("twilio", 30, 30, 30 * 420)
    ]
    calls.send(made)
    calls.line.work()
    names = iter(placed(calls).values())
    Answered(calls.line, next(names)).press("1")
    over(calls, next(names))
    calls.line.work()
    with calls.site.db.reading() as session:
        stands, by = progress(session, calls.site, calls.row(made), calls.now), lines(session, calls.row(made))
    assert stands.fates[Fate.DELIVERED] == 1
    assert stands.reasons == [("Nobody picked up, or whoever did pressed no key. It is not called again.", 1)]
    assert {(line.reach, line.people) for line in by} == {(Reach.TEXT, 30), (Reach.CALL, 30)}


def test_without_a_recording_whoever_wants_calls_gets_nothing_and_the_check_says_so(calls: Casts) -> None:
    calls.people("a", 30)
    listeners(calls, "b", 30, 5000)
    made = calls.draft("a", "b")
    found = calls.check(made)
    assert (found.people, found.called) == (30, 0)
    assert "Whoever asked to be called gets nothing: nothing is recorded." in found.noted
    record(calls, made, "en")
    with calls.site.db.transaction() as session:
        campaign.edit(session, made, actor="jeanne", now=calls.now, texts={})
    found = calls.check(made)
    assert (found.people, found.called, found.blocked) == (30, 30, [])


def test_words_that_tell_what_this_line_is_a_lost_file_and_no_voice_are_in_the_way(calls: Casts) -> None:
    listeners(calls, "a", 30)
    made = calls.draft("a", texts=TEXTS)
    record(calls, made, "en", words="This is the trafficking hotline.")
    assert "en, to be heard: It says a word that tells what this line is." in calls.check(made).blocked
    record(calls, made, "en")
    for file in Path(calls.site.settings.instance).glob("prompts/many/en/*.wav"):
        file.unlink()
    assert "en, to be heard: Its file is gone: bring it in again." in calls.check(made).blocked
    calls.site.settings = calls.site.settings.model_copy(update={"voice_gateway": "kannel"})
    assert "No gateway carries calls: name one as HOTLINE_VOICE_GATEWAY." in calls.check(made).blocked


def test_nothing_longer_than_a_minute_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="it lasts 61"):
        recordings.bring_in(tmp_path, "rw", SAID, said_aloud(61.0))


def test_a_gateway_that_is_away_costs_nobody_their_call(calls: Casts) -> None:
    listeners(calls, "a", 30)
    twilio = calls.line.carriers["twilio"]
    real, twilio.call = twilio.call, lambda _, name: Sent(name, Certainty.REFUSED, code="unreachable", retry=True)
    made = begin(calls, "a")
    assert calls.fates(made) == {MessageState.QUEUED: 30}
    twilio.call = real
    for _ in range(6):
        calls.tick(minutes=5)
        calls.line.work()
    assert len(placed(calls)) == 30
    assert calls.row(made)["state"] in (BroadcastState.SENDING, BroadcastState.DONE)


def test_joining_by_a_call_says_whether_to_be_texted_or_called(calls: Casts) -> None:
    fill(calls.site, "market", [], calls.now)
    for key, reach, number in (("1", Reach.TEXT, "+250780000151"), ("3", Reach.CALL, "+250780000152")):
        call = Called(calls.line, number)
        call.ring()
        call.press("1", "5", "2", "5", key)
        call.press("999999", "627538")
        calls.line.work()
        assert ("We will call you" in call.heard) is (reach is Reach.CALL)
        assert calls.subscriber(number)["reach"] == reach
    assert calls.line.rows(Case) == [], "a call that only joins is no report"


def test_a_list_an_operator_and_their_own_word_say_how_to_reach_somebody(calls: Casts) -> None:
    made = fill(calls.site, "market", [], calls.now)
    sheet = "phone,consent source,consent date,reach\n0780000151,meeting,2026-11-01,call\n0780000152,meeting,2026-11-01,\n"
    result = bring_in(calls.site, made, "a.csv", (sheet + "0780000153,meeting,2026-11-01,shout\n").encode())
    assert [(one.row, one.fault) for one in result.faults] == [(4, Fault.NO_REACH)]
    assert [calls.subscriber(f"+25078000015{last}")["reach"] for last in "12"] == [Reach.CALL, Reach.TEXT]
    calls.line.says("+250780000151", "JOIN MARKET")
    calls.line.work()
    assert calls.subscriber("+250780000151")["reach"] == Reach.TEXT, "whoever texts can read"
    env = {"HOTLINE_INSTANCE": str(calls.site.settings.instance)}
    told = [CliRunner().invoke(main, ["broadcast", "reach", number, "call"], env=env) for number in ("0780000152", "0780000159")]
    assert len({one.output for one in told}) == 1, "the same whether it is on a list or not"


def test_whoever_reported_is_not_called_and_no_count_tells(calls: Casts) -> None:
    numbers = listeners(calls, "a", 30, language="en")
    calls.line.says(numbers[3], "They took my passport and lock the door")
    made = begin(calls, "a")
    assert sorted(placed(calls)) == sorted(set(numbers) - {numbers[3]})
    for name in list(placed(calls).values()):
        over(calls, name)
    with calls.site.db.reading() as session:
        stands, (line,) = progress(session, calls.site, calls.row(made), calls.now), lines(session, calls.row(made))
    assert {fate: many for fate, many in stands.fates.items() if many} == line.fates == {Fate.FAILED: 30}
    assert [many for _, many in stands.reasons] == list(line.reasons.values()) == [30]


def test_rows_hold_no_number_and_no_word(calls: Casts) -> None:
    numbers = listeners(calls, "a", 30, language="en")
    begin(calls, "a")
    Answered(calls.line, placed(calls)[numbers[0]]).press("1", "3")
    calls.line.work()
    for row in (*calls.line.rows(Message), *calls.line.rows(Inbox)):
        assert numbers[0][4:] not in repr({name: value for name, value in row.items() if isinstance(value, bytes)})
