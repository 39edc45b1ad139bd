"""Reads a test's words, `replace`, `fail` and `outputs`, against a pipeline."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from postlude.api.compiling import is_component
from postlude.api.faults import check_products, named_faults, named_products
from postlude.engines.simulated.scenario import Product
from postlude.pytest_plugin.names import Meant, Names, Rank, UnknownTaskError
from postlude.runtime.faults import Fault, FaultKind
from postlude.spec.problem import Problem, SpecError
from postlude.spec.types import Json, Pipeline
from postlude.testing.given import misfit
from postlude.testing.stand_ins import StandIn, StandIns

SOURCE: Final = "the test"
"""What errors call the words."""

Replacements = Mapping[Any, Callable[..., Any]]
"""Functions by the task or component that they take the place of."""
Tasks = Any
"""Which tasks: a key, several, or keys with a message each. A key is as for `Replacements`, or one with "@ATTEMPT"."""
Outputs = Mapping[str, Json]
"""Values by "TASK.OUTPUT"."""


@dataclass(slots=True)
class Cast:
    """What a test asks of a pipeline, with every task found; collects what is wrong until `check`."""

    pipeline: Pipeline
    names: Names = field(init=False)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = Names(self.pipeline)

    def check(self) -> None:
        """See that nothing was wrong.

        Raises:
            SpecError: Something was; lists all of it.
        """
        __tracebackhide__ = True
        if self.problems:
            raise SpecError(SOURCE, self.problems)

    def stand_ins(self, replace: Replacements, given: Sequence[Product], *, produce: bool) -> StandIns:
        """Who takes the place of which task.

        Args:
            replace: Functions.
            given: Outputs, none of which may be of a task that a function takes the place of.
            produce: Whether the outputs are to be produced by stand-ins, too.
        """
        functions = list(self._functions(replace))
        self._refuse_doubles(functions, given)
        found = [*functions, *(self._products(given) if produce else ())]
        programs = [place.path for place in self.names.places.values() if place.leaf and not place.importer]
        replaced = {one.path for one in found}
        return StandIns(found, everywhere=all(path in replaced for path in programs))

    def faults(self, kind: FaultKind, tasks: Tasks) -> Iterator[Fault]:
        """What goes wrong with the tasks that were named."""
        messages = tasks if isinstance(tasks, Mapping) else dict.fromkeys(_listed(tasks), "")
        for key, message in messages.items():
            bare, at, number = key.rpartition("@") if isinstance(key, str) else (key, "", "")
            attempt = f"@{number}" if at and bare else ""
            where = f"{kind.value}[{_shown(key)}]"
            if attempt and not number.isdecimal():
                self._fault(where, "is not TASK or TASK@ATTEMPT. Write a task, and perhaps '@' and a number.")
                continue
            for path in self._tasks(where, bare if attempt else key).paths:
                yield from named_faults(kind, {f"{path}{attempt}": message})

    def one(self, word: str, key: Any) -> str:
        """The path of the only task that a key means; "" for no key."""
        if not key:
            return ""
        paths = self._tasks(word, key).paths
        if len(paths) > 1:
            self._fault(word, f"means {len(paths)} tasks: {', '.join(paths)}. Give the path of one.")
        return next(iter(paths), "")

    def products(self, outputs: Outputs) -> Sequence[Product]:
        """The outputs that are given, by the paths of their tasks."""
        found: dict[str, Json] = {}
        for where, value in outputs.items():
            key, dot, name = where.rpartition(".")
            if not dot:
                self._fault(f"outputs[{where!r}]", "is not TASK.OUTPUT. Write a task, '.' and its output.")
                continue
            found |= {f"{path}.{name}": value for path in self._tasks(f"outputs[{where!r}]", key).paths}
        products = named_products(found)
        try:
            check_products(self.pipeline, products, source=SOURCE)
        except SpecError as error:
            for problem in error.problems:
                self._fault(f"outputs[{problem.where.partition(' ')[2]!r}]", problem.what)
        return products

    # --- how it is done -----------------------------------------------------------------------------------------------

    def _fault(self, where: str, what: str) -> None:
        self.problems.append(Problem(where=where, what=what))

    def _tasks(self, where: str, key: Any) -> Meant:
        try:
            return self.names.tasks(key)
        except UnknownTaskError as error:
            self._fault(where, str(error))
            return Meant(rank=Rank.PATH, paths=[])

    def _functions(self, replace: Replacements) -> Iterator[StandIn]:
        for key, value in replace.items():
            where, function = f"replace[{_shown(key)}]", getattr(value, "python_func", value)
            if not callable(function) or is_component(function):
                self._fault(where, f"is {_shown(value)}. Give a function, or a Python component.")
                continue
            meant = self._tasks(where, key)
            for path in meant.paths:
                yield from self._function(where, path, meant.rank, function)

    def _function(self, where: str, path: str, rank: Rank, function: Callable[..., Any]) -> Iterator[StandIn]:
        place = self.names.place(path)
        what = "is an importer, which runs no program." if place.importer else misfit(function, place.component)
        if what:
            name = getattr(function, "__name__", type(function).__name__)
            self._fault(where, f"{path} {what}" if place.importer else f"{name} {what}")
            return
        yield StandIn(path=path, rank=rank, component=place.component, function=function)

    def _products(self, given: Sequence[Product]) -> Iterator[StandIn]:
        for path in dict.fromkeys(one.path for one in given):
            outputs = {one.name: one.value for one in given if one.path == path}
            yield StandIn(path=path, component=self.names.place(path).component, outputs=outputs)

    def _refuse_doubles(self, functions: Sequence[StandIn], given: Sequence[Product]) -> None:
        """See that no two do the work of the same tasks with the same right."""
        seen: dict[tuple[str, int], StandIn] = {}
        for one in functions:
            other = seen.setdefault((one.path, one.rank), one)
            if other is not one:
                self._fault(one.path, f"both {other.name} and {one.name} are to take its place. Give one.")
        for path in dict.fromkeys(one.path for one in given):
            if own := [one for one in functions if one.path == path]:
                name = min(own, key=attrgetter("rank")).name
                self._fault(path, f"{name} is to take its place, and its outputs are given, too. Give one of them.")


def _listed(tasks: Tasks) -> Iterable[Any]:
    """Several keys, or one as several."""
    return tasks if isinstance(tasks, list | tuple | set | frozenset) else [tasks]


def _shown(key: Any) -> str:
    return repr(key) if isinstance(key, str) else str(getattr(key, "name", repr(key)))
