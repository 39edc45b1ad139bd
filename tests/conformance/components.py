"""Components that the conformance pipelines are made of."""

from typing import Optional

from kfp import dsl


@dsl.component
def fail(message: str = "boom"):
    raise ValueError(message)


@dsl.component
def ok() -> str:
    return "ok"


@dsl.component
def echo(text: str) -> str:
    return text


@dsl.component
def echo_or(text: str = "default") -> str:
    return text


@dsl.component
def number(value: int) -> int:
    return value


@dsl.component
def slow(seconds: float = 0.5) -> str:
    import time

    time.sleep(seconds)
    return "slow"


@dsl.component
def fail_if(value: int, bad: int) -> int:
    if value == bad:
        raise ValueError(f"bad value {value}")
    return value


@dsl.component
def flaky(counter: str, failures: int) -> int:
    """Fails as often as `failures`, counting in a file; returns how often it was called."""
    with open(counter, "a+") as file:
        file.write("x")
        file.seek(0)
        calls = len(file.read())
    if calls <= failures:
        raise ValueError(f"call {calls} of {failures + 1}")
    return calls


@dsl.component
def report(status: dsl.PipelineTaskFinalStatus) -> dict:
    """An ordinary exit task: what it was told."""
    return {
        "state": status.state,
        "code": status.error_code,
        "message": status.error_message,
        "task": status.pipeline_task_name,
        "job": status.pipeline_job_resource_name,
    }


@dsl.component
def cleanup() -> str:
    """An exit task without a status input."""
    return "clean"


@dsl.component
def failing_report(status: dsl.PipelineTaskFinalStatus):
    raise RuntimeError(f"alert failed, was told {status.state}")


@dsl.component
def numbers(values: list) -> list:
    """Gives back what it was given: what a Collected or a list output really brought."""
    return values


@dsl.component
def maybe(text: Optional[str] = None) -> str:
    """Says whether an optional input arrived."""
    return "nothing" if text is None else text


@dsl.component
def report_with(status: dsl.PipelineTaskFinalStatus, value: int) -> dict:
    """An exit task that has an input of its own besides the status."""
    return {"state": status.state, "task": status.pipeline_task_name, "value": value}


@dsl.component
def failing_text() -> str:
    raise ValueError("no text")


@dsl.component
def both_or(first: str = "first default", second: str = "second default") -> dict:
    return {"first": first, "second": second}


@dsl.component
def report_items(status: dsl.PipelineTaskFinalStatus, items: list = []) -> dict:  # noqa: B006 - how the SDK is told of a default
    return {"state": status.state, "task": status.pipeline_task_name, "items": items}


@dsl.component
def report_text(status: dsl.PipelineTaskFinalStatus, text: str = "default") -> dict:
    return {"state": status.state, "text": text}


@dsl.component
def failing_dataset(data: dsl.Output[dsl.Dataset]):
    raise ValueError("no data")


@dsl.component
def data_or_nothing(data: Optional[dsl.Input[dsl.Dataset]] = None) -> str:
    return "nothing" if data is None else data.uri


@dsl.component
def killed():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@dsl.component
def note(log: str, word: str):
    """Leaves a line in a file, so that what ran, how often and in which order can be read there."""
    with open(log, "a") as file:
        file.write(f"{word}\n")


@dsl.component
def slow_report(status: dsl.PipelineTaskFinalStatus, seconds: float = 0.3) -> dict:
    """An exit task that takes its time."""
    import time

    time.sleep(seconds)
    return {"state": status.state}


@dsl.component
def flaky_report(status: dsl.PipelineTaskFinalStatus, log: str):
    """An exit task whose first attempt fails; each attempt keeps what it was told."""
    told = f"{status.state} {status.error_code} {status.error_message} {status.pipeline_task_name}"
    with open(log, "a+") as file:
        file.write(f"{told}\n")
        file.seek(0)
        attempts = len(file.readlines())
    if attempts == 1:
        raise RuntimeError("alert failed once")


@dsl.component
def state_of(status: dict) -> str:
    """A task of an exit pipeline: the state in the status that it is handed as a struct."""
    return status["state"]


@dsl.component
def flagged_report(status: dsl.PipelineTaskFinalStatus, text: str = "default") -> dict:
    """An exit task with another input beside its status."""
    return {"state": status.state, "text": text}


@dsl.container_component
def status_text(status: dsl.PipelineTaskFinalStatus, text: dsl.OutputPath(str)):
    """A container component that writes down the text its status input was rendered to."""
    return dsl.ContainerSpec(
        image="alpine", command=["sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$0" > "$1"'], args=[status, text]
    )


@dsl.component
def lines_of(log: str) -> list:
    """An exit task that says what a file held when it ran."""
    with open(log) as file:
        return file.read().splitlines()


@dsl.component
def noted_cleanup(log: str) -> str:
    """An exit task without a status input that leaves a line each time it really runs."""
    with open(log, "a") as file:
        file.write("clean\n")
    return "clean"


@dsl.component
def noted_report(status: dsl.PipelineTaskFinalStatus, log: str) -> str:
    with open(log, "a") as file:
        file.write(f"{status.state}\n")
    return status.state


@dsl.component
def forgets_its_output(out: dsl.OutputPath(str)):
    """Declares an output and never writes it."""


@dsl.component
def forgets_its_artifact(data: dsl.Output[dsl.Dataset]):
    """Declares an artifact and never writes it."""


@dsl.component
def read_data(data: dsl.Input[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return file.read()


@dsl.component
def kills_its_supervisor():
    import os
    import signal
    import time

    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)  # until it is killed in its turn


@dsl.container_component
def in_an_image():
    return dsl.ContainerSpec(image="registry.invalid/no/such:image", command=["true"])


@dsl.container_component
def no_such_program():
    return dsl.ContainerSpec(image="any", command=["/no/such/program"])


@dsl.container_component
def garbled_report():
    """A program that leaves something else than JSON where the SDK's executor reports."""
    return dsl.ContainerSpec(image="any", command=["sh", "-c", 'printf "{oops" > "$0"', "{{$.outputs.output_file}}"])


@dsl.container_component
def garbled_number(value: dsl.OutputPath(int)):
    return dsl.ContainerSpec(
        image="any", command=["sh", "-c", 'mkdir -p "$(dirname "$0")" && printf many > "$0"', value]
    )
