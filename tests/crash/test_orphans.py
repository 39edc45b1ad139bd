"""What a dead engine leaves behind does nothing any more."""

import os
import select
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from container_image import IMAGE
from postlude.wiring.stores import open_stored

SUPERVISOR_OF_A_DEAD_ENGINE = """
import os, signal, socket, subprocess, sys
from postlude.executors.process.boot import supervisor_command
from postlude.executors.process.supervisor.wire import Run, encode

directory = sys.argv[1]
ours, theirs = socket.socketpair()
_, births = os.pipe()
command = supervisor_command(sys.executable, os.getpid(), births)
supervisor = subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, pass_fds=(births,))
supervisor.send_signal(signal.SIGSTOP)
order = Run(
    id=1, argv=["sh", "-c", "true"], source=None, fresh=False, env={}, directory=directory,
    log=f"{directory}/log.txt", timeout_s=None, grace_s=0.0,
)
ours.sendall(encode(order))
print(supervisor.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_order_that_is_read_after_the_engines_death_is_not_obeyed(tmp_path: Path) -> None:
    """Without the check the attempt begins, though it is killed at once: its log is opened."""
    argv = [sys.executable, "-c", SUPERVISOR_OF_A_DEAD_ENGINE, str(tmp_path)]
    engine = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    supervisor = int(engine.stdout)
    end = os.pidfd_open(supervisor)
    os.kill(supervisor, signal.SIGCONT)
    ended, _, _ = select.select([end], [], [], 60)
    os.close(end)

    assert engine.returncode == -signal.SIGKILL
    assert ended
    assert list(tmp_path.iterdir()) == []


def containers_of(run_id: str, engine: str) -> list[str]:
    command = [engine, "ps", "--all", "--quiet", f"--filter=label=postlude.run={run_id}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_containers_of_a_dead_engine_are_removed_before_their_tasks_run_again(
    tmp_path: Path, container_engine: str
) -> None:
    source, home = tmp_path / "pipeline.yaml", tmp_path / "home"
    ready = home / "artifacts" / "ready"  # artifacts are all that a container sees of the home
    ready.parent.mkdir(parents=True)
    os.mkfifo(ready)
    compiling = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("contained.py")), IMAGE, str(source)]
    subprocess.run(compiling, check=True)
    common = ["--home", str(home), "--containers", container_engine, "--json", "--grace", "0"]
    begin = [sys.executable, "-m", "postlude", "run", str(source), "-p", f"ready={ready}", *common]
    with subprocess.Popen(begin, stdout=subprocess.DEVNULL) as engine:
        assert ready.read_text() == "running\n"
        engine.kill()
    with closing(open_stored(home)) as store:
        (run_id,) = store.journal.unfinished()
    left = containers_of(run_id, container_engine)

    with subprocess.Popen(
        [sys.executable, "-m", "postlude", "resume", run_id, *common], stdout=subprocess.DEVNULL
    ) as engine:
        assert ready.read_text() == "running\n"
        again = containers_of(run_id, container_engine)
        engine.send_signal(signal.SIGTERM)

    assert (len(left), len(again), {*left} & {*again}) == (1, 1, set())
    assert (engine.returncode, containers_of(run_id, container_engine)) == (130, [])
