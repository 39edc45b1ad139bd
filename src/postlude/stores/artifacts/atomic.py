"""Writes small files so that nobody ever reads half of one."""

import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Make `path` a file with this text, with the directories it stands in.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as temporary:
        fresh = Path(temporary, "fresh")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
