"""Every statement the store sends, by name. SQLite and PostgreSQL read them alike."""

from typing import Final

from postlude.stores.sql.database import Statement

# --- journal ----------------------------------------------------------------------------------------------------------

# Nobody removes the pipeline between this look and the commit.
HAS_PIPELINE: Final = Statement("SELECT digest FROM pipelines WHERE digest = :digest", lock="FOR KEY SHARE")

ADD_PIPELINE: Final = Statement(
    "INSERT INTO pipelines (digest, name, ir, created_at) VALUES (:digest, :name, :ir, :created_at)"
    " ON CONFLICT (digest) DO NOTHING"
)

BEGIN_RUN: Final = Statement(
    "INSERT INTO runs (run_id, name, pipeline, ir_digest, settings, created_at, next_event)"
    " VALUES (:run_id, :name, :pipeline, :ir_digest, :settings, :created_at, 0)"
    " ON CONFLICT (run_id) DO NOTHING"
)

ADVANCE_RUN: Final = Statement(
    "UPDATE runs SET next_event = :next, state = :state, document = :document"
    " WHERE run_id = :run_id AND next_event = :first"
)

ADVANCE_DOCUMENTED_RUN: Final = Statement(
    "UPDATE runs SET next_event = :next WHERE run_id = :run_id AND next_event = :first"
)

NEXT_EVENT: Final = Statement("SELECT next_event FROM runs WHERE run_id = :run_id")

ADD_EVENT: Final = Statement("INSERT INTO journal (run_id, seq, event) VALUES (:run_id, :seq, :event)")

SAVE_TASK: Final = Statement(
    'INSERT INTO tasks (run_id, path, "order", kind, state, attempts, document)'
    " VALUES (:run_id, :path, :order, :kind, :state, :attempts, :document)"
    ' ON CONFLICT (run_id, path) DO UPDATE SET "order" = excluded."order", kind = excluded.kind,'
    " state = excluded.state, attempts = excluded.attempts, document = excluded.document"
)

FORGET_ARTIFACTS: Final = Statement("DELETE FROM artifacts WHERE run_id = :run_id AND path = :path")

ADD_ARTIFACT: Final = Statement(
    "INSERT INTO artifacts (run_id, path, direction, name, position, uri, digest, schema_title)"
    " VALUES (:run_id, :path, :direction, :name, :position, :uri, :digest, :schema_title)"
)

KEEP_VALUE: Final = Statement(
    "INSERT INTO large_values (run_id, digest, content) VALUES (:run_id, :digest, :content)"
    " ON CONFLICT (run_id, digest) DO NOTHING"
)

VALUE: Final = Statement("SELECT content FROM large_values WHERE run_id = :run_id AND digest = :digest")

REMOVE_TASK: Final = Statement("DELETE FROM tasks WHERE run_id = :run_id AND path = :path")

EVENTS: Final = Statement("SELECT seq, event FROM journal WHERE run_id = :run_id AND seq >= :first ORDER BY seq")

RECORD: Final = Statement(
    "SELECT r.name, r.pipeline, r.ir_digest, p.ir, r.settings, r.created_at"
    " FROM runs r LEFT JOIN pipelines p ON p.digest = r.ir_digest WHERE r.run_id = :run_id"
)

UNFINISHED_RUNS: Final = Statement(
    "SELECT run_id FROM runs WHERE state IS NULL OR state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED') ORDER BY number"
)

# --- catalog ----------------------------------------------------------------------------------------------------------

NEWEST_RUNS: Final = Statement(
    "SELECT run_id, document FROM runs WHERE document IS NOT NULL ORDER BY number DESC LIMIT :limit"
)

NEWEST_RUN_ID: Final = Statement("SELECT run_id FROM runs WHERE document IS NOT NULL ORDER BY number DESC LIMIT 1")

RUN_IDS: Final = Statement(
    "SELECT run_id FROM runs WHERE document IS NOT NULL AND run_id >= :low AND run_id <= :high ORDER BY number DESC"
)

RUN: Final = Statement("SELECT document FROM runs WHERE run_id = :run_id")

