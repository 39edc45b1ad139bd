"""Write a final status down."""

from kfp import dsl


@dsl.component(base_image="python:3.11-slim")
def write_report(
    status: dsl.PipelineTaskFinalStatus,
    report: dsl.Output[dsl.Artifact],
    failures: str = "",
    outputs: str = "",
    run_url: str = "",
):
    """Write how a group ended as a JSON artifact, `postlude.report/v1`.

    Args:
        status: Filled in by the backend.
        report: The artifact; its metadata has the state, and the code if there was an error.
        failures: `dsl.FAILURES`, to have every failed task in it; "" for none.
        outputs: `dsl.OUTPUTS`, to have the group's outputs in it; "" for none.
        run_url: `dsl.RUN_URL` or any other link to the run; "" for none.
    """
    import datetime
    import json

    def parsed(text, empty):
        try:
            return json.loads(text) if text else empty
        except ValueError:
            return text

    error = {"code": status.error_code, "message": status.error_message}
    written = {
        "schema": "postlude.report/v1",
        "state": status.state,
        "pipelineTaskName": status.pipeline_task_name,
        "pipelineJobResourceName": status.pipeline_job_resource_name,
        "error": {name: value for name, value in error.items() if value},
        "failures": parsed(failures, []),
        "outputs": parsed(outputs, {}),
        "runUrl": run_url,
        "writtenAt": datetime.datetime.now(datetime.timezone.utc).isoformat(),
    }
    with open(report.path, "w", encoding="utf-8") as file:
        json.dump(written, file, indent=2)
    report.metadata["state"] = status.state
    if status.error_code:
        report.metadata["code"] = status.error_code
