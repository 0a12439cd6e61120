"""Stand a flood of texts: know texts to a show that say the same, and when a measure turned the answers to votes off.

Revision: 0021, after 0018.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("radio_episode", sa.Column("surge_at", hotline.models.base.Moment(), nullable=True))
    op.add_column("radio_episode", sa.Column("by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("radio_question", sa.Column("likeness", sa.LargeBinary(), nullable=True))
    own = "convert_to(id, 'UTF8')" if op.get_bind().dialect.name == "postgresql" else "CAST(id AS BLOB)"
    op.execute(f"UPDATE radio_question SET likeness = {own}")  # noqa: S608  one of two texts of ours
    with op.batch_alter_table("radio_episode") as episode:
        episode.alter_column("by_hand", server_default=None)
    with op.batch_alter_table("radio_question") as question:
        question.alter_column("likeness", nullable=False)
        question.drop_column("theme")
    op.create_index("ix_radio_question_likeness", "radio_question", ["episode_id", "likeness"])


def downgrade() -> None:
    op.drop_index("ix_radio_question_likeness", "radio_question")
    with op.batch_alter_table("radio_question") as question:
        question.add_column(sa.Column("theme", sa.String(), nullable=False, server_default=""))
        question.drop_column("likeness")
    op.drop_column("radio_episode", "by_hand")
    op.drop_column("radio_episode", "surge_at")
