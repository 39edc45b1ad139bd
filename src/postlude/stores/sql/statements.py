"""Every statement the store sends, by name. SQLite and PostgreSQL read them alike."""

from typing import Final

from sqlalchemy import bindparam, select, text

from postlude.stores.sql.schema import MESSAGES, PIPELINES

# --- journal ----------------------------------------------------------------------------------------------------------

_THIS_PIPELINE = select(PIPELINES.c.digest).where(PIPELINES.c.digest == bindparam("digest"))

# Nobody removes the pipeline between this look and the commit. (SQLite locks the whole database and needs no clause.)
HAS_PIPELINE: Final = _THIS_PIPELINE.with_for_update(read=True, key_share=True)

ADD_PIPELINE: Final = text(
    "INSERT INTO pipelines (digest, name, ir, created_at) VALUES (:digest, :name, :ir, :created_at)"
    " ON CONFLICT (digest) DO NOTHING"
)

BEGIN_RUN: Final = text(
    "INSERT INTO runs (run_id, name, pipeline, ir_digest, settings, created_at, next_event)"
    " VALUES (:run_id, :name, :pipeline, :ir_digest, :settings, :created_at, 0)"
    " ON CONFLICT (run_id) DO NOTHING"
)

ADVANCE_RUN: Final = text(
    "UPDATE runs SET next_event = :next, state = :state, document = :document"
    " WHERE run_id = :run_id AND next_event = :first"
)

NEXT_EVENT: Final = text("SELECT next_event FROM runs WHERE run_id = :run_id")

ADD_EVENT: Final = text("INSERT INTO journal (run_id, seq, event) VALUES (:run_id, :seq, :event)")

SAVE_TASK: Final = text(
    'INSERT INTO tasks (run_id, path, "order", kind, state, attempts, document)'
    " VALUES (:run_id, :path, :order, :kind, :state, :attempts, :document)"
    ' ON CONFLICT (run_id, path) DO UPDATE SET "order" = excluded."order", kind = excluded.kind,'
    " state = excluded.state, attempts = excluded.attempts, document = excluded.document"
)

FORGET_ARTIFACTS: Final = text("DELETE FROM artifacts WHERE run_id = :run_id AND path = :path")

ADD_ARTIFACT: Final = text(
    "INSERT INTO artifacts (run_id, path, direction, name, position, uri, digest, schema_title)"
    " VALUES (:run_id, :path, :direction, :name, :position, :uri, :digest, :schema_title)"
)

KEEP_VALUE: Final = text(
    "INSERT INTO large_values (run_id, digest, content) VALUES (:run_id, :digest, :content)"
    " ON CONFLICT (run_id, digest) DO NOTHING"
)

VALUE: Final = text("SELECT content FROM large_values WHERE run_id = :run_id AND digest = :digest")

REMOVE_TASK: Final = text("DELETE FROM tasks WHERE run_id = :run_id AND path = :path")

EVENTS: Final = text("SELECT seq, event FROM journal WHERE run_id = :run_id ORDER BY seq")

RECORD: Final = text(
    "SELECT r.name, r.pipeline, r.ir_digest, p.ir, r.settings, r.created_at"
    " FROM runs r LEFT JOIN pipelines p ON p.digest = r.ir_digest WHERE r.run_id = :run_id"
)

UNFINISHED_RUNS: Final = text(
    "SELECT run_id FROM runs WHERE state IS NULL OR state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED') ORDER BY number"
)

# --- catalog ----------------------------------------------------------------------------------------------------------

NEWEST_RUNS: Final = text(
    "SELECT run_id, document FROM runs WHERE document IS NOT NULL ORDER BY number DESC LIMIT :limit"
)

NEWEST_RUN_ID: Final = text("SELECT run_id FROM runs WHERE document IS NOT NULL ORDER BY number DESC LIMIT 1")

RUN_IDS: Final = text(
    "SELECT run_id FROM runs WHERE document IS NOT NULL AND run_id >= :low AND run_id <= :high ORDER BY number DESC"
)

RUN: Final = text("SELECT document FROM runs WHERE run_id = :run_id")

