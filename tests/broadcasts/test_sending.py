"""Sending: each person once, only people who agreed, only at a decent hour, and each fate in the sum."""

from collections import Counter
from datetime import timedelta

import pytest

from hotline.broadcasts import campaign
from hotline.broadcasts.campaign import Refused
from hotline.broadcasts.progress import Fate, Stands, lines, progress
from hotline.models import BroadcastState, Case, Lane, Message, MessageState
from hotline.outbound import deliver
from hotline.subscribers import Joining, enrol, leave
from tests.broadcasts.casting import Casts, fill, number
from tests.line import refused, unknown
from workers import jobs


def stands(casts: Casts, broadcast_id: str) -> Counter[Fate]:
    with casts.site.db.reading() as session:
        found = progress(session, casts.site, casts.row(broadcast_id), casts.now)
    assert sum(found.fates.values()) == found.people
    return Counter({fate: many for fate, many in found.fates.items() if many})


def test_everybody_gets_it_once_in_their_language(casts: Casts) -> None:
    """One number on five lists, in six spellings when it came in, is one text."""
    numbers = casts.people("a", 1500, language="rw")
    for keyword in "bcde":
        fill(casts.site, keyword, numbers[:30], casts.now)
    english = casts.people("f", 30, start=5000, language="en")
    made = casts.begin("a", "b", "c", "d", "e", "f")
    casts.line.work()
    assert casts.reached() == Counter(numbers + english)
    assert {text.body for text in casts.line.sent if text.to in english} == {
        "Offered a job far away? Keep your ID card. Ask us, free: dial *778#. No more texts: STOP"
    }
    assert casts.fates(made) == {MessageState.ACCEPTED: 1530}
    casts.tick(seconds=5)
    assert casts.row(made)["state"] == BroadcastState.DONE


def test_reporters_are_left_out_and_no_sum_tells(casts: Casts) -> None:
    numbers = casts.people("a", 30)
    casts.line.says(numbers[3], "They took my passport and lock the door")
    casts.line.forget()
    made = casts.begin("a")
    assert casts.row(made)["people"] == 30, "the count holds the reporter, too"
    casts.line.work()
    assert casts.reached() == Counter(set(numbers) - {numbers[3]})
    assert stands(casts, made) == {Fate.SENT: 30}
    for text in list(casts.line.sent):
        casts.line.receipt(text, "delivered")
    casts.line.work()
    assert stands(casts, made) == {Fate.DELIVERED: 30}
    with casts.site.db.reading() as session:
        (line,) = lines(session, casts.row(made))
    assert line.fates == {Fate.DELIVERED: 30}


def test_whoever_stopped_the_line_itself_gets_nothing_either(casts: Casts) -> None:
    casts.line.says(number(103), "STOP")
    casts.line.forget()
    numbers = casts.people("a", 30)
    casts.begin("a")
    casts.line.work()
    assert numbers[3] not in casts.reached()


@pytest.mark.parametrize("count", [0, 1, 19])
def test_fewer_than_twenty_people_are_never_written_to(casts: Casts, count: int) -> None:
    casts.people("a", count)
    casts.people("b", 30, start=900)
    made = casts.draft("a", "b")
    assert any("fewer than 20" in why for why in casts.check(made).blocked)
    with pytest.raises(Refused, match="put right"):
        casts.send(made)


def test_filters_that_leave_fewer_than_twenty_are_refused_too(casts: Casts) -> None:
    casts.people("a", 40, sector="Kamembe")
    casts.people("b", 5, start=900, sector="Bugarama")
    assert casts.check(casts.draft("a", sectors=("Bugarama",))).blocked
    assert not casts.check(casts.draft("a", sectors=("Kamembe",))).blocked


def test_nothing_leaves_in_the_quiet_hours_whatever_was_scheduled(casts: Casts) -> None:
    casts.people("a", 30)
    casts.line.now = casts.now.replace(hour=18, minute=30)  # half past eight in Kigali
    made = casts.begin("a")
    casts.line.work()
    assert casts.line.sent == []
    with casts.site.db.reading() as session:
        assert progress(session, casts.site, casts.row(made), casts.now).stands is Stands.QUIET
    casts.tick(hours=10, minutes=29)  # one minute to seven
    casts.line.work()
    assert casts.line.sent == []
    casts.tick(minutes=1)
    casts.line.work()
    assert len(casts.line.sent) == 30


