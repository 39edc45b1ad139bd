"""Reads faults and outputs as people write them: "PATH[@ATTEMPT][=MESSAGE]", "PATH.OUTPUT=VALUE"."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Final, NamedTuple

from postlude.engines.simulated.scenario import Product, Text
from postlude.runtime.faults import Fault, FaultKind
from postlude.spec.paths import Place, pattern_of, places, refusal
from postlude.spec.problem import Problem, SpecError
from postlude.spec.types import Json, Pipeline

Named = str | Sequence[str] | Mapping[str, str]
"""One path, several, or paths with the message of each."""


class _Target(NamedTuple):
    path: str
    attempt: int | None


def read_faults(texts: Mapping[FaultKind, Sequence[str]], *, source: str = "the command line") -> list[Fault]:
    """The faults that an operator wrote, kind by kind.

    Raises:
        SpecError: Some cannot be read; lists every one.
    """
    faults: list[Fault] = []
    problems: list[Problem] = []
    for kind, text in ((kind, text) for kind, given in texts.items() for text in given):
        try:
            faults.append(_once(_READ[kind](kind, text), faults))
        except ValueError as error:
            problems.append(Problem(where=f"--{kind.value} {text}", what=str(error)))
    if problems:
        raise SpecError(source, problems)
    return faults


def named_faults(kind: FaultKind, named: Named) -> Iterator[Fault]:
    """The faults that a Python user named, by path.

    Raises:
        ValueError: A path ends in "@" and no number.
    """
    if isinstance(named, Mapping):
        for path, message in named.items():
            yield _fault(kind, path, message)
    else:
        yield from (_fault(kind, path, "") for path in ([named] if isinstance(named, str) else named))


def read_outputs(texts: Iterable[str], *, source: str = "the command line") -> list[Product]:
    """What an operator says tasks produce: "PATH.OUTPUT=VALUE", the value as a program writes it to a file.

    Raises:
        SpecError: Some cannot be read; lists every one.
    """
    pairs = [(text, *text.partition("=")) for text in texts]
    seen = Counter(where for _, where, _, _ in pairs)
    said = [(text, _unreadable(where, equals, seen[where])) for text, where, equals, _ in pairs]
    problems = [Problem(where=f"--output {text}", what=what) for text, what in said if what]
    if problems:
        raise SpecError(source, problems)
    return [_product(where, Text(text=value)) for _, where, _, value in pairs]


def named_products(outputs: Mapping[str, Json]) -> list[Product]:
    """What a Python user says tasks produce, by "PATH.OUTPUT"."""
    return [_product(where, value) for where, value in outputs.items()]


def check_products(pipeline: Pipeline, products: Sequence[Product], *, source: str) -> None:
    """See that the outputs are those of tasks of the pipeline.

    Raises:
        SpecError: Some are not; lists every one.
    """
    known = places(pipeline) if products else {}
    said = [(one, _product_refusal(one, known)) for one in products]
    problems = [Problem(where=f"--output {one.path}.{one.name}", what=what) for one, what in said if what]
    if problems:
        raise SpecError(source, problems)


def check_place(pipeline: Pipeline, path: str, *, option: str, source: str) -> None:
    """See that a path names a leaf of the pipeline; "" is none and passes.

    Raises:
        SpecError: It does not.
    """
    what = refusal(places(pipeline), path) if path else ""
    if what:
        raise SpecError(source, [Problem(where=f"{option} {path}", what=what)])


# --- faults -----------------------------------------------------------------------------------------------------------


def _target(text: str) -> _Target:
    path, at, number = text.rpartition("@")
    if not at:
        path, number = text, ""
    if not path or (at and not number.isdecimal()):
        raise ValueError("is not PATH or PATH@ATTEMPT. Write a task's path, and perhaps '@' and a number.")
    return _Target(path, int(number) if at else None)


def _fault(kind: FaultKind, text: str, message: str) -> Fault:
    path, attempt = _target(text)
    return Fault(path=path, kind=kind, attempt=attempt, message=message)


def _with_message(kind: FaultKind, text: str) -> Fault:
    path, _, message = text.partition("=")
    return _fault(kind, path, message)


def _once(fault: Fault, others: Sequence[Fault]) -> Fault:
    if any((fault.kind, fault.path, fault.attempt) == (each.kind, each.path, each.attempt) for each in others):
        raise ValueError("is a second one for the same. Give one.")
    return fault


def _bare(kind: FaultKind, text: str) -> Fault:
    if "=" in text:
        raise ValueError("takes no '='. Write a task's path, and perhaps '@' and a number.")
    return _fault(kind, text, "")


def _delay(kind: FaultKind, text: str) -> Fault:
    where, _, seconds = text.partition("=")
    path, attempt = _target(where)
    return Fault(path=path, kind=kind, attempt=attempt, wait_s=_seconds(seconds))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if seconds < 0 or not isfinite(seconds):
        raise ValueError(f"{text!r} is no number of seconds. Write PATH=SECONDS, say train=2.5.")
    return seconds


_READ: Final[Mapping[FaultKind, Callable[[FaultKind, str], Fault]]] = {
    FaultKind.FAIL: _with_message,
    FaultKind.TIMEOUT: _bare,
    FaultKind.OOM: _bare,
    FaultKind.KILL: _bare,
    FaultKind.DELAY: _delay,
}


# --- outputs ----------------------------------------------------------------------------------------------------------


def _unreadable(where: str, equals: str, times: int) -> str:
    if not equals or not all(_parted(where)):
        return "is not PATH.OUTPUT=VALUE. Write a task's path, '.', its output, '=' and the value."
    return f"gives '{where}' one of {times} values. Give one." if times > 1 else ""


def _parted(where: str) -> tuple[str, str]:
    path, _, name = where.rpartition(".")
    return path, name


def _product(where: str, value: Json | Text) -> Product:
    path, name = _parted(where)
    return Product(path=path, name=name, value=value)


def _product_refusal(product: Product, known: Mapping[str, Place]) -> str:
    what = refusal(known, product.path)
    if what:
        return what
    place = known[pattern_of(product.path)]
    if place.importer:
        return "is an importer: what it imports is in the pipeline and its arguments."
    declared = (*place.component.outputs.parameters, *place.component.outputs.artifacts)
    if product.name in declared:
        return ""
    return f"the task declares no such output. It has: {', '.join(declared) or 'none'}."
