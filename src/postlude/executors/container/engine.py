"""Which container engine answers on this machine."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final, Literal

from postlude.executors.container.client import Client


class Engine(StrEnum):
    """A container engine; the values are its client program."""

    DOCKER = "docker"
    PODMAN = "podman"


Choice = Literal["auto", "docker", "podman"]
"""What an operator may ask for: one engine, or whichever answers first."""

_CANDIDATES: Final[Mapping[Choice, tuple[Engine, ...]]] = {
    "auto": (Engine.DOCKER, Engine.PODMAN),
    "docker": (Engine.DOCKER,),
    "podman": (Engine.PODMAN,),
}

_QUESTIONS: Final[Mapping[Engine, tuple[str, ...]]] = {
    Engine.DOCKER: ("version", "--format", "{{.Server.Version}}"),
    # podman has no daemon; `info` opens the storage that containers need, while `version` would not
    Engine.PODMAN: ("info", "--format", "{{.Host.OS}}"),
}

_ANSWER_WITHIN_S: Final = 5.0


@cache
def find_engine(choice: Choice) -> Engine | None:
    """The engine to use: the first of the choice that answers within 5 seconds, None where none does.

    A client program without an engine behind it counts as absent. The answer is kept for the life of the process;
    `find_engine.cache_clear()` forgets it.
    """
    return next((engine for engine in _CANDIDATES[choice] if not silence(engine)), None)


def silence(engine: Engine) -> str:
    """Why the engine itself, not only its client program, does not answer now, in its own words; "" where it does."""
    answer = Client(engine).call(*_QUESTIONS[engine], timeout_s=_ANSWER_WITHIN_S)
    if answer.ok and answer.output.strip():
        return ""
    return answer.words or f"{engine} gave no version, exit code {answer.code}"
