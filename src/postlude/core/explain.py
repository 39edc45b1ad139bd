"""Why a task of a run is where it is: what it waited for, its condition, its attempts, its cache key."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from postlude.core.conform import preview
from postlude.core.demand import demand_of, words_of
from postlude.core.explain_cache import cache_reasons
from postlude.core.final_status import causes
from postlude.core.resolve import as_declared
from postlude.core.run_state import Run
from postlude.core.task import NO_INPUTS, ROOT, Inputs, Kind, State, Task, TaskError, child_path
from postlude.spec.types import Strategy, Topology

_FAILED: Final = (State.FAILED, State.UPSTREAM_FAILED)
_NAMES: Final = re.compile(r"""inputs\.(?:parameter_values|parameters|artifacts)(?:\[\s*['"](.+?)['"]\s*\]|\.(\w+))""")


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to know of a task.

    Attributes:
        topic: What it is about, in a word.
        text: A sentence.
    """

    topic: str
    text: str


def explain(run: Run, task: Task, *, earlier: Run | None = None) -> list[Reason]:
    """Everything that made the task what it is, the most telling first.

    Args:
        run: The run as it stands.
        task: One of its tasks.
        earlier: The latest run before it that has the task too, to compare cache keys with; None where there is none.
    """
    reasons = [
        *(Reason(topic="Why", text=text) for text in _WHY[task.state](run, task)),
        *_condition(task),
        *_attempts(task),
    ]
    if task.kind is Kind.TASK:
        reasons += [Reason(topic="Cache", text=text) for text in cache_reasons(run, task, earlier)]
    return reasons


# --- why --------------------------------------------------------------------------------------------------------------


def _waiting(run: Run, task: Task) -> Iterator[str]:
    if task.asked and task.history:
        yield f"attempt {task.attempt} waits for its time or for {_room(run, task)}"
    elif task.asked:
        yield f"ready: it waits for {_room(run, task)}"
    elif task.index is not None:
        yield f"{task.parent} runs {task.spec.parallelism} iterations at a time; this one waits for a place"
    for one in _upstreams(run, task):
        if not one.state.is_final:
            yield f"waits for {_named(one)}"
    for one in _gates(run, task):
        if not one.state.is_final:
            yield f"waits for {_named(one)}, the exit task of a group it depends on"


def _room(run: Run, task: Task) -> str:
    """What an attempt that could begin still waits for."""
    demand = demand_of(run, task)
    asked = [] if isinstance(demand, TaskError) else list(words_of(demand))
    return f"a free worker and for {', '.join(asked)} to be free" if asked else "a free worker"


def _ran(run: Run, task: Task) -> Iterator[str]:
    if task.path == ROOT:
        yield from _group_outcome(run, task)
        return
    upstreams = _upstreams(run, task)
    group = _topology(run, task).exit_of.get(task.spec.key) if task.index is None else None
    if task.index is not None:
        yield f"iteration {task.index} of {task.parent}"
    elif group is not None:
        yield f"exit task of {_named(run.tasks[child_path(task.parent, group)])}: it runs in whatever state that ends"
    elif not upstreams:
        yield f"depends on nothing in {_place(task.parent)}, so it started with it"
    elif task.spec.trigger.strategy is Strategy.ALL_COMPLETED:
        yield f"ignores upstream failures; final before it were {', '.join(map(_named, upstreams))}"
    else:
        yield f"all it depends on succeeded: {', '.join(one.path for one in upstreams)}"
    yield from _group_outcome(run, task)


def _group_outcome(run: Run, task: Task) -> Iterator[str]:
    if task.state is not State.FAILED:
        return
    if task.entered:
        yield from (f"failed because of {_cause(one)}" for one in causes(run, task)[:10])
    else:
        yield f"failed: {_message(task.error)}"


def _skipped(run: Run, task: Task) -> Iterator[str]:
    if not run.tasks[task.parent].entered:
        yield from _as_group(run, task)
        return
    for one in _upstreams(run, task):
        if one.state is State.SKIPPED:
            yield f"depends on {_named(one)}"
            yield from _skipped(run, one)
    if _was_asked(task):
        yield f"the condition of {task.path} is false"


def _was_asked(task: Task) -> bool:
    """Whether the task has a condition and its operands were known."""
    return task.spec.trigger.condition is not None and task.index is None and task.inputs != NO_INPUTS


def _not_started(run: Run, task: Task) -> Iterator[str]:
    if not run.tasks[task.parent].entered:
        yield from _as_group(run, task)
        return
    blocking = next((one for one in _upstreams(run, task) if one.state in _FAILED), None)
    if blocking is None:
        yield _message(task.error)
        return
    yield f"depends on {_named(blocking)}"
    if blocking.state is State.UPSTREAM_FAILED:
        yield from _not_started(run, blocking)
    else:
        yield from (f"root cause: {_cause(one)}" for one in causes(run, blocking)[:10])


def _canceled(run: Run, task: Task) -> Iterator[str]:
    request = run.cancel
    if request is None:
        yield _message(task.error)
        return
    how = "let running tasks finish and start nothing new" if request.let_finish else "end"
    yield f"the run was asked to {how}{', exit tasks included' if request.force else ''}"
    yield "it had begun" if task.started_at is not None else "it had not begun"
    if not request.exit_tasks:
        yield "the request said that exit tasks do not run"


def _as_group(run: Run, task: Task) -> Iterator[str]:
    """What there is to say of a task in a group that was never entered: what there is to say of that."""
    group = run.tasks[task.parent]
    yield f"stands in {_named(group)}, which was never entered"
    yield from _WHY[group.state](run, group)
    yield from (f"{one.topic.lower()}: {one.text}" for one in _condition(group))


_WHY: Final[Mapping[State, Callable[[Run, Task], Iterator[str]]]] = {
    State.PENDING: _waiting,
    State.RUNNING: _ran,
    State.SUCCEEDED: _ran,
    State.FAILED: _ran,
    State.SKIPPED: _skipped,
    State.UPSTREAM_FAILED: _not_started,
    State.CANCELED: _canceled,
}


# --- condition and attempts -------------------------------------------------------------------------------------------


def _condition(task: Task) -> Iterator[Reason]:
    """The condition with the values of what it names, once it was asked."""
    condition = task.spec.trigger.condition
    if condition is None or not _was_asked(task):
        return
    yield Reason(topic="Condition", text=condition)
    known = as_declared(task.component, task.inputs)
    for name in dict.fromkeys(bracketed or dotted for bracketed, dotted in _NAMES.findall(condition)):
        yield Reason(topic="Operand", text=f"{name} = {_value(known, name)}")


def _value(inputs: Inputs, name: str) -> str:
    if name in inputs.parameters:
        return preview(inputs.parameters[name])
    if name in inputs.artifacts:
        return ", ".join(one.uri for one in inputs.artifacts[name])
    return "nothing"


def _attempts(task: Task) -> Iterator[Reason]:
    for past in task.history:
        yield Reason(topic="Attempt", text=f"{past.attempt} ended with {_message(past.error)}")
    if task.history and task.state.is_final and task.attempt > task.history[-1].attempt:
        yield Reason(topic="Attempt", text=f"{task.attempt} was the last, and ended {task.state.value}")
    elif task.retry.limit and task.kind.is_leaf:
        yield Reason(topic="Attempt", text=f"{task.attempt} of at most {task.retry.limit + 1 + task.uncounted}")


# --- words ------------------------------------------------------------------------------------------------------------


def _named(task: Task) -> str:
    return f"{task.path} ({task.state.value})"


def _place(path: str) -> str:
    return path or "the pipeline"


def _cause(task: Task) -> str:
    return f"{task.path}: {_message(task.error)}"


def _message(error: TaskError | None) -> str:
    return "no error is on record" if error is None else f"{error.code.value} {error.code.name}: {error.message}"


# --- neighbours -------------------------------------------------------------------------------------------------------


def _topology(run: Run, task: Task) -> Topology:
    dag = run.tasks[task.parent].component.dag
    return Topology() if dag is None or task.index is not None or task.path == ROOT else dag.topology


def _upstreams(run: Run, task: Task) -> list[Task]:
    return [run.tasks[child_path(task.parent, key)] for key in _topology(run, task).upstreams.get(task.spec.key, ())]


def _gates(run: Run, task: Task) -> list[Task]:
    return [run.tasks[child_path(task.parent, key)] for key in _topology(run, task).gates.get(task.spec.key, ())]
