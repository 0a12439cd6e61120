"""The wall: no byte of a report reaches a studio, whichever route is asked, and the database itself says no to its eyes."""

import random
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DatabaseError

from benchmarks import wall
from hotline import schema
from hotline.db import Database
from hotline.models import Base, Card, Case, Question
from hotline.radio import moderation
from hotline.radio.eyes import ALLOWED, SHOWN, Eyes, OutOfSight, Window
from hotline.radio.wall import keeps, words_of
from hotline.roles import MATRIX, May, Role
from hotline.triage.lexicon import TEMPLATES
from tests.console.desk import Browser, Desk
from tests.radio.conftest import OnAir
from tests.radio.test_listening import JEAN, MARIE, TIP
from tests.servers import Cluster
from workers.reading import read

MESSAGES = Path(__file__).parent / "messages"
LANGUAGES = ("en", "fr", "sw", "rw", "rn")
OUTSIDE = [one for one in Base.metadata.sorted_tables if not one.name.startswith("radio_")]
ORIGIN = "http://127.0.0.1:8001"
LONG = 20  # signs; "yes" stands on any screen


def routes(desk: Desk, air: OnAir) -> Iterator[tuple[str, str]]:
    """Every method and address of the studio and the producer's desk, from the map of the application."""
    named = {"episode_id": air.episode_id, "show_id": air.show_id, "question_id": "none"}
    for rule in sorted(desk.app.url_map.iter_rules(), key=lambda one: one.rule):
        if rule.endpoint.startswith("console.studio"):
            acts = ("next", "hide", "show", "forward", "back", "move", "approve", "theme") if "<act>" in rule.rule else ("",)
            for act in acts:
                path = re.sub(r"<(\w+)>", lambda one: {**named, "act": act}[one.group(1)], rule.rule)  # noqa: B023  used at once
                yield from ((method, path) for method in sorted(rule.methods & {"GET", "POST"}))


def everything_stored(air: OnAir, *, outside: bool) -> set[bytes]:
    """Every value of the columns of reports, messages and callers, or of what radio may show."""
    found: set[bytes] = set()
    with air.line.reading() as session:
        for table in Base.metadata.sorted_tables if not outside else OUTSIDE:
            if table.name in {"officer", "officer_session", "audit_event"}:
                continue
            for row in session.execute(select(table)).mappings():
                found |= {
                    value if isinstance(value, bytes) else str(value).encode() for value in row.values() if value is not None
                }
    return {value for value in found if len(value) > 6}


def fetched(desk: Desk, air: OnAir, browser: Browser) -> bytes:
    seen = b""
    for method, path in routes(desk, air):
        answer = browser.get(path) if method == "GET" else browser.post(path, text="What should one check?")
        assert answer.status_code < 500, path
        seen += answer.data + str(answer.headers).encode()
    return seen


@pytest.mark.parametrize("role", ["presenter", "producer"])
def test_no_route_of_a_studio_returns_any_column_of_a_report_a_message_or_a_caller(desk: Desk, air: OnAir, role: str) -> None:
    air.begin("poll")
    for number, tip in enumerate(
        (TIP, "Abakobwa batanu bafungiye mu nzu, baratabaza", "my sister is locked in and beaten, help")
    ):
        air.says(f"+25078800080{number}", tip)
    air.says(MARIE, "1")
    air.says(JEAN, "How do I know that an agent is real?")
    stored = everything_stored(air, outside=True)
    assert len(stored) > 60
    seen = fetched(desk, air, desk.signed_in(role))
    shown = everything_stored(air, outside=False) - stored
    leaked = {value for value in stored - shown if value in seen and not re.fullmatch(rb"[a-z_.]{1,20}|\d{4}-.*", value)}
    assert leaked == set()
    for words in (TIP, "bafungiye", "locked in and beaten", MARIE, JEAN, "788000"):
        assert words.encode() not in seen
    assert (b"How do I know that an agent is real?" in seen) == (role == "producer")


def test_only_radio_people_and_supervisors_have_these_screens(desk: Desk, air: OnAir) -> None:
    for role in (Role.PRESENTER, Role.PRODUCER, Role.SUPERVISOR, Role.INTAKE):
        browser = desk.signed_in(role)
        for path, act in ((f"/studio/{air.episode_id}", May.SEE_STUDIO), (f"/shows/{air.episode_id}", May.MAKE_SHOWS)):
            assert (browser.get(path).status_code == 200) == (act in MATRIX[role]), f"{role} {path}"


@pytest.mark.parametrize("eyes", list(Eyes))
def test_the_studio_s_own_session_cannot_read_a_table_of_the_hotline(air: OnAir, eyes: Eyes) -> None:
    window = Window(air.line.site.settings.database, eyes)
    for table in OUTSIDE:
        with window.reading() as session, pytest.raises(OutOfSight):
            session.execute(select(table)).all()
        if air.line.site.db.sqlite:  # and SQLite itself refuses what is written by hand
            with window.reading() as session, pytest.raises(DatabaseError, match=r"prohibited|authorized"):
                session.connection().exec_driver_sql(f'SELECT * FROM "{table.name}"')  # noqa: S608  our own names
    window.close()


