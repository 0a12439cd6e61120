"""Keep filters of the queue under a name.

Revision: 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queue_filter",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("at", hotline.models.base.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_queue_filter_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_filter")),
    )
    op.create_index(op.f("ix_queue_filter_officer_id"), "queue_filter", ["officer_id"])
    op.create_index(op.f("ix_queue_filter_role"), "queue_filter", ["role"])


def downgrade() -> None:
    op.drop_table("queue_filter")
