"""Fixtures of the console's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

from hotline import api, console, officers, studio
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.models import Base
from hotline.roles import Role
from hotline.studio import windows
from tests.console.desk import NOBODY_THERE, ORIGIN, Desk, ListeningBell


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Desk]]:
    """Build a desk with the settings a test needs. Passwords are hashed cheaply; one test looks at the real cost."""
    monkeypatch.setattr(officers, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    sites: list[Deployment] = []
    apps: list[Flask] = []

    def make(**settings: object) -> Desk:
        chosen = {"demo": True, "redis_url": NOBODY_THERE, "console_url": ORIGIN} | settings
        site = Deployment(Settings(instance=tmp_path / "instance", _env_file=None, **chosen))
        site.settings.instance.mkdir(exist_ok=True)
        site.keyring.create_missing()
        Base.metadata.create_all(site.db.engine)
        bell = ListeningBell()
        site.__dict__["bell"] = bell
        app = Flask("desk", static_folder=None)
        windows.install(app, site)
        console.install(app, site, studio.root())
        api.install(app, site)
        sites.append(site)
        apps.append(app)
        return Desk(site, app, bell)

    yield make
    for app in apps:
        windows.close(app)
    for site in sites:
        site.db.close()


@pytest.fixture
def desk(build: Callable[..., Desk]) -> Desk:
    """A desk with an invented officer of each role, and one who is not invented."""
    return _with_everybody(build())


@pytest.fixture
def either(build: Callable[..., Desk], database_url: str) -> Desk:
    """The same on each database; for what asks the database something that SQLite and PostgreSQL may answer differently."""
    return _with_everybody(build(database_url=database_url))


def _with_everybody(made: Desk) -> Desk:
    for role in Role:
        made.enrol(str(role), role)
    made.enrol("second", Role.INTAKE)
    made.enrol("real", Role.INTAKE, demo=False)
    return made
