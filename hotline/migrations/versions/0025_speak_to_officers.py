"""Keep in which language each officer reads the console.

Revision: 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("officer", sa.Column("language", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("officer", "language")
