"""Find open cases, and what is set aside, in the order of the queue, however many are closed.

Revision: 0032, after 0031.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

ORDER = ["rank", "opened_at", "id"]
OPEN = sa.text("closed_at IS NULL")
PARKED = sa.text("aside IN ('parked')")


def upgrade() -> None:
    op.create_index("ix_case_open", "case", ORDER, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_case_parked", "case", ORDER, sqlite_where=PARKED, postgresql_where=PARKED)


def downgrade() -> None:
    op.drop_index("ix_case_parked", "case")
    op.drop_index("ix_case_open", "case")
