"""Resources as operators and authors meet them: on the command line, in variables, in what is said of a refusal."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Harness
from kfp import compiler, dsl

import postlude
from postlude.spec.problem import ConfigError


@dsl.component
def train() -> str:
    import os

    return os.environ["CUDA_VISIBLE_DEVICES"] + "/" + os.environ["NVIDIA_VISIBLE_DEVICES"]


@dsl.component
def wait(item: int) -> None:
    import time

    time.sleep(0.1)


@dsl.pipeline(name="big")
def big(memory: str = "64Gi"):
    train().set_memory_limit(memory).set_retry(3)


@dsl.pipeline(name="accelerated")
def accelerated():
    train().set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2).set_display_name("two")
    train().set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)
    train()


@dsl.pipeline(name="looped")
def looped():
    with dsl.ParallelFor([0, 1, 2], parallelism=2) as outer, dsl.ParallelFor([0, 1, 2], parallelism=2):
        wait(item=outer).set_caching_options(enable_caching=False)


def on_the_command_line(pipeline: Any, directory: Path, *options: str) -> tuple[int, Any]:
    source = directory / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(source))
    command = [sys.executable, "-m", "postlude", "run", str(source), "--home", str(directory / "home"), "--json"]
    done = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=False, env={**os.environ})
    return done.returncode, json.loads(done.stdout)


def test_what_does_not_fit_fails_with_the_numbers_and_runs_when_allowed(tmp_path: Path) -> None:
    code, refused = on_the_command_line(big, tmp_path, "--memory", "8Gi")
    assert (code, refused["state"], refused["error"]) == (
        1,
        "FAILED",
        {
            "code": 8,
            "message": "train: asks for 64 GiB of memory, this machine offers 8 GiB: lower it, or pass --memory",
        },
    )
    (task,) = refused["tasks"]
    assert (task["attempts"], task["started_at"]) == (1, None)
    retry = [sys.executable, "-m", "postlude", "retry", refused["run_id"], "--home", str(tmp_path / "home")]
    assert subprocess.run([*retry, "--memory", "64Gi"], check=False).returncode == 0


def test_an_amount_may_be_a_parameter(harness: Harness) -> None:
    assert harness.run(big, {"memory": "100Mi"}).state == "SUCCEEDED"
    assert harness.run(big, {"memory": "lots"}).error("train") == (
        3,
        "memory limit: 'lots' is not a quantity. Write a number, with a suffix where needed: '500m', '2', '1Gi', '2G'",
    )


def test_each_task_sees_its_own_accelerators_and_no_others(tmp_path: Path) -> None:
    code, document = on_the_command_line(accelerated, tmp_path, "--gpus", "3", "--workers", "3")
    seen = {task["path"]: task["outputs"]["parameters"]["Output"] for task in document["tasks"]}
    assert (code, seen) == (0, {"train": "0,1/0,1", "train-2": "2/2", "train-3": "/"})


def test_iterations_of_nested_loops_overlap_as_far_as_they_may(tmp_path: Path) -> None:
    code, document = on_the_command_line(looped, tmp_path, "--workers", "9")
    spans = {task["path"]: (task["started_at"], task["finished_at"]) for task in document["tasks"]}
    outer = [path for path in spans if path.endswith("]") and path.count("[") == 1]
    inner = [[path for path in spans if path.startswith(one) and path.endswith("]") and path != one] for one in outer]
    most = [_most_at_once([spans[path] for path in each]) for each in (outer, *inner)]
    assert (code, [len(each) for each in (outer, *inner)], most) == (0, [3, 3, 3, 3], [2, 2, 2, 2])


def _most_at_once(spans: list[tuple[str, str]]) -> int:
    """Of time spans; where one ends in the instant in which another begins, they do not overlap."""
    return max(sum(begin <= start < end for begin, end in spans) for start, _ in spans)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpus": "many"}, "cpus: 'many' is not a quantity. "),
        ({"memory": "8GB"}, "memory: '8GB' is not a quantity. "),
        ({"gpus": -1}, "gpus: '-1' is not a quantity. "),
    ],
)
def test_what_is_no_amount_is_refused_before_anything_runs(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        postlude.run(big, home=tmp_path / "home", **options)
    assert str(raised.value).startswith(message)
    assert not (tmp_path / "home").exists()
