"""Give keys to partners' programs, and remember which change of a referral a webhook told of.

Revision: 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("seen_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_api_key_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_key_secret_hash")),
    )
    op.add_column("referral", sa.Column("announced", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("referral", "announced")
    op.drop_table("api_key")
