"""The same real processes as in tests/journeys, an instance of these tests' own."""

from tests.journeys.conftest import _databases, _instances, own, running

__all__ = ["_databases", "_instances", "own", "running"]
