import pytest
from cli_ir import EXIT, group, pipeline, task

from postlude.api.census import Census, census
from postlude.api.mermaid import mermaid
from postlude.spec.load import load
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json


def drawn(document: Json) -> list[str]:
    return mermaid(load([document], name="demo.yaml")).splitlines()


def test_an_exit_handler_is_a_frame_with_its_exit_task_on_a_dashed_edge() -> None:
    tasks = {"exit-handler-1": task("comp-body"), "notify": task("comp-a", "exit-handler-1", **EXIT)}
    assert drawn(pipeline(tasks, {"comp-body": group(train=task("comp-a"), test=task("comp-a", "train"))})) == [
        "---",
        'title: "demo"',
        "---",
        "flowchart TD",
        '  subgraph t1["exit-handler-1"]',
        '    t3["train"]',
        '    t4["test"]',
        "    t3 --> t4",
        "  end",
        '  t2{{"notify"}}',
        "  t1 -. always .-> t2",
        "  class t2 exit",
        "  classDef exit fill:#fff3cd,stroke:#b8860b,color:#3d2e00",
        "  class t1 handler",
        "  classDef handler fill:none,stroke:#b8860b,stroke-width:2px",
    ]


def test_conditions_and_loops_say_what_they_are_about() -> None:
    loop = {
        "parameterIterator": {"itemInput": "item", "items": {"raw": "[1, 2]"}},
        "iteratorPolicy": {"parallelismLimit": 2},
    }
    condition = {"triggerPolicy": {"condition": "inputs.parameter_values['pipelinechannel--x'] == '<\"a\">'"}}
    body = {
        **group(a=task("comp-a")),
        "inputDefinitions": {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}},
    }
    text = drawn(
        pipeline(
            {"for-loop-1": task("comp-loop", **loop), "condition-2": task("comp-body", **condition)},
            {"comp-loop": body, "comp-body": group(a=task("comp-a"))},
        )
    )
    assert text[4] == '  subgraph t1["for-loop-1<br/>for each of [1, 2], 2 at a time"]'
    assert text[7] == "  subgraph t2[\"condition-2<br/>if x == '#lt;#quot;a#quot;#gt;'\"]"


def test_a_task_that_ignores_failures_hangs_on_an_edge_of_its_own() -> None:
    assert "  t1 -. in any state .-> t2" in drawn(pipeline({"a": task("comp-a"), "b": task("comp-a", "a", **EXIT)}))


def test_long_and_odd_names_stay_one_label() -> None:
    name = "a#b`c&" + "x" * 100
    line = drawn(pipeline({name: task("comp-a")}))[4]
    assert line == f'  t1["a#35;b#96;c#amp;{"x" * 53}…"]'


def chained(depth: int) -> Json:
    """Groups that each hold the next one twice: 2**depth tasks in a small document."""
    components = {f"c{level}": group(l=task(f"c{level + 1}"), r=task(f"c{level + 1}")) for level in range(depth)}
    return pipeline({"top": task("c0")}, {**components, f"c{depth}": {"executorLabel": "exec-a"}})


def test_a_pipeline_that_nobody_could_read_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"demo: has 16384 tasks in 16383 groups; Mermaid draws 5000 at most"):
        drawn(chained(14))


def test_the_census_counts_what_is_used_twice_twice() -> None:
    assert census(load([chained(14)], name="demo")) == Census(tasks=16384, groups=16383)


def test_the_census_counts_exit_handlers() -> None:
    tasks = {"body": task("comp-body"), "notify": task("comp-a", "body", **EXIT)}
    found = census(load([pipeline(tasks, {"comp-body": group(a=task("comp-a"))})], name="demo"))
    assert found == Census(tasks=2, groups=1, exit_handlers=1)
