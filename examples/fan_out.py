"""One model per region, in parallel. A region that fails does not take the others along.

`south` has too few rows and fails. The loop is FAILED with it, the summary still gets the scores that there are, and
the exit task is told which iteration failed. `-p 'regions=["north", "east"]'` succeeds.
"""

from kfp import dsl

ROWS = {"north": 120, "east": 80, "south": 3}


@dsl.component
def train_region(region: str, rows: dict) -> float:
    if rows[region] < 10:
        raise ValueError(f"{region} has {rows[region]} rows: 10 are needed")
    return 1 - 1 / rows[region]


@dsl.component
def summarise(scores: list = []) -> float:  # noqa: B006 - the SDK copies a default into the pipeline
    known = [score for score in scores if score is not None]
    print(f"{len(known)} regions, worst score {min(known, default=0.0):.3f}")
    return min(known, default=0.0)


@dsl.component
def alert(status: dsl.PipelineTaskFinalStatus):
    print(f"{status.pipeline_task_name} is {status.state}: {status.error_message}")


@dsl.pipeline(name="fan-out")
def fan_out(regions: list = ["north", "east", "south"], rows: dict = ROWS):  # noqa: B006 - as above
    with dsl.ExitHandler(alert(), name="every region"):
        with dsl.ParallelFor(items=regions, parallelism=2) as region:
            scored = train_region(region=region, rows=rows)
        summarise(scores=dsl.Collected(scored.output)).ignore_upstream_failure()
