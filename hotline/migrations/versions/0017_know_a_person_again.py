"""Know a person again by a word of their own.

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
    op.create_table(
        "check_word",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("at", hotline.models.base.Moment(), nullable=False),
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
