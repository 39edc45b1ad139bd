"""What a test gets from the `postlude` fixture: functions in place of components, faults, and answers."""

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tried_pipelines as pipelines
from kfp import compiler, components, dsl

import postlude as package
from postlude.pytest_plugin import PostludeFixture, TriedRun

IN_PLACE: Mapping[Any, Callable[..., Any]] = {
    pipelines.prepare: lambda rows: rows,
    "train": lambda: None,
    pipelines.evaluate: lambda: {"loss": 0.5, "grade": "b"},
    "notify": lambda: None,
}
"""A function for every component of `nightly`."""
TRAIN = "exit-handler-1/train"


@pytest.fixture(params=["run", "simulate"])
def tried(request: pytest.FixtureRequest, postlude: PostludeFixture) -> Callable[..., TriedRun]:
    """Tries a pipeline for real, or in a simulation: the same words mean the same."""
    way: Callable[..., TriedRun] = getattr(postlude, request.param)
    return way


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(package.SpecError) as refused:
        call()
    return str(refused.value)


# --- the alert, which is what it is for -------------------------------------------------------------------------------


def test_an_alert_is_sent_when_training_fails(tried: Callable[..., TriedRun]) -> None:
    sent: list[tuple[str, str]] = []

    def send(team: str, status: dict[str, Any]) -> None:
        sent.append((team, status["error"]["message"]))

    run = tried(pipelines.nightly, replace={**IN_PLACE, "notify": send}, fail={"train": "no disk"})
    assert sent == [("ml", f"{TRAIN}: no disk")]
    assert dict(run.states) == {
        "exit-handler-1": "FAILED",
        "exit-handler-1/prepare": "SUCCEEDED",
        TRAIN: "FAILED",
        "exit-handler-1/evaluate": "UPSTREAM_FAILED",
        "notify": "SUCCEEDED",
    }
    told = run.told("notify")
    assert (told.state, told.task, told.code, told.message) == ("FAILED", "exit-handler-1", 2, f"{TRAIN}: no disk")
    assert (told.failures, dict(told.outputs)) == ([TRAIN], {"prepare.Output": 10})
    assert dict(told.tasks) == {"SUCCEEDED": 1, "FAILED": 1, "UPSTREAM_FAILED": 1}
    assert (told["failures"][0]["exitCode"], run.exit_order, run.calls(pipelines.train)) == (1, ["notify"], [])
    assert repr(told) == f"<Told that exit-handler-1 is FAILED, code 2: {TRAIN}: no disk>"


def test_an_exit_task_is_told_of_success(tried: Callable[..., TriedRun]) -> None:
    told = tried(pipelines.nightly, replace=IN_PLACE).told(pipelines.notify)
    assert (told.state, told.code, told.message, told.failures, repr(told)) == (
        "COMPLETE", None, None, [], "<Told that exit-handler-1 is COMPLETE>",
    )  # fmt: skip


# --- what a replacement gets and gives --------------------------------------------------------------------------------


def test_functions_pass_values_and_artifacts_on(tried: Callable[..., TriedRun]) -> None:
    def prepare(rows: int, data: Any) -> int:
        Path(data.path).write_text("1,2")
        data.metadata["rows"] = rows
        return rows

    def train(data: dsl.Input[dsl.Dataset], lr: float, model: dsl.Output[dsl.Model], hint: str | None) -> None:
        Path(model.path).write_text(f"{Path(data.path).read_text()} {data.metadata['rows']} {lr} {hint}")

    class Scores(pipelines.Scores): ...

    def evaluate(model: Any, **rest: Any) -> Scores:
        return Scores(loss=0.5, grade=f"{Path(model.path).read_text()} {rest}")

    functions = {"prepare": prepare, "train": train, "evaluate": evaluate, "notify": lambda: None}
    run = tried(pipelines.nightly, {"lr": 2}, replace=functions)
    run.assert_succeeded()
    evaluated = {"loss": 0.5, "grade": "1,2 10 2.0 None {'options': {'folds': [1, 2]}}"}
    assert dict(run.task("evaluate").outputs) == evaluated
    assert run.task("prepare").outputs["data"][0]["metadata"] == {"rows": 10}
    [call] = run.calls("train")
    assert (call.path, call.attempt, sorted(call.inputs), call["lr"]) == (TRAIN, 1, ["data", "lr"], 2.0)
    assert Path(call["data"].path).read_text() == "1,2"


