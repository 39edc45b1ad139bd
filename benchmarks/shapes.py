"""Pipelines of any size, as compiled IR: the shapes over which the engine must stay linear."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from postlude.spec.load import load
from postlude.spec.types import Pipeline

Json = Any
_COMPLETED: Final = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}
_INTEGER: Final = {"parameterType": "NUMBER_INTEGER"}
_DEPTH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A pipeline, and what its tasks do.

    Attributes:
        about: What it looks like, in a few words.
        document: The IR with about that many tasks.
        fails: Whether the task at a path fails.
    """

    about: str
    document: Callable[[int], Json]
    fails: Callable[[str], bool] = lambda _path: False

    def pipeline(self, tasks: int) -> Pipeline:
        """The pipeline with about so many tasks."""
        return load([self.document(tasks)], name=self.about)


def _task(component: str = "leaf", *after: str, given: Json = None, **rest: Json) -> Json:
    inputs = {"inputs": {"parameters": given}} if given else {}
    return {"componentRef": {"name": component}, "dependentTasks": list(after), **inputs, **rest}


def _told(group: str) -> Json:
    return _task("told", group, given={"status": {"taskFinalStatus": {"producerTask": group}}}, **_COMPLETED)


def _loop(component: str, size: int) -> Json:
    items = {"itemInput": "item", "items": {"raw": json.dumps(list(range(size)))}}
    return _task(component, parameterIterator=items)


def _dag(tasks: Json, **rest: Json) -> Json:
    return {"dag": {"tasks": tasks, **rest}}


def _output(producer: str) -> Json:
    return {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": "out"}}


def _passed(producer: str) -> Json:
    return {"parameters": {"out": {"valueFromParameter": {"producerSubtask": producer, "outputParameterKey": "out"}}}}


def _document(tasks: Json, **components: Json) -> Json:
    item = {"inputDefinitions": {"parameters": {"item": _INTEGER}}}
    status = {"status": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}}
    known = {
        "leaf": {"executorLabel": "exec"},
        "told": {"executorLabel": "exec", "inputDefinitions": {"parameters": status}},
        "item": {"executorLabel": "exec", **item},
        "maker": {"executorLabel": "exec", **item, "outputDefinitions": {"parameters": {"out": _INTEGER}}},
    }
    return {
        "pipelineInfo": {"name": "scale"},
        "root": _dag(tasks),
        "components": known | components,
        "deploymentSpec": {"executors": {"exec": {"container": {"image": "python", "command": ["true"]}}}},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
    }


# --- the shapes -------------------------------------------------------------------------------------------------------


def _flat(size: int) -> Json:
    return _document({f"t{index}": _task() for index in range(size)})


def _chain(size: int) -> Json:
    return _document({f"t{index}": _task("leaf", *([f"t{index - 1}"] if index else [])) for index in range(size)})


def _fan_out(size: int) -> Json:
    return _document({"first": _task(), **{f"t{index}": _task("leaf", "first") for index in range(size - 1)}})


def _fan_in(size: int) -> Json:
    makers = {f"t{index}": _task("maker", given={"item": _constant(index)}) for index in range(size - 1)}
    inputs = {f"i{index}": _INTEGER for index in range(size - 1)}
    taker = {"executorLabel": "exec", "inputDefinitions": {"parameters": inputs}}
    given = {f"i{index}": _output(f"t{index}") for index in range(size - 1)}
    return _document({**makers, "last": _task("taker", *makers, given=given)}, taker=taker)


def _constant(value: Json) -> Json:
    return {"runtimeValue": {"constant": value}}


def _each(size: int) -> Json:
    """A loop of one task over a list that it is given, and a consumer of the collected outputs."""
    listed = {"executorLabel": "exec", "inputDefinitions": {"parameters": {"all": {"parameterType": "LIST"}}}}
    body = _body({"make": _task("maker", given={"item": {"componentInputParameter": "item"}})}, "make")
    body["inputDefinitions"] = {"parameters": {"item": _INTEGER, "items": {"parameterType": "LIST"}}}
    iterator = {"itemInput": "item", "items": {"inputParameter": "items"}}
    loop = _task("body", given={"items": _constant(list(range(size - 1)))}, parameterIterator=iterator)
    tasks = {"loop": loop, "take": _task("taker", "loop", given={"all": _output("loop")})}
    return _document(tasks, body=body, taker=listed)


def _body(tasks: Json, producer: str) -> Json:
    outputs = {"outputDefinitions": {"parameters": {"out": _INTEGER}}}
    inputs = {"inputDefinitions": {"parameters": {"item": _INTEGER}}}
    return {**_dag(tasks, outputs=_passed(producer)), **inputs, **outputs}


def _stages(size: int) -> Json:
    """A group, and tasks that depend on it."""
    half = max(1, size // 2)
    after = {f"t{index}": _task("leaf", "first") for index in range(half)}
    return _document({"first": _task("stage"), **after}, stage=_dag({f"t{index}": _task() for index in range(half)}))


def _nested(size: int) -> Json:
    """A loop over loops."""
    side = max(1, round(size**0.5))
    inner = _body({"make": _task("maker", given={"item": {"componentInputParameter": "item"}})}, "make")
    outer = {**_dag({"inner": _loop("body", side)}), "inputDefinitions": {"parameters": {"item": _INTEGER}}}
    return _document({"outer": _loop("middle", max(1, size // side))}, body=inner, middle=outer)


def _guarded(size: int) -> Json:
    """A loop over sub-pipelines with an exit handler each: a body task and an exit task."""
    handler = _dag({"work": _task()})
    inner = _dag({"exit-handler-1": _task("handler"), "told": _told("exit-handler-1")})
    body = {**_dag({"call": _task("called")}), "inputDefinitions": {"parameters": {"item": _INTEGER}}}
    return _document({"loop": _loop("body", max(1, size // 2))}, handler=handler, called=inner, body=body)


def _failing(size: int) -> Json:
    """An exit handler around independent tasks, all of which fail."""
    handler = _dag({f"t{index}": _task() for index in range(size - 1)})
    return _document({"exit-handler-1": _task("handler"), "told": _told("exit-handler-1")}, handler=handler)


def _deep(size: int) -> Json:
    """Groups in groups, a share of the tasks at each level."""
    share = max(1, size // _DEPTH)
    levels = {}
    for level in range(_DEPTH):
        tasks = {f"t{index}": _task() for index in range(share)}
        below = {"down": _task(f"level{level + 1}")} if level + 1 < _DEPTH else {}
        levels[f"level{level}"] = _dag(tasks | below)
    return _document({"down": _task("level0")}, **levels)


SHAPES: Final[Mapping[str, Shape]] = {
    "flat": Shape(about="independent tasks", document=_flat),
    "chain": Shape(about="each task after the one before it", document=_chain),
    "fan-out": Shape(about="all tasks after one", document=_fan_out),
    "fan-in": Shape(about="one task with an input from every other", document=_fan_in),
    "loop": Shape(about="a loop, and a consumer of what it collects", document=_each),
    "stages": Shape(about="a group of tasks, and as many tasks after it", document=_stages),
    "nested-loops": Shape(about="a loop of loops", document=_nested),
    "exit-handlers": Shape(about="a loop of sub-pipelines, each with an exit handler", document=_guarded),
    "deep": Shape(about=f"groups nested {_DEPTH} deep", document=_deep),
    "failures": Shape(
        about="an exit handler in which every task fails", document=_failing, fails=lambda path: path != "told"
    ),
}
