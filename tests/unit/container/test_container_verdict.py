"""The engine's record of a container, read as an Exit."""

import msgspec
import pytest
from container_lab import attempt

from postlude.executors.container.verdict import Attached, ContainerState, exit_code, verdict
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.spec.types import Resources

PLAIN = attempt()
LIMITED = attempt(resources=Resources(memory_limit="16Mi"), timeout_s=1.5)
ARGS = attempt(argv=("a",), args_only=True)

STARTED = "2026-01-02T03:04:05.6Z"
NEVER = ContainerState()
RAN = ContainerState(started_at=STARTED)


def ended(code: int, **words: object) -> ContainerState:
    return msgspec.structs.replace(RAN, exit_code=code, **words)


def exited(code: int, message: str = "", *, ending: Ending = Ending.EXITED, oom: bool = False) -> Exit:
    return Exit(ending=ending, code=code, message=message, oom=oom)


def not_started(message: str) -> Exit:
    return Exit(ending=Ending.NOT_STARTED, message=message)


@pytest.mark.parametrize(
    ("given", "state", "attached", "asked", "expected"),
    [
        pytest.param(PLAIN, ended(0), Attached(code=0, last_line="warned"), None, exited(0), id="success"),
        pytest.param(
            PLAIN, ended(3), Attached(code=3, last_line="bad"), None, exited(3, "exit code 3: bad"), id="failure"
        ),
        pytest.param(PLAIN, ended(3), Attached(code=3), None, exited(3, "exit code 3"), id="silent-failure"),
        pytest.param(PLAIN, ended(3), Attached(code=125), None, exited(3, "exit code 3"), id="record-beats-client"),
        pytest.param(PLAIN, ended(139), Attached(code=139), None, exited(-11, "killed by SIGSEGV"), id="signal"),
        pytest.param(
            LIMITED,
            ended(137, oom_killed=True),
            Attached(code=137, last_line="x"),
            None,
            exited(-9, "out of memory: its limit is 16Mi", oom=True),
            id="out-of-memory",
        ),
        pytest.param(
            PLAIN,
            ended(1, oom_killed=True),
            Attached(code=1),
            None,
            exited(1, "out of memory", oom=True),
            id="machine-out-of-memory",
        ),
        pytest.param(PLAIN, ended(0, oom_killed=True), Attached(code=0), None, exited(0), id="survived-out-of-memory"),
        pytest.param(
            LIMITED,
            ended(137),
            Attached(code=137),
            None,
            exited(
                -9, "killed by SIGKILL; its memory limit is 16Mi, though the engine does not say that it was reached"
            ),
            id="killed-beside-a-limit-is-not-called-out-of-memory",
        ),
        pytest.param(
            LIMITED,
            ended(137),
            Attached(code=137),
            Ending.TIMED_OUT,
            exited(-9, "timed out after 1.5 s", ending=Ending.TIMED_OUT),
            id="killed-by-us-beside-a-limit",
        ),
        pytest.param(
            PLAIN,
            ended(0),
            Attached(code=0),
            Ending.TERMINATED,
            exited(0, "terminated on request", ending=Ending.TERMINATED),
            id="tidied-up",
        ),
        pytest.param(
            PLAIN,
            None,
            Attached(code=125),
            Ending.TERMINATED,
            Exit(ending=Ending.TERMINATED, message="terminated on request"),
            id="ended-before-it-began",
        ),
        pytest.param(
            PLAIN,
            None,
            Attached(code=125, words="Error: no space left on device"),
            None,
            not_started("the container could not be started: Error: no space left on device"),
            id="engine-error",
        ),
        pytest.param(
            PLAIN,
            None,
            Attached(code=-9),
            None,
            not_started("the container could not be started: the engine's client exited with -9"),
            id="client-killed-before-it-began",
        ),
        pytest.param(
            PLAIN,
            msgspec.structs.replace(NEVER, error='create failed: exec: "sh": no such file: unknown'),
            Attached(code=127, words="docker: Error response"),
            None,
            not_started("image 'img' has no program 'sh': exec: \"sh\": no such file. Check the component's command"),
            id="no-such-program",
        ),
        pytest.param(
            ARGS,
            NEVER,
            Attached(code=126, words="Error: denied"),
            None,
            not_started("image 'img' cannot run its entry point: Error: denied"),
            id="entry-point-not-executable",
        ),
        pytest.param(
            PLAIN,
            msgspec.structs.replace(RAN, running=True),
            Attached(code=1, words="Error: lost connection"),
            Ending.TERMINATED,
            Exit(ending=Ending.LOST, message="the engine let go of the running container: Error: lost connection"),
            id="client-died-while-it-ran",
        ),
    ],
)
def test_verdict(
    given: Attempt, state: ContainerState | None, attached: Attached, asked: Ending | None, expected: Exit
) -> None:
    assert verdict(given, state, attached, asked) == expected


@pytest.mark.parametrize(
    ("told", "code"), [(0, 0), (1, 1), (127, 127), (128, 128), (137, -9), (143, -15), (150, 150), (255, 255)]
)
def test_only_deadly_signals_are_signals(told: int, code: int) -> None:
    assert exit_code(told) == code


def test_reads_what_inspect_prints() -> None:
    printed = '{"Running":false,"OOMKilled":true,"ExitCode":7,"Error":"e","StartedAt":"2026-01-02T03:04:05Z","Pid":0}'
    state = msgspec.json.decode(printed, type=ContainerState)
    assert (state.started, state.oom_killed, state.exit_code, state.error) == (True, True, 7, "e")
