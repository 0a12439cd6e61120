"""Join an officer and who reported a case by phone, neither seeing the other's number.

Revision: 0034, after 0033.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

GOING_ON = sa.text("state IN ('waiting', 'under_way')")
# As in 0013: empty, or unknown to the session, is nobody's eyes.
LOOKING = "coalesce((SELECT current_setting('hotline.subjects', true)), '')"
HIDDEN = f"SELECT case_id FROM exclusion WHERE state <> 'dismissed' AND subject = ANY (string_to_array({LOOKING}, chr(31)))"  # noqa: S608  fixed words


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_table(
        "bridged_call",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("far_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("pressed_at", moment, nullable=True),
        sa.Column("joined_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("talked", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_bridged_call_case_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_bridged_call_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bridged_call")),
    )
    for whose in ("case", "officer"):
        op.create_index(op.f(f"ix_bridged_call_{whose}_id"), "bridged_call", [f"{whose}_id"])
        once = (f"uq_bridged_call_of_{whose}", "bridged_call", [f"{whose}_id"])
        op.create_index(*once, unique=True, sqlite_where=GOING_ON, postgresql_where=GOING_ON)
    op.create_index("ix_bridged_call_due", "bridged_call", ["due_at"], sqlite_where=GOING_ON, postgresql_where=GOING_ON)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE bridged_call ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE bridged_call FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY seen ON bridged_call USING ({LOOKING} = '' OR case_id NOT IN ({HIDDEN}))")


def downgrade() -> None:
    op.drop_table("bridged_call")
