"""Images on this machine: each is pulled once, however many tasks wait for it."""

import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Final

from postlude.executors.container.client import Client

_OFFLINE: Final = (
    "image '{image}' is not on this machine, and --offline forbids to pull it. "
    "Run once without --offline, or `{program} pull {image}`"
)


class ImageError(Exception):
    """The image is not on this machine and could not be pulled; the message holds the engine's own words."""


class Images:
    """The images an engine holds. Safe to use from several threads."""

    def __init__(self, client: Client, *, pull: bool = True) -> None:
        self._client, self._may_pull = client, pull
        self._lock = threading.Lock()
        self._pulls: dict[str, Future[None]] = {}

    def ensure(self, image: str, asked: Future[Any]) -> None:
        """Return when the image is here, or as soon as `asked` is done: the attempt is no longer wanted.

        A pull that failed is tried anew by the next attempt that needs the image.

        Raises:
            ImageError: The image cannot be had.
        """
        if not image:
            raise ImageError("no image is named. Give the component one, or run its command with `--containers host`")
        pull = self._pull_of(image)
        wait((pull, asked), return_when=FIRST_COMPLETED)
        if not asked.done():
            pull.result()

    def _pull_of(self, image: str) -> Future[None]:
        with self._lock:
            pull = self._pulls.get(image)
            if pull is None or (pull.done() and pull.exception() is not None):
                pull = self._pulls[image] = Future()
                # a daemon: a pull that nobody wants any more must not keep the process alive
                threading.Thread(target=self._fulfil, args=(pull, image), name=f"pull {image}", daemon=True).start()
            return pull

    def _fulfil(self, pull: Future[None], image: str) -> None:
        if self._client.call("image", "inspect", "--format", "{{.Id}}", "--", image).ok:
            return pull.set_result(None)
        if not self._may_pull:
            return pull.set_exception(ImageError(_OFFLINE.format(image=image, program=self._client.program)))
        answer = self._client.call("pull", "--quiet", "--", image)
        if answer.ok:
            return pull.set_result(None)
        return pull.set_exception(
            ImageError(
                f"image '{image}' could not be pulled: {answer.words}. "
                f"Check its name and the access to its registry with `{self._client.program} pull {image}`"
            )
        )
