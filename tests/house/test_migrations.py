"""The tables are what the models say, on both databases, and there is one way to get there."""

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from hotline import schema
from hotline.deployment import Deployment
from hotline.models import Base


def test_the_migrations_have_one_head_and_no_fork() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.FOLDER))
    steps = ScriptDirectory.from_config(config)
    assert len(steps.get_heads()) == 1
    assert all(not isinstance(step.down_revision, tuple) for step in steps.walk_revisions())


def test_a_migrated_database_is_what_the_models_say(deployment: Deployment) -> None:
    assert schema.current(deployment.db)
    with deployment.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": Base.metadata})
        assert compare_metadata(context, Base.metadata) == []


def test_every_model_is_a_table_and_every_table_a_model(deployment: Deployment) -> None:
    there = set(inspect(deployment.db.engine).get_table_names()) - {"alembic_version"}
    assert there == set(Base.metadata.tables)


def test_migrating_again_changes_nothing(deployment: Deployment) -> None:
    before = {table: inspect(deployment.db.engine).get_columns(table) for table in ("case", "message", "inbox")}
    schema.upgrade(deployment.db)
    after = {table: inspect(deployment.db.engine).get_columns(table) for table in before}
    assert [[column["name"] for column in columns] for columns in before.values()] == [
        [column["name"] for column in columns] for columns in after.values()
    ]
