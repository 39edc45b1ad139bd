"""The port to a store's old runs, for those who clean up."""

from typing import Protocol


class Upkeep(Protocol):
    """Removing what nobody needs."""

    def remove_run(self, run_id: str) -> None:
        """Delete a final run with all that is its own: journal, large values, tasks, lineage, lease and messages.

        Nothing happens where there is none. Cached outputs stay: they are removed by `remove_cached`.

        Raises:
            ConflictError: The run is not final; nothing was deleted.
        """
        ...

    def remove_cached(self, run_id: str) -> int:
        """Delete the cache entries that a run's tasks made; how many there were."""
        ...

    def used_artifacts(self) -> set[str]:
        """The URIs of every artifact that a run or a cache entry refers to."""
        ...
