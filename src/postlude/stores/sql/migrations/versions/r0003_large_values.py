"""Values that are too large for the journal and the documents, once a run."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "large_values",
        sa.Column("run_id", _KEY, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
        sa.Column("digest", _KEY, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "digest"),
    )
