"""Code what listeners answer, by themes of a show; pair the screen of a studio with one device.

Revision: 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

GRANT = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hotline_producer') THEN
    GRANT SELECT, INSERT, UPDATE ON radio_theme, radio_coding, radio_screen TO hotline_producer;
  END IF;
END $$
"""


def upgrade() -> None:
    moment, text = hotline.models.base.Moment(), sa.String()
    op.create_table(
        "radio_theme",
        sa.Column("id", text, nullable=False),
        sa.Column("show_id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("struck", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["show_id"], ["radio_show.id"], name=op.f("fk_radio_theme_show_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_radio_theme")),
    )
    op.create_index(op.f("ix_radio_theme_show_id"), "radio_theme", ["show_id"])
    op.create_table(
        "radio_coding",
        sa.Column("card_id", text, nullable=False),
        sa.Column("coder", text, nullable=False),
        sa.Column("theme_id", text, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["radio_card.id"], name=op.f("fk_radio_coding_card_id")),
        sa.PrimaryKeyConstraint("card_id", "coder", name=op.f("pk_radio_coding")),
    )
    op.create_table(
        "radio_screen",
        sa.Column("id", text, nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code", text, nullable=False),
        sa.Column("episode_id", text, nullable=True),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("paired_at", moment, nullable=True),
        sa.Column("paired_by", text, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["radio_episode.id"], name=op.f("fk_radio_screen_episode_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_radio_screen")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_radio_screen_key_hash")),
    )
    op.create_index(op.f("ix_radio_screen_episode_id"), "radio_screen", ["episode_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(GRANT)


def downgrade() -> None:
    for name in ("screen", "coding", "theme"):
        op.drop_table(f"radio_{name}")
