"""Keep a case from who must not know of it.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

OF_A_CASE = (
    "assessment", "case", "case_key", "clue", "correction", "duty_call", "message", "note", "recorded_audio", "recording", "referral",
    "report", "return_code", "voice_call",
)  # fmt: skip
# Empty, or unknown to the session: nobody's eyes, as with workers. Wrapped in a SELECT, it is asked once a query.
LOOKING = "coalesce((SELECT current_setting('hotline.subjects', true)), '')"
SUBJECTS = f"string_to_array({LOOKING}, chr(31))"
HIDDEN = f"SELECT case_id FROM exclusion WHERE state <> 'dismissed' AND subject = ANY ({SUBJECTS})"  # noqa: S608  fixed words


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_table(
        "exclusion",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("decided_by_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_exclusion_case_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["officer.id"], name=op.f("fk_exclusion_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
        sa.UniqueConstraint("case_id", "subject", name=op.f("uq_exclusion_case_id_subject")),
    )
    op.create_index("ix_exclusion_subject", "exclusion", ["subject", "case_id"])
    # Not in batch mode: it would rebuild the tables that others refer to.
    for people in ("contact", "officer"):
        op.add_column(people, sa.Column("station", sa.String(), nullable=True))
        op.add_column(people, sa.Column("aliases", sa.JSON(), nullable=False, server_default="[]"))
        op.add_column(people, sa.Column("badge", sa.String(), nullable=True))
    op.execute("ALTER TABLE officer ADD COLUMN agency_id VARCHAR REFERENCES agency (id)")
    if op.get_bind().dialect.name == "postgresql":
        for table in OF_A_CASE:
            of = "id" if table == "case" else "case_id"
            seen = f"{LOOKING} = '' OR {of} IS NULL OR {of} NOT IN ({HIDDEN})"
            op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
            op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
            op.execute(f'CREATE POLICY seen ON "{table}" USING ({seen})')


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in OF_A_CASE:
            op.execute(f'DROP POLICY seen ON "{table}"')
            op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
            op.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
    op.drop_column("officer", "agency_id")
    for people in ("contact", "officer"):
        for column in ("station", "aliases", "badge"):
            op.drop_column(people, column)
    op.drop_table("exclusion")
