"""Performs attempts for the local engine, on as few threads as it can.

Most of an attempt is waiting for its program. What comes before and after takes a fraction of a millisecond, unless
artifacts are moved or hashed; so the engine's own thread does it, and none is woken for it. An attempt that moves bytes
gets a thread of its own from its beginning to its end.
"""

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from postlude.core.run_state import Run
from postlude.core.task import Event, Task, TaskPath
from postlude.engines.local.layout import Layout
from postlude.ports.executor import AttemptKey, Exit
from postlude.ports.stop import NEVER, Stop
from postlude.runtime.attempt import Bench, Berth, Prepared, began, conclude, moves_bytes, perform_attempt, prepare

News = Event | Callable[[], Event]
"""What happened, or what says so when the engine's thread calls it."""
Inbox = queue.SimpleQueue[News]


class Crew:
    """Begins attempts, and reports their ends.

    Args:
        bench: What attempts are performed with.
        layout: Where they keep their files.
        workers: How many may move bytes at a time.
    """

    def __init__(self, bench: Bench, layout: Layout, *, workers: int) -> None:
        self._bench, self._layout = bench, layout
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="attempt")
        self._running: set[Future[Exit]] = set()
        self._stops: dict[AttemptKey, Stop] = {}

    def begin(self, run: Run, task: Task, devices: tuple[str, ...], inbox: Inbox) -> None:
        """On the engine's thread: begin an attempt, whose end comes into the inbox of its run."""
        if moves_bytes(run, task):
            stop = self._stops[run.run_id, task.path, task.attempt] = Stop()
            self._pool.submit(self._all_of_it, run, task, self._berth(run, task, devices, stop), inbox)
            return
        prepared = prepare(self._bench, run, task, self._berth(run, task, devices))
        if isinstance(prepared, Prepared):
            self._wait_for(began(self._bench, prepared), partial(conclude, self._bench, run, task, prepared), inbox)
        else:
            inbox.put(prepared)

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """Have an attempt end: its program gets the grace period, its transfers do not go on. Returns at once."""
        stop = self._stops.get((run_id, path, attempt))
        if stop is not None:
            stop.ask()
        self._bench.executor.terminate(run_id, path, attempt, grace_s=grace_s)

    def close(self) -> None:
        """Stop all transfers, and wait until every attempt is over; the executor must have been told to see to that."""
        for stop in tuple(self._stops.values()):
            stop.ask()
        wait(tuple(self._running))
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _wait_for(self, ended: Future[Exit], finish: Callable[[Future[Exit]], Event], inbox: Inbox) -> None:
        self._running.add(ended)

        def over(_: Future[Exit]) -> None:
            self._running.discard(ended)
            inbox.put(partial(finish, ended))

        ended.add_done_callback(over)

    def _all_of_it(self, run: Run, task: Task, berth: Berth, inbox: Inbox) -> None:
        end = perform_attempt(self._bench, run, task, berth)
        del self._stops[run.run_id, task.path, task.attempt]
        inbox.put(end)

    def _berth(self, run: Run, task: Task, devices: tuple[str, ...], stop: Stop = NEVER) -> Berth:
        directory = self._layout.directory(run.run_id, task.path, task.attempt)
        return Berth(directory=directory, artifacts=self._layout.place(run, task), devices=devices, stop=stop)
