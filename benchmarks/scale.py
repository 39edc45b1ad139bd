"""How the engine's own cost grows with a pipeline: `python -m benchmarks.scale`.

Nothing is executed: tasks end as soon as they begin, so that what is measured is the engine alone. Each measurement is
a process of its own, for its peak memory; what is counted is CPU time, which a busy machine disturbs least.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.curves import Curve, plot
from benchmarks.durability import engine_of
from benchmarks.shapes import SHAPES, Shape
from postlude.core.run import advance, begin
from postlude.core.run_state import Settings
from postlude.core.task import Code, Command, Event, Failed, Outputs, Start, Started, Succeeded, TaskError, TaskPath
from postlude.executors.fake import Fail, FakeExecutor, Succeed
from postlude.ports.executor import Attempt, Exit
from postlude.runtime.runner import Runner, Shell
from postlude.spec.types import Pipeline
from postlude.stores.home import open_home
from postlude.stores.memory import open_memory_store
from postlude.stores.sql.store import open_store
from postlude.stores.store import Store

_ROOT: Final = Path(__file__).resolve().parent.parent
_AT_ONCE: Final = 8
"""So many attempts begin, and so many end, in one step, as on a machine with that many workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run cost.

    Attributes:
        shape, side, size: What was run, with what, and how many tasks were asked for.
        tasks: How many tasks really ran.
        load_s, cpu_s, wall_s: Seconds to load the IR, and to run it, the mean of several runs where it is small; what
            the fake program took is not in `cpu_s`.
        program_s: CPU seconds that the fake program took, in the place of the tasks' own processes.
        base_bytes, peak_bytes: Memory before the pipeline was made, and the most there was.
    """

    shape: str
    side: str
    size: int
    tasks: int
    load_s: float
    cpu_s: float
    wall_s: float
    base_bytes: int
    peak_bytes: int
    program_s: float = 0.0

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds a task."""
        return self.cpu_s / self.tasks * 1000

    @property
    def kilobytes(self) -> float:
        """Memory a task."""
        return (self.peak_bytes - self.base_bytes) / self.tasks / 1024


# --- what is measured -------------------------------------------------------------------------------------------------


Act = Callable[[Pipeline], tuple[int, float]]
"""Runs a pipeline; how many tasks ran, and the CPU seconds of the fake program."""


def _core(shape: Shape, _scratch: Path, _stack: ExitStack) -> Act:
    """The state machine alone: events in, commands out."""
    return lambda pipeline: (_advanced(shape, pipeline), 0.0)


def _memory(shape: Shape, _scratch: Path, stack: ExitStack) -> Act:
    """State machine, documents and journal, in memory."""
    store = stack.enter_context(closing(open_memory_store()))
    return lambda pipeline: (_simulated(shape, pipeline, store), 0.0)


def _sqlite(shape: Shape, scratch: Path, stack: ExitStack) -> Act:
    """State machine, documents and journal, in SQLite."""
    store = stack.enter_context(closing(open_store(f"sqlite:///{scratch / 'scale.db'}")))
    return lambda pipeline: (_simulated(shape, pipeline, store), 0.0)


class _TimedProgram(FakeExecutor):
    """Ends attempts as soon as they begin, and counts the CPU seconds of what stands for the tasks' processes."""

    program_s = 0.0

    def begin(self, attempt: Attempt) -> Future[Exit]:
        ended: Future[Exit] = Future()
        ended.set_result(self.run(attempt))
        return ended

    def run(self, attempt: Attempt) -> Exit:
        began = time.thread_time()
        try:
            return super().run(attempt)
        finally:
            self.program_s += time.thread_time() - began


