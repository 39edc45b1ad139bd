"""The one thing a child tells its supervisor beyond its exit code; a file, so that it inherits no extra descriptor."""

import json
import os
from contextlib import suppress

_NAME = "ending.json"


def leave_note(directory: str, text: str, *, started: bool = True) -> None:
    """Say why this process ends. Where the note cannot be written the exit code must do."""
    with suppress(OSError), open(os.path.join(directory, _NAME), "w", encoding="utf-8") as file:
        json.dump({"text": text[:4000], "started": started}, file)


def take_note(directory: str) -> tuple[str, bool]:
    """What was said, "" where nothing was, and whether the program had started."""
    path = os.path.join(directory, _NAME)
    try:
        with open(path, encoding="utf-8") as file:
            note = json.load(file)
        os.unlink(path)
        return str(note["text"]), bool(note["started"])
    except (OSError, ValueError, LookupError, TypeError):
        return "", True
