"""Say how a referral ended, and which facts an agency was told on which ground.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# As in 0013: empty, or unknown to the session, is nobody's eyes.
LOOKING = "coalesce((SELECT current_setting('hotline.subjects', true)), '')"
HIDDEN = f"SELECT case_id FROM exclusion WHERE state <> 'dismissed' AND subject = ANY (string_to_array({LOOKING}, chr(31)))"  # noqa: S608  fixed words


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    for column, kind in (("reason", sa.String()), ("accepted_at", moment), ("outcome", sa.String()), ("outcome_at", moment)):
        op.add_column("referral", sa.Column(column, kind, nullable=True))
    taken = sa.text("state = 'acknowledged'")
    op.create_index("ix_referral_taken", "referral", ["answered_at"], sqlite_where=taken, postgresql_where=taken)
    op.create_table(
        "shared_fact",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.String(), nullable=False),
        sa.Column("fact", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_shared_fact_case_id")),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_shared_fact_referral_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_shared_fact_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_fact")),
        sa.UniqueConstraint("referral_id", "fact", name=op.f("uq_shared_fact_referral_id_fact")),
    )
    op.create_index(op.f("ix_shared_fact_case_id"), "shared_fact", ["case_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE shared_fact ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE shared_fact FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY seen ON shared_fact USING ({LOOKING} = '' OR case_id NOT IN ({HIDDEN}))")


def downgrade() -> None:
    op.drop_table("shared_fact")
    op.drop_index("ix_referral_taken", "referral")
    for column in ("outcome_at", "outcome", "accepted_at", "reason"):
        op.drop_column("referral", column)
