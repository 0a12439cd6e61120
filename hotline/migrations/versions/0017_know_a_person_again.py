"""Know a person again by a word of their own; say how a case ended; lock a session; leave a word for the next shift.

Revision: 0017, after 0015.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

# As in 0013: empty, or unknown to the session, is nobody's eyes.
LOOKING = "coalesce((SELECT current_setting('hotline.subjects', true)), '')"
HIDDEN = f"SELECT case_id FROM exclusion WHERE state <> 'dismissed' AND subject = ANY (string_to_array({LOOKING}, chr(31)))"  # noqa: S608  fixed words


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.add_column("case", sa.Column("closed_at", moment, nullable=True))
    op.add_column("case", sa.Column("outcome", sa.String(), nullable=True))
    op.add_column("officer_session", sa.Column("locked_at", moment, nullable=True))
    op.add_column("officer_session", sa.Column("lock_failures", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "handover",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_handover_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index(op.f("ix_handover_at"), "handover", ["at"])
    op.create_table(
        "check_word",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_check_word_case_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_check_word_officer_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_check_word")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE check_word ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE check_word FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY seen ON check_word USING ({LOOKING} = '' OR case_id NOT IN ({HIDDEN}))")


def downgrade() -> None:
    op.drop_table("check_word")
    op.drop_table("handover")
    for column in ("outcome", "closed_at"):
        op.drop_column("case", column)
    for column in ("lock_failures", "locked_at"):
        op.drop_column("officer_session", column)