def test_a_components_own_function_can_run_in_the_tests_process(tried: Callable[..., TriedRun]) -> None:
    run = tried(pipelines.folds, replace={pipelines.score: pipelines.score, "add": pipelines.add, "say": print,
                                          "shout": lambda heard: Path(heard).write_text("hello") and None})  # fmt: skip
    assert run.task("add").outputs["Output"] == 60
    assert [(call.path, call["fold"]) for call in sorted(run.calls(pipelines.score), key=lambda call: call.path)] == [
        ("for-loop-2[0]/score", 1), ("for-loop-2[1]/score", 2), ("for-loop-2[2]/score", 3), ("score-2", 4),
    ]  # fmt: skip
    assert run.task("shout").outputs["heard"] == "hello"


def test_what_a_function_raises_is_the_failure_of_its_task(tried: Callable[..., TriedRun]) -> None:
    def train(lr: float) -> None:
        raise ValueError(f"loss diverged with {lr}")

    run = tried(pipelines.nightly, replace={**IN_PLACE, "train": train})
    error = run.task("train").error
    assert error is not None
    assert (error.code, error.message) == (2, "ValueError: loss diverged with 0.1")
    run.assert_failed("train")


def test_each_attempt_is_a_call_of_its_own(tried: Callable[..., TriedRun]) -> None:
    def flaky() -> str:
        tries.append(len(tries) + 1)
        if len(tries) < 3:
            raise ConnectionError("try again")
        return f"at {tries[-1]}"

    tries: list[int] = []
    run = tried(pipelines.retried, replace={"flaky": flaky, "flaky-2": lambda: "at once"})
    run.assert_succeeded()
    assert (run.task("flaky").outputs["Output"], [call.attempt for call in run.calls("flaky")]) == ("at 3", [1, 2, 3])
    assert [call.attempt for call in run.calls("flaky-2")] == [1]


def test_one_attempt_alone_can_fail(tried: Callable[..., TriedRun]) -> None:
    run = tried(pipelines.retried, replace={pipelines.flaky: lambda: "well"}, fail="flaky@1")
    assert (run.state, run.task("flaky").attempts, len(run.calls("flaky"))) == ("SUCCEEDED", 2, 1)


def test_a_value_of_another_type_fails_the_task_as_in_a_real_component(tried: Callable[..., TriedRun]) -> None:
    error = tried(pipelines.nightly, replace={**IN_PLACE, "prepare": lambda: "ten"}).task("prepare").error
    assert error is not None
    assert (error.code, error.message) == (3, "output 'Output': expected NUMBER_INTEGER, got \"ten\"")


def test_what_the_machine_does_not_have_is_not_needed(postlude: PostludeFixture) -> None:
    """64 accelerators and 900 TiB, which `train` asks for, and the images of `say` and `shout`."""
    postlude.run(pipelines.nightly, replace=IN_PLACE).assert_succeeded()
    without_engines = {
        "say": lambda: None,
        "shout": lambda: {"heard": "x"},
        "add": lambda: 1,
        pipelines.score: lambda: 0,
    }
    postlude.run(pipelines.folds, replace=without_engines).assert_succeeded()


def test_exit_pipelines_and_their_tasks_are_told_too(tried: Callable[..., TriedRun]) -> None:
    def page(status: Mapping[str, Any]) -> str:
        return f"{status['pipelineTaskName']} {status['state']}"

    functions = {"page": page, pipelines.say: lambda: None, pipelines.score: lambda fold: fold}
    run = tried(pipelines.guarded, replace=functions, fail="exit-handler-1/score")
    assert (run.task("page").outputs["Output"], run.told("page").state) == ("exit-handler-1 FAILED", "FAILED")
    assert run.told("alarm").failures == ["exit-handler-1/score"]
    assert run.exit_order[0] == "alarm"
    assert sorted(run.exit_order) == ["alarm", "alarm/say"]
    assert run.states["score-2"] == "UPSTREAM_FAILED"


