"""Pipelines that tests try with the pytest fixture: components whose own code could not run on this machine."""

from typing import NamedTuple, Optional

from kfp import dsl


class Scores(NamedTuple):
    loss: float
    grade: str


@dsl.component
def prepare(rows: int, data: dsl.Output[dsl.Dataset]) -> int:
    raise NotImplementedError("prepare")


Hint = Optional[str]  # noqa: UP045 - the SDK knows no other way


@dsl.component
def train(data: dsl.Input[dsl.Dataset], lr: float, model: dsl.Output[dsl.Model], hint: Hint = None):
    raise NotImplementedError("train")


@dsl.component
def evaluate(model: dsl.Input[dsl.Model], options: dict) -> NamedTuple("Scores", [("loss", float), ("grade", str)]):
    raise NotImplementedError("evaluate")


@dsl.component
def notify(team: str, status: dsl.PipelineTaskFinalStatus):
    raise NotImplementedError("notify")


@dsl.pipeline(name="nightly")
def nightly(lr: float = 0.1):
    with dsl.ExitHandler(notify(team="ml"), name="everything"):
        prepared = prepare(rows=10)
        trained = train(data=prepared.outputs["data"], lr=lr)
        trained.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(64).set_memory_limit("900T")
        evaluate(model=trained.outputs["model"], options={"folds": [1, 2]})


@dsl.component
def score(fold: int) -> int:
    return fold * 10


@dsl.component
def add(scores: list) -> int:
    return sum(scores)


@dsl.container_component
def say(text: str):
    return dsl.ContainerSpec(image="nowhere.invalid/say", command=["say"], args=[text])


@dsl.container_component
def shout(text: str, heard: dsl.OutputPath(str)):
    return dsl.ContainerSpec(image="nowhere.invalid/say", command=["shout"], args=[text, heard])


@dsl.pipeline(name="folds")
def folds():
    with dsl.ParallelFor([1, 2, 3]) as fold:
        scored = score(fold=fold)
    add(scores=dsl.Collected(scored.output))
    score(fold=4)
    say(text="hello")
    shout(text="hello")


@dsl.component
def flaky() -> str:
    return "in a process of its own"


@dsl.pipeline(name="retried")
def retried():
    flaky().set_retry(2, backoff_duration="0s")
    flaky().set_caching_options(True)


@dsl.component
def page(status: dict) -> str:
    return status["state"]


@dsl.pipeline(name="alarm")
def alarm(status: dsl.PipelineTaskFinalStatus):
    page(status=status)
    with dsl.ExitHandler(say(text="bye")):
        say(text="hello")


@dsl.pipeline(name="guarded")
def guarded():
    with dsl.ExitHandler(alarm(), name="outer") as handler:
        score(fold=1)
    score(fold=2).after(handler)
