"""Components that are stopped, timed out or killed while they run; one that nobody ends is ended by its alarm."""

from kfp import dsl


@dsl.component
def hang(ready: str = ""):
    """Says that it runs, where somebody reads it, and runs until it is ended from outside."""
    import signal
    from pathlib import Path

    if ready:
        Path(ready).write_text("running")
    signal.alarm(60)
    while True:
        signal.pause()


@dsl.component
def hang_if(value: int, bad: int) -> int:
    import signal

    signal.alarm(60)
    while value == bad:
        signal.pause()
    return value


@dsl.component
def stubborn(ready: str):
    """Takes no SIGTERM for an answer."""
    import signal
    from pathlib import Path

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(ready).write_text("running")
    signal.alarm(60)
    while True:
        signal.pause()


@dsl.component
def tidy(ready: str, log: str):
    """Uses its grace period to clean up."""
    import signal
    import sys
    from pathlib import Path

    def clean_up(*_):
        Path(log).write_text("tidied up")
        sys.exit(3)

    signal.signal(signal.SIGTERM, clean_up)
    Path(ready).write_text("running")
    signal.alarm(60)
    while True:
        signal.pause()


@dsl.component
def hanging_report(status: dsl.PipelineTaskFinalStatus):
    import signal

    signal.alarm(60)
    while True:
        signal.pause()


@dsl.component
def hangs_once(log: str, ready: str) -> str:
    """Leaves a line for each attempt; the first never ends."""
    import signal
    from pathlib import Path

    with Path(log).open("a+") as file:
        file.write("body\n")
        file.seek(0)
        attempts = len(file.readlines())
    if attempts == 1:
        signal.alarm(60)
        Path(ready).write_text("running")
        signal.pause()
    return "done"


@dsl.component
def hangs_then_fails(log: str, ready: str) -> int:
    """The first attempt never ends, the second fails."""
    import signal
    from pathlib import Path

    with Path(log).open("a+") as file:
        file.write("x")
        file.seek(0)
        attempts = len(file.read())
    if attempts == 1:
        signal.alarm(60)
        Path(ready).write_text("running")
        signal.pause()
    if attempts == 2:
        raise ValueError("the second attempt")
    return attempts


@dsl.container_component
def told(status: dsl.PipelineTaskFinalStatus, log: str):
    """An exit task that keeps everything it was told, word by word."""
    return dsl.ContainerSpec(image="any", command=["sh", "-c", 'printf "%s\\n" "$0" >> "$1"'], args=[status, log])


@dsl.container_component
def told_once(status: dsl.PipelineTaskFinalStatus, log: str, ready: str):
    """The same, and its first attempt never ends."""
    script = 'printf "%s\\n" "$0" >> "$1"; if [ "$(wc -l < "$1")" = 1 ]; then echo running > "$2"; sleep 60; fi'
    return dsl.ContainerSpec(image="any", command=["sh", "-c", script], args=[status, log, ready])


@dsl.component
def needs(file: str) -> str:
    """Fails until somebody outside provides the file."""
    from pathlib import Path

    return Path(file).read_text()


@dsl.component
def waits_for(ready: str, gate: str) -> str:
    """Says that it runs, and goes on when it is told."""
    import signal
    from pathlib import Path

    signal.alarm(60)
    Path(ready).write_text("running")
    return Path(gate).read_text()
