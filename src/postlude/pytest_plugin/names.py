"""Which tasks of a pipeline a test means: by path, by task name, by component name, or by the component itself."""

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec

from postlude.api.compiling import is_component
from postlude.api.source import load_source
from postlude.spec.paths import ANY, Place, pattern_of, places, refusal
from postlude.spec.types import Container, Importer, Pipeline

_NUMBERED: Final = re.compile(r"(?P<name>.+)-\d+")
_FUNCTION: Final = "--function_to_execute"


class Rank(IntEnum):
    """By what a task is meant; the first that fits is taken, and counts more than the others."""

    PATH = 0
    TASK = 1
    COMPONENT = 2


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks that a key means.

    Attributes:
        rank: By what it means them.
        paths: Their paths; each iteration is "[*]" unless the key says which.
    """

    rank: Rank
    paths: Sequence[str]


class UnknownTaskError(LookupError):
    """A key means no task of the pipeline; the message says which there are."""


class Names:
    """The tasks of a pipeline, by what people call them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.places = places(pipeline)

    def tasks(self, key: Any) -> Meant:
        """The leaf tasks that a key means.

        Raises:
            UnknownTaskError: There are none.
        """
        found = self.find(key)
        leaves = [path for path in found.paths if self.place(path).leaf]
        if leaves:
            return Meant(rank=found.rank, paths=leaves)
        raise UnknownTaskError(refusal(self.places, found.paths[0]))

    def find(self, key: Any) -> Meant:
        """The tasks and groups that a key means.

        Raises:
            UnknownTaskError: There are none.
        """
        if not isinstance(key, str):
            return self._of_component(key)
        if pattern_of(key) in self.places:
            return Meant(rank=Rank.PATH, paths=[key])
        if named := [path for path in self.places if path.removesuffix(ANY).rpartition("/")[2] == key]:
            return Meant(rank=Rank.TASK, paths=named)
        if made := [path for path, place in self.places.items() if key in self._names(place)]:
            return Meant(rank=Rank.COMPONENT, paths=made)
        raise UnknownTaskError(refusal(self.places, key))

    def place(self, path: str) -> Place:
        """What stands at a path, with or without the numbers of iterations."""
        return self.places[pattern_of(path)]

    # --- components ---------------------------------------------------------------------------------------------------

    def _of_component(self, component: Any) -> Meant:
        if not is_component(component):
            what = f"is of type {type(component).__name__!r}. Name a task, or give a component of the pipeline."
            raise UnknownTaskError(what)
        alike = [place.path for place in self.places.values() if component.name in self._names(place)]
        made = alike if hasattr(component, "python_func") else list(self._with_its_program(component, alike))
        if made:
            return Meant(rank=Rank.COMPONENT, paths=made)
        used = sorted({name for place in self.places.values() if place.leaf for name in self._names(place)})
        raise UnknownTaskError(f"the pipeline does not use this component. It uses: {', '.join(used) or 'none'}.")

    def _names(self, place: Place) -> set[str]:
        """The names of a task's component. The SDK numbers those that have the same name and differ in settings."""
        key = place.component.name.removeprefix("comp-")
        numbered = _NUMBERED.fullmatch(key)
        if numbered is None:
            return {key}
        name, function = numbered["name"], self._function(place)
        varies = f"comp-{name}" in self._pipeline.components if function is None else _sanitized(function) == name
        return {key, name} if varies else {key}

    def _function(self, place: Place) -> str | None:
        """The function of a Python component; None for any other."""
        executor = self._pipeline.executors.get(place.component.executor)
        argv = (*executor.command, *executor.args) if isinstance(executor, Container) else ()
        return argv[argv.index(_FUNCTION) + 1] if _FUNCTION in argv[:-1] else None

    def _with_its_program(self, component: Any, paths: Sequence[str]) -> Iterator[str]:
        """Those of the paths at which a component without a function stands, rather than one that is called alike."""
        alone = _program(list(load_source(component).executors.values())[:1])
        for path in paths:
            executor = self._pipeline.executors.get(self.places[path].component.executor)
            if executor is None or _program([executor]) == alone:
                yield path


def _program(executors: Sequence[Container | Importer]) -> tuple[str, ...]:
    return tuple(word for one in executors if isinstance(one, Container) for word in (*one.command, *one.args))


def _sanitized(function: str) -> str:
    return re.sub("[^a-z0-9]+", "-", function.lower()).strip("-")