def test_exit_tasks_that_never_ran_are_in_no_order(tried: Callable[..., TriedRun]) -> None:
    @dsl.pipeline(name="second")
    def second() -> None:
        with dsl.ExitHandler(pipelines.say(text="bye")):
            pipelines.add(scores=[1])

    @dsl.pipeline(name="both")
    def both() -> None:
        second().after(pipelines.score(fold=1))

    run = tried(both, replace={pipelines.say: lambda: None, pipelines.add: lambda: 1}, fail="score")
    assert (run.states["second/say"], run.exit_order) == ("UPSTREAM_FAILED", [])


def test_components_with_names_alike_are_told_apart(tried: Callable[..., TriedRun]) -> None:
    @dsl.container_component
    def say_2(text: str):
        return dsl.ContainerSpec(image="nowhere.invalid/say", command=["say", "twice"], args=[text])

    @dsl.component
    def add_2(scores: list) -> int:
        return 2 * sum(scores)

    @dsl.pipeline(name="alike")
    def alike() -> None:
        pipelines.say(text="1")
        say_2(text="2")
        pipelines.add(scores=[1])
        add_2(scores=[1])

    replace = {pipelines.say: lambda: None, say_2: lambda: None, pipelines.add: lambda: 1, add_2: add_2}
    run = tried(alike, replace=replace)
    assert [[call.path for call in run.calls(key)] for key in replace] == [["say"], ["say-2"], ["add"], ["add-2"]]
    assert [run.task(name).outputs["Output"] for name in ("add", "add-2")] == [1, 2]


def test_given_outputs_stand_for_tasks_that_do_not_run(tried: Callable[..., TriedRun]) -> None:
    outputs = {
        "prepare.Output": 3, "prepare.data": "gs://bucket/data", "train.model": "gs://bucket/model",
        "evaluate.loss": 0.25, "exit-handler-1/evaluate.grade": "a",
    }  # fmt: skip
    run = tried(pipelines.nightly, outputs=outputs, replace={"notify": lambda: None})
    run.assert_succeeded()
    assert (run.task("evaluate").outputs["loss"], run.told("notify").outputs["evaluate.grade"]) == (0.25, "a")
    assert run.task("evaluate").inputs["model"][0]["uri"] == "gs://bucket/model"


def test_every_iteration_or_one_can_be_meant(tried: Callable[..., TriedRun]) -> None:
    functions = {
        "for-loop-2[*]/score": lambda fold: fold, "for-loop-2[1]/score": lambda fold: fold * 100,
        "score-2": lambda: 0, "add": pipelines.add, "say": print, "shout": lambda: {"heard": ""},
    }  # fmt: skip
    run = tried(pipelines.folds, replace=functions)
    assert run.task("add").outputs["Output"] == 1 + 200 + 3
    assert run.task("for-loop-2[1]/score").outputs["Output"] == 200
    assert [call.path for call in run.calls("for-loop-2[1]/score")] == ["for-loop-2[1]/score"]
    assert len(run.calls("score")) == 3
    failed = tried(pipelines.folds, replace=functions, fail=["for-loop-2[0]/score", "say"])
    failed.assert_failed("for-loop-2[0]/score", pipelines.say)


# --- assertions inside ------------------------------------------------------------------------------------------------


def test_an_assertion_that_fails_in_a_function_fails_the_test(
    tried: Callable[..., TriedRun], postlude: PostludeFixture
) -> None:
    def send(team: str) -> None:
        assert team == "ops"

    with pytest.raises(AssertionError, match="assert 'ml' == 'ops'") as failed:
        tried(pipelines.nightly, replace={**IN_PLACE, "notify": send}, fail="train")
    assert failed.value.__notes__ == ["raised in place of a component; the run went on to its end and is FAILED"]
    assert [run.states["notify"] for run in postlude.runs] == ["FAILED"]