def _local(shape: Shape, scratch: Path, stack: ExitStack) -> Act:
    """The embedded engine with threads, SQLite and directories; the programs are fake."""

    def script(attempt: Attempt) -> Succeed | Fail:
        declared: Mapping[str, object] = attempt.executor_input["outputs"]["parameters"]
        return Fail() if shape.fails(attempt.path) else Succeed(parameters=dict.fromkeys(declared, 1))

    def run(pipeline: Pipeline) -> tuple[int, float]:
        before, program_s = len(executor.attempts), executor.program_s
        engine.run(pipeline, {})
        return len(executor.attempts) - before, executor.program_s - program_s

    executor = _TimedProgram(script)
    store = stack.enter_context(closing(open_store(f"sqlite:///{scratch / 'engine.db'}")))
    engine = stack.enter_context(engine_of(store, open_home(scratch), executor))
    return run


def _advanced(shape: Shape, pipeline: Pipeline) -> int:
    step = begin(pipeline, _settings())
    run, asked, count = step.run, deque(step.commands), 0
    while asked:
        start = asked.popleft()
        if isinstance(start, Start):
            count += 1
            for event in (_started(start), _ended(shape, start)):
                step = advance(run, event)
                run = step.run
                asked.extend(step.commands)
    return _counted(count, run.state.is_final)


def _simulated(shape: Shape, pipeline: Pipeline, store: Store) -> int:
    asked: deque[Command] = deque()
    shell = Shell(journal=store.journal, perform=asked.append, log_of=lambda _: None)
    runner = Runner.begin(pipeline, _settings(), shell)
    count = 0
    while asked:
        commands = [asked.popleft() for _ in range(min(_AT_ONCE, len(asked)))]
        starts = [command for command in commands if isinstance(command, Start)]
        count += len(starts)
        runner.take([_started(start) for start in starts])
        runner.take([_ended(shape, start) for start in starts])
    return _counted(count, runner.run.state.is_final)


SIDES: Final[Mapping[str, Callable[[Shape, Path, ExitStack], Act]]] = {
    "core": _core,
    "memory": _memory,
    "SQLite": _sqlite,
    "engine": _local,
}

_DIRECTORY: Final = "POSTLUDE_SCALE_DIRECTORY"
_WARMING: Final = 10
_LEAST: Final = 200
"""So many tasks are run at least, in several runs if need be: a run of ten is over too soon to be measured."""
_LARGEST: Final[Mapping[str, int]] = {"SQLite": 10_000, "engine": 10_000}
"""Sides that take minutes beyond that."""


def _settings() -> Settings:
    return Settings(run_id=str(uuid.uuid4()), name="scale", created_at=0.0)


def _started(start: Start) -> Event:
    return Started(path=start.path, attempt=start.attempt, at=1.0)


def _ended(shape: Shape, start: Start) -> Event:
    if shape.fails(start.path):
        error = TaskError(code=Code.UNKNOWN, message="ValueError: no data", exit_code=1)
        return Failed(path=start.path, attempt=start.attempt, at=2.0, error=error)
    return Succeeded(path=TaskPath(start.path), attempt=start.attempt, at=2.0, outputs=Outputs(parameters={"out": 1}))


def _counted(count: int, final: bool) -> int:  # noqa: FBT001 - what was found, not a mode
    if not final:
        raise RuntimeError("the run did not end")
    return count


# --- measuring --------------------------------------------------------------------------------------------------------


