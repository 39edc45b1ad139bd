"""What remembering a run costs: `python -m benchmarks.durability` times one pipeline on each kind of store.

The tasks do nothing and start no process, so that what is measured is the engine and its store alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from postlude.engines.local.clock import SystemClock
from postlude.engines.local.engine import LocalEngine
from postlude.engines.local.layout import Layout
from postlude.engines.local.office import Office
from postlude.engines.local.policy import Policy
from postlude.executors.fake import FakeExecutor, Succeed
from postlude.ports.executor import Attempt
from postlude.runtime.attempt import Bench
from postlude.spec.load import load
from postlude.spec.types import Pipeline
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.home import Home, open_home
from postlude.stores.memory import open_memory_store
from postlude.stores.sql import open_store
from postlude.stores.store import Store

CASES: Mapping[str, int] = {"chain-20": 20, "parallel-for-50": 50, "independent-100": 100, "exit-handler-10": 11}
"""How many tasks each case runs."""

_ROOT = Path(__file__).resolve().parent.parent
_WORKERS = 2


def main() -> None:
    """Time every case on every store, in turn."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.directory) as scratch, _postgres(options.postgres) as postgres:
        pipelines = _pipelines(Path(scratch))
        stores = _stores(Path(scratch), postgres)
        found: dict[tuple[str, str], list[float]] = {}
        for number in range(options.rounds + 1):
            for name, opened in stores.items():
                for case, pipeline in pipelines.items():
                    milliseconds = _ms_a_task(opened, pipeline, CASES[case], Path(scratch, "home"))
                    if number:  # the first round warms up
                        found.setdefault((case, name), []).append(milliseconds)
    print(_markdown({place: statistics.median(values) for place, values in found.items()}, options.rounds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durability", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="timed runs of each (default: 7)")
    parser.add_argument(
        "--directory", type=Path, help="where the SQLite file is (default: the directory for temporary)"
    )
    parser.add_argument("--postgres", metavar="URL", help="an empty PostgreSQL database (default: a server of its own)")
    return parser.parse_args()


def _pipelines(scratch: Path) -> dict[str, Pipeline]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.pipelines", str(scratch / "ir")]
    subprocess.run(command, check=True, cwd=_ROOT)
    return {case: load((scratch / "ir" / "plain" / f"{case}.yaml").read_bytes(), name=case) for case in CASES}


# --- the stores -------------------------------------------------------------------------------------------------------


@contextmanager
def _postgres(url: str | None) -> Iterator[str]:
    """A database that flushes as databases do: the tests' server leaves that out."""
    if url is not None:
        yield url
        return
    sys.path.insert(0, str(_ROOT / "tests" / "contract"))
    from postgres_server import running_server

    with running_server(fsync=True) as server:
        yield server.new_database()


def _stores(scratch: Path, postgres: str) -> dict[str, Callable[[], Store]]:
    return {
        "memory": open_memory_store,
        "SQLite": lambda: open_store(f"sqlite:///{scratch / 'postlude.db'}"),
        "PostgreSQL": lambda: open_store(postgres),
    }


# --- a run ------------------------------------------------------------------------------------------------------------


def _ms_a_task(opened: Callable[[], Store], pipeline: Pipeline, tasks: int, home: Path) -> float:
    executor = FakeExecutor(_succeed)
    with closing(opened()) as store, engine_of(store, open_home(home), executor) as engine:
        began = time.perf_counter()
        document = engine.run(pipeline, {})
        took_s = time.perf_counter() - began
    done = sum(task["kind"] == "task" and task["state"] == "SUCCEEDED" for task in document["tasks"])
    if done != tasks:
        raise RuntimeError(f"{pipeline.name}: {done} of {tasks} tasks ran: {document['error']}")
    return took_s / tasks * 1000


def engine_of(store: Store, home: Home, executor: FakeExecutor) -> LocalEngine:
    """The embedded engine with an executor that runs nothing."""
    clock = SystemClock()
    return LocalEngine(
        bench=Bench(executor=executor, artifacts=LocalArtifacts(), clock=clock),
        journal=store.journal,
        catalog=store.catalog,
        layout=Layout(
            directory=home.task_directory,
            artifacts=home.artifact_place,
            workspace=home.workspace,
            root=str(home.artifacts),
        ),
        policy=Policy(workers=_WORKERS),
        office=Office(store.leases, store.mailbox, clock),
    )


def _succeed(attempt: Attempt) -> Succeed:
    """Each task gives a value of the type that it declares."""
    declared: Mapping[str, Any] = attempt.executor_input["outputs"].get("parameters", {})
    return Succeed(parameters=dict.fromkeys(declared, "done" if "tidy" in attempt.path else 1))


# --- the table --------------------------------------------------------------------------------------------------------


def _markdown(medians: Mapping[tuple[str, str], float], rounds: int) -> str:
    names = list(dict.fromkeys(name for _, name in medians))
    lines = [
        f"ms a task, median of {rounds} runs, {os.cpu_count()} cores; in brackets: more than in memory.",
        "",
        f"| case | {' | '.join(names)} |",
        "|---|" + "---:|" * len(names),
    ]
    for case in CASES:
        base = medians[case, "memory"]
        cells = [f"{medians[case, name]:.2f} (+{medians[case, name] - base:.2f})" for name in names]
        lines.append(f"| {case} | {' | '.join([f'{base:.2f}', *cells[1:]])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
