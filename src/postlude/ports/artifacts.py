"""The port to the bytes of artifacts."""

from pathlib import Path
from typing import Protocol

from postlude.ports.stop import NEVER, Stop


class ArtifactStore(Protocol):
    """Where artifacts live. Called from several threads at once.

    Every method raises `UnsupportedUriError` for a URI that the store does not speak (the message says what to do), and
    `TransferError` where the place that keeps the bytes does not answer or refuses. Once its `stop` was asked, it
    raises `StoppedError` within a second or two, however many bytes are still to come, and leaves nothing that could be
    taken for an artifact.
    """

    def exists(self, uri: str, *, stop: Stop = NEVER) -> bool:
        """Whether something is there."""
        ...

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:
        """Make the bytes available as a local file or directory, to be read; `target` is where a copy may go.

        Args:
            uri: Which artifact.
            target: A path where nothing is.
            digest: What its bytes must be; "" where nobody knows. What is on this machine is not looked at again.
            stop: Asked when nobody wants them any more.

        Returns:
            The path to read, which for local artifacts is the artifact itself (nothing is copied).

        Raises:
            FileNotFoundError: Nothing is there.
        """
        ...

    def place(self, uri: str, target: Path, *, stop: Stop = NEVER) -> Path:
        """Copy the artifact to `target`, replacing what is there; whoever gets the copy may change it.

        Returns the target.

        Raises:
            FileNotFoundError: Nothing is there.
        """
        ...

    def keep(self, source: Path, uri: str, *, owned: bool = False, stop: Stop = NEVER) -> str:
        """Make a file or directory the artifact at a URI. Until it is there whole, what was there before is.

        Args:
            source: Where the bytes are; the same place as the URI's is fine.
            uri: Where they shall be.
            owned: Whether nobody will change the source any more: the artifact may share its bytes on disk.
            stop: Asked when nobody wants the artifact any more.

        Returns:
            Its digest.

        Raises:
            OSError: The source cannot be read, or holds what no artifact can be.
        """
        ...

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
        """What tells these bytes from others; "" where nothing is.

        "sha256:..." is the hash of a file's bytes, or of a directory's sorted tree. Bytes elsewhere that this store did
        not write have whatever their keeper says of them.
        """
        ...


class UnsupportedUriError(Exception):
    """This store does not speak the URI's scheme."""


class TransferError(Exception):
    """The bytes could not be moved or looked at: one line, with no secret in it."""
