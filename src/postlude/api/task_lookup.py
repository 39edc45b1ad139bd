"""Which task of a run a person means who types its path, or the end of it."""

from collections.abc import Sequence
from difflib import get_close_matches

from postlude.core.task import TaskPath
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.run_lookup import SHORT_ID


def path_of(document: Json, task: str) -> TaskPath:
    """The path that `task` names: whole, or its end where only one task has it.

    Raises:
        ConfigError: It names none, or several.
    """
    whole = any(each["path"] == task for each in document["tasks"])
    return TaskPath(task if whole else select(document, task)[0]["path"])


def select(document: Json, task: str) -> list[Json]:
    """The tasks of a run that `task` names: one by its path, those inside a group, or one by the end of its path.

    Raises:
        ConfigError: It names none, or several.
    """
    tasks: list[Json] = document["tasks"]
    inside = [
        each for each in tasks if not task or each["path"] == task or each["path"].startswith((f"{task}/", f"{task}["))
    ]
    if inside:
        return inside
    ending = [each for each in tasks if each["path"].endswith(f"/{task}")]
    if len(ending) == 1:
        return ending
    raise ConfigError(_unknown(document, task, [each["path"] for each in ending]))


def _unknown(document: Json, task: str, ending: Sequence[str]) -> str:
    run = document["run_id"][:SHORT_ID]
    if ending:
        return f"run {run} has {len(ending)} tasks {task!r}. Name one: {', '.join(ending[:10])}."
    paths = [each["path"] for each in document["tasks"]]
    close = get_close_matches(task, paths, n=3, cutoff=0.4) or paths[:10]
    return f"run {run} has no task {task!r}. There are: {', '.join(close) or 'none'}."
