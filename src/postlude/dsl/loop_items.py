"""Items of loops: which are at hand where, and their keys (`item.key`), of which the SDK loses some on their way.

An item is named after what is looped over, so that the names of two may be the same, or one a part of the other.
"""

from collections.abc import Iterator
from typing import Any, Final

from postlude.dsl import sdk
from postlude.dsl.tree import groups_below

_KEY: Final = "-subvar-"
"""What the SDK writes between the name of an item and a key of it."""


def is_item_inside(group: Any, channel: Any) -> bool:
    """Whether a channel is an item, or a key of one, of a loop in the group."""
    loops = list(_loops(groups_below(group)))
    if isinstance(channel, sdk.LOOP_ITEMS):
        return any(sdk.item_of(channel) is loop.loop_argument for loop in loops)
    # Of an item in a text only its name is left. Where a loop around has an item of that name, it is meant.
    return _is_named(channel, loops) and not _is_named(channel, _loops(sdk.Pipeline.get_default_pipeline().groups))


def _loops(groups: Any) -> Iterator[Any]:
    return (group for group in groups if isinstance(group, sdk.ParallelFor))


def _is_named(channel: Any, loops: Any) -> bool:
    return any(_key_of(channel, loop) is not None for loop in loops)


def _key_of(channel: Any, loop: Any) -> str | None:
    """The key of the loop's item that a channel is by its name, "" for the item itself; None if it is neither."""
    name, item = channel.full_name, loop.loop_argument.full_name
    if name == item:
        return ""
    owner, _, key = name.rpartition(_KEY)
    return key if owner == item and key.isidentifier() else None


# --- for the compiler -------------------------------------------------------------------------------------------------


def name_items(pipeline: Any) -> None:
    """Let each task know the items that it uses as the loops around it do, also those in its texts and those of keys.

    The SDK looks for an item in a text among the pipeline's parameters, and brings a key of an item of constants to
    where the item itself is needed.

    Raises:
        DslError: A text holds a key of an item, or two loops, one in the other, are over the same.
    """
    for group, around in _with_loops_around(pipeline.groups[0], ()):
        for task in group.tasks:
            task.channel_inputs[:] = [_as_item(task, channel, group, around) for channel in task.channel_inputs]


def _with_loops_around(group: Any, around: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The group and all below it, each with the loops that it is in, itself included."""
    if isinstance(group, sdk.ParallelFor):
        _require_own_name(group, around)
        around = (*around, group)
    yield group, around
    for inner in group.groups:
        yield from _with_loops_around(inner, around)


def _require_own_name(loop: Any, around: tuple[Any, ...]) -> None:
    name = loop.loop_argument.full_name
    if twin := next((each for each in around if each.loop_argument.full_name == name), None):
        raise sdk.DslError(
            f"{loop.name}: loops over what {twin.name} around it loops over, and the SDK takes the items of both for "
            "the same. Pass the list as two parameters, or loop over two tasks' outputs."
        )


def _as_item(task: Any, channel: Any, group: Any, around: tuple[Any, ...]) -> Any:
    if isinstance(channel, sdk.LoopItemKey):
        item = channel.loop_argument
        lost = channel.is_with_items_loop_argument and getattr(group, "loop_argument", None) is not item
        return item if lost else channel
    if isinstance(channel, sdk.LOOP_ITEMS):
        return channel
    for loop in around:
        match _key_of(channel, loop):
            case None:
                continue
            case "":
                return loop.loop_argument
            case key:
                raise sdk.DslError(_no_text_of(task, key))
    return channel


def _no_text_of(task: Any, key: str) -> str:
    return (
        f"{task.name}: a text among its arguments holds '{key}' of a loop's item, which the SDK cannot compile. Pass "
        f"item.{key} as an argument of its own, and make the text in the component."
    )
