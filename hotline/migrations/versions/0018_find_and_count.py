"""Find cases by category, owner and when they were opened.

Revision: 0018, after 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_case_category", "case", ["category", "id"])
    op.create_index("ix_case_opened", "case", ["opened_at"])
    some = sa.text("owner_id IS NOT NULL")
    op.create_index("ix_case_owner", "case", ["owner_id", "id"], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    for name in ("ix_case_owner", "ix_case_opened", "ix_case_category"):
        op.drop_index(name, table_name="case")
