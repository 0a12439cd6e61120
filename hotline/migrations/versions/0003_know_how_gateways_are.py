"""Know how gateways are.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gateway_health",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", hotline.models.base.Moment(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("shut_until", hotline.models.base.Moment(), nullable=True),
        sa.Column("paused_until", hotline.models.base.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gateway_health")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faulty", sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_column("faulty")
    op.drop_table("gateway_health")
