"""Who waits for whom: examples, and promises over random DAGs."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postlude.spec.topology import find_cycle, topology, waits
from postlude.spec.types import (
    FinalStatusOf,
    ParameterBinding,
    Strategy,
    Task,
    TaskInputs,
    TaskOutput,
    Topology,
    Trigger,
)


def task(key: str, *after: str, reads: str = "", completed: bool = False) -> Task:
    inputs = {"x": ParameterBinding(source=TaskOutput(task=reads, output="Output"))} if reads else {}
    strategy = Strategy.ALL_COMPLETED if completed else Strategy.ALL_SUCCEEDED
    return Task(
        key=key,
        component="comp",
        depends_on=after,
        inputs=TaskInputs(parameters=inputs),
        trigger=Trigger(strategy=strategy),
    )


def of(*tasks: Task) -> dict[str, Task]:
    return {each.key: each for each in tasks}


def test_producers_are_upstreams_too() -> None:
    status = ParameterBinding(source=FinalStatusOf(task="b"))
    reader = Task(
        key="c",
        component="comp",
        depends_on=("a",),
        inputs=TaskInputs(parameters={"s": status}, artifacts={"d": TaskOutput(task="a", output="data")}),
    )
    found = topology(of(task("a"), task("b", reads="a"), reader), ())
    assert found == Topology(
        upstreams={"a": (), "b": ("a",), "c": ("a", "b")}, dependents={"a": ("b", "c"), "b": ("c",)}
    )


def test_what_depends_on_a_group_waits_for_its_exit_tasks() -> None:
    tasks = of(task("group"), task("exit", "group", completed=True), task("after", "group"))
    assert topology(tasks, {"group"}) == Topology(
        upstreams={"group": (), "exit": ("group",), "after": ("group",)},
        gates={"after": ("exit",)},
        dependents={"group": ("exit", "after"), "exit": ("after",)},
        exit_of={"exit": "group"},
    )


def test_exit_tasks_of_one_group_do_not_wait_for_each_other() -> None:
    tasks = of(task("group"), task("e1", "group", completed=True), task("e2", "group", completed=True))
    assert topology(tasks, {"group"}).gates == {}


def test_an_upstream_is_not_a_gate_as_well() -> None:
    tasks = of(task("group"), task("exit", "group", completed=True), task("after", "group", "exit"))
    found = topology(tasks, {"group"})
    assert (found.upstreams["after"], found.gates) == (("group", "exit"), {})


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (task("t", "group"), "default strategy"),
        (task("t", "group", "other", completed=True), "two dependencies"),
        (task("t", "other", completed=True), "its dependency is a single task"),
        (task("t", completed=True), "no dependency"),
    ],
)
def test_is_no_exit_task(last: Task, why: str) -> None:
    assert topology(of(task("group"), task("other"), last), {"group"}).exit_of == {}, why


def test_an_exit_task_may_read_from_elsewhere() -> None:
    tasks = of(task("group"), task("early"), task("exit", "group", reads="early", completed=True))
    found = topology(tasks, {"group"})
    assert (found.exit_of, found.upstreams["exit"]) == ({"exit": "group"}, ("group", "early"))


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({"a": (), "b": ("a",), "c": ("a", "b")}, ()),
        ({"a": ("a",)}, ("a", "a")),
        ({"a": ("b",), "b": ("a",)}, ("a", "b", "a")),
        ({"a": ("b",), "b": ("c",), "c": ("b",), "d": ("a",)}, ("b", "c", "b")),
    ],
)
def test_find_cycle(edges: Mapping[str, tuple[str, ...]], cycle: tuple[str, ...]) -> None:
    assert find_cycle(edges) == cycle


@st.composite
def dags(draw: st.DrawFn) -> tuple[dict[str, Task], set[str]]:
    keys = [f"t{index}" for index in range(draw(st.integers(1, 12)))]
    tasks = []
    for index, key in enumerate(keys):
        after = draw(st.lists(st.sampled_from(keys[:index]), unique=True)) if index else []
        tasks.append(task(key, *after, completed=draw(st.booleans())))
    return of(*tasks), set(draw(st.lists(st.sampled_from(keys), unique=True)))


@given(dags())
def test_gates_are_the_exit_tasks_of_the_groups_depended_on(case: tuple[dict[str, Task], set[str]]) -> None:
    tasks, groups = case
    found = topology(tasks, groups)
    expected = {
        key: {
            exit_task
            for exit_task, group in found.exit_of.items()
            if group in upstreams and found.exit_of.get(key) != group and exit_task not in {key, *upstreams}
        }
        for key, upstreams in found.upstreams.items()
    }
    assert {key: set(found.gates.get(key, ())) for key in tasks} == expected


@given(dags())
def test_dependents_are_the_reverse_of_what_is_waited_for(case: tuple[dict[str, Task], set[str]]) -> None:
    tasks, groups = case
    found = topology(tasks, groups)
    forward = sorted((key, awaited) for key, each in waits(found).items() for awaited in each)
    backward = sorted((key, awaited) for awaited, keys in found.dependents.items() for key in keys)
    assert (forward, len(forward)) == (backward, len(set(forward)))


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3)))
def test_a_cycle_is_a_cycle_and_none_is_missed(drawn: dict[str, list[str]]) -> None:
    edges = {key: [each for each in drawn.get(key, []) if each in drawn] for key in drawn}
    cycle = find_cycle(edges)
    if cycle:
        assert cycle[0] == cycle[-1]
        assert all(after in edges[before] for before, after in pairwise(cycle))
    else:
        done: set[str] = set()
        while len(done) < len(edges):
            free = {key for key, each in edges.items() if key not in done and done.issuperset(each)}
            assert free, "nothing is free, so there is a cycle"
            done |= free
