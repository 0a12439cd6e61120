"""Call who is on duty.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TO_BE_CALLED = "state IN ('waiting', 'dialling')"


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_table(
        "duty_call",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("settled_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_duty_call_case_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_duty_call_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_call")),
    )
    for column in ("case_id", "contact_id"):
        op.create_index(op.f(f"ix_duty_call_{column}"), "duty_call", [column])
    where = sa.text(TO_BE_CALLED)
    once = ("uq_duty_call_in_flight", "duty_call", ["case_id", "contact_id"])
    op.create_index(*once, unique=True, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_duty_call_due", "duty_call", ["due_at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("duty_call")
