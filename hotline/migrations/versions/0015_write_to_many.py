"""Write to many: people who agreed, their lists, broadcasts, and who each text of one is for.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_table(
        "broadcast_list",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("keyword", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_list")),
        sa.UniqueConstraint("keyword", name=op.f("uq_broadcast_list_keyword")),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("sector", sa.String(), nullable=True),
        sa.Column("interests", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("left_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("number_index", name=op.f("uq_subscriber_number_index")),
    )
    op.create_table(
        "subscription",
        sa.Column("list_id", sa.String(), nullable=False),
        sa.Column("subscriber_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("agreed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["broadcast_list.id"], name=op.f("fk_subscription_list_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_subscription_subscriber_id")),
        sa.PrimaryKeyConstraint("list_id", "subscriber_id", name=op.f("pk_subscription")),
    )
    op.create_index(op.f("ix_subscription_subscriber_id"), "subscription", ["subscriber_id"])
    op.create_table(
        "broadcast",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("texts", "read_by_native", "filled", "audience")),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        *(
            sa.Column(name, moment, nullable=True)
            for name in ("approved_at", "send_at", "valid_until", "started_at", "paused_at", "ended_at")
        ),
        sa.Column("upto", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
    )
    op.create_index(op.f("ix_broadcast_state"), "broadcast", ["state"])
    op.add_column("message", sa.Column("broadcast_id", sa.String(), nullable=True))
    op.add_column("message", sa.Column("subscriber_id", sa.String(), nullable=True))
    ours = sa.text("broadcast_id IS NOT NULL")
    theirs = sa.text("subscriber_id IS NOT NULL")
    columns = ["broadcast_id", "state", "due_at"]
    op.create_index("ix_message_broadcast", "message", columns, sqlite_where=ours, postgresql_where=ours)
    once = ("uq_message_once", "message", ["subscriber_id", "broadcast_id"])
    op.create_index(*once, unique=True, sqlite_where=theirs, postgresql_where=theirs)


def downgrade() -> None:
    op.drop_index("uq_message_once", "message")
    op.drop_index("ix_message_broadcast", "message")
    op.drop_column("message", "subscriber_id")
    op.drop_column("message", "broadcast_id")
    for name in ("broadcast", "subscription", "subscriber", "broadcast_list"):
        op.drop_table(name)