TASKS: Final = Statement('SELECT path, document FROM tasks WHERE run_id = :run_id ORDER BY "order", path')

# --- cache ------------------------------------------------------------------------------------------------------------

FIND_OUTPUTS: Final = Statement("SELECT run_id, outputs FROM cache WHERE key = :key")

KEEP_OUTPUTS: Final = Statement(
    "INSERT INTO cache (key, outputs, run_id, path, at) VALUES (:key, :outputs, :run_id, :path, :at)"
    " ON CONFLICT (key) DO UPDATE SET outputs = excluded.outputs, run_id = excluded.run_id,"
    " path = excluded.path, at = excluded.at WHERE excluded.at >= cache.at"
)

# --- leases -----------------------------------------------------------------------------------------------------------

FIND_LEASE: Final = Statement("SELECT holder_id, host, pid, born, renewed_at FROM leases WHERE run_id = :run_id")

TAKE_FREE_LEASE: Final = Statement(
    "INSERT INTO leases (run_id, holder_id, host, pid, born, renewed_at)"
    " VALUES (:run_id, :holder_id, :host, :pid, :born, :renewed_at) ON CONFLICT (run_id) DO NOTHING"
)

TAKE_HELD_LEASE: Final = Statement(
    "UPDATE leases SET holder_id = :holder_id, host = :host, pid = :pid, born = :born, renewed_at = :renewed_at"
    " WHERE run_id = :run_id AND holder_id = :replaced"
)

RENEW_LEASE: Final = Statement(
    "UPDATE leases SET renewed_at = :renewed_at WHERE run_id = :run_id AND holder_id = :holder_id"
)

RELEASE_LEASE: Final = Statement("DELETE FROM leases WHERE run_id = :run_id AND holder_id = :holder_id")

# --- mailbox ----------------------------------------------------------------------------------------------------------

POST_MESSAGE: Final = Statement("INSERT INTO messages (run_id, message) VALUES (:run_id, :message)")

HAS_MESSAGE: Final = Statement("SELECT 1 FROM messages WHERE run_id = :run_id LIMIT 1")

# Of two who collect, the second waits here for the first, and finds what that one left.
MESSAGES_TO_TAKE: Final = Statement(
    "SELECT number, message FROM messages WHERE run_id = :run_id ORDER BY number", lock="FOR UPDATE"
)

TAKE_MESSAGE: Final = Statement("DELETE FROM messages WHERE number = :number")

# --- upkeep -----------------------------------------------------------------------------------------------------------

RUN_STATE: Final = Statement("SELECT state, ir_digest FROM runs WHERE run_id = :run_id")

REMOVE_FINAL_RUN: Final = Statement(
    "DELETE FROM runs WHERE run_id = :run_id AND state IN ('SUCCEEDED', 'FAILED', 'CANCELED')"
)

REMOVE_LEASE: Final = Statement("DELETE FROM leases WHERE run_id = :run_id")

REMOVE_MESSAGES: Final = Statement("DELETE FROM messages WHERE run_id = :run_id")

LOCK_PIPELINE: Final = Statement("SELECT digest FROM pipelines WHERE digest = :digest", lock="FOR UPDATE")

REMOVE_UNUSED_PIPELINE: Final = Statement(
    "DELETE FROM pipelines WHERE digest = :digest AND NOT EXISTS (SELECT 1 FROM runs WHERE ir_digest = :digest)"
)

REMOVE_OUTPUTS: Final = Statement("DELETE FROM cache WHERE run_id = :run_id")

PLAIN_URIS: Final = Statement(
    "SELECT DISTINCT uri FROM artifacts WHERE uri <> '' AND uri NOT LIKE :unencodable AND uri NOT LIKE :refused"
)

TASKS_WITH_OTHER_URIS: Final = Statement(
    "SELECT run_id, path, document FROM tasks t WHERE EXISTS (SELECT 1 FROM artifacts a"
    " WHERE a.run_id = t.run_id AND a.path = t.path AND (a.uri LIKE :unencodable OR a.uri LIKE :refused))"
)

ALL_OUTPUTS: Final = Statement("SELECT key, run_id, outputs FROM cache")