def test_what_pytest_raises_is_raised_in_the_test(tried: Callable[..., TriedRun]) -> None:
    with pytest.raises(pytest.fail.Exception, match="not here"):
        tried(pipelines.nightly, replace={**IN_PLACE, "notify": lambda: pytest.fail("not here")})


# --- what only real runs have -----------------------------------------------------------------------------------------


def test_what_is_not_replaced_runs_as_ever(postlude: PostludeFixture) -> None:
    run = postlude.run(pipelines.retried, replace={"flaky-2": lambda: f"in {threading.current_thread().name}"})
    assert (run.task("flaky").outputs["Output"], run.task("flaky-2").outputs["Output"]) == (
        "in a process of its own",
        "in flaky-2, attempt 1",
    )


def test_nothing_is_cached_unless_it_is_asked_for(postlude: PostludeFixture) -> None:
    def cached(**options: Any) -> list[bool]:
        run = postlude.run(pipelines.retried, replace={"flaky-2": lambda: "replaced"}, **options)
        return [run.task("flaky").cached, run.task("flaky-2").cached]

    asked = {"cache": True}
    found = [cached(), cached(), cached(**asked), cached(**asked)]
    assert found == [[False, False], [False, False], [False, False], [True, False]]
    assert cached(**asked, faults=[package.Fault.delay("flaky-2", 0.0)]) == [True, False]
    assert cached(**asked, faults=[package.Fault.delay("flaky", 0.0)]) == [False, False]


def test_a_canceled_run_does_not_wait_for_functions(postlude: PostludeFixture) -> None:
    may_end = threading.Event()
    run = postlude.run(
        pipelines.nightly, replace={**IN_PLACE, "train": lambda: may_end.wait(60)}, timeout_s=0.5, name="slow"
    )
    may_end.set()
    error = run.task("train").error
    assert (error is not None and error.code, run.told("notify").state, run.document["name"]) == (4, "FAILED", "slow")


def test_faults_of_other_kinds_are_given_by_path(postlude: PostludeFixture) -> None:
    run = postlude.run(pipelines.nightly, replace=IN_PLACE, faults=[package.Fault.kill(TRAIN)])
    error = run.task("train").error
    assert (error is not None and error.code, list(run.without_effect)) == (8, [])


def test_a_fault_that_never_happened_is_said(postlude: PostludeFixture) -> None:
    with pytest.warns(UserWarning, match="--fail exit-handler-1/evaluate had no effect") as warned:
        run = postlude.run(pipelines.nightly, replace=IN_PLACE, fail=[pipelines.train, "evaluate"])
    assert [warning.filename for warning in warned] == [__file__]
    said = ["--fail exit-handler-1/evaluate had no effect: it never ran: UPSTREAM_FAILED"]
    assert (list(run.without_effect), run.states[TRAIN]) == (said, "FAILED")


# --- what only simulations have ---------------------------------------------------------------------------------------


def test_a_simulation_runs_no_component_and_writes_nothing(postlude: PostludeFixture) -> None:
    run = postlude.simulate(pipelines.nightly, timeout="train")
    assert (run.simulated, run.told("notify").code, postlude.home.exists()) == (True, 4, False)


@pytest.mark.parametrize(("word", "code"), [("fail", 2), ("timeout", 4), ("oom", 8)])
def test_a_simulated_task_fails_as_told(postlude: PostludeFixture, word: str, code: int) -> None:
    assert postlude.simulate(pipelines.nightly, **{word: pipelines.train}).told("notify").code == code


def test_a_simulated_run_can_be_canceled(postlude: PostludeFixture) -> None:
    run = postlude.simulate(pipelines.nightly, cancel_at="train")
    assert (run.state, run.states[TRAIN], run.told("notify").state) == ("CANCELED", "CANCELED", "CANCELED")


