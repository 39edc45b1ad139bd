"""Run documents to draw."""

from postlude.spec.types import Json

RUN_ID = "1a2b3c4d-0000-4000-8000-000000000000"


def at(seconds: float | None) -> str | None:
    return None if seconds is None else f"2026-01-02T03:04:{seconds:06.3f}Z"


def task(path: str, state: str = "SUCCEEDED", kind: str = "task", **given: Json) -> Json:
    message, code = given.pop("message", None), given.pop("code", 2)
    return {
        "path": path,
        "kind": kind,
        "state": state,
        "attempts": 1,
        "cached": False,
        "error": None if message is None else {"code": code, "message": message},
        "inputs": {"parameters": {}, "artifacts": {}},
        "outputs": {"parameters": {}, "artifacts": {}},
        "started_at": at(given.pop("started", 0)),
        "finished_at": at(given.pop("finished", 1)),
        "log": f"/runs/{path}/1/log",
        "exit_of": None,
        **given,
    }


def run(*tasks: Json, state: str = "SUCCEEDED", message: str | None = None, **given: Json) -> Json:
    return {
        "schema": "postlude.run/v1",
        "run_id": RUN_ID,
        "pipeline": "demo",
        "state": state,
        "error": None if message is None else {"code": 2, "message": message},
        "outputs": {},
        "started_at": at(0),
        "finished_at": at(2),
        "tasks": list(tasks),
        **given,
    }


def loop(path: str, *failed: int, count: int = 10) -> list[Json]:
    states = ["FAILED" if index in failed else "SUCCEEDED" for index in range(count)]
    return [
        task(path, "FAILED" if failed else "SUCCEEDED", "loop"),
        *(
            each
            for index, state in enumerate(states)
            for each in (task(f"{path}[{index}]", state, "iteration"), task(f"{path}[{index}]/score", state))
        ),
    ]
