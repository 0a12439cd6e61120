"""Shred closed cases past their days, unless one is kept for a court or an inquiry.

Revision: 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

WHOLE = sa.text("closed_at IS NOT NULL AND shredded_at IS NULL AND kept_for IS NULL")


def upgrade() -> None:
    op.add_column("case", sa.Column("kept_for", sa.String(), nullable=True))
    op.add_column("case", sa.Column("shredded_at", hotline.models.base.Moment(), nullable=True))
    # What was taken back on an unsafe phone was closed without a moment.
    op.execute("UPDATE \"case\" SET closed_at = updated_at WHERE state = 'closed' AND closed_at IS NULL")
    op.create_index("ix_case_whole", "case", ["closed_at"], sqlite_where=WHOLE, postgresql_where=WHOLE)


def downgrade() -> None:
    op.drop_index("ix_case_whole", "case")
    op.drop_column("case", "shredded_at")
    op.drop_column("case", "kept_for")
