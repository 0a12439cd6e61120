"""Brings a database to the newest shape with Alembic, and says whether it is there.

Alembic brings a compiler of templates with it and takes half a second to load, so whoever does not ask does not wait for it.
"""
# ruff: noqa: PLC0415

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from hotline.db import Database

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).with_name("migrations")


def upgrade(database: Database) -> None:
    """Run every migration the database has not seen."""
    from alembic import command

    with database.engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def current(database: Database) -> bool:
    """Whether the database has seen every migration. Only reads: it waits for nobody who writes, and nobody for it."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with database.reading() as session:
        connection = session.connection()
        heads = ScriptDirectory.from_config(_config(connection)).get_heads()
        return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)


def write_revision(database: Database, message: str) -> None:
    """Write the migration that leads from the database's shape to the models'."""
    from alembic import command

    with database.engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config
