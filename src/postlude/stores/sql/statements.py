"""Every statement the store sends, by name. SQLite and PostgreSQL read them alike."""

from typing import Final

from sqlalchemy import text

# --- journal ----------------------------------------------------------------------------------------------------------

HAS_PIPELINE: Final = text("SELECT 1 FROM pipelines WHERE digest = :digest")

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

EVENTS: Final = text("SELECT event FROM journal WHERE run_id = :run_id ORDER BY seq")

RECORD: Final = text(
    "SELECT r.name, r.pipeline, r.ir_digest, p.ir, r.settings, r.created_at"
    " FROM runs r JOIN pipelines p ON p.digest = r.ir_digest WHERE r.run_id = :run_id"
)

# --- catalog ----------------------------------------------------------------------------------------------------------

NEWEST_RUNS: Final = text("SELECT document FROM runs WHERE document IS NOT NULL ORDER BY number DESC LIMIT :limit")

NEWEST_RUN_ID: Final = text("SELECT run_id FROM runs WHERE document IS NOT NULL ORDER BY number DESC LIMIT 1")

RUN_IDS: Final = text(
    "SELECT run_id FROM runs WHERE document IS NOT NULL AND run_id >= :low AND run_id <= :high ORDER BY number DESC"
)

RUN: Final = text("SELECT document FROM runs WHERE run_id = :run_id")

TASKS: Final = text('SELECT document FROM tasks WHERE run_id = :run_id ORDER BY "order", path')

# --- cache ------------------------------------------------------------------------------------------------------------

FIND_OUTPUTS: Final = text("SELECT outputs FROM cache WHERE key = :key")

KEEP_OUTPUTS: Final = text(
    "INSERT INTO cache (key, outputs, run_id, path, at) VALUES (:key, :outputs, :run_id, :path, :at)"
    " ON CONFLICT (key) DO UPDATE SET outputs = excluded.outputs, run_id = excluded.run_id,"
    " path = excluded.path, at = excluded.at WHERE excluded.at >= cache.at"
)
