"""Ask and be answered: checks of broadcasts, answers to them, and the broadcast a report came after.

Revision: 0019, after 0016.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.add_column("broadcast", sa.Column("choices", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "broadcast_check",
        sa.Column("broadcast_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_broadcast_check_broadcast_id")),
        sa.PrimaryKeyConstraint("broadcast_id", name=op.f("pk_broadcast_check")),
    )
    op.create_table(
        "broadcast_answer",
        sa.Column("broadcast_id", sa.String(), nullable=False),
        sa.Column("subscriber_id", sa.String(), nullable=False),
        sa.Column("choice", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_broadcast_answer_broadcast_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_broadcast_answer_subscriber_id")),
        sa.PrimaryKeyConstraint("broadcast_id", "subscriber_id", name=op.f("pk_broadcast_answer")),
    )
    with op.batch_alter_table("report") as report:
        report.add_column(sa.Column("broadcast_id", sa.String(), nullable=True))
        report.create_foreign_key(op.f("fk_report_broadcast_id"), "broadcast", ["broadcast_id"], ["id"])
    after = sa.text("broadcast_id IS NOT NULL")
    op.create_index("ix_report_broadcast", "report", ["broadcast_id"], sqlite_where=after, postgresql_where=after)


def downgrade() -> None:
    op.drop_index("ix_report_broadcast", "report")
    with op.batch_alter_table("report") as report:
        report.drop_constraint(op.f("fk_report_broadcast_id"), type_="foreignkey")
        report.drop_column("broadcast_id")
    op.drop_table("broadcast_answer")
    op.drop_table("broadcast_check")
    op.drop_column("broadcast", "choices")
