"""A forked component is as much by itself as one in a fresh interpreter, and harms nobody but itself."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from msgspec.structs import replace
from process_lab import EXITED_WELL, Lab
from started import Started, until_gone, working_in

from postlude.ports.executor import Ending

READ_AT_START = {"PYTHONUTF8": "1"}
"""A variable that makes the executor start an interpreter for the component, rather than fork one."""


def look() -> dict[str, Any]:
    import atexit
    import gc
    import logging
    import os
    import signal
    import sys
    import tempfile
    import threading
    from pathlib import Path

    numbers = sorted(set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
    return {
        "descriptors": sorted(int(one.name) for one in Path("/proc/self/fd").iterdir())[:-1],
        "leads its session": os.getpid() == os.getsid(0) == os.getpgrp(),
        "threads": [threading.active_count(), len(os.listdir("/proc/self/task"))],  # noqa: PTH208 - needs no more
        "children": Path(f"/proc/self/task/{os.getpid()}/children").read_text(),
        "signals": {one.name: str(signal.getsignal(one)).split(" at ")[0] for one in numbers},
        "mask": list(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "works in": Path.cwd().name,
        "temporary files in": Path(tempfile.mkdtemp()).parent.name,
        "killed first": Path("/proc/self/oom_score_adj").read_text(),
        "environment": sorted(set(os.environ) - {"PYTHONUTF8", "LC_CTYPE"}),
        "path": [Path(one).name for one in sys.path],
        "finders": [str(one).split(" object at ")[0] for one in sys.meta_path],
        "components": sorted(name for name in sys.modules if "component" in name and "." not in name),
        "main": sys.modules["__main__"].__name__,
        "compiles imports": not sys.dont_write_bytecode,
        "collects": [gc.isenabled(), *gc.get_threshold()],
        "log handlers": [str(one).split("<_io")[0] for one in logging.root.handlers],
        "exit functions": atexit._ncallbacks(),
        "recursion": sys.getrecursionlimit(),
        "streams": [(one.encoding, one.errors, one.line_buffering) for one in (sys.stdout, sys.stderr)],
        "standard input": sys.stdin.read(),
        "affinity": sorted(os.sched_getaffinity(0)),
        "files": sorted(one.name for one in Path.cwd().parent.rglob("*") if not one.name.startswith("tmp")),
    }


def test_a_forked_component_finds_what_a_fresh_interpreter_finds(lab: Lab) -> None:
    lab.value_of(look)
    forked, fresh = lab.value_of(look), lab.value_of(look, env=READ_AT_START)
    fresh["files"].remove("component.json")
    assert forked == fresh
    assert (forked["descriptors"], forked["threads"], forked["children"]) == ([0, 1, 2], [1, 1], "")
    assert forked["leads its session"]
    assert (forked["works in"], forked["temporary files in"]) == ("work", "tmp")
    assert int(forked["killed first"]) == min(1000, int(Path("/proc/self/oom_score_adj").read_text()) + 500)


def collect() -> list[int]:
    import gc

    class Tied:
        pass

    for tied in (Tied() for _ in range(100)):
        tied.self = tied  # type: ignore[attr-defined]
    known = len(gc.get_objects())
    return [gc.get_stats()[0]["collections"], known, gc.collect()]


def test_the_collector_looks_at_what_the_component_made_and_at_nothing_that_it_inherited(own: Lab) -> None:
    own.executor.prepare()  # the supervisor then looks what is installed, which leaves it thousands of objects more
    seen = [own.value_of(collect) for _ in range(20)]
    assert max(known for _, known, _ in seen) < 2000
    assert min(found for _, _, found in seen) >= 100
    assert len({collections for collections, _, _ in seen[-5:]}) == 1  # however long the supervisor has lived


def variables() -> list[str]:
    import os
    import subprocess
    import time

    names = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    given = [os.environ.get(name, "") for name in ("GIVEN", "HOME", "TZ")]
    return [*given, time.strftime("%z"), str("GIVEN=" in names), str("HOME=/elsewhere" in names)]


def test_a_component_has_the_variables_it_is_given_and_nobody_else_s(lab: Lab) -> None:
    bare = lab.value_of(variables)
    given = lab.value_of(variables, env={"GIVEN": "x", "HOME": "/elsewhere", "TZ": "Asia/Kolkata"})
    assert given == ["x", "/elsewhere", "Asia/Kolkata", "+0530", "True", "True"]
    assert lab.value_of(variables) == bare
    assert bare[1:3] == [os.environ["HOME"], os.environ.get("TZ", "")]


def handlers() -> list[Any]:
    import signal

    return [str(signal.getsignal(signal.SIGINT)).split(" at ")[0], list(signal.pthread_sigmask(signal.SIG_BLOCK, []))]


def test_a_component_takes_signals_as_python_does_whatever_the_engine_was_started_with(own: Lab) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
    try:
        own.executor.prepare()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    forked = [own.value_of(handlers) for _ in range(4)]
    assert forked == [["<built-in function default_int_handler>", []]] * 4


CLOSE_ONE_BY_ONE = """
import os
from postlude.executors.process.supervisor import isolate

