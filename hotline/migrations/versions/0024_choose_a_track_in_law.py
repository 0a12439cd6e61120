"""Choose the track in law that a case goes, with its ground and deadline.

Revision: 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# As in 0013: empty, or unknown to the session, is nobody's eyes.
LOOKING = "coalesce((SELECT current_setting('hotline.subjects', true)), '')"
HIDDEN = f"SELECT case_id FROM exclusion WHERE state <> 'dismissed' AND subject = ANY (string_to_array({LOOKING}, chr(31)))"  # noqa: S608  fixed words


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_table(
        "legal_track",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_legal_track_case_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_legal_track_officer_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_legal_track")),
    )
    op.create_index(op.f("ix_legal_track_due_at"), "legal_track", ["due_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE legal_track ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE legal_track FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY seen ON legal_track USING ({LOOKING} = '' OR case_id NOT IN ({HIDDEN}))")


def downgrade() -> None:
    op.drop_table("legal_track")
