"""Who drives a run, and what other processes tell the driver; and finding a run's cache entries to remove them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the tables and indexes."""
    _make_leases()
    _make_messages()
    op.create_index("cache_by_run", "cache", ["run_id"])
    op.create_index("runs_by_pipeline", "runs", ["ir_digest"])


def _make_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("run_id", _KEY, primary_key=True),
        sa.Column("holder_id", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", _NUMBER, nullable=False),
        sa.Column("born", sa.Text, nullable=False),
        sa.Column("renewed_at", sa.Float, nullable=False),
    )


def _make_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("messages_by_run", "messages", ["run_id", "number"])