def test_quiet_hours_begin_in_the_middle_of_a_run(casts: Casts) -> None:
    casts.people("a", 250)
    casts.line.now = casts.now.replace(hour=17, minute=59)
    made = casts.begin("a")
    jobs.deliver_batch(casts.site, Lane.BULK)
    casts.line.now += timedelta(minutes=1)
    casts.line.work()
    assert len(casts.line.sent) == 200
    assert stands(casts, made) == {Fate.SENT: 200, Fate.WAITING: 50}


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=-1), timedelta(hours=-12)], ids=str)
def test_clocks_that_jump_send_nothing_at_night_and_nothing_twice(casts: Casts, jump: timedelta) -> None:
    """The database's clock jumps in the middle of a run, again and again, and comes back."""
    numbers = casts.people("a", 350)
    casts.line.now = casts.now.replace(hour=17, minute=10)
    casts.begin("a")
    for way in (jump, -jump, jump, -jump):
        before = len(casts.line.sent)
        jobs.deliver_batch(casts.site, Lane.BULK)
        at_night = not 7 <= casts.site.local(casts.now).hour < 20
        assert not (at_night and len(casts.line.sent) > before)
        casts.tick()
        casts.line.now += way
    casts.line.work()
    assert casts.reached() == Counter(numbers)


def test_what_comes_too_late_is_dropped(casts: Casts) -> None:
    casts.people("a", 30)
    made = casts.begin("a")
    casts.line.now += timedelta(hours=24)
    casts.line.work()
    assert casts.line.sent == []
    assert stands(casts, made) == {Fate.LATE: 30}


def test_pause_holds_all_of_it_and_resume_goes_on_where_it_was(casts: Casts) -> None:
    numbers = casts.people("a", 250)
    made = casts.begin("a")
    jobs.deliver_batch(casts.site, Lane.BULK)
    with casts.site.db.transaction() as session:
        campaign.pause(session, made, actor="paul", now=casts.now)
    casts.line.work()
    assert len(casts.line.sent) == 200
    with casts.site.db.transaction() as session:
        campaign.resume(session, made, actor="paul", now=casts.now)
    casts.line.work()
    assert casts.reached() == Counter(numbers)


def test_stop_takes_back_what_has_not_left(casts: Casts) -> None:
    casts.people("a", 250)
    made = casts.begin("a")
    carrier = casts.line.carriers["simulator"]
    carrier.next = [refused] * 10
    jobs.deliver_batch(casts.site, Lane.BULK)
    with casts.site.db.transaction() as session:
        campaign.stop(session, made, actor="paul", now=casts.now)
    casts.tick(minutes=10)
    casts.line.work()
    assert len(casts.line.sent) == 200, "ten of them were refused and are not tried again"
    assert stands(casts, made) == {Fate.SENT: 190, Fate.TAKEN_BACK: 60}
    with pytest.raises(Refused), casts.site.db.transaction() as session:
        campaign.resume(session, made, actor="paul", now=casts.now)


def test_the_unknown_is_never_sent_again_and_the_surely_unsent_is(casts: Casts) -> None:
    numbers = casts.people("a", 30)
    made = casts.begin("a")
    carrier = casts.line.carriers["simulator"]
    carrier.next = [unknown, unknown, refused]
    casts.line.work()
    for _ in range(6):
        casts.tick(minutes=20)
        casts.line.work()
    assert stands(casts, made) == {Fate.SENT: 28, Fate.UNKNOWN: 2}
    reached = casts.reached()
    assert set(reached) == set(numbers)
    assert sorted(reached.values()) == [1] * 29 + [2], "one was refused and went again"
    with casts.site.db.reading() as session:
        found = progress(session, casts.site, casts.row(made), casts.now)
    assert found.reasons == [("The gateway did not answer: whether it left is not known.", 2)]
    assert casts.row(made)["state"] == BroadcastState.DONE


def test_a_worker_that_vanishes_leaves_unknowns_and_no_second_copy(casts: Casts) -> None:
    casts.people("a", 220)
    made = casts.begin("a")
    jobs.make(casts.site)
    with casts.site.db.transaction() as session:
        parcel = list(deliver.take(session, casts.site, Lane.BULK, casts.now).rows)
    casts.tick(minutes=1)
    with casts.site.db.transaction() as session:
        assert deliver.free_expired(session, casts.site, casts.now) == len(parcel)
    casts.line.work()
    assert max(casts.reached().values()) == 1
    assert not set(parcel) & {text.id for text in casts.line.sent}
    assert stands(casts, made) == {Fate.SENT: 20, Fate.UNKNOWN: 200}


