"""Real parts for every test: a database (SQLite, and PostgreSQL where one is named), a Redis, keys and words."""

import os
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, TextClause, create_engine, event, text

from hotline import catalog, db, hops, officers, schema
from hotline.catalog import Catalog
from hotline.config import PROJECT, Settings
from hotline.db import Database
from hotline.demo import seed
from hotline.deployment import Deployment
from hotline.intake.ussd.screens import Pages
from hotline.models import Base
from hotline.privacy import Keyring
from tests import lasting
from tests.compiled import Compiled
from tests.line import furnish
from tests.servers import RedisServer, drop_database

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one pauses for longer than any limit
hypothesis.settings.load_profile("any machine")

POSTGRES = os.environ.get("HOTLINE_TEST_DATABASE_URL", "")  # noqa: TID251  the one switch of the tests
STORES = ["sqlite", *(["postgresql"] if POSTGRES else [])]
TWILIO_TOKEN = "invented-auth-token"
REAL_HASHER = officers._hasher
END_LEFT_OVER = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
    "AND pid <> pg_backend_pid() AND pid <> ALL(:mine)"
)
PUBLIC_URL = "https://hooks.example.org"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """A developer's own settings must not reach a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):  # noqa: TID251  see above
            if name.startswith("HOTLINE_") and name != "HOTLINE_TEST_DATABASE_URL":
                patch.delenv(name)
        patch.delenv("DATABASE_URL", raising=False)
        patch.delenv("REDIS_URL", raising=False)
        yield


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis for this run, emptied by whoever needs it empty."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server.url
    server.close()


@pytest.fixture(scope="session")
def _redis(redis_url: str) -> Iterator[Redis]:
    """One connection to it, to empty it by."""
    with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; tests that ask for it run on each."""
    return str(request.param)


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """Statements, words, pages and templates are made once a run, as in a process that lives, and not once for each test.

    Passwords are hashed cheaply: hundreds of officers are invented, and one test looks at what a real hash costs.
    """
    real, twins = db.create_engine, dict[str, Engine]()

    def create(url: str, **options: Any) -> Engine:
        engine = real(url, **options)
        if engine.dialect.name == "postgresql":
            event.listen(engine, "do_connect", lasting.connect)
        twin = twins.setdefault(engine.dialect.name, engine)
        if twin.dialect.server_version_info is None:  # never connected: it does not know its server
            twins[engine.dialect.name] = engine
        else:
            engine.dialect.initialize = lambda _: None  # type: ignore[method-assign]
            engine.dialect = engine.pool._dialect = twin.dialect
            engine._compiled_cache = twin._compiled_cache
        return engine

    made, make = dict[tuple[int, tuple[str, ...]], tuple[Catalog, Pages]](), hops.Pages

    def pages(words: Catalog, sectors: Sequence[str]) -> Pages:
        kind = (id(words), tuple(sectors))
        if kind not in made:
            made[kind] = (words, make(words, sectors))
        return made[kind][1]

    fresh, shipped = catalog.load, PROJECT / "message_templates"

    def words(folder: Path) -> Catalog:
        return catalog.shipped() if folder == shipped else fresh(folder)

    catalog.shipped()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "load", words)
        patch.setattr(db, "create_engine", create)
        patch.setattr(hops, "Pages", pages)
        patch.setattr(officers, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Compiled()})
        yield
    lasting.close_all()


@pytest.fixture(scope="session")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys, to be copied."""
    ring = Keyring(tmp_path_factory.mktemp("ring") / "keys")
    ring.create_missing()
    return ring.folder


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database that has seen every migration, to be copied: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "hotline.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _migrated_database(worker_id: str) -> Iterator[Engine]:
    """The same on PostgreSQL: one database for this run, emptied for each test.

    It need not outlive a power cut, so nobody waits for its disk; tests of what must, start a server of their own.
    """
    name = f"hotline_test_{worker_id}"
    server = create_engine(_psycopg(POSTGRES), isolation_level="AUTOCOMMIT")
    drop_database(POSTGRES, name)
    _send(server, f"CREATE DATABASE {name}")
    url = _psycopg(POSTGRES.rpartition("/")[0] + f"/{name}")
    _migrate(url)
    _send(server, f"ALTER DATABASE {name} SET synchronous_commit = off")
    database = create_engine(url, pool_pre_ping=True)
    yield database
    database.dispose()
    server.dispose()
    drop_database(POSTGRES, name)


@pytest.fixture
def database_url(store: str, request: pytest.FixtureRequest) -> str:
    """An empty, migrated database, or nothing for SQLite in the instance folder."""
    if store == "sqlite":
        return ""
    database: Engine = request.getfixturevalue("_migrated_database")
    with database.begin() as connection:
        connection.execute(END_LEFT_OVER, {"mine": lasting.at_rest()})
        any_rows = connection.execute(_any_rows()).mappings().one()
        if full := [f'DELETE FROM "{name}"' for name, held in any_rows.items() if held]:  # noqa: S608  the same
            connection.execute(text("; ".join(full)))
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def _settings() -> Settings:
    return Settings(
        demo=True,
        public_url=PUBLIC_URL,
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_tokens=(TWILIO_TOKEN,),
        twilio_from="7788",
        ballast_mib=0,
        commit_wait_seconds=10,
        _env_file=None,
    )


@pytest.fixture
def settings(_settings: Settings, tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    """Settings of a demo with a Twilio account, on an empty instance folder."""
    home = tmp_path / "instance"
    here = {"instance": home, "spool_folder": home / "spool", "database_url": database_url, "redis_url": redis_url}
    return _settings.model_copy(update=here)


@pytest.fixture
def deployment(
    settings: Settings, store: str, _keys: Path, _redis: Redis, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """A migrated deployment with keys and an empty directory."""
    settings.instance.mkdir(parents=True)
    if store == "sqlite":
        shutil.copy(request.getfixturevalue("_migrated_file"), settings.instance / "hotline.db")
    site = Deployment(settings)
    shutil.copytree(_keys, settings.keys)
    _redis.flushall()
    yield site
    site.close()


@pytest.fixture
def district(deployment: Deployment) -> Deployment:
    """A deployment with the demo's invented contacts and officers."""
    furnish(deployment, "demo", lambda session: seed(session, deployment, deployment.db.now(session)))
    return deployment


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """Name of this xdist worker and run, so that each has a database of its own."""
    return f"{getattr(request.config, 'workerinput', {}).get('workerid', 'main')}_{os.getpid()}"


@cache
def _any_rows() -> TextClause:
    """Ask of each table whether it holds a row, those that point to others before them."""
    names = [table.name for table in reversed(Base.metadata.sorted_tables)]
    return text("SELECT " + ", ".join(f'EXISTS (SELECT FROM "{name}") AS "{name}"' for name in names))  # noqa: S608  our own names


def _migrate(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    database.close()


def _send(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
