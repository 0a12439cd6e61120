"""Rules as sentences: read or refused as a whole, obeyed, tried before they hold, and never in the way of two agencies.

All people and numbers are invented.
"""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hotline import cli
from hotline.cli.rules import sentence
from hotline.deployment import Deployment
from hotline.models import AuditEvent, Referral, Tier
from hotline.routing import book, directory
from hotline.routing.choose import Bar, Entry, Hours, Need, agencies_of, choose, circle
from hotline.routing.rehearse import rehearse
from hotline.routing.rules import SHIPPED, Facts, Rule, Rules, Tell, Unfit, When, idle, parse, read
from hotline.triage.rules import SIGNS
from tests.stages.test_conflict import referred

KIGALI = ZoneInfo("Africa/Kigali")
TUESDAY = datetime(2026, 11, 24, 14, 30, tzinfo=KIGALI)
ALWAYS = tuple(Hours(day, 0, 1440) for day in range(7))
KINDS = ["police", "rib", "immigration", "child_line", "ngo"]
CATEGORIES = ["trafficking", "smuggling", "gbv", "missing_person"]


def facts(**some: object) -> Facts:
    plain = {
        "category": "trafficking",
        "urgency": "immediate",
        "minors": False,
        "areas": frozenset({"Rusizi"}),
        "signs": frozenset(),
    }
    return Facts(**plain | some)  # type: ignore[arg-type]


def entry(name: str, kind: str, *, tier: Tier = Tier.DUTY, hours: tuple[Hours, ...] = ALWAYS, **facts: object) -> Entry:
    plain = {"areas": frozenset("*"), "categories": frozenset("*"), "minors": True, "last_resort": False, "language": "en"}
    return Entry(id=name, agency=f"agency of {name}", agency_kind=kind, tier=tier, hours=hours, **plain | facts)  # type: ignore[arg-type]


def told(need: Need, directory: list[Entry], rules: Rules, at: datetime = TUESDAY) -> list[str]:
    return [choice.entry.id for choice in choose(need, directory, at, rules)]


def a_rule(*tell: Tell, only: bool = False, **when: object) -> Rules:
    return Rules(version="x", rule=(Rule(name="a rule", when=When(**when), tell=tell, only=only),))  # type: ignore[arg-type]


# ---- for any report, directory and rules ------------------------------------------------------------------------

entries = st.builds(
    Entry,
    id=st.uuids().map(str),
    agency=st.sampled_from("ABC"),
    agency_kind=st.sampled_from(KINDS),
    tier=st.sampled_from(Tier),
    language=st.just("en"),
    areas=st.frozensets(st.sampled_from(["*", "Rusizi", "Bugarama"]), min_size=1),
    categories=st.frozensets(st.sampled_from(["*", *CATEGORIES]), min_size=1),
    minors=st.booleans(),
    last_resort=st.booleans(),
    hours=st.sampled_from([(), ALWAYS, (Hours(1, 0, 600),)]),
    station=st.sampled_from([None, "a post"]),
    phone=st.sampled_from([True, True, False]),
    crossings=st.sampled_from([True, True, False]),
    abroad=st.sampled_from([False, False, True]),
)
directories = st.lists(entries, max_size=12, unique_by=lambda one: one.id)
needs = st.builds(
    Need,
    category=st.sampled_from(CATEGORIES),
    urgency=st.sampled_from(["immediate", "soon"]),
    minors=st.booleans(),
    areas=st.frozensets(st.sampled_from(["Rusizi", "Bugarama"]), min_size=1),
    signs=st.frozensets(st.sampled_from(["moving-now", "made-to-fight"])),
)
tells = st.builds(Tell, kind=st.sampled_from(["*", *KINDS]), tier=st.sampled_from(Tier), wake=st.booleans(), every=st.booleans())
whens = st.builds(
    When,
    category=st.lists(st.sampled_from(CATEGORIES), max_size=2, unique=True).map(tuple),
    minors=st.sampled_from([None, True, False]),
    hours=st.sampled_from([None, "18:00-06:00", "08:00-17:00"]),
)
books = st.lists(st.tuples(whens, st.lists(tells, min_size=1, max_size=3).map(tuple), st.booleans()), max_size=4).map(
    lambda some: Rules(
        version="x",
        rule=tuple(Rule(name=f"rule {at}", when=when, tell=tell, only=only) for at, (when, tell, only) in enumerate(some)),
    )
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(KIGALI))  # noqa: DTZ001  the zone is given


@given(needs, directories, books, moments)
def test_a_danger_to_life_is_told_to_two_agencies_where_the_circle_holds_two(
    need: Need, directory: list[Entry], rules: Rules, now: datetime
) -> None:
    chosen = choose(need, directory, now, rules)
    if need.life:
        within = circle(need, directory, now, rules)
        could = {one.agency for one in within if one.wakes and (one.last_resort or _theirs(one, need, now))}
        assert bool(chosen) >= any(not one.abroad for one in directory)
        assert len(agencies_of(chosen)) >= min(2, len(could))


