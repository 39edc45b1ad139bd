"""An exit task that is a pipeline of its own: it cleans up, pages somebody after a failure only, and files a report.

Its own tasks get the status as a dict. `-p rows=10` fails and takes the branch for failures; the default succeeds.
"""

from kfp import dsl


@dsl.component
def load(rows: int):
    if rows < 100:
        raise ValueError(f"only {rows} rows arrived")


@dsl.component
def read_state(status: dict) -> str:
    return status["state"]


@dsl.component
def clean_up(bucket: str):
    print(f"emptied {bucket}")


@dsl.component
def page(who: str, status: dict):
    for failure in status["failures"]:
        print(f"paging {who}: {failure['task']} failed: {failure['message']}")


@dsl.component
def file_report(status: dict, report: dsl.Output[dsl.Artifact]):
    import json

    with open(report.path, "w") as file:
        json.dump(status, file, indent=2)


@dsl.component
def log_success(who: str):
    print(f"{who} may sleep")


@dsl.pipeline(name="after-load")
def after_load(bucket: str, who: str, status: dsl.PipelineTaskFinalStatus):
    clean_up(bucket=bucket)
    state = read_state(status=status)
    with dsl.If(state.output == "FAILED"):
        page(who=who, status=status)
    with dsl.Else():
        log_success(who=who)
    file_report(status=status)


@dsl.pipeline(name="exit-pipeline")
def exit_pipeline(rows: int = 1000, bucket: str = "scratch", who: str = "ml-oncall"):
    with dsl.ExitHandler(after_load(bucket=bucket, who=who), name="load"):
        load(rows=rows)
