"""Fixtures that start real processes; tests/faults and tests/leaks ask for the same ones."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import POSTGRES
from tests.journeys.running import Running
from tests.servers import drop_database


@pytest.fixture(scope="session")
def _databases(worker_id: str) -> Iterator[Callable[[str], str]]:
    """Makes empty databases for instances to migrate by themselves, and takes them away again."""
    made: list[str] = []

    def make(store: str) -> str:
        if store == "sqlite":
            return ""
        made.append(f"hotline_test_{worker_id}_{secrets.token_hex(4)}")
        _on_server(f"CREATE DATABASE {made[-1]}")
        return f"{POSTGRES.rpartition('/')[0]}/{made[-1]}"

    yield make
    for name in made:
        drop_database(POSTGRES, name)


@pytest.fixture(scope="session")
def _instances() -> Iterator[dict[str, Running]]:
    """Instances that the tests of one folder share, by database; always ended."""
    shared: dict[str, Running] = {}
    yield shared
    for running in shared.values():
        running.close()


@pytest.fixture
def running(
    store: str, tmp_path_factory: pytest.TempPathFactory, _instances: dict[str, Running], _databases: Callable[[str], str]
) -> Running:
    """A hotline that is up, on each database; tests share it and leave it up."""
    if store not in _instances:
        _instances[store] = Running(tmp_path_factory.mktemp(store), _databases(store)).start()
    return _instances[store].until_ready()


@pytest.fixture
def own(store: str, tmp_path: Path, _databases: Callable[[str], str]) -> Iterator[Running]:
    """A hotline of the test's own, not started yet, on each database."""
    made = Running(tmp_path, _databases(store))
    yield made
    made.close()


def _on_server(statement: str) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(statement.encode())
