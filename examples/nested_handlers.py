"""Exit handlers inside each other: a cluster for all trials, a workspace for each, and nothing is left behind.

Each trial of the loop has a handler of its own, whose exit task uses the loop's item and what the trial produced. The
trial with depth 0 fails: only its own exit task is told FAILED, then the cluster is taken down by one that is told the
full path of what failed. The SDK's own `ExitHandler` cannot stand inside another one, nor can its exit task use an
output of its group; that of `postlude.dsl` can. A function, such as the lambda here, makes the task after its group.
"""

from postlude import dsl


@dsl.component
def start_cluster(nodes: int) -> str:
    return f"cluster-with-{nodes}-nodes"


@dsl.component
def train(depth: int, cluster: str) -> float:
    print(f"training on {cluster}")
    if depth == 0:
        raise ValueError("a tree of depth 0 splits nothing")
    return 1 - 0.5**depth


@dsl.component
def evaluate(accuracy: float) -> str:
    return f"accuracy {accuracy:.3f}"


@dsl.component
def remove_workspace(depth: int, status: dsl.PipelineTaskFinalStatus, accuracy: float = -1.0) -> str:
    outcome = f"accuracy {accuracy:.3f}" if accuracy >= 0 else status.error_message
    print(f"removed the workspace of depth {depth}: {status.state}, {outcome}")
    return f"{depth}: {outcome}"


@dsl.component
def take_down(status: dsl.PipelineTaskFinalStatus, cluster: str = "", failures: str = "") -> str:
    import json

    for failure in json.loads(failures):
        print(f"{failure['displayName']} failed: {failure['message']}")
    print(f"{cluster or 'no cluster'} taken down after {status.state}")
    return cluster


@dsl.pipeline(name="nested-handlers")
def nested_handlers(depths: list = [1, 0, 3], nodes: int = 2):  # noqa: B006 - the SDK copies a default into the pipeline
    cluster = start_cluster(nodes=nodes)
    with dsl.ExitHandler(take_down(cluster=cluster.output, failures=dsl.FAILURES), name="all trials"):
        with dsl.ParallelFor(items=depths) as depth:
            with dsl.ExitHandler(lambda: remove_workspace(depth=depth, accuracy=trained.output), name="one trial"):
                trained = train(depth=depth, cluster=cluster.output)
                evaluate(accuracy=trained.output)
