"""Groups that must start although an upstream failed, since a task in them was told to ignore that.

The SDK moves the dependency of a task inside a group on one outside to the group, and drops what the task was told:
the group would not start, and the task in it neither.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from postlude.dsl import sdk
from postlude.dsl.tree import apart, groups_below, handlers, lines


class _Need(NamedTuple):
    """A task in a group that needs a task or group outside of it."""

    group: str
    task: str
    upstream: str
    ignores_failure: bool


def regardless(pipeline: Any) -> list[Any]:
    """The groups whose upstreams' failures are all to be ignored.

    Raises:
        DslError: In one group some tasks ignore failures outside, and some need what failed.
    """
    root = pipeline.groups[0]
    groups = {group.name: group for group in groups_below(root)}
    needs: dict[str, list[_Need]] = {}
    for need in _needs(pipeline, lines(root)):
        needs.setdefault(need.group, []).append(need)
    ignoring = ((groups[name], found) for name, found in needs.items() if _ignores(found))
    return [group for group, found in ignoring if not _needed_itself(group, found)]


def _needs(pipeline: Any, line_of: Mapping[str, tuple[str, ...]]) -> Iterator[_Need]:
    exit_tasks = {handler.exit_task.name for handler in handlers(pipeline.groups[0])}
    for task in pipeline.tasks.values():
        ignores = task._ignore_upstream_failure_tag and task.name not in exit_tasks  # noqa: SLF001 - the SDK shows it nowhere else
        for upstream in _upstreams(task):
            if upstream in line_of and task.name in line_of:
                (group, *inside), _ = apart(line_of[task.name], line_of[upstream])
                if inside:
                    yield _Need(group, task.name, upstream, ignores)


def _upstreams(task: Any) -> set[str]:
    return {*task.dependent_tasks, *(channel.task_name for channel in task.channel_inputs if channel.task_name)}


def _ignores(needs: list[_Need]) -> bool:
    """Whether the tasks of a group ignore failures outside.

    Raises:
        DslError: Some do, and some do not.
    """
    one = next((need for need in needs if need.ignores_failure), None)
    other = next((need for need in needs if not need.ignores_failure), None)
    if one is None:
        return False
    if other is None:
        return True
    raise sdk.DslError(
        f"{one.group}: its task '{one.task}' ignores whether '{one.upstream}' outside failed, but '{other.task}' in it "
        f"needs '{other.upstream}', and a group starts for all its tasks. Move one of them into a group of its own."
    )


def _needed_itself(group: Any, needs: list[_Need]) -> bool:
    """Whether the group cannot do without such an upstream: for its loop's items, or its condition."""
    upstreams = {need.upstream for need in needs}
    channels = [channel for each in groups_below(group) for channel in _own_channels(each)]
    return any(channel.task_name in upstreams for channel in channels)


def _own_channels(group: Any) -> Iterator[Any]:
    if isinstance(group, sdk.ParallelFor):
        items = group.loop_argument
        yield from (each for each in (items, getattr(items, "items_or_pipeline_channel", None)) if _is_channel(each))
    for condition in getattr(group, "conditions", None) or [getattr(group, "condition", None)]:
        operands = (getattr(condition, "left_operand", None), getattr(condition, "right_operand", None))
        yield from (each for each in operands if _is_channel(each))


def _is_channel(value: Any) -> bool:
    return isinstance(value, sdk.Channel)
