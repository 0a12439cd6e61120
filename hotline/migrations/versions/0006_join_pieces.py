"""Join the pieces of long texts.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("joined_to", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("piece", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("reference", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("reference")
        batch_op.drop_column("piece")
        batch_op.drop_column("joined_to")