TASKS: Final = text('SELECT path, document FROM tasks WHERE run_id = :run_id ORDER BY "order", path')

# --- cache ------------------------------------------------------------------------------------------------------------

FIND_OUTPUTS: Final = text("SELECT run_id, outputs FROM cache WHERE key = :key")

KEEP_OUTPUTS: Final = text(
    "INSERT INTO cache (key, outputs, run_id, path, at) VALUES (:key, :outputs, :run_id, :path, :at)"
    " ON CONFLICT (key) DO UPDATE SET outputs = excluded.outputs, run_id = excluded.run_id,"
    " path = excluded.path, at = excluded.at WHERE excluded.at >= cache.at"
)

# --- leases -----------------------------------------------------------------------------------------------------------

FIND_LEASE: Final = text("SELECT holder_id, host, pid, born, renewed_at FROM leases WHERE run_id = :run_id")

TAKE_FREE_LEASE: Final = text(
    "INSERT INTO leases (run_id, holder_id, host, pid, born, renewed_at)"
    " VALUES (:run_id, :holder_id, :host, :pid, :born, :renewed_at) ON CONFLICT (run_id) DO NOTHING"
)

TAKE_HELD_LEASE: Final = text(
    "UPDATE leases SET holder_id = :holder_id, host = :host, pid = :pid, born = :born, renewed_at = :renewed_at"
    " WHERE run_id = :run_id AND holder_id = :replaced"
)

RENEW_LEASE: Final = text(
    "UPDATE leases SET renewed_at = :renewed_at WHERE run_id = :run_id AND holder_id = :holder_id"
)

RELEASE_LEASE: Final = text("DELETE FROM leases WHERE run_id = :run_id AND holder_id = :holder_id")

# --- mailbox ----------------------------------------------------------------------------------------------------------

POST_MESSAGE: Final = text("INSERT INTO messages (run_id, message) VALUES (:run_id, :message)")

HAS_MESSAGE: Final = text("SELECT 1 FROM messages WHERE run_id = :run_id LIMIT 1")

# Of two who collect, the second waits here for the first, and finds what that one left.
MESSAGES_TO_TAKE: Final = (
    select(MESSAGES.c.number, MESSAGES.c.message)
    .where(MESSAGES.c.run_id == bindparam("run_id"))
    .order_by(MESSAGES.c.number)
    .with_for_update()
)

TAKE_MESSAGE: Final = text("DELETE FROM messages WHERE number = :number")

# --- upkeep -----------------------------------------------------------------------------------------------------------

RUN_STATE: Final = text("SELECT state, ir_digest FROM runs WHERE run_id = :run_id")

REMOVE_FINAL_RUN: Final = text(
    "DELETE FROM runs WHERE run_id = :run_id AND state IN ('SUCCEEDED', 'FAILED', 'CANCELED')"
)

REMOVE_LEASE: Final = text("DELETE FROM leases WHERE run_id = :run_id")

REMOVE_MESSAGES: Final = text("DELETE FROM messages WHERE run_id = :run_id")

LOCK_PIPELINE: Final = _THIS_PIPELINE.with_for_update()

REMOVE_UNUSED_PIPELINE: Final = text(
    "DELETE FROM pipelines WHERE digest = :digest AND NOT EXISTS (SELECT 1 FROM runs WHERE ir_digest = :digest)"
)

REMOVE_OUTPUTS: Final = text("DELETE FROM cache WHERE run_id = :run_id")

PLAIN_URIS: Final = text(
    "SELECT DISTINCT uri FROM artifacts WHERE uri <> '' AND uri NOT LIKE :unencodable AND uri NOT LIKE :refused"
)

TASKS_WITH_OTHER_URIS: Final = text(
    "SELECT run_id, path, document FROM tasks t WHERE EXISTS (SELECT 1 FROM artifacts a"
    " WHERE a.run_id = t.run_id AND a.path = t.path AND (a.uri LIKE :unencodable OR a.uri LIKE :refused))"
)

ALL_OUTPUTS: Final = text("SELECT key, run_id, outputs FROM cache")
