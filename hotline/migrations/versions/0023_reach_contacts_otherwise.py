"""Reach contacts by e-mail and signed webhook beside the text.

Revision: 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("mail_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("contact", sa.Column("webhook_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact", "webhook_sealed")
    op.drop_column("contact", "mail_sealed")
