from cli_documents import run, task

from postlude.cli.rows import plain
from postlude.cli.verdict import root_cause, verdict
from postlude.spec.types import Json

TOLD = {"state": "FAILED", "pipelineTaskName": "body", "error": {"code": 2, "message": "body/train: no data"}}


def said(*tasks: Json, **given: Json) -> list[str]:
    return [plain(row) for row in verdict(run(*tasks, **given))]


def exit_task(status: Json, **given: Json) -> Json:
    parameters = {} if status is None else {"status": status, "other": {"state": "x"}}
    return task("notify", exit_of="body", inputs={"parameters": parameters, "artifacts": {}}, **given)


def test_a_failed_run_names_the_root_cause_its_log_and_what_exit_tasks_were_told() -> None:
    body = [task("body", "FAILED", "group"), task("body/train", "FAILED", message="no data", attempts=3)]
    assert said(*body, task("after", "UPSTREAM_FAILED"), exit_task(TOLD), state="FAILED") == [
        "✗ FAILED  demo in 2.0s  run 1a2b3c4d",
        "  Root cause  body/train: no data (after 3 attempts)",
        "              1 not started because of failures",
        "  Log         /runs/body/train/1/log",
        "              postlude logs 1a2b3c4d 'body/train'",
        "  Exit tasks  notify was told that body is FAILED (2 UNKNOWN: body/train: no data)",
    ]


def test_a_success_gives_the_outputs() -> None:
    model = {"name": "model", "uri": "/a/model", "type": "system.Model", "metadata": {}, "digest": "", "producer": "t"}
    outputs = {"accuracy": 0.5, "text": "é", "model": model, "long": "x" * 501}
    assert said(task("train"), outputs=outputs) == [
        "✓ SUCCEEDED  demo in 2.0s  run 1a2b3c4d",
        "  Outputs     accuracy = 0.5",
        "              text = é",
        "              model = /a/model",
        f"              long = {'x' * 500}… (501 characters)",
    ]


def test_an_exit_task_without_status_is_said_to_have_run() -> None:
    assert said(exit_task(None))[1:] == ["  Exit tasks  notify ran after body and takes no status"]


def test_an_exit_task_that_failed_is_the_root_cause_and_says_so() -> None:
    told = {"state": "COMPLETE", "pipelineTaskName": "body", "error": {}}
    lines = said(exit_task(told, state="FAILED", message="smtp"), state="FAILED")
    assert lines[1] == "  Root cause  notify: smtp"
    assert lines[-1] == "  Exit tasks  notify was told that body is COMPLETE; it failed itself"


def test_an_exit_task_that_never_ran_was_told_nothing() -> None:
    assert len(said(exit_task(None, state="SKIPPED"))) == 1


def test_a_canceled_run_says_why() -> None:
    assert said(task("train", "CANCELED"), state="CANCELED", message="canceled")[1:] == ["  Reason      canceled"]


def test_the_root_cause_is_the_earliest_failure_of_its_own() -> None:
    tasks = [
        task("body", "FAILED", "group", finished=1),
        task("body/late", "FAILED", finished=9),
        task("body/early", "FAILED", finished=5),
    ]
    assert root_cause(tasks) == tasks[2]


def test_a_group_that_fails_by_itself_is_a_root_cause() -> None:
    tasks = [task("condition-1", "FAILED", "group", message="bad CEL"), task("condition-1/x", "SKIPPED")]
    assert root_cause(tasks) == tasks[0]


def test_no_failure_no_root_cause() -> None:
    assert root_cause([task("a"), task("b", "SKIPPED")]) is None
