"""Rules R10 and R11: what a missing value does to its consumer, and that no failure escapes the record."""

from collections.abc import Callable

import pytest
from components import (
    data_or_nothing,
    echo,
    echo_or,
    failing_dataset,
    failing_text,
    garbled_number,
    garbled_report,
    kills_its_supervisor,
    maybe,
    no_such_program,
    number,
    ok,
    read_data,
    report,
)
from harness import Harness, Ir, edited, tasks_of
from kfp import dsl
from kfp.dsl.base_component import BaseComponent

BODY = "exit-handler-1"
IGNORE = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}

# --- R10: a missing output gives the default, or fails the consumer before its code starts ---------------------------


@pytest.mark.parametrize(
    ("consumer", "said"),
    [pytest.param(echo_or, "default", id="defaulted"), pytest.param(maybe, "nothing", id="optional")],
)
def test_R10_a_missing_parameter_gives_the_default(harness: Harness, consumer: BaseComponent, said: str) -> None:
    @dsl.pipeline(name="r10")
    def pipeline() -> None:
        consumer(text=failing_text().output)

    def ignore(ir: Ir) -> None:
        tasks_of(ir)[consumer.name]["triggerPolicy"] = IGNORE

    result = harness.run(edited(pipeline, ignore))

    assert result.states == {"failing-text": "FAILED", consumer.name: "SUCCEEDED"}
    assert (result.outputs(consumer.name), result.state) == ({"Output": said}, "FAILED")


@pytest.mark.parametrize(
    ("producer", "output", "consumer", "given"),
    [
        pytest.param(failing_text, "Output", echo, "text", id="parameter"),
        pytest.param(failing_dataset, "data", read_data, "data", id="artifact"),
    ],
)
def test_R10_a_missing_required_input_fails_the_consumer_before_its_code(
    harness: Harness, producer: BaseComponent, output: str, consumer: BaseComponent, given: str
) -> None:
    # The SDK does not let a task with such an input ignore its upstream's failure.
    @dsl.pipeline(name="r10")
    def pipeline() -> None:
        consumer(**{given: producer().outputs[output]})

    def ignore(ir: Ir) -> None:
        tasks_of(ir)[consumer.name]["triggerPolicy"] = IGNORE

    result = harness.run(edited(pipeline, ignore))

    why = f"'{producer.name}' ended FAILED without output '{output}'"
    assert result.states == {producer.name: "FAILED", consumer.name: "FAILED"}
    assert result.error(consumer.name) == (5, f"input '{given}' has no value and no default: {why}")
    assert (result.run.tasks[consumer.name].attempts, result.run.tasks[consumer.name].log) == (0, None)


def test_R10_a_missing_optional_artifact_is_none(harness: Harness) -> None:
    @dsl.pipeline(name="r10")
    def pipeline() -> None:
        data_or_nothing()

    result = harness.run(pipeline)

    assert (result.outputs("data-or-nothing"), result.state) == ({"Output": "nothing"}, "SUCCEEDED")


def test_R10_a_value_missing_outside_a_group_is_decided_by_the_consumer_inside(harness: Harness) -> None:
    # The group passes the value on to two consumers, and ignores the failure: only IR says that of a group.
    @dsl.pipeline(name="inner")
    def inner(text: str = "inner default") -> None:
        echo(text=text)

    @dsl.pipeline(name="r10")
    def pipeline() -> None:
        text = failing_text().output
        with dsl.If(ok().output == "ok"):
            echo_or(text=text)
            echo(text=text)
            inner(text=text)

    def ignore(ir: Ir) -> None:
        tasks_of(ir)["condition-1"]["triggerPolicy"].update(IGNORE)

    result = harness.run(edited(pipeline, ignore))

    assert result.outputs("condition-1/echo-or") == {"Output": "default"}
    assert result.outputs("condition-1/inner/echo") == {"Output": "inner default"}
    code, message = result.error("condition-1/echo")
    assert (code, message.partition(":")[0]) == (5, "input 'text' has no value and no default")
    assert result.states_of("condition-1", "condition-1/echo") == ["FAILED", "FAILED"]


# --- R11: every failure is a recorded failed task, and exit tasks run -------------------------------------------------


def _condition_of(ir: Ir) -> None:
    tasks_of(ir, "comp-exit-handler-1")["condition-2"]["triggerPolicy"]["condition"] = (
        "inputs.parameter_values['there is none'] == 'ok'"
    )


def _items(raw: str) -> Callable[[Ir], None]:
    def edit(ir: Ir) -> None:
        tasks_of(ir, "comp-exit-handler-1")["for-loop-3"]["parameterIterator"]["items"] = {"raw": raw}

    return edit


def _items_from_text(ir: Ir) -> None:
    loop = tasks_of(ir, "comp-exit-handler-1")["for-loop-3"]
    loop["parameterIterator"]["items"] = {"inputParameter": "items"}
    loop["inputs"] = {"parameters": {"items": {"runtimeValue": {"constant": "no list"}}}}
    inputs = ir["components"]["comp-for-loop-3"]["inputDefinitions"]["parameters"]
    inputs["items"] = {"parameterType": "STRING"}


def _as_it_is(_ir: Ir) -> None:
    """The SDK can write it."""


def in_condition() -> None:
    with dsl.If(ok().output == "ok"):
        ok()


def in_loop() -> None:
    with dsl.ParallelFor([1, 2]) as item:
        number(value=item)


FAILURES = [
    pytest.param(
        in_condition,
        _condition_of,
        (3, "condition-2", "condition cannot be evaluated: inputs.parameter_values['there is none'] == 'ok': "),
        id="condition",
    ),
    pytest.param(
        in_loop,
        _items_from_text,
        (3, "for-loop-3", "the loop's items 'items': expected a LIST, got \"no list\""),
        id="items",
    ),
    pytest.param(
        in_loop,
        _items('[1, "two"]'),
        (3, "for-loop-3[1]", "input 'pipelinechannel--loop-item-param-2': expected NUMBER_INTEGER, got \"two\""),
        id="item",
    ),
    pytest.param(
        no_such_program, _as_it_is, (14, "no-such-program", "program '/no/such/program' does not exist"), id="program"
    ),
    pytest.param(kills_its_supervisor, _as_it_is, (14, "kills-its-supervisor", ""), id="supervisor"),
    pytest.param(
        garbled_report,
        _as_it_is,
        (3, "garbled-report", "its executor output cannot be read: Expecting property name"),
        id="report",
    ),
    pytest.param(
        garbled_number,
        _as_it_is,
        (3, "garbled-number", "output 'value': expected NUMBER_INTEGER, got \"many\""),
        id="output",
    ),
]


@pytest.mark.parametrize(("body", "edit", "expected"), FAILURES)
def test_R11_a_failure_is_recorded_and_the_exit_task_runs(
    harness: Harness, body: Callable[[], object], edit: Callable[[Ir], None], expected: tuple[int, str, str]
) -> None:
    @dsl.pipeline(name="r11")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            body()

    code, key, cause = expected

    result = harness.run(edited(pipeline, edit), containers="host")

    assert result.states_of(f"{BODY}/{key}", BODY, "report") == ["FAILED", "FAILED", "SUCCEEDED"]
    found = result.error(f"{BODY}/{key}")
    assert found is not None
    assert (found[0], found[1][: len(cause)]) == (code, cause)
    told = result.told("report")
    assert (told["state"], told["code"], told["message"]) == ("FAILED", code, f"{BODY}/{key}: {found[1]}")
    assert result.run.tasks["report"].attempts == 1
    assert (result.state, result.code) == ("FAILED", code)
