"""What each group must be given for the tasks in it.

The SDK decides whether a loop is the one over a list by whether the list's name is a part of the item's. With a loop
over `names` around, a parameter `n` gets no further than that loop, and items get to groups that are not in theirs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from postlude.dsl import sdk
from postlude.dsl.tree import groups_below

Inputs = Mapping[str, set[tuple[Any, str | None]]]
"""For each group and task, the channels that it is given, each with who makes it in the DAG around it."""


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tasks and groups of a pipeline are.

    Attributes:
        lines: For each of them, the names from the root to itself.
        loops: The loops, by name.
    """

    lines: Mapping[str, list[str]]
    loops: Mapping[str, Any]

    def loops_around(self, name: str) -> list[Any]:
        """The loops that a group is in, itself aside."""
        return [self.loops[each] for each in self.lines[name][:-1] if each in self.loops]


def complete(pipeline: Any, found: Inputs, lines: Mapping[str, list[str]], conditions: Mapping[str, Any]) -> None:
    """Give each group what the tasks in it need, and no item of a loop that it is not in.

    Args:
        pipeline: The SDK's pipeline.
        found: What the SDK gives each group; changed.
        lines: For each task and group, the names from the root to itself.
        conditions: For each task, the channels of the conditions around it.
    """
    loops = {group.name: group for group in groups_below(pipeline.groups[0]) if isinstance(group, sdk.ParallelFor)}
    tree = Tree(lines=lines, loops=loops)
    for name, given in found.items():
        given -= {each for each in given if _is_out_of_place(tree, name, each[0])}
    for task in pipeline.tasks.values():
        for channel in (*task.channel_inputs, *conditions[task.name]):
            for group, carried in _needed(tree, task.name, channel):
                if carried.full_name not in {each.full_name for each, _ in found[group]}:
                    found[group].add((carried, None))


def _is_out_of_place(tree: Tree, name: str, channel: Any) -> bool:
    """Whether a channel is an item of a loop over a list that neither is the group nor is around it.

    Items of constants, which the SDK passes to any group, stay: nobody uses them there, and the IR stays the SDK's.
    """
    if not isinstance(channel, sdk.LOOP_ITEMS) or sdk.item_of(channel).is_with_items_loop_argument:
        return False
    home = next((each.name for each in tree.loops.values() if each.loop_argument is sdk.item_of(channel)), None)
    return home is not None and home not in tree.lines.get(name, ())


def _needed(tree: Tree, task: str, channel: Any) -> Iterator[tuple[str, Any]]:
    """The groups that bring a channel to a task from further out, each with what stands for it there."""
    above = tree.lines[channel.task_name] if channel.task_name else []
    for name in tree.lines[task][1:-1]:
        if name not in above and (carried := _carried(channel, tree.loops_around(name))) is not None:
            yield name, carried


def _carried(channel: Any, around: list[Any]) -> Any:
    """What stands for a channel inside these loops: itself, its item, or what that is an item of; None if nothing."""
    at = channel
    while isinstance(at, sdk.LOOP_ITEMS):
        item = sdk.item_of(at)
        if any(loop.loop_argument is item for loop in around):
            return item
        at = item.items_or_pipeline_channel
    return at if isinstance(at, sdk.Channel) else None
