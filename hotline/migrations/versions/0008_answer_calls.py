"""Answer calls.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ASKED = sa.text("ask_at IS NOT NULL")
UNSETTLED = sa.text("state IN ('waiting', 'kept', 'erasing')")


def upgrade() -> None:
    op.create_table(
        "voice_call",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("caller_id", sa.String(), nullable=False),
        sa.Column("began_at", hotline.models.base.Moment(), nullable=False),
        sa.Column("ended_at", hotline.models.base.Moment(), nullable=True),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ask_at", hotline.models.base.Moment(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_voice_call_case_id")),
        sa.ForeignKeyConstraint(["caller_id"], ["caller.id"], name=op.f("fk_voice_call_caller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_call")),
    )
    op.create_index(op.f("ix_voice_call_case_id"), "voice_call", ["case_id"], unique=False)
    op.create_index(op.f("ix_voice_call_caller_id"), "voice_call", ["caller_id"], unique=False)
    op.create_index("ix_voice_call_ask", "voice_call", ["ask_at"], sqlite_where=ASKED, postgresql_where=ASKED)
    op.create_table(
        "recording",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", hotline.models.base.Moment(), nullable=False),
        sa.Column("created_at", hotline.models.base.Moment(), nullable=False),
        sa.Column("fetched_at", hotline.models.base.Moment(), nullable=True),
        sa.Column("settled_at", hotline.models.base.Moment(), nullable=True),
        sa.Column("left_there", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["voice_call.id"], name=op.f("fk_recording_call_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_recording_case_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_recording_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("gateway", "reference", name=op.f("uq_recording_gateway_reference")),
    )
    op.create_index(op.f("ix_recording_call_id"), "recording", ["call_id"], unique=False)
    op.create_index(op.f("ix_recording_case_id"), "recording", ["case_id"], unique=False)
    op.create_index(op.f("ix_recording_message_id"), "recording", ["message_id"], unique=False)
    op.create_index("ix_recording_due", "recording", ["due_at"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED)
    op.create_table(
        "recorded_audio",
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_recorded_audio_recording_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_recorded_audio_case_id")),
        sa.PrimaryKeyConstraint("recording_id", "form", name=op.f("pk_recorded_audio")),
    )
    op.create_index(op.f("ix_recorded_audio_case_id"), "recorded_audio", ["case_id"], unique=False)


def downgrade() -> None:
    for name in ("recorded_audio", "recording", "voice_call"):
        op.drop_table(name)
