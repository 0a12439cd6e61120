"""Find cases by category, owner and when they were opened; show a number with a second person; codes for a lost phone.

Revision: 0018, after 0020.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0018"
down_revision = "0020"
branch_labels = None
depends_on = None

# As in 0013: empty, or unknown to the session, is nobody's eyes.
LOOKING = "coalesce((SELECT current_setting('hotline.subjects', true)), '')"
HIDDEN = f"SELECT case_id FROM exclusion WHERE state <> 'dismissed' AND subject = ANY (string_to_array({LOOKING}, chr(31)))"  # noqa: S608  fixed words


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_index("ix_case_category", "case", ["category", "id"])
    op.create_index("ix_case_opened", "case", ["opened_at"])
    some = sa.text("owner_id IS NOT NULL")
    op.create_index("ix_case_owner", "case", ["owner_id", "id"], sqlite_where=some, postgresql_where=some)
    op.add_column("officer_session", sa.Column("only", sa.String(), nullable=True))
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_recovery_code_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_officer_id"), "recovery_code", ["officer_id"])
    op.create_table(
        "reveal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("unheard", sa.Boolean(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("decided_by_id", sa.String(), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("seen_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_reveal_case_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_reveal_officer_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["officer.id"], name=op.f("fk_reveal_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveal")),
    )
    for column in ("case_id", "officer_id"):
        op.create_index(op.f(f"ix_reveal_{column}"), "reveal", [column])
    open_ones = sa.text("state = 'asked' OR unheard")
    op.create_index("ix_reveal_open", "reveal", ["asked_at"], sqlite_where=open_ones, postgresql_where=open_ones)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE reveal ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE reveal FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY seen ON reveal USING ({LOOKING} = '' OR case_id NOT IN ({HIDDEN}))")


def downgrade() -> None:
    op.drop_table("reveal")
    op.drop_table("recovery_code")
    op.drop_column("officer_session", "only")
    for name in ("ix_case_owner", "ix_case_opened", "ix_case_category"):
        op.drop_index(name, table_name="case")