def test_what_made_up_values_decided_is_said(postlude: PostludeFixture) -> None:
    @dsl.pipeline(name="conditional")
    def conditional() -> None:
        with dsl.If(pipelines.flaky().output == "go"):
            pipelines.say(text="gone")

    made_up = 'condition-1 was not taken: flaky.Output is "", made up; set it with --output flaky.Output=VALUE'
    assert list(postlude.simulate(conditional).made_up) == [made_up]
    decided = postlude.simulate(conditional, outputs={"flaky.Output": "go"})
    assert (list(decided.made_up), decided.states["condition-1/say"]) == ([], "SUCCEEDED")


def test_the_fixture_rehearses(postlude: PostludeFixture) -> None:
    found = postlude.rehearse(pipelines.nightly, only=["fail"], outputs={"prepare.Output": 3})
    assert (found.ok, [case.task for case in found.cases if case.required]) == (
        True, ["exit-handler-1/prepare", TRAIN, "exit-handler-1/evaluate"],
    )  # fmt: skip
    said = refusal(lambda: postlude.rehearse(pipelines.nightly, outputs={"nobody.x": 3}))
    assert "outputs['nobody.x']: the pipeline has no such task." in said


# --- sources ----------------------------------------------------------------------------------------------------------


def test_any_source_will_do(tried: Callable[..., TriedRun], tmp_path: Path) -> None:
    compiled = tmp_path / "nightly.yaml"
    compiler.Compiler().compile(pipelines.nightly, str(compiled))
    assert tried(compiled, replace=IN_PLACE).state == "SUCCEEDED"
    module = Path(str(sys.modules[pipelines.__name__].__file__))
    assert tried(str(module), pipeline="nightly", replace={**IN_PLACE}).state == "SUCCEEDED"


def test_a_component_alone_can_be_tried(tried: Callable[..., TriedRun]) -> None:
    run = tried(pipelines.score, {"fold": 4}, replace={pipelines.score: pipelines.score})
    assert (dict(run.outputs), run.calls("score")[0]["fold"]) == ({"Output": 40}, 4)


def test_components_of_yaml_are_meant_by_themselves(tried: Callable[..., TriedRun]) -> None:
    greet = components.load_component_from_text("""
        name: Say Hello
        inputs: [{name: To Whom, type: String}]
        outputs: [{name: Heard It, type: String}]
        implementation:
          container: {image: nowhere.invalid/say, command: [say, {inputValue: To Whom}, {outputPath: Heard It}]}
    """)

    @dsl.pipeline(name="greeting")
    def greeting() -> None:
        greet(to_whom="you")

    run = tried(greeting, replace={greet: lambda to_whom: "x" * 2_000_000 + to_whom})
    assert run.task(greet).outputs["heard_it"] == "x" * 2_000_000 + "you"


# --- what is refused --------------------------------------------------------------------------------------------------


def test_every_wrong_word_is_refused_at_once(tried: Callable[..., TriedRun]) -> None:
    said = refusal(
        lambda: tried(
            pipelines.nightly,
            replace={
                "trian": print, pipelines.say: print, 7: print, "exit-handler-1": print, "prepare": 7,
                "evaluate": lambda modle: modle, "notify": pipelines.nightly,
            },
            fail=["train@first", "nobody"],
            outputs={"prepare.dta": 1, "prepare": 1, "nobody.x": 1},
        )
    )  # fmt: skip
    leaves = "exit-handler-1/evaluate, exit-handler-1/prepare, exit-handler-1/train"
    everything, evaluate = f"{leaves}, notify", "It has: options, model, grade, loss."
    assert said.splitlines() == [
        "the test has 12 problems:",
        "  outputs['prepare']: is not TASK.OUTPUT. Write a task, '.' and its output.",
        f"  outputs['nobody.x']: the pipeline has no such task. It has: {everything}.",
        "  outputs['exit-handler-1/prepare.dta']: the task declares no such output. It has: Output, data.",
        "  replace['trian']: the pipeline has no such task. Use exit-handler-1/train.",
        "  replace[say]: the pipeline does not use this component. It uses: evaluate, notify, prepare, train.",
        "  replace[7]: is of type 'int'. Name a task, or give a component of the pipeline.",
        f"  replace['exit-handler-1']: is a group. Name a leaf: {leaves}.",
        "  replace['prepare']: is 7. Give a function, or a Python component.",
        f"  replace['evaluate']: <lambda> takes 'modle', which is neither input nor output of the task. {evaluate}",
        "  replace['notify']: is nightly. Give a function, or a Python component.",
        "  fail['train@first']: is not TASK or TASK@ATTEMPT. Write a task, and perhaps '@' and a number.",
        f"  fail['nobody']: the pipeline has no such task. It has: {everything}.",
    ]