def _theirs(one: Entry, need: Need, now: datetime) -> bool:
    competent = (
        (one.crossings or not need.crosses)
        and (one.minors or not need.minors)
        and (one.agency_kind != "child_line" or need.minors)
    )
    here = "*" in one.areas or bool(one.areas & need.areas)
    what = "*" in one.categories or need.category in one.categories
    return competent and here and what and (one.on_duty(now) or one.tier is not Tier.DUTY)


@given(needs, directories, books, moments)
def test_nobody_outside_the_circle_is_told_and_nobody_twice(
    need: Need, directory: list[Entry], rules: Rules, now: datetime
) -> None:
    chosen = [choice.entry for choice in choose(need, directory, now, rules)]
    assert len({one.id for one in chosen}) == len(chosen)
    assert {one.id for one in chosen} <= {one.id for one in circle(need, directory, now, rules)}


@given(needs, directories, books, moments, st.sampled_from(["kind:police", "station:a post", "agency:A"]), st.booleans())
def test_nobody_who_is_excluded_is_ever_told(
    need: Need,
    directory: list[Entry],
    rules: Rules,
    now: datetime,
    whom: str,
    outside: bool,  # noqa: FBT001
) -> None:
    admitted = Bar(frozenset({whom}), outside).admitted(directory)
    assert all(whom not in choice.entry.subjects for choice in choose(need, admitted, now, rules))


# ---- conditions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"category": ("trafficking", "gbv")}, True),
        ({"category": ("gbv",)}, False),
        ({"urgency": ("soon",)}, False),
        ({"minors": False}, True),
        ({"minors": True}, False),
        ({"places": ("Rusizi",)}, True),
        ({"places": ("Bugarama",)}, False),
        ({"signs": ("moving-now",)}, False),
        ({"days": ("tue",)}, True),
        ({"days": ("wed",)}, False),
        ({"hours": "14:30-14:31"}, True),
        ({"hours": "08:00-14:30"}, False),
        ({"hours": "18:00-06:00"}, False),
    ],
)
def test_a_condition_holds_or_not(when: dict[str, object], holds: bool) -> None:  # noqa: FBT001  a case of the table
    assert When(**when).holds(facts(), TUESDAY) is holds  # type: ignore[arg-type]


def test_a_night_belongs_to_the_day_it_began_on() -> None:
    night = When(hours="18:00-06:00", days=("tue",))
    at = {TUESDAY.replace(hour=17): False, TUESDAY.replace(hour=19): True, TUESDAY.replace(hour=2): False}
    assert {moment: night.holds(facts(), moment) for moment in at} == at
    assert night.holds(facts(), TUESDAY.replace(hour=2) + timedelta(days=1))


# ---- whom -------------------------------------------------------------------------------------------------------

NEED = Need("trafficking", "soon", minors=False, areas=frozenset({"Rusizi"}))


def test_a_rule_tells_one_of_each_kind_and_all_of_them_with_every() -> None:
    directory = [entry("a", "rib"), entry("b", "rib"), entry("c", "immigration"), entry("d", "police")]
    assert told(NEED, directory, a_rule(Tell(kind="rib"), Tell(kind="immigration"))) == ["a", "c"]
    assert told(NEED, directory, a_rule(Tell(kind="rib", every=True))) == ["a", "b"]


def test_only_who_is_on_duty_is_told_unless_the_rule_wakes_them() -> None:
    directory = [entry("asleep", "immigration", hours=()), entry("d", "police")]
    assert told(NEED, directory, a_rule(Tell(kind="immigration"))) == ["d"]
    assert told(NEED, directory, a_rule(Tell(kind="immigration", wake=True))) == ["asleep"]


def test_only_keeps_everybody_else_out_but_never_leaves_nobody() -> None:
    directory = [entry("a", "rib"), entry("b", "police"), entry("chief", "police", tier=Tier.SUPERVISOR)]
    life = Need("trafficking", "immediate", minors=False, areas=frozenset({"Rusizi"}))
    assert told(life, directory, a_rule(Tell(tier=Tier.SUPERVISOR), only=True)) == ["chief"]
    assert len(told(life, directory, a_rule(Tell(kind="embassy"), only=True))) == 2


def test_an_armed_group_is_for_supervisors_also_up_the_ladder(district: Deployment) -> None:
    rules = read(SHIPPED)
    with district.db.reading() as session:
        everybody = directory.load(session)
    need = Need("trafficking", "immediate", minors=True, areas=frozenset({"Rusizi"}), signs=frozenset({"made-to-fight"}))
    names = {(one.agency_kind, str(one.tier)) for one in circle(need, everybody, TUESDAY, rules)}
    assert names == {("police", "supervisor"), ("ngo", "director")}
    assert {choice.entry.agency_kind for choice in choose(need, everybody, TUESDAY, rules)} == {"police", "ngo"}


