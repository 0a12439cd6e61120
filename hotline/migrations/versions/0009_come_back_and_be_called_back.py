"""Come back by a code, and be called back after a missed call.

Revision: 0009, after 0007.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

IN_FLIGHT = "state IN ('waiting', 'dialling')"


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_table(
        "return_code",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_return_code_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_code")),
    )
    op.create_index(op.f("ix_return_code_case_id"), "return_code", ["case_id"])
    op.create_table(
        "code_try",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_code_try")),
    )
    op.create_index(op.f("ix_code_try_at"), "code_try", ["at"])
    op.create_table(
        "beep",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("dialled_at", moment, nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("settled_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beep")),
    )
    for column in ("number_index", "last_at", "dialled_at"):
        op.create_index(op.f(f"ix_beep_{column}"), "beep", [column])
    in_flight = sa.text(IN_FLIGHT)
    once = ("uq_beep_in_flight", "beep", ["number_index"])
    op.create_index(*once, unique=True, sqlite_where=in_flight, postgresql_where=in_flight)
    op.create_index("ix_beep_due", "beep", ["due_at"], sqlite_where=in_flight, postgresql_where=in_flight)


def downgrade() -> None:
    op.drop_table("beep")
    op.drop_table("code_try")
    op.drop_table("return_code")
