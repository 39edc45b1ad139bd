"""The tables as the newest migration leaves them.

JSON is kept as text, as it was saved; the columns beside it are copies worth querying.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

METADATA: Final = MetaData()

# Ids, paths and keys sort by their bytes in every database, whatever its locale.
_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

PIPELINES: Final = Table(
    "pipelines",
    METADATA,
    Column("digest", _KEY, primary_key=True),
    Column("name", Text, nullable=False),
    Column("ir", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

RUNS: Final = Table(
    "runs",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("run_id", _KEY, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("ir_digest", _KEY, ForeignKey("pipelines.digest"), nullable=False),
    Column("settings", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("next_event", _NUMBER, nullable=False),
    Column("state", Text),
    Column("document", Text),
    Index("runs_by_pipeline", "ir_digest"),
)

JOURNAL: Final = Table(
    "journal",
    METADATA,
    Column("run_id", _KEY, ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
    Column("seq", _NUMBER, nullable=False),
    Column("event", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "seq"),
    sqlite_with_rowid=False,
)

TASKS: Final = Table(
    "tasks",
    METADATA,
    Column("run_id", _KEY, ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
    Column("path", _KEY, nullable=False),
    Column("order", _NUMBER, nullable=False),
    Column("kind", Text),
    Column("state", Text),
    Column("attempts", Integer),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "path"),
)

ARTIFACTS: Final = Table(
    "artifacts",
    METADATA,
    Column("run_id", _KEY, nullable=False),
    Column("path", _KEY, nullable=False),
    Column("direction", Text, nullable=False),
    Column("name", _KEY, nullable=False),
    Column("position", Integer, nullable=False),
    Column("uri", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("schema_title", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "path", "direction", "name", "position"),
    ForeignKeyConstraint(["run_id", "path"], ["tasks.run_id", "tasks.path"], ondelete="CASCADE"),
    Index("artifacts_by_uri", "uri"),
    sqlite_with_rowid=False,
)

CACHE: Final = Table(
    "cache",
    METADATA,
    Column("key", _KEY, primary_key=True),
    Column("outputs", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("at", Float, nullable=False),
    Index("cache_by_run", "run_id"),
)

# With row ids: large contents would make a tree by key slow to search.
LARGE_VALUES: Final = Table(
    "large_values",
    METADATA,
    Column("run_id", _KEY, ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
    Column("digest", _KEY, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("run_id", "digest"),
)

# Leases and messages may come before their run's first row, so they do not refer to it.
LEASES: Final = Table(
    "leases",
    METADATA,
    Column("run_id", _KEY, primary_key=True),
    Column("holder_id", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", _NUMBER, nullable=False),
    Column("born", Text, nullable=False),
    Column("renewed_at", Float, nullable=False),
)

MESSAGES: Final = Table(
    "messages",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("run_id", _KEY, nullable=False),
    Column("message", Text, nullable=False),
    Index("messages_by_run", "run_id", "number"),
)