# ---- the file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = ", "no TOML"),
        ("", "version"),
        ('version = "1"\n[[rule]]\nname = "abc"\ntell = []', "rule.1.tell"),
        ('version = "1"\n[[rule]]\nname = "abc"\ntell = [{ kind = "rib", tier = "boss" }]', "rule.1.tell.1.tier"),
        ('version = "1"\n[[rule]]\nname = "abc"\nwhen = { hours = "25:00-06:00" }\ntell = [{}]', "rule.1.when.hours"),
        ('version = "1"\n[[rule]]\nname = "abc"\nwhen = { moon = "full" }\ntell = [{}]', "rule.1.when.moon"),
        ('version = "1"\n[[rule]]\nname = "abc"\ntell = [{}]\n[[rule]]\nname = "abc"\ntell = [{}]', "two rules"),
    ],
)
def test_a_file_that_is_not_fit_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(Unfit, match=says):
        parse(text)


def test_the_shipped_rules_do_something_each_and_can_be_said(district: Deployment) -> None:
    rules = read(SHIPPED)
    assert list(idle(rules, frozenset({"police", "rib", "immigration", "child_line", "isange", "labour", "ngo"}), SIGNS)) == []
    said = [sentence(rule) for rule in rules.rule]
    assert said[0].startswith("If triage finds made-to-fight, tell every anybody (supervisor)")
    assert all(line.endswith(".") for line in said)


def test_rules_that_never_do_anything_are_found() -> None:
    rules = Rules(
        version="x",
        rule=(
            Rule(name="first", when=When(category=("gbv", "trafficking")), tell=(Tell(kind="rib"),), only=True),
            Rule(name="never reached", when=When(category=("gbv",), minors=True), tell=(Tell(kind="police"),)),
            Rule(name="wide", when=When(urgency=("soon",)), tell=(Tell(kind="rib"), Tell(kind="police"))),
            Rule(name="the same", when=When(urgency=("soon",), minors=True), tell=(Tell(kind="police"),)),
            Rule(name="strange", when=When(signs=("full-moon",)), tell=(Tell(kind="embassy"),)),
        ),
    )
    found = dict(idle(rules, frozenset({"rib", "police"}), SIGNS))
    assert "never reached" in found
    assert "overlaps 'wide'" in found["the same"]
    assert "embassy" in found["strange"]
    assert {"first", "wide"}.isdisjoint(found)


# ---- in force ---------------------------------------------------------------------------------------------------

FILE = 'version = "mine-1"\n[[rule]]\nname = "Always the labour office"\ntell = [{ kind = "labour", wake = true }]\n'


def test_published_rules_are_followed_at_once_and_the_old_file_is_kept(district: Deployment) -> None:
    assert book.sentences(district).version == read(SHIPPED).version
    for text in (FILE, FILE.replace("mine-1", "mine-2")):
        with district.db.transaction() as session:
            book.publish(session, district, text, district.db.now(session), actor="test")
    assert book.sentences(district).version == "mine-2"
    assert len(list(district.settings.instance.glob("rules-*.toml"))) == 1
    with district.db.reading() as session:
        seen = session.scalars(select(AuditEvent.object).where(AuditEvent.action == "rules.published")).all()
    assert seen == ["mine-1", "mine-2"]
    (case,) = referred(district, "they locked us in")
    with district.db.reading() as session:
        names = {one.why for one in session.scalars(select(Referral)).unique()}
    assert "rule: Always the labour office" in names
    assert case.handle


def test_a_broken_file_in_force_changes_nothing(district: Deployment) -> None:
    with district.db.transaction() as session:
        book.publish(session, district, FILE, district.db.now(session), actor="test")
    assert book.sentences(district).version == "mine-1"
    book.place(district.settings).write_text("version = ")
    assert book.sentences(district).version == "mine-1"


def test_a_rehearsal_says_who_would_have_been_told_and_tells_nobody(district: Deployment) -> None:
    referred(district, "they locked us in", "the policeman sells the girls")
    with district.db.reading() as session:
        seen = list(rehearse(session, district, (book.sentences(district), parse(FILE)), 10))
    assert len(seen) == 2
    open_one, accused = sorted(seen, key=lambda one: one.changed, reverse=True)
    assert "Labour inspector" in dict(open_one.after)
    assert not accused.changed  # whoever must not know is not told by any rule


def test_the_command_line_shows_checks_tries_and_publishes(
    district: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    referred(district, "they locked us in")
    monkeypatch.setattr("hotline.cli.lists.load", lambda: district.settings)
    good, bad, idle_one = (tmp_path / name for name in ("good.toml", "bad.toml", "idle.toml"))
    good.write_text(FILE)
    bad.write_text("version = ")
    idle_one.write_text(FILE.replace('labour"', 'embassy"'))

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.main, ["rules", *words])
        return done.exit_code, done.output

    assert "shipped with the program" in run("show")[1]
    assert run("check", str(good))[0] == 0
    assert run("check", str(idle_one)) == (1, run("check", str(idle_one))[1])
    assert "of which the directory has none" in run("check", str(idle_one))[1]
    assert "no TOML" in run("check", str(bad))[1]
    assert "1 would be told to somebody else" in run("try", str(good))[1]
    assert run("publish", str(idle_one))[0] == 1
    assert run("publish", str(good)) == (0, "In force: mine-1, 1 rules.\n")
    assert "published" in run("show")[1]
