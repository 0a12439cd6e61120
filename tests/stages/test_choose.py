"""Who is told of a case: the right desks when they are on duty, never one agency alone for danger to life, never nobody."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hotline.models import Tier
from hotline.routing.choose import NOBODY_TOLD, RUNGS, Choice, Entry, Hours, Need, choose, next_after, rung
from hotline.routing.rules import Rule, Rules, Tell, When

KIGALI = ZoneInfo("Africa/Kigali")
TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=KIGALI)
ALWAYS = tuple(Hours(day, 0, 1440) for day in range(7))
AREAS = ("Rusizi", "Bugarama", "Kamembe", "Nyamasheke")
CATEGORIES = ("trafficking", "smuggling", "child_protection", "gbv", "missing_person", "labour_abuse")

hours = st.builds(Hours, st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1440))
entries = st.builds(
    Entry,
    id=st.integers(0, 999).map(str),
    agency=st.sampled_from("ABCD"),
    agency_kind=st.sampled_from(["police", "rib", "child_line", "isange", "ngo"]),
    tier=st.sampled_from(Tier),
    language=st.just("en"),
    areas=st.one_of(st.just(frozenset("*")), st.frozensets(st.sampled_from(AREAS))),
    categories=st.one_of(st.just(frozenset("*")), st.frozensets(st.sampled_from(CATEGORIES))),
    minors=st.booleans(),
    last_resort=st.sampled_from([False, False, False, True]),
    hours=st.one_of(st.just(()), st.just(ALWAYS), st.lists(hours, max_size=3).map(tuple)),
    phone=st.sampled_from([True, True, False]),
    crossings=st.sampled_from([True, True, False]),
    abroad=st.sampled_from([False, False, True]),
)
directories = st.lists(entries, max_size=9, unique_by=lambda entry: entry.id)
needs = st.builds(
    Need,
    category=st.sampled_from([*CATEGORIES, *NOBODY_TOLD]),
    urgency=st.sampled_from(["immediate", "soon", "routine"]),
    minors=st.booleans(),
    areas=st.frozensets(st.sampled_from(AREAS)).map(lambda areas: areas | {"Rusizi"}),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(KIGALI))  # noqa: DTZ001  a zone beside it


def entry(name: str, agency: str, **more: object) -> Entry:
    plain = {"agency_kind": "police", "tier": Tier.DUTY, "language": "en", "areas": frozenset({"Rusizi"}), "minors": True}
    fields = plain | {"categories": frozenset("*"), "last_resort": False, "hours": ALWAYS} | more
    return Entry(id=name, agency=agency, **fields)  # type: ignore[arg-type]


def need(category: str = "trafficking", urgency: str = "immediate", *, minors: bool = False, **more: frozenset[str]) -> Need:
    return Need(category, urgency, minors, more.get("areas", frozenset({"Rusizi"})))


def names(choices: tuple[Choice, ...]) -> list[str]:
    return [choice.entry.id for choice in choices]


def concerned(one: Entry, wanted: Need) -> bool:
    """The rule written a second time: whose area, category and people it is."""
    children = one.minors or not wanted.minors
    borders = not one.abroad and (one.crossings or not wanted.crosses)
    line = wanted.minors or one.agency_kind != "child_line"
    area = "*" in one.areas or bool(one.areas & wanted.areas)
    return children and borders and line and area and ("*" in one.categories or wanted.category in one.categories)


# ---- what always holds ------------------------------------------------------------------------------------------


@given(needs, directories, moments)
def test_for_danger_to_life_somebody_is_told_if_there_is_anybody(wanted: Need, directory: list[Entry], now: datetime) -> None:
    if wanted.life:
        assert bool(choose(wanted, directory, now)) == any(not one.abroad for one in directory)


@given(needs, directories, moments)
def test_for_danger_to_life_two_agencies_are_told_if_two_can_be(wanted: Need, directory: list[Entry], now: datetime) -> None:
    assume(wanted.life)
    awake = [one for one in directory if one.phone and not one.abroad]
    ready = {one.agency for one in awake if one.last_resort or (concerned(one, wanted) and one.on_duty(now))}
    higher = {one.agency for one in awake if concerned(one, wanted) and one.tier is not Tier.DUTY}
    if len(ready | higher) >= 2:
        chosen = [choice.entry for choice in choose(wanted, directory, now)]
        assert len({one.agency for one in chosen if one.phone and not one.abroad}) >= 2


@given(needs, directories, moments)
def test_nobody_is_told_out_of_turn(wanted: Need, directory: list[Entry], now: datetime) -> None:
    chosen = choose(wanted, directory, now)
    for one in (choice.entry for choice in chosen):
        fits = concerned(one, wanted) and (one.on_duty(now) or (wanted.life and one.tier is not Tier.DUTY))
        nobody_else = wanted.life and not any(
            other.last_resort or (concerned(other, wanted) and (other.on_duty(now) or other.tier is not Tier.DUTY))
            for other in directory
            if other.wakes
        )
        assert one.last_resort or fits or nobody_else


@given(needs, directories, moments)
def test_nobody_is_told_twice_and_each_for_a_reason(wanted: Need, directory: list[Entry], now: datetime) -> None:
    chosen = choose(wanted, directory, now)
    assert len(set(names(chosen))) == len(chosen)
    assert all(choice.why for choice in chosen)
    assert sum(choice.entry.wakes for choice in chosen) <= 3, "two agencies and one body for children"


@given(needs, directories, moments)
def test_what_is_no_matter_for_anybody_tells_nobody_of_itself(wanted: Need, directory: list[Entry], now: datetime) -> None:
    if wanted.category in NOBODY_TOLD and not wanted.life:
        assert choose(wanted, directory, now) == ()


@given(needs, directories, moments, st.randoms())
def test_the_order_of_the_directory_changes_nothing(wanted: Need, directory: list[Entry], now: datetime, chance: object) -> None:
    shuffled = sorted(directory, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert names(choose(wanted, shuffled, now)) == names(choose(wanted, directory, now))


@given(needs, directories, moments)
def test_the_next_contact_is_on_duty_for_it_and_was_not_told(wanted: Need, directory: list[Entry], now: datetime) -> None:
    told = frozenset(names(choose(wanted, directory, now)))
    following = next_after(wanted, directory, now, told)
    assert len(following) <= 1
    for one in (choice.entry for choice in following):
        assert one.id not in told
        assert one.tier is Tier.DUTY
        assert one.on_duty(now)
        assert concerned(one, wanted)


@given(needs, directories, st.sets(st.sampled_from(Tier)))
def test_a_higher_rung_is_everybody_on_it_whose_area_it_is(wanted: Need, directory: list[Entry], tiers: set[Tier]) -> None:
    told = names(rung(wanted, directory, tiers))
    expected = [
        one.id for one in directory if one.tier in tiers and not one.abroad and ("*" in one.areas or one.areas & wanted.areas)
    ]
    assert told == expected


# ---- stories ----------------------------------------------------------------------------------------------------


def test_the_closest_desk_is_told_first_and_another_agency_with_it() -> None:
    directory = [entry("everything", "A", areas=frozenset("*")), entry("border", "B", categories=frozenset({"trafficking"})),
                 entry("station", "C")]  # fmt: skip
    assert names(choose(need(), directory, TUESDAY)) == ["border", "station"]
    assert names(choose(need(urgency="soon"), directory, TUESDAY)) == ["border"]


def test_two_desks_of_one_agency_are_not_two_agencies() -> None:
    directory = [entry("post", "A"), entry("station", "A"), entry("bureau", "B", tier=Tier.NATIONAL)]
    assert names(choose(need(), directory, TUESDAY)) == ["post", "bureau"]


def test_when_nobody_is_on_duty_the_rung_above_is_told_first() -> None:
    directory = [
        entry("post", "A", hours=()),
        entry("chief", "A", tier=Tier.SUPERVISOR),
        entry("bureau", "B", tier=Tier.NATIONAL),
    ]
    assert names(choose(need(), directory, TUESDAY)) == ["chief", "bureau"]


def test_the_last_resort_of_another_agency_comes_before_one_of_the_same() -> None:
    directory = [entry("post", "A"), entry("a-partner", "A", last_resort=True, tier=Tier.DIRECTOR, areas=frozenset()),
                 entry("b-partner", "B", last_resort=True, tier=Tier.DIRECTOR, areas=frozenset())]  # fmt: skip
    assert names(choose(need(), directory, TUESDAY)) == ["post", "b-partner"]


def test_at_night_a_sleeping_supervisor_is_woken_for_danger_to_life_alone() -> None:
    directory = [entry("post", "A", hours=()), entry("chief", "B", tier=Tier.SUPERVISOR, hours=())]
    (told,) = choose(need(), directory, TUESDAY)
    assert (told.entry.id, told.why) == ("chief", "woken: too few are on duty")
    assert choose(need(urgency="soon"), directory, TUESDAY) == ()


def test_somebody_whose_matter_it_is_not_is_better_than_nobody() -> None:
    elsewhere = entry("elsewhere", "A", areas=frozenset({"Nyamasheke"}), hours=())
    asleep = entry("asleep", "B", hours=())
    assert names(choose(need(), [elsewhere], TUESDAY)) == ["elsewhere"]
    assert names(choose(need(), [elsewhere, asleep], TUESDAY))[0] == "asleep"


@pytest.mark.parametrize("kind", ["child_line", "isange"])
def test_a_child_in_danger_is_met_by_a_body_made_for_children_too(kind: str) -> None:
    directory = [entry("post", "A"), entry("bureau", "B"), entry("children", "C", agency_kind=kind, areas=frozenset("*"))]
    assert "children" in names(choose(need(minors=True), directory, TUESDAY))
    told = choose(need(minors=True), directory, TUESDAY)
    assert [choice.why for choice in told if choice.entry.id == "children"] == ["a child is named"]


def test_two_bodies_for_children_do_not_stand_in_for_those_who_can_go_there() -> None:
    line = entry("a line", "A", agency_kind="child_line", categories=frozenset({"trafficking"}))
    centre = entry("b centre", "B", agency_kind="isange", categories=frozenset({"trafficking"}))
    post = entry("c post", "C")
    told = names(choose(need(minors=True), [line, centre, post], TUESDAY))
    assert told[0] == "c post"
    assert "a line" in told


def test_a_child_line_is_not_for_grown_people_and_a_desk_without_children_not_for_a_child() -> None:
    line = entry("children", "A", agency_kind="child_line")
    grown = entry("grown", "B", minors=False)
    station = entry("station", "C", areas=frozenset("*"))
    assert "children" not in names(choose(need(), [line, grown, station], TUESDAY))
    assert "grown" not in names(choose(need(minors=True), [line, grown, station], TUESDAY))


def test_who_has_no_phone_is_told_beside_two_who_have_and_a_partner_abroad_only_where_a_rule_names_them() -> None:
    directory = [
        entry("office", "B", areas=frozenset({"Rusizi"}), categories=frozenset({"trafficking"}), phone=False),
        entry("partner", "C", agency_kind="ngo", abroad=True),
        entry("post", "A", crossings=False),
        entry("desk", "A", areas=frozenset("*")),
        entry("bureau", "D", areas=frozenset("*")),
    ]
    assert names(choose(need(), directory, TUESDAY)) == ["post", "bureau"]
    assert names(choose(need("smuggling"), directory, TUESDAY)) == ["bureau", "desk"]
    tell = (Tell(kind="ngo"), Tell(kind="police"))
    rules = Rules(version="invented", rule=(Rule(name="always", when=When(urgency=("immediate",)), tell=tell),))
    assert "partner" in names(choose(need("smuggling"), directory, TUESDAY, rules))
    assert "partner" not in names(choose(need(), directory, TUESDAY, rules))


def test_next_comes_an_agency_that_was_not_told_before_one_that_was() -> None:
    directory = [entry("a1", "A"), entry("a2", "A"), entry("b1", "B")]
    assert names(next_after(need(), directory, TUESDAY, frozenset({"a1"}))) == ["b1"]
    assert names(next_after(need(), directory, TUESDAY, frozenset({"a1", "b1"}))) == ["a2"]
    assert next_after(need(), directory, TUESDAY, frozenset({"a1", "a2", "b1"})) == ()


def test_a_reason_names_what_and_where() -> None:
    desk = entry("desk", "A", areas=frozenset({"Rusizi", "Kamembe", "Bugarama"}), categories=frozenset({"missing_person"}))
    (choice,) = choose(need("missing_person", "soon", areas=frozenset({"Rusizi", "Bugarama"})), [desk], TUESDAY)
    assert choice.why == "on duty for missing person in Bugarama, Rusizi"


# ---- duty hours -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "at", "on"),
    [
        (480, 1020, "Tue 08:00", True),
        (480, 1020, "Tue 16:59", True),
        (480, 1020, "Tue 17:00", False),
        (480, 1020, "Tue 07:59", False),
        (480, 1020, "Wed 10:00", False),
        (0, 1440, "Tue 00:00", True),
        (0, 1440, "Tue 23:59", True),
        (0, 1440, "Wed 00:00", False),
        (1320, 360, "Tue 22:00", True),
        (1320, 360, "Tue 21:59", False),
        (1320, 360, "Wed 00:00", True),
        (1320, 360, "Wed 05:59", True),
        (1320, 360, "Wed 06:00", False),
        (1320, 360, "Tue 05:00", False),
        (600, 600, "Tue 10:00", True),
        (600, 600, "Wed 09:59", True),
        (600, 600, "Wed 10:00", False),
    ],
)
def test_duty_hours_of_a_tuesday_may_run_into_wednesday(start: int, end: int, at: str, *, on: bool) -> None:
    day, _, clock = at.partition(" ")
    moment = TUESDAY.replace(hour=int(clock[:2]), minute=int(clock[3:])) + timedelta(days=1 if day == "Wed" else 0)
    assert Hours(1, start, end).cover(moment) is on


def test_a_sunday_night_runs_into_monday() -> None:
    night = Hours(6, 1320, 360)
    assert night.cover(datetime(2026, 11, 29, 23, 0, tzinfo=KIGALI))
    assert night.cover(datetime(2026, 11, 30, 5, 0, tzinfo=KIGALI))
    assert not night.cover(datetime(2026, 11, 29, 5, 0, tzinfo=KIGALI))


@given(st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1440), moments)
def test_hours_and_the_hours_between_them_make_a_week(day: int, start: int, end: int, now: datetime) -> None:
    """Whatever is not covered is covered by the rest of that day and the other days: no minute is in both or in neither."""
    length = end - start if end > start else end + 1440 - start
    minute = (now.weekday() - day) % 7 * 1440 + now.hour * 60 + now.minute
    expected = start <= minute < start + length or start <= minute + 7 * 1440 < start + length
    assert Hours(day, start, end).cover(now) is expected


def test_the_last_resort_is_always_on_duty() -> None:
    assert entry("partner", "A", last_resort=True, hours=()).on_duty(TUESDAY)
    assert not entry("post", "A", hours=()).on_duty(TUESDAY)


def test_every_tier_is_a_rung() -> None:
    assert set(RUNGS) == set(Tier)
