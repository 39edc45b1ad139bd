"""The one place where the SDK's compiler is extended.

Four of its functions and one method are wrapped, once, when `postlude.dsl` is imported. For pipelines that were not
written with `postlude.dsl` the wrappers do nothing. For the others:

* `create_pipeline_spec`, which makes the IR of one pipeline: what `ExitHandler` put off is done after it.
* `build_component_spec_for_task`: an exit task may ask for a final status, wherever it stands.
* `build_exit_handler_groups_recursively`, which writes exit tasks to the root, has nothing left to do.
* `get_inputs_for_all_groups`, which mixes up loops, gets its answer completed.
* `PipelineTask.ignore_upstream_failure` takes inputs that were left out for what they are.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from postlude.dsl import sdk
from postlude.dsl.after import take_waits
from postlude.dsl.connect import connect
from postlude.dsl.exit_handler import ExitHandler, after_others
from postlude.dsl.group_inputs import complete
from postlude.dsl.loop_items import name_items
from postlude.dsl.plan import NOTHING, Plan
from postlude.dsl.regardless import regardless
from postlude.dsl.tree import groups_below, handlers, place

Function = Callable[..., Any]


_plan: Final[ContextVar[Plan]] = ContextVar("_plan", default=NOTHING)
_authored: Final[ContextVar[bool]] = ContextVar("_authored", default=False)


@contextmanager
def authored() -> Iterator[None]:
    """Inside, pipelines are written with `postlude.dsl`, and what the SDK gets wrong in them is put right."""
    token = _authored.set(True)
    try:
        yield
    finally:
        _authored.reset(token)


def install() -> None:
    """Extend the SDK's compiler; once, however often it is asked for."""
    if getattr(sdk.builder.create_pipeline_spec, "by_postlude", False):
        return
    for name, wrap in _WRAPPERS.items():
        _replace(sdk.builder, name, wrap)
    _replace(sdk.builder.compiler_utils, "get_inputs_for_all_groups", _inputs_for_all_groups)
    _replace(sdk.PipelineTask, "ignore_upstream_failure", _tolerating_left_out_inputs)


def _replace(owner: Any, name: str, wrap: Callable[[Function], Function]) -> None:
    original = getattr(owner, name)
    wrapped = functools.wraps(original)(wrap(original))
    wrapped.by_postlude = True  # type: ignore[attr-defined]  # a mark of ours
    setattr(owner, name, wrapped)


def _planned(pipeline: Any) -> Plan:
    root = pipeline.groups[0]
    found = handlers(root)
    ours = any(isinstance(handler, ExitHandler) for handler in found)
    if not ours and not _authored.get():
        return NOTHING
    name_items(pipeline)
    groups = tuple(regardless(pipeline))
    if not ours:
        return Plan(regardless=groups)
    _adopt(root, found)
    return Plan(handlers=tuple(found), regardless=groups, waits=take_waits(pipeline))


def _adopt(root: Any, found: list[Any]) -> None:
    """Put every exit task where an ordinary task of its DAG is, those of the SDK's own handlers too."""
    parents = {inner.name: group for group in groups_below(root) for inner in group.groups}
    for handler in found:
        exit_task = handler.exit_task
        if exit_task.dependent_tasks:
            raise sdk.DslError(f"{handler.name}: {after_others(exit_task)}")
        place(exit_task, parents[handler.name], root)
        # Both marks would have the compiler treat it otherwise than a task of its DAG.
        exit_task.is_exit_handler = exit_task._ignore_upstream_failure_tag = False  # noqa: SLF001 - the SDK's own mark


def _create_pipeline_spec(original: Function) -> Function:
    signature = inspect.signature(original)

    def create(*args: Any, **kwargs: Any) -> Any:
        pipeline = signature.bind(*args, **kwargs).arguments["pipeline"]
        plan = _planned(pipeline)
        token = _plan.set(plan)
        try:
            made = original(*args, **kwargs)
        finally:
            _plan.reset(token)
        connect(made[0], pipeline.groups[0], plan)
        return made

    return create


def _component_for_task(original: Function) -> Function:
    signature = inspect.signature(original)

    def build(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        if _plan.get().ends_with(given.arguments["task"]):
            given.arguments["is_exit_task"] = True
        return original(*given.args, **given.kwargs)

    return build


def _inputs_for_all_groups(original: Function) -> Function:
    signature = inspect.signature(original)

    def find(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        if _plan.get() is not NOTHING:
            given = signature.bind(*args, **kwargs).arguments
            lines = {**given["group_name_to_parent_groups"], **given["task_name_to_parent_groups"]}
            complete(given["pipeline"], found, lines, given["condition_channels"])
        return found

    return find


def _exit_tasks_to_the_root(original: Function) -> Function:
    def build(*args: Any, **kwargs: Any) -> Any:
        return None if _plan.get().handlers else original(*args, **kwargs)

    return build


def _tolerating_left_out_inputs(original: Function) -> Function:
    def ignore_upstream_failure(task: Any) -> Any:
        given = task._inputs  # noqa: SLF001 - what the SDK's method reads
        task._inputs = {**dict.fromkeys(task.component_spec.inputs or {}), **given}  # noqa: SLF001 - as above
        try:
            return original(task)
        finally:
            task._inputs = given  # noqa: SLF001 - as above

    return ignore_upstream_failure


_WRAPPERS: Final = {
    "create_pipeline_spec": _create_pipeline_spec,
    "build_component_spec_for_task": _component_for_task,
    "build_exit_handler_groups_recursively": _exit_tasks_to_the_root,
}