@pytest.mark.parametrize("stops", [30, pytest.param(500, marks=pytest.mark.faults)])
def test_stops_in_the_middle_of_a_run_hold_from_their_commit_on(casts: Casts, stops: int) -> None:
    """Real stops are obeyed before anything more is claimed; forged ones never, and stop inside a report is a report.

    They come ten at a time, in every language, and the broadcast goes on in between.
    """
    numbers = casts.people("a", 200 + 3 * stops)
    made = casts.begin("a")
    jobs.deliver_batch(casts.site, Lane.BULK)
    later = [one for one in numbers if one not in casts.reached()]
    stopped, forged, telling = later[:stops], later[stops : 2 * stops], later[2 * stops : 2 * stops + 10]
    for place, phone in enumerate(forged):
        fields = {"MessageSid": f"SM{place:x}".ljust(34, "f"), "From": phone, "To": "7788", "Body": "STOP"}
        assert casts.line.post(fields, token="somebody-else").status_code == 403
    had = Counter[str]()
    for at in range(0, stops, 10):
        ten = stopped[at : at + 10]
        for phone, word in zip(ten, ["Stop!", "STOP", "hagarika", "Arr\u00eat", "acha"] * 2, strict=True):
            casts.line.text(phone, word)
        while jobs.drain_batch(casts.site):
            pass
        had.update({phone: cast(casts)[phone] for phone in ten})
        if at % 100 == 0:
            jobs.deliver_batch(casts.site, Lane.BULK)
    for phone in telling:
        casts.line.text(phone, "please stop them, they lock the girls in")
    casts.line.work()
    answered = {text.to for text in casts.line.sent if "akazi" not in text.body}
    got = cast(casts)
    assert answered & set(numbers) == set(stopped) | set(telling)
    assert {phone: got[phone] for phone in stopped} == had, "nothing was claimed after a STOP"
    assert [had[phone] for phone in stopped[:10]] == [0] * 10
    assert set(forged) <= set(got)
    assert max(got.values()) == 1
    assert len(casts.line.rows(Case)) == len(telling), "a report with the word stays a report"
    assert all(casts.subscriber(phone)["left_at"] is None for phone in telling)
    spared = stops - had.total()
    assert stands(casts, made) == {Fate.SENT: len(numbers) - spared, Fate.STOPPED: spared}


def cast(casts: Casts) -> Counter[str]:
    """Count the texts of the broadcast that each phone got."""
    return Counter(text.to for text in casts.line.sent if "akazi" in text.body)


def test_somebody_who_left_before_their_row_was_made_has_none(casts: Casts) -> None:
    numbers = casts.people("a", 30)
    made = casts.begin("a")
    with casts.site.db.transaction() as session:
        leave(session, casts.now, numbers=[casts.site.number_index(numbers[0])])
    casts.line.work()
    assert sum(casts.fates(made).values()) == 29
    assert stands(casts, made) == {Fate.SENT: 29, Fate.STOPPED: 1}, "who was counted at the check is not lost from the sum"


def test_never_more_people_than_were_approved(casts: Casts) -> None:
    list_id = fill(casts.site, "a", [number(place) for place in range(30)], casts.now)
    made = casts.begin("a")
    with casts.site.db.transaction() as session:
        more = [Joining(number(place), "later (invented)", casts.now) for place in range(500, 540)]
        enrol(session, casts.site, list_id, more, casts.now)
    casts.line.work()
    assert sum(casts.fates(made).values()) == 30


def test_an_alert_does_not_wait_behind_a_broadcast(casts: Casts) -> None:
    casts.people("a", 300)
    casts.begin("a")
    jobs.make(casts.site)
    casts.line.text(number(9000), "They locked me in a house in Kamembe, madam took my passport, help me now")
    jobs.drain_batch(casts.site)
    jobs.deliver_batch(casts.site, Lane.LIFE)
    assert casts.line.sent
    assert {row["kind"] for row in casts.line.rows(Message, state=MessageState.ACCEPTED)} == {"alert"}


def test_held_out_people_get_nothing_and_are_the_same_each_time(casts: Casts) -> None:
    casts.people("a", 1000)
    made = casts.draft("a", held_out=20)
    found = casts.check(made)
    assert 150 <= found.held_out <= 250
    assert found.people + found.held_out == 1000
    casts.send(made)
    casts.line.work()
    assert casts.fates(made) == {MessageState.ACCEPTED: found.people, MessageState.SUPPRESSED: found.held_out}
    assert stands(casts, made) == {Fate.SENT: found.people}
