"""Where a task's inputs come from, and what happens where there are none."""

from typing import Any

import pytest

from postlude.core.resolve import resolve
from postlude.core.task import Code, Inputs, TaskError, TaskPath
from run_lab import Rehearsal, constant, dag, integer, leaf, output_of, parent, pipeline, task

TEXT = {"parameterType": "STRING"}
STRUCT = {"parameterType": "STRUCT"}


def resolved(binding: Any, declared: Any, arguments: Any = None, **made: Any) -> Inputs | TaskError:
    """The input "x" of a task whose upstream "make" ended with these outputs."""
    made_outputs = {name: STRUCT if isinstance(value, dict) else TEXT for name, value in made.items()}
    tasks = {
        "make": task("maker-of"),
        "use": task("user", "make", given={} if binding is None else {"x": binding}),
    }
    components = {
        "maker-of": leaf(outputs={"parameters": made_outputs | {"absent": TEXT}}),
        "user": leaf(inputs={"parameters": {"x": declared}}),
    }
    root = {"inputs": {"parameters": {"given": TEXT | {"isOptional": True}}}}
    run = Rehearsal.of(pipeline(tasks, components, **root), arguments=arguments or {})
    run.succeed("make", **made)
    return resolve(run.run, run.run.tasks[TaskPath("use")])


def keyed(*keys: str) -> dict[str, Any]:
    """The output "out" of "make", and keys to follow into it."""
    path = "".join(f'["{key}"]' for key in keys)
    return {**output_of("make"), "parameterExpressionSelector": f"parseJson(string_value){path}"}


@pytest.mark.parametrize(
    ("binding", "declared", "made", "value"),
    [
        pytest.param(constant(2.0), integer(), {}, 2, id="a constant"),
        pytest.param(constant("{{$.pipeline_job_name}}"), TEXT, {}, "demo", id="a placeholder"),
        pytest.param(parent("given"), TEXT, {}, "said", id="an argument"),
        pytest.param(output_of("make"), TEXT, {"out": "a"}, "a", id="an output"),
        pytest.param(output_of("make"), TEXT, {"out": {"a": 1}}, '{"a":1}', id="an object as a text"),
        pytest.param(keyed("a"), integer(), {"out": {"a": 1}}, 1, id="a key"),
        pytest.param(keyed("a", "b"), TEXT, {"out": '{"a": {"b": "c"}}'}, "c", id="keys into the text of an object"),
        pytest.param(output_of("make", "absent"), TEXT | {"defaultValue": "d"}, {}, "d", id="a default (R10)"),
        pytest.param(None, integer(defaultValue=3.0), {}, 3, id="nothing feeds it, a default does"),
        pytest.param(constant(None), TEXT | {"defaultValue": "d"}, {}, "d", id="null gives the default"),
    ],
)
def test_a_value(binding: Any, declared: Any, made: dict[str, Any], value: Any) -> None:
    assert resolved(binding, declared, {"given": "said"}, **made) == Inputs(parameters={"x": value})


@pytest.mark.parametrize(
    ("binding", "declared"),
    [
        pytest.param(output_of("make", "absent"), TEXT | {"isOptional": True}, id="a missing output (R10)"),
        pytest.param(parent("given"), TEXT | {"isOptional": True}, id="an argument that was not given"),
        pytest.param(None, TEXT | {"isOptional": True}, id="nothing feeds it"),
    ],
)
def test_an_optional_input_may_be_left_out(binding: Any, declared: Any) -> None:
    assert resolved(binding, declared) == Inputs()


MISSING = "input 'x' has no value and no default: "


@pytest.mark.parametrize(
    ("binding", "declared", "made", "code", "message"),
    [
        pytest.param(
            output_of("make", "absent"), TEXT, {}, Code.NOT_FOUND,
            f"{MISSING}'make' ended SUCCEEDED without output 'absent'", id="a missing output",
        ),
        pytest.param(
            parent("given"), TEXT, {}, Code.NOT_FOUND,
            f"{MISSING}the pipeline was given no 'given'", id="an argument that was not given",
        ),
        pytest.param(constant(None), TEXT, {}, Code.NOT_FOUND, f"{MISSING}its value is null", id="null"),
        pytest.param(
            output_of("make"), integer(), {"out": "7"}, Code.INVALID_ARGUMENT,
            "input 'x': expected NUMBER_INTEGER, got \"7\"", id="another type (F16)",
        ),
        pytest.param(
            output_of("make"), TEXT | {"literals": ["a", "b"]}, {"out": "c"}, Code.INVALID_ARGUMENT,
            "input 'x': \"c\" is not one of \"a\", \"b\"", id="no literal (F18)",
        ),
        pytest.param(
            keyed("b"), TEXT, {"out": {"a": 1}}, Code.INVALID_ARGUMENT,
            "input 'x': {\"a\":1} has no key 'b'", id="no such key",
        ),
        pytest.param(
            keyed("a"), TEXT, {"out": "no JSON"}, Code.INVALID_ARGUMENT,
            "input 'x': \"no JSON\" is not JSON", id="keys into what is no object",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_had_fails_the_task_before_it_starts(
    binding: Any, declared: Any, made: dict[str, Any], code: Code, message: str
) -> None:
    assert resolved(binding, declared, **made) == TaskError(code=code, message=message)


def test_a_group_passes_on_that_something_is_missing_and_its_consumer_says_so() -> None:
    passed = "pipelinechannel--make-out"
    group = dag(
        {"use": task("user", given={"x": parent(passed)}), "other": task()}, inputs={"parameters": {passed: TEXT}}
    )
    skipped = {"triggerPolicy": {"condition": "1 == 2"}}
    group_task = task("group", "make", given={passed: output_of("make")})
    group_task["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    run = Rehearsal.of(
        pipeline(
            {"make": task("maker", **skipped), "sub": group_task},
            {"group": group, "user": leaf(inputs={"parameters": {"x": TEXT}})},
        )
    )
    assert run.states["sub/other"] == "PENDING"
    assert run.error("sub/use") == (5, f"{MISSING}'make' ended SKIPPED without output 'out'")
