"""Counts what a pipeline is made of, without running or expanding it."""

from collections.abc import Mapping

import msgspec

from postlude.spec.types import Component, Pipeline


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each a pipeline holds; a component used twice counts twice, a loop's body once.

    Attributes:
        tasks: Tasks that run by themselves, importers included.
        groups: Groups and loops.
        exit_handlers: Groups with an exit task.
    """

    tasks: int = 0
    groups: int = 0
    exit_handlers: int = 0

    def __add__(self, other: "Census") -> "Census":
        return Census(
            tasks=self.tasks + other.tasks,
            groups=self.groups + other.groups,
            exit_handlers=self.exit_handlers + other.exit_handlers,
        )


_LEAF = Census(tasks=1)


def census(pipeline: Pipeline) -> Census:
    """What the whole pipeline holds. Linear in the IR, however often components are used again."""
    return _inside(pipeline.root, pipeline.components, {})


def _inside(component: Component, components: Mapping[str, Component], known: dict[str, Census]) -> Census:
    if component.dag is None:
        return _LEAF
    total = Census(exit_handlers=len(set(component.dag.topology.exit_of.values())))
    for task in component.dag.tasks.values():
        called = components[task.component]
        if task.component not in known:
            known[task.component] = _inside(called, components, known)
        is_group = called.dag is not None or task.iterator is not None
        total += known[task.component] + Census(groups=int(is_group))
    return total
