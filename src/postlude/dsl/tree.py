"""The tree of groups and tasks that the SDK keeps while a pipeline function runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from postlude.dsl import sdk


def groups_below(group: Any) -> Iterator[Any]:
    """A group and all groups in it, outermost first."""
    yield group
    for inner in group.groups:
        yield from groups_below(inner)


def handlers(root: Any) -> list[Any]:
    """Every ExitHandler below the root, the SDK's own included, outermost first."""
    return [group for group in groups_below(root) if isinstance(group, sdk.tasks_group.ExitHandler)]


def place(task: Any, group: Any, root: Any) -> None:
    """Move a task into a group, wherever below the root it was."""
    root.remove_task_recursive(task)
    group.tasks.append(task)
    task.parent_task_group = group


def trail(group: Any, name: str) -> tuple[Any, ...]:
    """The groups that lead from this one to the task or group of that name, both ends of the way out; () if none."""
    if any(each.name == name for each in (*group.tasks, *group.groups)):
        return (group,)
    for inner in group.groups:
        if found := trail(inner, name):
            return (group, *found)
    return ()


def lines(root: Any) -> Mapping[str, tuple[str, ...]]:
    """For the name of each task and group below the root: the names from the root's child down to itself."""
    found: dict[str, tuple[str, ...]] = {}
    _add_lines(root, (), found)
    return found


def apart(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is left of two lines after what they have in common."""
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    return one[common:], other[common:]


def _add_lines(group: Any, above: tuple[str, ...], found: dict[str, tuple[str, ...]]) -> None:
    for task in group.tasks:
        found[task.name] = (*above, task.name)
    for inner in group.groups:
        found[inner.name] = (*above, inner.name)
        _add_lines(inner, (*above, inner.name), found)
