"""The schema of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make every table."""
    _make_runs()
    _make_journal()
    _make_tasks()
    _make_artifacts()
    _make_cache()


def _make_runs() -> None:
    op.create_table(
        "pipelines",
        sa.Column("digest", _KEY, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("ir", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("run_id", _KEY, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("ir_digest", _KEY, sa.ForeignKey("pipelines.digest"), nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("next_event", _NUMBER, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("document", sa.Text),
    )


def _make_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("run_id", _KEY, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq"),
        sqlite_with_rowid=False,
    )


def _make_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("run_id", _KEY, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
        sa.Column("path", _KEY, nullable=False),
        sa.Column("order", _NUMBER, nullable=False),
        sa.Column("kind", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("attempts", sa.Integer),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "path"),
    )


def _make_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("path", _KEY, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("schema_title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "path", "direction", "name", "position"),
        sa.ForeignKeyConstraint(["run_id", "path"], ["tasks.run_id", "tasks.path"], ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("artifacts_by_uri", "artifacts", ["uri"])


def _make_cache() -> None:
    op.create_table(
        "cache",
        sa.Column("key", _KEY, primary_key=True),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
