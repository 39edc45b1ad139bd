"""The port to the bytes of artifacts."""

from pathlib import Path
from typing import Protocol


class ArtifactStore(Protocol):
    """Where artifacts live. Called from several threads at once."""

    def exists(self, uri: str) -> bool:
        """Whether something is there.

        Raises:
            UnsupportedUriError: This store does not speak the URI's scheme; the message says what to do.
        """
        ...

    def fetch(self, uri: str, target: Path) -> Path:
        """Make the bytes available as a local file or directory; `target` is where a copy may go.

        Returns the path to read, which for local artifacts is the artifact itself (nothing is copied).

        Raises:
            FileNotFoundError: Nothing is there.
            UnsupportedUriError: As for `exists`.
        """
        ...

    def place(self, uri: str, target: Path) -> Path:
        """Copy a local artifact to `target`, replacing what is there; whoever gets the copy may change it.

        Returns the target.

        Raises:
            FileNotFoundError: Nothing is there.
            UnsupportedUriError: As for `exists`.
        """
        ...

    def digest(self, uri: str) -> str:
        """The hash of a local artifact's bytes, "sha256:..."; of a directory's sorted tree; "" where nothing is."""
        ...


class UnsupportedUriError(Exception):
    """This store does not speak the URI's scheme."""
