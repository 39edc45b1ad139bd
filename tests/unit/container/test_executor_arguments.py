"""Which arguments no program can be given, found out before anything is started."""

import subprocess
from pathlib import Path

import pytest

from postlude.core.task import TaskPath
from postlude.executors.arguments import Limits, refusal, system_limits
from postlude.executors.container.executor import ContainerExecutor
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.spec.types import Json

LONGEST = 131_071
BEGINS = '"' + "x" * 40 + '"'
FIX = "Pass large values as artifacts, or take them in a Python component."


def attempt(*argv: str, **inputs: Json) -> Attempt:
    return Attempt(
        run_id="run",
        path=TaskPath("task"),
        attempt=1,
        image="busybox",
        argv=argv,
        executor_input={"inputs": {"parameterValues": inputs}},
        directory=Path("/nowhere"),
        log=Path("/nowhere/log"),
    )


def refused(number: int, begins: str, size: str, largest: str = "") -> str:
    said = f"argument {number} of its command ({begins}) has {size} bytes, and a program can be given 131,071 in one"
    return f"{said} at most{largest}. {FIX}"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param(attempt("true"), "", id="short"),
        pytest.param(attempt("echo", "x" * LONGEST), "", id="as long as can be"),
        pytest.param(
            attempt("echo", "x" * (LONGEST + 1)), refused(1, '"' + "x" * 40 + '"', "131,072"), id="one too long"
        ),
        pytest.param(
            attempt("echo", "-m", "\N{SNOWMAN}" * 50_000),
            refused(2, '"' + "\N{SNOWMAN}" * 40 + '"', "150,000"),
            id="bytes count, not characters",
        ),
        pytest.param(
            attempt("cat", "x" * 200_000, rows=list(range(9)), text="x" * 190_000),
            refused(1, BEGINS, "200,000", " (its largest input is 'text' with 190,000 bytes)"),
            id="the largest input is named",
        ),
        pytest.param(
            attempt(*["x" * 100_000] * 30),
            "the 30 arguments of its command have 3,000,270 bytes, and a program can be given 2,097,152 at most. "
            f"{FIX}",
            id="all together too long",
        ),
    ],
)
def test_refusal(given: Attempt, why: str) -> None:
    assert refusal(given, Limits(one_bytes=LONGEST, all_bytes=2_097_152)) == why


def test_this_machine_takes_arguments_of_its_limit_and_no_longer_ones() -> None:
    longest = system_limits().one_bytes
    assert subprocess.run(["true", "x" * longest], check=False).returncode == 0
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["true", "x" * (longest + 1)], check=False)


def test_a_container_is_refused_before_its_engine_is_asked() -> None:
    executor = ContainerExecutor("podman")
    given = attempt("echo", "x" * 200_000)
    assert executor.run(given) == Exit(ending=Ending.REFUSED, message=refusal(given))
