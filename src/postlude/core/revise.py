"""Put another pipeline in the place of a final run's, so that it can be gone on with.

The two are walked together, from the root down through every group that was entered. A task is the same if it has the
same key, wiring, interface and program; its name for people, caching, retries and parallelism may differ. What is the
same keeps its state. What differs or is new must run, and what is gone is taken away. The run's parameters stay as they
were; new ones have their defaults.
"""

from collections.abc import Iterable

import msgspec
from msgspec import structs
from msgspec.structs import replace

from postlude.core.draft import Draft
from postlude.core.nodes import child
from postlude.core.reopen import take_away, take_away_below
from postlude.core.run_state import children
from postlude.core.task import ROOT, Inputs, Kind, Task, TaskPath, child_path
from postlude.spec import types as ir
from postlude.spec.types import Component, Dag, Pipeline


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What a new pipeline means for a run.

    Attributes:
        changed: Tasks that are new or differ: they must run, and all that follows them.
        touched: Groups that must find their outcome anew, since a task is gone or they pass out something else.
    """

    changed: frozenset[TaskPath]
    touched: frozenset[TaskPath]


class _Walk(msgspec.Struct, frozen=True, kw_only=True):
    """The two pipelines, and what was found so far."""

    draft: Draft
    old: Pipeline
    new: Pipeline
    changed: set[TaskPath] = msgspec.field(default_factory=set)
    touched: set[TaskPath] = msgspec.field(default_factory=set)


def revise(draft: Draft, pipeline: Pipeline, inputs: Inputs) -> Revision:
    """Replace the pipeline of a run that is final; nothing starts yet.

    Args:
        draft: The run, which `core.reopen` has to reopen as the result says.
        pipeline: The new pipeline.
        inputs: The run's parameters, as the new pipeline takes them.
    """
    walk = _Walk(draft=draft, old=draft.run.pipeline, new=pipeline)
    draft.run = structs.replace(draft.run, pipeline=pipeline)
    root = draft[ROOT]
    if _outputs(root.component) != _outputs(pipeline.root):
        walk.touched.add(ROOT)
    _revise_group(walk, structs.replace(root, inputs=inputs), pipeline.root)
    return Revision(changed=frozenset(walk.changed), touched=frozenset(walk.touched))


# --- going down -------------------------------------------------------------------------------------------------------


def _revise_group(walk: _Walk, group: Task, component: Component) -> None:
    """Give an entered group its new component, and go on with its children."""
    before, after = group.component.dag or Dag(), component.dag or Dag()
    _take_away(walk, group, [key for key in before.tasks if key not in after.tasks])
    group = walk.draft.put(structs.replace(group, component=component, size=len(after.tasks)))
    for key in after.tasks:
        fresh = child(walk.draft.run, group, after, key)
        if key in before.tasks:
            _revise_task(walk, walk.draft[fresh.path], fresh)
        else:
            walk.draft.put(fresh)
            walk.changed.add(fresh.path)


def _take_away(walk: _Walk, group: Task, keys: Iterable[str]) -> None:
    for key in keys:
        take_away(walk.draft, walk.draft[child_path(group.path, key)])
        walk.touched.add(group.path)


def _revise_task(walk: _Walk, task: Task, fresh: Task) -> None:
    deep = not task.entered
    if task.kind is fresh.kind and _is_same(walk, task.spec, fresh.spec, deep=deep):
        _keep(walk, task, fresh)
        return
    take_away_below(walk.draft, task)
    walk.draft.put(structs.replace(fresh, attempt=task.attempt, history=task.history))
    walk.changed.add(task.path)


def _keep(walk: _Walk, task: Task, fresh: Task) -> None:
    """Leave a task as it stands, under the new pipeline; below an entered group there may be changes all the same."""
    bound = _bound(task, fresh)
    if not task.entered:
        _rebind(walk, task, bound)
    elif task.kind is Kind.LOOP:
        walk.draft.put(bound)
        for path in children(bound):
            _keep(walk, walk.draft[path], fresh)
    else:
        _revise_group(walk, structs.replace(bound, component=task.component), fresh.component)


def _rebind(walk: _Walk, task: Task, bound: Task) -> None:
    """As `_keep`, where nothing below differs."""
    walk.draft.put(bound)
    dag = bound.component.dag
    for path in children(task) if dag is not None and task.kind is not Kind.LOOP else ():
        below = walk.draft[path]
        _rebind(walk, below, _bound(below, child(walk.draft.run, bound, dag or Dag(), below.spec.key)))


def _bound(task: Task, fresh: Task) -> Task:
    return structs.replace(
        task, spec=fresh.spec, component=fresh.component, retry=fresh.retry, protected=fresh.protected
    )


# --- what is the same -------------------------------------------------------------------------------------------------


def _is_same(walk: _Walk, before: ir.Task, after: ir.Task, *, deep: bool) -> bool:
    """Whether two tasks are the same; `deep` looks into groups too."""
    if _wiring(before) != _wiring(after):
        return False
    old, new = walk.old.components[before.component], walk.new.components[after.component]
    if (old.inputs, old.outputs, old.task_config) != (new.inputs, new.outputs, new.task_config):
        return False
    if old.dag is None or new.dag is None:
        return old.dag is new.dag and walk.old.executors[old.executor] == walk.new.executors[new.executor]
    if old.dag.outputs != new.dag.outputs:
        return False
    return not deep or _is_same_dag(walk, old.dag, new.dag)


def _is_same_dag(walk: _Walk, before: Dag, after: Dag) -> bool:
    return before.tasks.keys() == after.tasks.keys() and all(
        _is_same(walk, task, after.tasks[key], deep=True) for key, task in before.tasks.items()
    )


def _wiring(task: ir.Task) -> ir.Task:
    """The task without what may differ."""
    return replace(task, component="", display_name="", caching=ir.Caching(), retry=None, parallelism=0)


def _outputs(component: Component) -> object:
    return (component.outputs, None if component.dag is None else component.dag.outputs)