def test_two_that_take_the_same_place_are_refused(tried: Callable[..., TriedRun]) -> None:
    @dsl.component
    def add(scores: list) -> int:
        return max(scores)

    replace = {pipelines.score: int, "score-2": print, pipelines.add: lambda: 1, add: lambda: 2}
    said = refusal(lambda: tried(pipelines.folds, replace=replace, outputs={"score-2.Output": 1}))
    assert said.splitlines()[1:] == [
        "  add: both <lambda> and <lambda> are to take its place. Give one.",
        "  score-2: print is to take its place, and its outputs are given, too. Give one of them.",
    ]


def test_an_importer_cannot_be_replaced(tried: Callable[..., TriedRun]) -> None:
    @dsl.pipeline(name="importing")
    def importing() -> None:
        dsl.importer(artifact_uri="/data", artifact_class=dsl.Dataset, reimport=True)

    assert "replace['importer']: importer is an importer, which runs no program." in refusal(
        lambda: tried(importing, replace={"importer": print})
    )


def test_an_option_that_does_not_exist_is_refused(postlude: PostludeFixture) -> None:
    with pytest.raises(TypeError, match="worker"):
        postlude.run(pipelines.retried, worker=3)  # type: ignore[call-arg]
    with pytest.raises(package.ConfigError, match=r"^failure_policy: is 'quick'\. Choose one of: slow, fast\.$"):
        postlude.simulate(pipelines.retried, failure_policy="quick")


# --- questions --------------------------------------------------------------------------------------------------------


def test_questions_that_have_no_answer_say_why(postlude: PostludeFixture) -> None:
    run = postlude.simulate(pipelines.folds, replace={"add": lambda: 1})

    def said(call: Callable[[], object]) -> str:
        with pytest.raises(LookupError) as refused:
            call()
        return str(refused.value).splitlines()[0]

    iterations = "for-loop-2[0]/score, for-loop-2[1]/score, for-loop-2[2]/score"
    assert said(lambda: run.task("score")) == f"score means 3 tasks: {iterations}. Give the path of one."
    assert said(lambda: run.task("scroe")) == "scroe: the pipeline has no such task. Use score-2."
    assert said(lambda: run.task("for-loop-2[7]/score")) == "for-loop-2[7]/score: the run came to no such task."
    assert said(lambda: run.calls("say")) == "say: no function takes its place. Replaced: add."
    assert said(lambda: run.told("say")) == "say was told nothing: it takes no final status."
    failed = postlude.simulate(pipelines.nightly, fail="prepare")
    assert said(lambda: failed.told("train")) == f"{TRAIN} was told nothing: it is UPSTREAM_FAILED."


def test_checks_show_the_tree_and_the_root_cause(postlude: PostludeFixture) -> None:
    run = postlude.simulate(pipelines.nightly, fail={"train": "no disk"})

    def said(check: Callable[[], None]) -> list[str]:
        with pytest.raises(AssertionError) as failed:
            check()
        return str(failed.value).splitlines()

    first, *tree = said(run.assert_succeeded)
    assert (first, tree) == ("the run is FAILED", str(run).splitlines())
    assert f"  Root cause  {TRAIN}: no disk" in tree
    assert said(lambda: run.assert_failed("prepare"))[0] == (
        f"failed by themselves: {TRAIN}; expected: exit-handler-1/prepare"
    )
    run.assert_failed()
    run.assert_failed(TRAIN)
    succeeded = postlude.simulate(pipelines.nightly)
    succeeded.assert_succeeded()
    assert said(succeeded.assert_failed)[0] == "the run is SUCCEEDED, not FAILED"
