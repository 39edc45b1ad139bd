"""The words of a run that is over."""

from typing import Final

from postlude.core.task import State

FINAL_WORDS: Final = frozenset({State.SUCCEEDED.value, State.FAILED.value, State.CANCELED.value})
