"""A training pipeline whose exit task is told how it went, and why it failed.

With its defaults the learning rate is too high and `train` fails; `-p learning_rate=0.02` makes it succeed.
"""

from kfp import dsl


@dsl.component
def prepare(rows: int, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.writelines(f"{x},{3 * x + 1}\n" for x in range(rows))
    print(f"wrote {rows} rows")


@dsl.component
def train(data: dsl.Input[dsl.Dataset], learning_rate: float, model: dsl.Output[dsl.Model]):
    with open(data.path) as file:
        rows = [tuple(map(float, line.split(","))) for line in file]
    slope = intercept = 0.0
    for epoch in range(1, 501):
        errors = [slope * x + intercept - y for x, y in rows]
        loss = sum(error**2 for error in errors) / len(rows)
        if loss > 1e9:
            raise ValueError(f"loss diverged to {loss:.1e} in epoch {epoch}; learning_rate={learning_rate} is too high")
        slope -= learning_rate * sum(error * x for error, (x, _) in zip(errors, rows, strict=True)) / len(rows)
        intercept -= learning_rate * sum(errors) / len(rows)
    with open(model.path, "w") as file:
        file.write(f"{slope},{intercept}")
    model.metadata["loss"] = loss


@dsl.component
def evaluate(model: dsl.Input[dsl.Model], metrics: dsl.Output[dsl.Metrics]) -> float:
    metrics.log_metric("loss", model.metadata["loss"])
    return model.metadata["loss"]


@dsl.component
def clean_up(rows: int):
    print(f"released the scratch space of {rows} rows")


@dsl.component
def notify(team: str, status: dsl.PipelineTaskFinalStatus):
    print(f"To {team}: {status.pipeline_task_name} of {status.pipeline_job_resource_name} is {status.state}.")
    if status.error_message:
        print(f"Cause (code {status.error_code}): {status.error_message}")


@dsl.pipeline(name="train-with-exit-handler")
def train_with_exit_handler(learning_rate: float = 1.0, rows: int = 10, team: str = "ml-oncall"):
    with dsl.ExitHandler(notify(team=team), name="training"):
        data = prepare(rows=rows)
        trained = train(data=data.outputs["data"], learning_rate=learning_rate)
        evaluate(model=trained.outputs["model"])
        clean_up(rows=rows).after(trained).ignore_upstream_failure()
