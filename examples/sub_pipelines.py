"""Two teams' pipelines as parts of a bigger one. Each looks after its own failures; the whole looks after both.

`-p features=0` fails two levels down. The inner exit task runs first, then the outer one, and both name the full path
of what failed.
"""

from kfp import dsl


@dsl.component
def extract(features: int) -> int:
    if features < 1:
        raise ValueError("no features are left after the filter")
    return features


@dsl.component
def train(features: int, depth: int) -> float:
    return 1 - 1 / (features * depth + 1)


@dsl.component
def release_cluster(team: str, status: dsl.PipelineTaskFinalStatus):
    print(f"{team} releases its cluster; {status.pipeline_task_name} was {status.state}: {status.error_message}")


@dsl.component
def notify(status: dsl.PipelineTaskFinalStatus):
    print(f"{status.pipeline_job_resource_name}: {status.state}: {status.error_message}")


@dsl.pipeline(name="feature-team")
def feature_team(features: int):
    with dsl.ExitHandler(release_cluster(team="features"), name="features"):
        extract(features=features)


@dsl.pipeline(name="model-team")
def model_team(features: int, depth: int = 3):
    with dsl.ExitHandler(release_cluster(team="models"), name="models"):
        train(features=features, depth=depth)


@dsl.pipeline(name="sub-pipelines")
def sub_pipelines(features: int = 8):
    with dsl.ExitHandler(notify(), name="everything"):
        extracted = feature_team(features=features)
        model_team(features=features).after(extracted)
