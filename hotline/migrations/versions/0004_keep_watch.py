"""Keep watch: dead letters, what a text became, and how far a gateway's list was compared.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DEAD = "state IN ('dead', 'failed', 'unknown') AND handled_at IS NULL"
ASIDE = "state IN ('parked', 'poison') AND handled_at IS NULL"
UNANSWERED = "acknowledged_at IS NULL AND state NOT IN ('closed', 'frozen')"


def upgrade() -> None:
    op.create_table(
        "reconciled",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("asked_at", hotline.models.base.Moment(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_reconciled")),
    )
    op.add_column("message", sa.Column("handled_at", hotline.models.base.Moment(), nullable=True))
    op.add_column("inbox", sa.Column("found_at", hotline.models.base.Moment(), nullable=True))
    op.add_column("inbox", sa.Column("handled_at", hotline.models.base.Moment(), nullable=True))
    _partial("ix_message_inbox", "message", ["inbox_id"], "inbox_id IS NOT NULL")
    _partial("ix_message_dead", "message", ["lane", "settled_at"], DEAD)
    _partial("ix_inbox_aside", "inbox", ["state", "id"], ASIDE)
    _partial("ix_case_unanswered", "case", ["rank", "id"], UNANSWERED)
    op.drop_index("ix_quarantine_state", table_name="quarantine")
    op.create_index("ix_quarantine_state_id", "quarantine", ["state", "id"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
