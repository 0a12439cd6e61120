"""Answer the dialled code.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dialled_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("at", hotline.models.base.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialled_session")),
    )
    with op.batch_alter_table("dialled_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dialled_session_at"), ["at"], unique=False)
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settles_at", hotline.models.base.Moment(), nullable=True))
        batch_op.create_index(
            "ix_report_settles",
            ["settles_at"],
            unique=False,
            sqlite_where=sa.text("settles_at IS NOT NULL"),
            postgresql_where=sa.text("settles_at IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_index("ix_report_settles")
        batch_op.drop_column("settles_at")
    op.drop_table("dialled_session")
