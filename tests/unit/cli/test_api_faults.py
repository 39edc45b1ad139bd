"""Faults and outputs as people write them, and what is said of those that cannot be."""

from math import nan
from typing import Any

import pytest

from postlude.api.faults import check_products, named_products, read_faults, read_outputs
from postlude.engines.simulated.scenario import Product, Text
from postlude.runtime.faults import INJECTED, Fault, FaultKind, check_faults
from postlude.spec.problem import SpecError
from run_lab import interface, pipeline, task

FAIL, KILL, DELAY, OOM = FaultKind.FAIL, FaultKind.KILL, FaultKind.DELAY, FaultKind.OOM


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (FAIL, "a/b", Fault(path="a/b", kind=FAIL)),
        (FAIL, "a/b=no = disk@home", Fault(path="a/b", kind=FAIL, message="no = disk@home")),
        (FAIL, "l[*]/b@2=x", Fault(path="l[*]/b", kind=FAIL, attempt=2, message="x")),
        (KILL, "a@1", Fault(path="a", kind=KILL, attempt=1)),
        (OOM, "a", Fault(path="a", kind=OOM)),
        (DELAY, "a@3=2.5", Fault(path="a", kind=DELAY, attempt=3, wait_s=2.5)),
    ],
)
def test_how_a_fault_is_written(kind: FaultKind, text: str, fault: Fault) -> None:
    assert read_faults({kind: [text]}) == [fault]


NOT_PATH = "is not PATH or PATH@ATTEMPT. Write a task's path, and perhaps '@' and a number."


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (FAIL, "=x", NOT_PATH),
        (FAIL, "a@one", NOT_PATH),
        (FAIL, "a@", NOT_PATH),
        (KILL, "a=x", "takes no '='. Write a task's path, and perhaps '@' and a number."),
        (DELAY, "a", "'' is no number of seconds. Write PATH=SECONDS, say train=2.5."),
        (DELAY, "a=-1", "'-1' is no number of seconds. Write PATH=SECONDS, say train=2.5."),
        (DELAY, "a=inf", "'inf' is no number of seconds. Write PATH=SECONDS, say train=2.5."),
    ],
)
def test_what_is_said_of_one_that_cannot_be_read(kind: FaultKind, text: str, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_faults({kind: [text, "fine=1"] if kind is DELAY else [text]})
    assert str(refused.value) == f"the command line has 1 problem:\n  --{kind.value} {text}: {said}"


IMPORTED = pipeline(
    {"train": task(), "make": task("maker"), "get": task("gets")},
    {"gets": interface(outputs={"artifacts": {"artifact": {"artifactType": {"schemaTitle": "system.Dataset"}}}})
        | {"executorLabel": "imports"}},
    executors={"imports": {"importer": {"artifactUri": {"constant": "gs://b/x"},
                                        "typeSchema": {"schemaTitle": "system.Dataset"}}}},
)  # fmt: skip
NO_PROGRAM = "is an importer, which runs no program. Name a task that runs one, or simulate it with --fail."


def test_a_fault_that_is_given_twice_is_refused() -> None:
    with pytest.raises(SpecError) as refused:
        read_faults({FaultKind.FAIL: ["a=one", "a@1=two", "a=three"], DELAY: ["a=1", "b=1"]})
    assert [str(each) for each in refused.value.problems] == ["--fail a=three: is a second one for the same. Give one."]


def test_an_output_that_is_given_twice_is_refused() -> None:
    with pytest.raises(SpecError) as refused:
        read_outputs(["a.out=1", "b.out=1", "a.out=2"])
    assert [str(each) for each in refused.value.problems] == [
        "--output a.out=1: gives 'a.out' one of 2 values. Give one.",
        "--output a.out=2: gives 'a.out' one of 2 values. Give one.",
    ]


def test_faults_are_checked_against_the_pipeline_all_at_once() -> None:
    faults = [Fault.fail("train"), Fault.fail("trian"), Fault.kill("train", attempt=0), Fault(path="get", kind=OOM)]
    with pytest.raises(SpecError) as refused:
        check_faults(IMPORTED, faults)
    assert [str(problem) for problem in refused.value.problems] == [
        "--fail trian: the pipeline has no such task. Use train.",
        "--kill train@0: attempts are numbered from 1, not 0. Give 1 or more.",
        f"--oom get: {NO_PROGRAM}",
    ]


def test_what_is_no_fault_is_refused() -> None:
    faults: list[Any] = ["train", Fault.delay("train", -3), Fault.delay("make", nan)]
    with pytest.raises(SpecError) as refused:
        check_faults(IMPORTED, faults)
    assert [str(problem) for problem in refused.value.problems] == [
        "'train': is no Fault. Make one, such as postlude.Fault.fail('train').",
        "--delay train: lets it start -3 seconds later. Give a finite number that is not below 0.",
        "--delay make: lets it start nan seconds later. Give a finite number that is not below 0.",
    ]


def test_a_real_run_cannot_have_every_fault() -> None:
    with pytest.raises(SpecError) as refused:
        check_faults(IMPORTED, [Fault(path="train", kind=OOM), Fault.fail("get")], allowed=INJECTED)
    assert [str(problem) for problem in refused.value.problems] == [
        "--oom train: only a simulation can have it. A real run can have: fail, kill, delay.",
        f"--fail get: {NO_PROGRAM}",
    ]


def test_how_an_output_is_written() -> None:
    assert read_outputs(["a/b.out=x = y", "l[*]/c.n="]) == [
        Product(path="a/b", name="out", value=Text(text="x = y")),
        Product(path="l[*]/c", name="n", value=Text(text="")),
    ]


@pytest.mark.parametrize("text", ["a.out", "out=1", ".out=1", "a.=1"])
def test_what_is_said_of_an_output_that_cannot_be_read(text: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_outputs([text])
    what = "is not PATH.OUTPUT=VALUE. Write a task's path, '.', its output, '=' and the value."
    assert str(refused.value.problems[0]) == f"--output {text}: {what}"


def test_outputs_are_checked_against_the_pipeline_all_at_once() -> None:
    with pytest.raises(SpecError) as refused:
        check_products(IMPORTED, named_products({"make.out": 1, "make.x": 1, "mak.out": 1, "get.a": ""}), source="s")
    assert [str(problem) for problem in refused.value.problems] == [
        "--output make.x: the task declares no such output. It has: out.",
        "--output mak.out: the pipeline has no such task. Use make.",
        "--output get.a: is an importer: what it imports is in the pipeline and its arguments.",
    ]
