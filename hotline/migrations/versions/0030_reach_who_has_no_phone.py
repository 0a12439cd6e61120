"""Reach contacts who have no phone; know who may be told of what crosses a border and who serves beyond it; try a phone out.

Revision: 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("crossings", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("contact", sa.Column("abroad", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("contact", sa.Column("test_code", sa.String(), nullable=True))
    op.add_column("contact", sa.Column("tested_at", hotline.models.base.Moment(), nullable=True))
    op.add_column("contact", sa.Column("test_answered_at", hotline.models.base.Moment(), nullable=True))
    with op.batch_alter_table("contact") as contact:
        contact.alter_column("number_index", existing_type=sa.LargeBinary(), nullable=True)
        contact.alter_column("number_sealed", existing_type=sa.LargeBinary(), nullable=True)
        contact.alter_column("crossings", server_default=None)
        contact.alter_column("abroad", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("contact") as contact:
        contact.alter_column("number_sealed", existing_type=sa.LargeBinary(), nullable=False)
        contact.alter_column("number_index", existing_type=sa.LargeBinary(), nullable=False)
    for column in ("test_answered_at", "tested_at", "test_code", "abroad", "crossings"):
        op.drop_column("contact", column)
