"""Call people who asked for it with a recorded message, beside the texts to many.

Revision: 0028, after 0027.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("reach", sa.String(), nullable=False, server_default="text"))
    op.add_column("broadcast", sa.Column("recorded", sa.JSON(), nullable=False, server_default="{}"))
    for table, column in (("subscriber", "reach"), ("broadcast", "recorded")):
        with op.batch_alter_table(table) as altered:
            altered.alter_column(column, server_default=None)
    calls = sa.text("kind IN ('call')")
    op.create_index("ix_message_call", "message", ["state", "accepted_at"], sqlite_where=calls, postgresql_where=calls)


def downgrade() -> None:
    op.drop_index("ix_message_call", "message")
    op.drop_column("broadcast", "recorded")
    op.drop_column("subscriber", "reach")
