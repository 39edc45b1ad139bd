"""Which earlier outputs may stand in for running a task again: the cache key."""

import hashlib
from collections.abc import Mapping

import msgspec

from postlude.core.exchange import known_facts
from postlude.core.run_state import Run
from postlude.core.task import Artifact, Task
from postlude.spec import placeholders
from postlude.spec.types import Container, Json, Strategy


def fingerprint(run: Run, task: Task) -> str | None:
    """The cache key of a task whose inputs are resolved; None where it is not to be cached.

    The key covers what the outputs depend on: the program (image, command, args, environment, packages, which are
    part of the command), the input values, the contents of the input artifacts, and the outputs' declarations. An
    author's own `cacheKey` stands in for program and inputs. Exit tasks and tasks that ignore upstream failures, with
    all that is inside them, are cached only with such a key, since every task has caching on by default (R9).
    """
    covered = fingerprint_subject(run, task)
    if covered is None:
        return None
    return hashlib.sha256(msgspec.json.encode(covered, order="deterministic")).hexdigest()


def fingerprint_subject(run: Run, task: Task) -> Mapping[str, Json] | None:
    """What the key of a task is made of, by kind; None where the task is not to be cached."""
    caching = task.spec.caching
    executor = run.pipeline.executors.get(task.component.executor)
    if not isinstance(executor, Container) or uncached_because(run, task):
        return None
    subject = {"key": caching.key} if caching.key else _subject(run, task, executor)
    return {**subject, "outputs": _outputs(task)}


def uncached_because(run: Run, task: Task) -> str:
    """Why the outputs of a container task are never reused; "" where they may be."""
    if not task.spec.caching.enabled:
        return "its author switched caching off"
    if not task.spec.caching.key and _runs_whatever_happens(run, task):
        return "exit tasks and tasks that ignore upstream failures are cached only with a cache key of their own"
    return ""


def _runs_whatever_happens(run: Run, task: Task) -> bool:
    """Whether the task, or a group that it is in, is an exit task or ignores upstream failures."""
    at = task
    while at.path:
        if at.spec.trigger.strategy is Strategy.ALL_COMPLETED:
            return True
        at = run.tasks[at.parent]
    return False


def _subject(run: Run, task: Task, container: Container) -> Mapping[str, Json]:
    """Program and inputs. Placeholders that differ from run to run (ids, times, workspace) count by their values."""
    program = [
        placeholders.render(text, lambda one: known_facts(run, task, one))
        for text in (*container.command, "--", *container.args)
    ]
    return {
        "image": container.image,
        "program": program,
        "env": dict(container.env),
        "parameters": dict(task.inputs.parameters),
        "artifacts": {name: [_artifact(one) for one in given] for name, given in task.inputs.artifacts.items()},
    }


def _artifact(artifact: Artifact) -> Json:
    """An artifact by its contents; by its place where nobody hashed them."""
    return {
        "content": artifact.digest or artifact.uri,
        "schema": artifact.schema_title,
        "metadata": dict(artifact.metadata),
    }


def _outputs(task: Task) -> Json:
    outputs = task.component.outputs
    return {
        "parameters": {name: declared.type.value for name, declared in outputs.parameters.items()},
        "artifacts": {name: declared.schema_title for name, declared in outputs.artifacts.items()},
    }
