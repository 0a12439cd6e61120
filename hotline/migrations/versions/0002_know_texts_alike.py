"""Know texts alike.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("likeness", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("said_at", hotline.models.base.Moment(), nullable=True))
        batch_op.add_column(sa.Column("flag", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("same_as", sa.String(), nullable=True))
        batch_op.create_index(
            "ix_inbox_likeness",
            ["likeness", "said_at"],
            unique=False,
            sqlite_where=sa.text("likeness IS NOT NULL"),
            postgresql_where=sa.text("likeness IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_inbox_flag",
            ["flag"],
            unique=False,
            sqlite_where=sa.text("flag IS NOT NULL"),
            postgresql_where=sa.text("flag IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_flag")
        batch_op.drop_index("ix_inbox_likeness")
        batch_op.drop_column("same_as")
        batch_op.drop_column("flag")
        batch_op.drop_column("said_at")
        batch_op.drop_column("likeness")
