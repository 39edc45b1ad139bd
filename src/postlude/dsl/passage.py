"""Outputs of a handler's body that its exit task consumes.

The SDK refuses them: a task outside a group may not use what a task inside gives. In the exit task they are replaced by
channels that look like inputs of the group around the handler, which the SDK's compiler lets pass; `connect.py` then
lets the handler's group give out the outputs, and binds the exit task to those.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from postlude.dsl import sdk
from postlude.dsl.loop_items import is_item_inside
from postlude.dsl.tree import trail

PREFIX: Final = "pipelinechannel--"
"""What the SDK's compiler puts before the name of an input or output that it made up to pass a value on."""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """One output on its way out of a group.

    Attributes:
        name: What the groups on its way call it.
        producer: The task that makes it; the group of branches for what one of several tasks makes.
        output: What its producer calls it.
        groups: The groups on its way, from the one that lets it out to the one that holds the producer.
        branches: For what one of several tasks makes: the way of each to the group of branches.
    """

    name: str
    producer: str
    output: str
    groups: tuple[Any, ...]
    branches: tuple["Passage", ...] = ()


def take_from_body(handler: Any, task: Any, where: str) -> tuple[Passage, ...]:
    """Let the exit task consume outputs of the handler's body; how they get out.

    Raises:
        DslError: An input requires an output that may be missing, or one that cannot get out.
    """
    passages: dict[str, Passage] = {}
    for name, value in list(task.inputs.items()):
        for channel in _from_body(handler, value):
            passage = _passage(handler, channel, f"{where}: the input '{name}' of its exit task '{task.name}'")
            _require_default(task, name, passage, where)
            task.inputs[name] = _replaced(task.inputs[name], channel, _stand_in(channel, passage))
            passages[passage.name] = passage
    mine = {channel.pattern for channel in task.channel_inputs if _is_from_body(handler, channel)}
    task.channel_inputs[:] = [channel for channel in task.channel_inputs if channel.pattern not in mine]
    return tuple(passages.values())


def _from_body(handler: Any, value: Any) -> Iterator[Any]:
    found = sdk.channels.extract_pipeline_channels_from_any(value)
    return (channel for channel in found if _is_from_body(handler, channel))


def _is_from_body(handler: Any, channel: Any) -> bool:
    return bool(channel.task_name and trail(handler, channel.task_name)) or is_item_inside(handler, channel)


def _passage(handler: Any, channel: Any, where: str) -> Passage:
    if is_item_inside(handler, channel):
        raise sdk.DslError(f"{where} is an item of a loop inside, which has ended. Pass the loop's items instead.")
    if branches := getattr(channel, "channels", None):
        return _one_of(handler, channel, branches, where)
    name = f"{PREFIX}{channel.task_name}-{channel.name}"
    groups = trail(handler, channel.task_name)
    _require_collected(channel, groups, where)
    return Passage(name=name, producer=channel.task_name, output=channel.name, groups=groups)


def _one_of(handler: Any, channel: Any, branches: list[Any], where: str) -> Passage:
    groups = trail(handler, channel.task_name)
    _require_collected(channel, groups, where)
    around = next(each for each in groups[-1].groups if each.name == channel.task_name)
    ways = tuple(_passage(around, each, where) for each in branches)
    return Passage(name=channel.name, producer=channel.task_name, output=channel.name, groups=groups, branches=ways)


def _require_collected(channel: Any, groups: tuple[Any, ...], where: str) -> None:
    loops = [group.name for group in groups if isinstance(group, sdk.ParallelFor)]
    if loops and not isinstance(channel, sdk.Collected):
        raise sdk.DslError(
            f"{where} is an output of '{channel.task_name}', of which {loops[0]} makes many. "
            "Pass dsl.Collected(...) of it, to an input that is a list."
        )
    if not loops and isinstance(channel, sdk.Collected):
        raise sdk.DslError(f"{where} is dsl.Collected(...) of '{channel.task_name}', which is in no loop. Drop it.")


def _require_default(task: Any, name: str, passage: Passage, where: str) -> None:
    declared = task.component_spec.inputs[name]
    if not declared.optional:
        raise sdk.DslError(
            f"{where}: its exit task '{task.name}' requires input '{name}', an output of '{passage.producer}' inside, "
            f"which may be missing when the exit task runs. Give '{name}' a default in component "
            f"'{task.component_spec.name}', or make it Optional."
        )


def _stand_in(channel: Any, passage: Passage) -> Any:
    """A channel that the compiler takes for an input of the group around, by the name that the passage has."""
    return sdk.channels.create_pipeline_channel(
        name=passage.name.removeprefix(PREFIX),
        channel_type=channel.channel_type,
        is_artifact_list=getattr(channel, "is_artifact_list", False),
    )


def _replaced(value: Any, old: Any, new: Any) -> Any:
    """An argument with one channel replaced by another, in whatever it is made of."""
    if value is old:
        return new
    if isinstance(value, str):
        return value.replace(old.pattern, str(new))
    if isinstance(value, sdk.Channel):
        return new if value.pattern == old.pattern else value
    if isinstance(value, list | tuple):
        return [_replaced(each, old, new) for each in value]
    if isinstance(value, dict):
        return {_replaced(key, old, new): _replaced(each, old, new) for key, each in value.items()}
    return value
