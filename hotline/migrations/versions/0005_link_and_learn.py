"""Link reports by what they name, and keep what officers corrected.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clue",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", hotline.models.base.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_clue_case_id")),
        sa.PrimaryKeyConstraint("case_id", "value_index", name=op.f("pk_clue")),
    )
    with op.batch_alter_table("clue", schema=None) as batch_op:
        batch_op.create_index("ix_clue_value", ["value_index"], unique=False)

    op.create_table(
        "correction",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("said_category", sa.String(), nullable=False),
        sa.Column("said_urgency", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("rules_version", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", hotline.models.base.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_correction_case_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_correction_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_case_id"), ["case_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_correction_case_id"))
    op.drop_table("correction")
    with op.batch_alter_table("clue", schema=None) as batch_op:
        batch_op.drop_index("ix_clue_value")
    op.drop_table("clue")
