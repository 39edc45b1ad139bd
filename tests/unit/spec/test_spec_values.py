"""Values are dataclasses as the standard library makes them; only defining one is cheaper."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import msgspec
import pytest

from postlude.spec.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: float = 0.5
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    x: int
    y: float = 0.5
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pair:
    first: int
    second: str = field(default="b", kw_only=True)
    third: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """It has no fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    only: int

    def __post_init__(self) -> None:
        if self.only < 0:
            raise ValueError(f"only: is {self.only}")

    def __repr__(self) -> str:
        return f"<{self.only}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled(One):
    label: str = "none"


@pytest.fixture(params=[Point, Standard])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


SEEN: dict[str, Callable[[Any], object]] = {
    "fields": lambda kind: [(each.name, each.kw_only) for each in fields(kind)],
    "defaults": lambda kind: (kind(x=1).y, kind(x=1).tags, kind(x=1).tags is kind(x=2).tags),
    "equal": lambda kind: (kind(x=1) == kind(x=1), kind(x=1) == kind(x=2), kind(x=1, note="a") == kind(x=1)),
    "equal-to-others": lambda kind: (kind(x=1) == (1, 0.5, []), kind(x=1) != object()),
    "text": lambda kind: repr(kind(x=1, note="a")).replace(kind.__name__, ""),
    "replaced": lambda kind: (replace(kind(x=1), y=2.0).y, replace(kind(x=1), y=2.0).x),
    "as-dict": lambda kind: dataclasses.asdict(kind(x=1)),
    "written": lambda kind: msgspec.json.encode(kind(x=1)),
    "read": lambda kind: msgspec.convert({"x": 3, "tags": ["t"]}, kind) == kind(x=3, tags=["t"]),
    "copied": lambda kind: copy.deepcopy(kind(x=1)) == copy.copy(kind(x=1)) == kind(x=1),
    "pickled": lambda kind: pickle.loads(pickle.dumps(kind(x=1, note="a"))).note,  # noqa: S301 - our own bytes
    "match": lambda kind: kind.__match_args__,
    "slots": lambda kind: (kind.__slots__, hasattr(kind(x=1), "__dict__")),
    "parameters": lambda kind: list(inspect.signature(kind(x=1).__class__).parameters),
}


@pytest.mark.parametrize("look", [pytest.param(look, id=name) for name, look in SEEN.items()])
def test_a_value_looks_like_one_of_the_standard_library(look: Callable[[Any], object]) -> None:
    assert look(Point) == look(Standard)


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises((TypeError, FrozenInstanceError)) as refused:
        act()
    return type(refused.value).__name__, str(refused.value).replace("Standard", "Point")


REFUSED: dict[str, Callable[[Any], object]] = {
    "missing": lambda kind: kind(y=1.0),
    "unknown": lambda kind: kind(x=1, z=2),
    "positional": lambda kind: kind(1),
    "unhashable-part": lambda kind: hash(kind(x=1)),
    "assigned": lambda kind: setattr(kind(x=1), "x", 2),
    "deleted": lambda kind: delattr(kind(x=1), "x"),
}


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in REFUSED.items()])
def test_a_value_refuses_what_the_standard_library_refuses(act: Callable[[Any], object]) -> None:
    assert refusal(lambda: act(Point)) == refusal(lambda: act(Standard))


def test_a_value_may_take_its_parts_by_position() -> None:
    match Pair(1, 2, second="c"):
        case Pair(first, third) as pair:
            assert (first, third, pair.second, Pair.__match_args__) == (1, 2, "c", ("first", "third"))


def test_a_value_of_hashable_parts_is_hashable() -> None:
    assert len({One(only=1), One(only=1), One(only=2), Nothing(), Nothing()}) == 3


def test_a_value_without_fields_equals_its_like_alone() -> None:
    assert (Nothing() == Nothing(), Nothing() == One(only=1), repr(Nothing())) == (True, False, "Nothing()")


def test_a_class_may_check_its_values_and_say_how_they_look() -> None:
    with pytest.raises(ValueError, match=r"^only: is -1$"):
        One(only=-1)
    assert repr(One(only=1)) == "<1>"


def test_a_value_class_may_extend_another() -> None:
    extended = Labelled(only=1, label="a")
    assert (extended.only, extended.label, extended == One(only=1), One(only=1).only) == (1, "a", False, 1)


def test_a_class_without_a_docstring_is_documented_by_its_name() -> None:
    assert (Point.__doc__, Nothing.__doc__) == ("Point", "It has no fields.")


def test_other_kinds_of_dataclass_are_refused() -> None:
    text = "values are frozen and slotted: use dataclasses.dataclass for other classes"
    with pytest.raises(TypeError) as refused:
        dataclass(frozen=False, slots=True, kw_only=True)
    assert str(refused.value) == text
