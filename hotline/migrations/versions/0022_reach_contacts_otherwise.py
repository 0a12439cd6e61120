"""Reach contacts by e-mail and signed webhook beside the text.

Revision: 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("mail_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("contact", sa.Column("webhook_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact", "webhook_sealed")
    op.drop_column("contact", "mail_sealed")