isolate._close_range = None
kept = [os.dup(1) for _ in range(9)]
isolate.redirect(0, 1, 2)
print(sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1])
"""


def test_descriptors_are_closed_where_the_system_cannot_close_all_at_once() -> None:
    ended = subprocess.run([sys.executable, "-c", CLOSE_ONE_BY_ONE], capture_output=True, text=True, check=True)
    assert ended.stdout == "[0, 1, 2]\n"


def draw() -> list[Any]:
    import os
    import random
    import secrets
    import tempfile
    import uuid

    name = next(tempfile._get_candidate_names())
    return [random.random(), secrets.token_hex(), str(uuid.uuid4()), str(uuid.uuid1()), os.urandom(8).hex(), name]  # noqa: S311 - no secret


def test_no_two_components_draw_the_same_numbers(lab: Lab) -> None:
    drawn = [lab.value_of(draw) for _ in range(4)]
    assert [len(set(kind)) for kind in zip(*drawn, strict=True)] == [4] * 6


def change_everything() -> bool:
    import builtins
    import json
    import os
    import random
    import sys

    untouched = not hasattr(builtins, "marked")
    builtins.marked = True  # type: ignore[attr-defined]
    random.seed(1)
    os.environ["MARKED"] = sys.path[0] = "x"
    json.loads = None  # type: ignore[assignment]
    os.chdir("/")
    os.umask(0)
    return untouched


def test_nothing_that_a_component_changes_reaches_another(lab: Lab) -> None:
    before = lab.value_of(look)
    assert [lab.value_of(change_everything) for _ in range(3)] == [True] * 3
    assert lab.value_of(look) == before


# --- components that misbehave ----------------------------------------------------------------------------------------


def leave_at_once() -> None:
    import os

    os._exit(3)


def kill_itself() -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def kill_its_group() -> None:
    import os
    import signal

    os.kill(0, signal.SIGTERM)


def touch_nothing_at_zero() -> None:
    import ctypes

    ctypes.string_at(0)


def recurse() -> None:
    recurse()


def recurse_without_limit() -> None:
    import sys

    sys.setrecursionlimit(1 << 30)

    class Deep:
        def __getattr__(self, name: str) -> object:
            return getattr(self, name)

    Deep().deeper  # noqa: B018 - looking is what goes deep


def leave_while_leaving() -> None:
    import atexit
    import sys

    atexit.register(sys.exit, 5)


def close_what_it_did_not_open() -> None:
    import os

    os.closerange(0, 100)


def go_on_twice() -> None:
    import os

    os.fork()


def take_the_streams_away() -> None:
    import sys

    sys.stdout = sys.stderr = None  # type: ignore[assignment]
    raise ValueError("unheard")


def leave_a_daemon() -> None:
    import os
    import time

    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    os.wait()


def allow_itself_nothing() -> None:
    import resource

    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        resource.setrlimit(kind, (0, 0))
    raise ValueError("no more files")


MISBEHAVIOURS = [
    (leave_at_once, 3),
    (kill_itself, -signal.SIGKILL),
    (kill_its_group, -signal.SIGTERM),
    (touch_nothing_at_zero, -signal.SIGSEGV),
    (recurse, 1),
    (recurse_without_limit, -signal.SIGSEGV),
    (leave_while_leaving, 0),
    (close_what_it_did_not_open, 0),
    (go_on_twice, 0),
    (take_the_streams_away, 1),
    (leave_a_daemon, 0),
    (allow_itself_nothing, 1),
]


@pytest.mark.parametrize(("function", "code"), MISBEHAVIOURS, ids=lambda each: getattr(each, "__name__", str(each)))
def test_what_misbehaves_harms_nobody_else(lab: Lab, tmp_path: Path, function: Callable[[], None], code: int) -> None:
    with Beside(lab, tmp_path) as beside:
        attempt = lab.component(function)
        ended = lab.executor.run(attempt)
    assert (ended.ending, ended.code) == (Ending.EXITED, code), attempt.log.read_text()
    assert working_in(attempt.directory / "work") == []
    assert beside.unharmed


def stop_itself() -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)


def test_what_stops_itself_is_ended_by_its_time_limit(lab: Lab, tmp_path: Path) -> None:
    with Beside(lab, tmp_path) as beside:
        ended = lab.executor.run(lab.component(stop_itself, timeout_s=0.2))
    assert (ended.ending, ended.code) == (Ending.TIMED_OUT, -signal.SIGTERM)
    assert beside.unharmed


class Beside:
    """A component that runs while something else misbehaves, under the same supervisor."""

    def __init__(self, lab: Lab, place: Path) -> None:
        self._lab = lab
        self._place = place
        self.unharmed = False

    def __enter__(self) -> Self:
        os.mkfifo(self._place / "go")
        self._lab.executor.prepare()
        self._before = self._supervisors()
        env = {"GO": str(self._place / "go")}
        self._started = Started(self._lab.executor, self._lab.component(wait_to_go, env=env))
        return self

    def __exit__(self, *_: object) -> None:
        (self._place / "go").write_text("go")
        ended = self._started.ended()
        after = self._lab.executor.run(self._lab.component(wait_for_nothing))
        self.unharmed = (ended, after, self._supervisors()) == (EXITED_WELL, EXITED_WELL, self._before)

    def _supervisors(self) -> list[int]:
        return [entry.supervisor.pid for entry in self._lab.executor._supervisors._places.values()]


def wait_to_go() -> None:
    import os
    from pathlib import Path

    Path(os.environ["GO"]).read_text()


def wait_for_nothing() -> None:
    pass


# --- spares -----------------------------------------------------------------------------------------------------------


def family() -> list[int]:
    import os
    from pathlib import Path

    parent = os.getppid()
    return [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]


def spares_of(lab: Lab) -> tuple[int, list[int]]:
    """The supervisor, and its children once none of them runs anything."""
    lab.value_of(family)
    supervisor, *_ = lab.value_of(family)  # the first attempt has ended before spares are made, this one after that
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return supervisor, [int(pid) for pid in children]


def test_spares_die_with_the_supervisor(own: Lab) -> None:
    supervisor, spares = spares_of(own)
    os.kill(supervisor, signal.SIGKILL)
    assert len(spares) > 1
    assert until_gone(spares)
    assert own.executor.run(own.component(wait_for_nothing)) == EXITED_WELL


def test_spares_die_when_the_executor_is_closed(own: Lab) -> None:
    supervisor, spares = spares_of(own)
    own.executor.close()
    assert until_gone([supervisor, *spares])


def test_dead_spares_are_replaced_and_not_missed(own: Lab) -> None:
    supervisor, spares = spares_of(own)
    for pid in spares:
        os.kill(pid, signal.SIGKILL)
    assert until_gone(spares)
    assert own.value_of(family)[0] == supervisor
    assert own.value_of(family)[0] == supervisor


def own_pid() -> int:
    import os

    return os.getpid()


def test_spares_are_made_and_used_while_every_processor_is_busy(own: Lab, tmp_path: Path) -> None:
    spares_of(own)
    places = [tmp_path / f"go-{number}" for number in range(os.cpu_count() or 1)]
    for place in places:
        os.mkfifo(place)
    busy = [Started(own.executor, own.component(wait_to_go, env={"GO": str(place)})) for place in places]
    gates = [place.open("w") for place in places]  # each opens once its component waits
    for _ in range(4):
        own.value_of(own_pid)  # takes what was made before
    born = own.value_of(family)
    taken = [own.value_of(own_pid) for _ in range(3)]
    for gate in gates:
        gate.close()
    assert [each.ended() for each in busy] == [EXITED_WELL] * len(places)
    assert set(taken) & set(born)


def length() -> int:
    import sys

    return max(map(len, sys.argv))


def test_an_order_too_long_for_a_spare_s_pipe_is_carried_out_all_the_same(own: Lab) -> None:
    for size in (1_000, 60_000, 70_000, 3_000_000):
        attempt = own.component(length)
        more = replace(attempt, argv=(*attempt.argv, "--more", "x" * size))
        assert own.executor.run(more) == EXITED_WELL
        assert f'"Output": {size}' in (more.directory / "output.json").read_text()


def test_a_spare_knows_nothing_of_what_runs(own: Lab) -> None:
    _, spares = spares_of(own)
    waiter = threading.Event()
    while any(len(descriptors(pid)) != 3 for pid in spares):  # some are still at it
        waiter.wait(0.01)
    targets = [target for pid in spares for target in descriptors(pid).values()]
    assert [target.partition(":")[0] for target in targets] == ["pipe"] * 3 * len(spares)
    assert len(set(targets)) == len(targets)
    assert [os.getsid(pid) for pid in spares] == spares


def descriptors(pid: int) -> dict[str, str]:
    return {each.name: str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
