"""Know who is away, who is on duty out of turn and when some rest; let agencies read what was written for them.

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.add_column("contact", sa.Column("rests_on_holidays", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("contact") as contact:
        contact.alter_column("rests_on_holidays", server_default=None)
    op.create_table(
        "spell",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("begins", moment, nullable=False),
        sa.Column("ends", moment, nullable=False),
        sa.Column("on_duty", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_spell_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spell")),
    )
    op.create_index(op.f("ix_spell_contact_id"), "spell", ["contact_id"])
    op.create_table(
        "holiday",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_holiday")),
    )
    op.add_column("referral", sa.Column("brief", sa.LargeBinary(), nullable=True))
    op.execute("ALTER TABLE invitation ADD COLUMN agency_id VARCHAR REFERENCES agency (id)")


def downgrade() -> None:
    op.drop_column("invitation", "agency_id")
    op.drop_column("referral", "brief")
    op.drop_table("holiday")
    op.drop_table("spell")
    op.drop_column("contact", "rests_on_holidays")
