"""Fixtures of the console's tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from hotline import api, console, studio
from hotline.config import Settings
from hotline.console import presence
from hotline.deployment import Deployment
from hotline.roles import Role
from hotline.studio import windows
from tests.console.desk import NOBODY_THERE, ORIGIN, Desk, ListeningBell
from tests.line import furnish, words_in

OTHER_WORDS = {"templates", "cover", "tips_code", "radio_code", "ussd_code"}
Standing = tuple[Deployment, Flask]
_seeds: dict[bool, dict[str, str]] = {}  # by whether it is SQLite: each store was filled once, with seeds of its own


@pytest.fixture(scope="session")
def _standing() -> dict[str, list[Standing]]:
    """Consoles that stand idle, by their settings: to put one up takes longer than most tests."""
    return {}


@pytest.fixture
def build(
    tmp_path: Path,
    _migrated_file: Path,
    _keys: Path,
    _standing: dict[str, list[Standing]],
) -> Iterator[Callable[..., Desk]]:
    """Build a desk with the settings a test needs."""
    used: list[tuple[str, Standing]] = []

    def make(**settings: object) -> Desk:
        chosen = {"demo": True, "redis_url": NOBODY_THERE, "console_url": ORIGIN} | settings
        kind = repr(sorted((name, value) for name, value in chosen.items() if name != "database_url"))
        whole = Settings(instance=tmp_path / "instance", _env_file=None, **chosen)
        idle = _standing.setdefault(kind, [])
        site, app = idle.pop() if idle else (Deployment(whole), Flask("desk", static_folder=None))
        site.__dict__.clear()
        site.settings = whole
        site.settings.instance.mkdir(exist_ok=True)
        shutil.copytree(_keys, site.settings.keys, dirs_exist_ok=True)
        if not site.settings.database_url:
            shutil.copy(_migrated_file, site.settings.instance / "hotline.db")
        if not OTHER_WORDS & settings.keys():
            site.__dict__["words"] = words_in(whole.default_language)
        site.__dict__["bell"] = bell = ListeningBell()
        if not app.blueprints:
            console.install(app, site, studio.root())
            api.install(app, site)
        presence.install(app)
        windows.install(app, site)
        used.append((kind, (site, app)))
        return Desk(site, app, bell)

    yield make
    for kind, (site, app) in used:
        windows.close(app)
        site.db.close()
        app.config["PROPAGATE_EXCEPTIONS"] = None
        _standing[kind].append((site, app))


@pytest.fixture
def desk(build: Callable[..., Desk]) -> Desk:
    """A desk with an invented officer of each role, and one who is not invented."""
    return _with_everybody(build())


@pytest.fixture
def either(build: Callable[..., Desk], database_url: str) -> Desk:
    """The same on each database; for what asks the database something that SQLite and PostgreSQL may answer differently."""
    return _with_everybody(build(database_url=database_url))


def _with_everybody(made: Desk) -> Desk:
    def fill(session: Session) -> None:
        for role in Role:
            made.enrol_in(session, str(role), role)
        made.enrol_in(session, "second", Role.INTAKE)
        made.enrol_in(session, "real", Role.INTAKE, demo=False)
        _seeds[made.site.db.sqlite] = dict(made.seeds)

    furnish(made.site, "everybody", fill)
    made.seeds |= _seeds[made.site.db.sqlite]
    return made
