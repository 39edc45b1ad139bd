"""Images on this machine: each is pulled once, however many tasks wait for it."""

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from enum import Enum
from typing import Any, Final

from postlude.executors.container.client import Answer, Client
from postlude.executors.process.uv import note
from postlude.ports.executor import Attempt
from postlude.ports.progress import Progress, unheard

_FIRST_PAUSE_S: Final = 0.5
_WORTH_TELLING_S: Final = 1.0
"""An image that is here is found sooner."""


class ImageError(Exception):
    """The image is not on this machine and could not be pulled; the message holds the engine's own words."""


class PullPolicy(Enum):
    """When an image is pulled; the values are Kubernetes' words."""

    ALWAYS = "Always"
    """By the first task of each run that needs it, also where the image is here."""
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class Images:
    """The images an engine holds. Safe to use from several threads.

    Args:
        client: The engine's client.
        pull: Whether anything may be pulled.
        grace_s: For how long a pull that fails is tried again: registries are busy now and then.
        progress: Hears of attempts that wait for an image for longer than a second.
    """

    def __init__(
        self, client: Client, *, pull: bool = True, grace_s: float = 0.0, progress: Progress = unheard
    ) -> None:
        self._client, self._pull, self._grace_s = client, pull, grace_s
        self._progress = progress
        self._lock = threading.Lock()
        self._pulls: dict[tuple[str, ...], Future[None]] = {}

    def ensure(self, attempt: Attempt, asked: Future[Any]) -> None:
        """Return when the attempt's image is here, or as soon as `asked` is done: the attempt is no longer wanted.

        A pull that failed is tried anew by the next attempt that needs the image.

        Raises:
            ImageError: The image cannot be had.
        """
        if not attempt.image:
            raise ImageError("no image is named. Give the component one, or run its command with `--containers host`")
        pull = self._pull_of(attempt.image, self._policy(attempt), attempt.run_id)
        if not wait((pull, asked), _WORTH_TELLING_S, return_when=FIRST_COMPLETED).done:
            self._wait_aloud(attempt, pull, asked)
        if not asked.done():
            pull.result()

    def _wait_aloud(self, attempt: Attempt, pull: Future[None], asked: Future[Any]) -> None:
        doing = f"waiting for image {attempt.image}"
        self._progress(attempt, doing)
        note(attempt.log, doing)
        wait((pull, asked), return_when=FIRST_COMPLETED)
        self._progress(attempt, "")

    def _policy(self, attempt: Attempt) -> PullPolicy:
        word = attempt.platform.get("imagePullPolicy") or PullPolicy.IF_NOT_PRESENT.value
        known = {each.value: each for each in PullPolicy}
        if word not in known:
            raise ImageError(f"its image pull policy is {word!r}. Use one of: {', '.join(known)}")
        return known[word] if self._pull else PullPolicy.NEVER

    def _pull_of(self, image: str, policy: PullPolicy, run_id: str) -> Future[None]:
        key = (image, policy.value, run_id) if policy is PullPolicy.ALWAYS else (image, policy.value)
        with self._lock:
            pull = self._pulls.get(key)
            if pull is None or (pull.done() and pull.exception() is not None):
                pull = self._pulls[key] = Future()
                # a daemon: a pull that nobody wants any more must not keep the process alive
                work = threading.Thread(
                    target=self._fulfil, args=(pull, image, policy), name=f"pull {image}", daemon=True
                )
                work.start()
            return pull

    def _fulfil(self, pull: Future[None], image: str, policy: PullPolicy) -> None:
        if policy is not PullPolicy.ALWAYS and self._is_here(image):
            return pull.set_result(None)
        if policy is PullPolicy.NEVER:
            return pull.set_exception(ImageError(self._not_here(image)))
        answer = self._pulled(image)
        return pull.set_result(None) if answer.ok else pull.set_exception(ImageError(self._failed(image, answer)))

    def _is_here(self, image: str) -> bool:
        return self._client.call("image", "inspect", "--format", "{{.Id}}", "--", image).ok

    def _pulled(self, image: str) -> Answer:
        """The engine's answer to a pull: the first good one, or the last within the grace."""
        pause_s, patience_ends = _FIRST_PAUSE_S, time.monotonic() + self._grace_s
        while True:
            answer = self._client.call("pull", "--quiet", "--", image)
            if answer.ok or self._client.closed or time.monotonic() + pause_s > patience_ends:
                return answer
            time.sleep(pause_s)
            pause_s *= 2

    def _not_here(self, image: str) -> str:
        why = "its pull policy is Never" if self._pull else "--offline forbids to pull it"
        return f"image '{image}' is not on this machine, and {why}. Get it with `{self._client.program} pull {image}`"

    def _failed(self, image: str, answer: Answer) -> str:
        return (
            f"image '{image}' could not be pulled: {answer.words}. "
            f"Check its name and the access to its registry with `{self._client.program} pull {image}`"
        )