def measured(shape: str, side: str, size: int) -> Cost:
    """Run one case in this process, which has run a small one before, as often as it takes to measure it."""
    with (
        tempfile.TemporaryDirectory(prefix="postlude-scale-", dir=os.environ.get(_DIRECTORY)) as scratch,
        ExitStack() as stack,
    ):
        act = SIDES[side](SHAPES[shape], Path(scratch), stack)
        act(SHAPES[shape].pipeline(_WARMING))
        base, began = _peak_bytes(), time.process_time()
        pipeline = SHAPES[shape].pipeline(size)
        loaded, wall = time.process_time(), time.perf_counter()
        runs = [act(pipeline) for _ in range(max(1, _LEAST // size))]
        done, wall = time.process_time(), time.perf_counter() - wall
        program_s = statistics.mean(seconds for _, seconds in runs)
    return Cost(
        shape=shape,
        side=side,
        size=size,
        tasks=runs[0][0],
        load_s=loaded - began,
        cpu_s=(done - loaded) / len(runs) - program_s,
        wall_s=wall / len(runs),
        base_bytes=base,
        peak_bytes=_peak_bytes(),
        program_s=program_s,
    )


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _apart(shape: str, side: str, size: int) -> Cost:
    """Run one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--one", shape, side, str(size)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, check=True, cwd=_ROOT, capture_output=True, text=True, env=env)
    return Cost(**json.loads(done.stdout))


# --- what is shown ----------------------------------------------------------------------------------------------------


def main() -> None:
    """Measure every shape on every side at every size, and show the table and the curves."""
    options = _options()
    if options.directory:
        os.environ[_DIRECTORY] = str(options.directory)  # the processes that measure read it
    if options.one:
        shape, side, size = options.one
        print(json.dumps(asdict(measured(shape, side, int(size)))))
        return
    costs = _kept(options.json)
    for size in sorted(options.sizes):
        for shape in options.shapes:
            for side in (side for side in options.sides if size <= _LARGEST.get(side, size)):
                costs.append(_apart(shape, side, size))
                print(f"{shape}, {side}, {size:,}: {costs[-1].cpu_ms:.2f} ms a task", file=sys.stderr, flush=True)
        _write(options.json, json.dumps([asdict(cost) for cost in costs], indent=1) + "\n")
        _write(options.markdown, markdown(costs) + "\n")  # after each size, since the next takes ten times as long
        _write(options.plot, _plotted(costs))
    print(markdown(costs))


def _kept(path: Path | None) -> list[Cost]:
    """What was measured before."""
    if path is None or not path.exists():
        return []
    return [Cost(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        path.write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=[10, 100, 1000, 10_000], help="numbers of tasks, by commas")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES), help="which shapes (default: all)")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="with what (default: all)")
    parser.add_argument("--directory", type=Path, help="where files are written (default: the one for temporary files)")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="where to draw the curves")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where to write the table")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="where measurements are kept; what is there is shown too"
    )
    parser.add_argument("--one", nargs=3, metavar=("SHAPE", "SIDE", "SIZE"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def markdown(costs: Sequence[Cost]) -> str:
    """The table: CPU a task at each size; at the largest, CPU of the whole run and memory a task."""
    sizes = sorted({cost.size for cost in costs})
    lines = [
        f"| shape | with | {' | '.join(f'{size:,} tasks' for size in sizes)} | in all, largest | memory a task |",
        "|---|---|" + "---:|" * (len(sizes) + 2),
    ]
    for shape, side in dict.fromkeys((cost.shape, cost.side) for cost in costs):
        row = {cost.size: cost for cost in costs if (cost.shape, cost.side) == (shape, side)}
        cells = [f"{row[size].cpu_ms:.2f} ms" if size in row else "" for size in sizes]
        last = row[max(row)]
        lines.append(f"| {shape} | {side} | {' | '.join(cells)} | {last.cpu_s:.1f} s | {last.kilobytes:.1f} kB |")
    return "\n".join(lines)


def _plotted(costs: Sequence[Cost]) -> str:
    sides = list(dict.fromkeys(cost.side for cost in costs))
    curves = [
        Curve(
            name=shape,
            panel=side,
            points=tuple((c.tasks, c.cpu_s) for c in costs if (c.shape, c.side) == (shape, side)),
        )
        for shape, side in dict.fromkeys((cost.shape, cost.side) for cost in costs)
    ]
    titles = {side: f"{side}: {(SIDES[side].__doc__ or '').rstrip('.')}" for side in sides}
    return plot(curves, titles, x="tasks", y="CPU seconds of the whole run")


if __name__ == "__main__":
    main()
