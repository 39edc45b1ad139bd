"""A good model is deployed as a canary, a bad one leaves what is in production: `dsl.OneOf` picks what happened.

With `-p threshold=0.95` the model is too bad. With `-p healthy=false` the canary fails, nothing is announced, and the
exit task, which is told so, rolls back.
"""

from kfp import dsl


@dsl.component
def evaluate() -> float:
    return 0.92


@dsl.component
def deploy_canary(accuracy: float, healthy: bool) -> str:
    if not healthy:
        raise RuntimeError("the canary answers no health checks")
    return f"canary (accuracy {accuracy})"


@dsl.component
def keep_current() -> str:
    return "the current model"


@dsl.component
def announce(serving: str) -> str:
    return f"serving {serving}"


@dsl.component
def roll_back(status: dsl.PipelineTaskFinalStatus) -> bool:
    if status.state == "FAILED":
        print(f"rolling back, since {status.error_message}")
    return status.state == "FAILED"


@dsl.pipeline(name="conditional-deployment")
def conditional_deployment(threshold: float = 0.9, healthy: bool = True):
    with dsl.ExitHandler(roll_back(), name="deployment"):
        accuracy = evaluate().output
        with dsl.If(accuracy >= threshold):
            canary = deploy_canary(accuracy=accuracy, healthy=healthy)
        with dsl.Else():
            current = keep_current()
        announce(serving=dsl.OneOf(canary.output, current.output))
