"""The one thing a child tells its supervisor beyond its exit code; a file, so that it inherits no extra descriptor."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass

_NAME = "ending.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Why a process ended.

    Attributes:
        started: Whether the program had started.
        out_of_memory: Whether it ended for want of memory.
    """

    text: str = ""
    started: bool = True
    out_of_memory: bool = False


def leave_note(directory: str, text: str, *, started: bool = True, out_of_memory: bool = False) -> None:
    """Say why this process ends. Where the note cannot be written the exit code must do."""
    with suppress(OSError), open(os.path.join(directory, _NAME), "w", encoding="utf-8") as file:
        json.dump({"text": text[:4000], "started": started, "out_of_memory": out_of_memory}, file)


def take_note(directory: str) -> Note:
    """What was said; the empty note where nothing was."""
    path = os.path.join(directory, _NAME)
    try:
        with open(path, encoding="utf-8") as file:
            note = json.load(file)
        os.unlink(path)
        return Note(text=str(note["text"]), started=bool(note["started"]), out_of_memory=bool(note["out_of_memory"]))
    except (OSError, ValueError, LookupError, TypeError):
        return Note()