@pytest.mark.processes
def test_on_postgresql_the_roles_of_the_studio_have_no_right_on_anything_else() -> None:
    cluster = Cluster().make()
    try:
        engine = create_engine(cluster.url.replace("postgresql://", "postgresql+psycopg://"))
        database = Database(str(engine.url))
        schema.upgrade(database)
        database.close()
        for eyes in Eyes:
            with engine.connect() as connection:
                connection.execute(text(f"SET ROLE {eyes}"))
                asked = "SELECT has_table_privilege(:table, 'SELECT') OR has_any_column_privilege(:table, 'SELECT,INSERT,UPDATE')"
                may = {
                    one.name for one in Base.metadata.sorted_tables if connection.scalar(text(asked), {"table": f'"{one.name}"'})
                }
            assert may == ALLOWED[eyes], eyes
            seeing = Window(str(engine.url), eyes)
            with seeing.reading() as session:
                assert session.scalar(text("SELECT current_user")) == eyes
            seeing.close()
        engine.dispose()
    finally:
        cluster.stop()


def test_a_card_is_words_written_anew_and_waits_when_it_is_personal(desk: Desk, air: OnAir) -> None:
    air.begin("open_lines")
    air.says(MARIE, "How do I know that an agent is real?")
    producer, presenter = desk.signed_in("producer"), desk.signed_in("presenter")
    path, stage = f"/shows/{air.episode_id}/question/{air.question()}/approve", f"/studio/{air.episode_id}"
    for refused in ("How do I know that an agent is real?", "Ask Jean Bosco Habimana", "Call 0788 123 456", ""):
        producer.post(path, text=refused)
        assert air.line.rows(Card) == []
    producer.post(path, text="How can one tell a real agent?", personal="1")
    presenter.post(f"{stage}/next")
    assert "real agent" not in presenter.get(stage).get_data(as_text=True), "it is told a quarter of an hour later"
    (card,) = air.line.rows(Card)
    assert card["visible_from"] - air.line.rows(Question)[0]["received_at"] >= moderation.PERSONAL_WAITS
    with air.line.site.db.transaction() as session:
        session.execute(text("UPDATE radio_card SET visible_from = approved_at"))
    presenter.post(f"{stage}/next")
    page = presenter.get(stage).get_data(as_text=True)
    assert "How can one tell a real agent?" in page
    assert "Caller 1" in page
    producer.post(path.replace("approve", "move"))
    assert "real agent" not in presenter.get(stage).get_data(as_text=True)


def test_of_two_thousand_texts_none_is_shown_by_itself_and_few_tips_need_the_key(air: OnAir, desk: Desk) -> None:
    """The bar is 3 in 100 tips (`python benchmarks/wall.py`); the limit here leaves room for a model that was learnt anew."""
    texts = wall.judged()
    tips, harmless = [one for one in texts if one.tip], [one for one in texts if not one.tip]
    missed = wall.passing(tips)
    assert (len(tips), len(texts), {one.language for one in tips}) == (300, 2000, set(wall.LANGUAGES))
    assert len(missed) <= 0.05 * len(tips), missed
    assert sum(one.kept is not None for one in harmless) <= 0.25 * len(harmless), "a wall that takes everything is no radio"
    air.begin("poll")
    sent = [*tips, *random.Random(7).sample(harmless, 100)]
    for number, one in enumerate(sent):
        air.line.text(f"+2507880{number:05}", one.text, to="7799")
    air.line.work()
    assert air.line.rows(Card) == [], "whatever is typed waits for a person"
    assert len(air.line.rows(Case)) >= len(tips) - len(missed)
    waiting = set(air.waiting())
    assert {one.text for one in tips} & waiting == set(missed)
    stage = desk.signed_in("presenter").get(f"/studio/{air.episode_id}").get_data(as_text=True)
    desk_page = desk.signed_in("producer").get(f"/shows/{air.episode_id}").get_data(as_text=True)
    assert not any(escape(one.text) in stage for one in sent if len(one.text) > LONG)
    assert not any(escape(one.text) in desk_page for one in tips if one.kept)


def test_of_the_tips_by_which_the_wall_was_made_few_need_the_key() -> None:
    words = words_of(TEMPLATES)
    tips = [line for code in LANGUAGES for line in (MESSAGES / f"tips.{code}").read_text(encoding="utf-8").splitlines()]
    missed = [tip for tip in tips if keeps(read(tip), words) is None]
    assert len(missed) <= 0.03 * len(tips), missed


@pytest.mark.parametrize(
    ("words", "stays"),
    [
        ("Good evening Radio Rusizi, thank you for the show, greetings from lake Kivu", True),
        ("Greetings to everybody at Rusizi ya mbere", False),
        ("At what age can a child work in Rwanda", True),
        ("Thank you for this good show. She cries every day because they beat her and keep her inside", False),
    ],
)
def test_the_wall_asks_whether_a_text_tells_of_somebody(words: str, *, stays: bool) -> None:
    assert (keeps(read(words), words_of(TEMPLATES)) is None) == stays


def test_what_a_presenter_may_reach_is_a_part_of_what_a_producer_may() -> None:
    assert ALLOWED[Eyes.PRESENTER] < ALLOWED[Eyes.PRODUCER]
    assert not {"radio_vote", "radio_exposure"} & ALLOWED[Eyes.PRODUCER]
    assert "radio_question" not in ALLOWED[Eyes.PRESENTER]
    assert all(name in Base.metadata.tables for name in SHOWN)
