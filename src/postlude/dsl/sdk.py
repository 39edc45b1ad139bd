"""The official SDK as this room needs it: where its parts are, and whether they are what we lean on.

We lean on four functions of `kfp.compiler.pipeline_spec_builder`, the same from the first SDK 2 to the latest: what
builds a whole pipeline, one group, the component of one task, and the exit tasks; and on the one of `compiler_utils`
that says what each group is given. `seam.py` wraps four of them.
`faults` checks their arguments and who calls whom, so that a release that works differently is refused and not obeyed
by half.
"""

import inspect
import warnings
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any, Final, NamedTuple

from packaging.version import Version

from postlude.spec.problem import ConfigError

FIRST_TESTED: Final = "2.0.1"
LAST_TESTED: Final = "2.17.0"


class SdkError(ConfigError, ImportError):
    """The KFP SDK is absent, or not one that `postlude.dsl` can extend."""


class DslError(ValueError):
    """The author wrote what no pipeline can mean; the message says where, what was found, and what to do."""


class SdkWarning(UserWarning):
    """The SDK is newer than those that `postlude.dsl` was tested with."""


try:
    import kfp
    import kfp.dsl
    from kfp.compiler import pipeline_spec_builder
except ImportError as _missing:
    raise SdkError(
        "postlude.dsl extends the official KFP SDK 2, and this Python cannot import it "
        f"({_missing}). Install postlude[sdk]."
    ) from _missing

VERSION: Final[str] = kfp.__version__
dsl: Final[Any] = kfp.dsl
builder: Final[Any] = pipeline_spec_builder
# The builder names its own modules, wherever a release keeps them: kfp.components in 2.0, kfp.dsl since.
tasks_group: Final[Any] = builder.tasks_group
channels: Final[Any] = builder.pipeline_channel
type_utils: Final[Any] = builder.type_utils
pb2: Final[Any] = builder.pipeline_spec_pb2
PipelineTask: Final[Any] = builder.pipeline_task.PipelineTask
TasksGroup: Final[Any] = tasks_group.TasksGroup
Pipeline: Final[Any] = builder.pipeline_context.Pipeline
Channel: Final[Any] = channels.PipelineChannel
ParallelFor: Final[Any] = tasks_group.ParallelFor
Collected: Final[Any] = builder.for_loop.Collected
LOOP_ITEMS: Final[Any] = tuple(
    value for name, value in vars(builder.for_loop).items() if name.startswith("Loop") and isinstance(value, type)
)
"""The channels that are an item of a loop, or a part of one."""
LoopItemKey: Final[Any] = builder.for_loop.LoopArgumentVariable
"""The channel that is one key of an item, `item.key`."""


def item_of(channel: Any) -> Any:
    """The item that a channel of a loop is, or is a key of."""
    return channel.loop_argument if isinstance(channel, LoopItemKey) else channel


class _Part(NamedTuple):
    """What a function of the builder must be like: arguments it takes, functions it calls."""

    takes: frozenset[str]
    calls: frozenset[str] = frozenset()


_PARTS: Final[Mapping[str, _Part]] = {
    "create_pipeline_spec": _Part(
        frozenset({"pipeline", "component_spec"}),
        frozenset({"build_spec_by_group", "build_exit_handler_groups_recursively", "get_inputs_for_all_groups"}),
    ),
    "build_spec_by_group": _Part(frozenset({"group", "inputs"}), frozenset({"build_component_spec_for_task"})),
    "build_component_spec_for_task": _Part(frozenset({"task", "is_exit_task"})),
    "build_exit_handler_groups_recursively": _Part(frozenset({"parent_group"})),
}
_METHODS: Final = (
    (Pipeline, ("get_default_pipeline", "remove_task_from_groups", "push_tasks_group", "pop_tasks_group")),
    (PipelineTask, ("ignore_upstream_failure", "inputs", "channel_inputs", "dependent_tasks")),
    (TasksGroup, ("__enter__", "__exit__")),
    (builder.compiler_utils, ("get_inputs_for_all_groups",)),
)


def faults(compiler: Any = builder) -> Iterator[str]:
    """What a release of the SDK lacks or does otherwise, each in a few words; nothing where it can be extended."""
    for name, part in _PARTS.items():
        function = getattr(compiler, name, None)
        if not isinstance(function, FunctionType):
            yield f"{name} is missing"
            continue
        theirs = inspect.unwrap(function)  # ours, where the seam is in place already
        taken, called = inspect.signature(theirs).parameters, theirs.__code__.co_names
        yield from (f"{name} takes no {each}" for each in sorted(part.takes - set(taken)))
        yield from (f"{name} calls no {each}" for each in sorted(part.calls - set(called)))
    for owner, names in _METHODS:
        yield from (f"{owner.__name__} has no {each}" for each in names if not hasattr(owner, each))


def check(version: str, found: tuple[str, ...]) -> None:
    """Accept an SDK, accept it with a warning, or refuse it.

    Args:
        version: The release, as it calls itself.
        found: What `faults` found in it.

    Raises:
        SdkError: It works differently from those that were tested.
    """
    tested = f"It was tested with kfp {FIRST_TESTED} to {LAST_TESTED}"
    if found:
        raise SdkError(
            f"kfp {version}: postlude.dsl cannot extend its compiler ({'; '.join(found)}). "
            f"{tested}: install one of these, or a Postlude that knows this one."
        )
    if Version(version) > Version(LAST_TESTED):
        news = f"kfp {version} is newer than what postlude.dsl knows. {tested}; its compiler looks the same, so go on."
        warnings.warn(news, SdkWarning, stacklevel=2)


check(VERSION, tuple(faults()))
