"""Reach contacts by e-mail and signed webhook beside the text.

Revision: 0021, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("mail_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("contact", sa.Column("webhook_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact", "webhook_sealed")
    op.drop_column("contact", "mail_sealed")
