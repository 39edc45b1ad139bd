"""The tables of a new SQLite file, as the migrations would leave them: a test compares the two."""

from typing import Final

from postlude.stores.sql.database import Statement

_TABLES: Final = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE pipelines (
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    ir TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    PRIMARY KEY (digest)
);
CREATE TABLE runs (
    number INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    ir_digest TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    next_event INTEGER NOT NULL,
    state TEXT,
    document TEXT,
    PRIMARY KEY (number),
    UNIQUE (run_id),
    FOREIGN KEY (ir_digest) REFERENCES pipelines (digest)
);
CREATE TABLE journal (
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_id, seq),
    FOREIGN KEY (run_id) REFERENCES runs (run_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE tasks (
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    "order" INTEGER NOT NULL,
    kind TEXT,
    state TEXT,
    attempts INTEGER,
    document TEXT NOT NULL,
    PRIMARY KEY (run_id, path),
    FOREIGN KEY (run_id) REFERENCES runs (run_id) ON DELETE CASCADE
);
CREATE TABLE artifacts (
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    direction TEXT NOT NULL,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    uri TEXT NOT NULL,
    digest TEXT NOT NULL,
    schema_title TEXT NOT NULL,
    PRIMARY KEY (run_id, path, direction, name, position),
    FOREIGN KEY (run_id, path) REFERENCES tasks (run_id, path) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE cache (
    "key" TEXT NOT NULL,
    outputs TEXT NOT NULL,
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY ("key")
);
CREATE TABLE leases (
    run_id TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    born TEXT NOT NULL,
    renewed_at FLOAT NOT NULL,
    PRIMARY KEY (run_id)
);
CREATE TABLE messages (
    number INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (number)
);
CREATE TABLE large_values (
    run_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (run_id, digest),
    FOREIGN KEY (run_id) REFERENCES runs (run_id) ON DELETE CASCADE
);
"""

_INDEXES: Final = """
CREATE INDEX artifacts_by_uri ON artifacts (uri);
CREATE INDEX messages_by_run ON messages (run_id, number);
CREATE INDEX cache_by_run ON cache (run_id);
CREATE INDEX runs_by_pipeline ON runs (ir_digest);
"""

FRESH: Final = tuple(Statement(each) for each in (_TABLES + _INDEXES).split(";") if each.strip())
"""The statements that make it."""
