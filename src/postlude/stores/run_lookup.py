"""Which run a person means who types the beginning of its id."""

from collections.abc import Sequence
from typing import Final

SHORT_ID: Final = 8
"""How many characters of a run's id are shown; any unique prefix names a run."""

_SHOWN = 5


def chosen_run(asked: str, found: Sequence[str]) -> str:
    """The one run that `asked` stands for.

    Args:
        asked: A whole id or its beginning; "" asks for the newest run.
        found: The ids that begin with `asked`, newest first.

    Raises:
        LookupError: There is none, or several and none of them is `asked` itself.
    """
    if not found:
        raise LookupError(_none(asked))
    if not asked or asked in found:
        return asked or found[0]
    if len(found) > 1:
        raise LookupError(f"{len(found)} runs start with '{asked}': {_listed(found)}; give more of the id")
    return found[0]


def _none(asked: str) -> str:
    if not asked:
        return "there are no runs yet; `postlude run` starts one"
    return f"no run starts with '{asked}'; `postlude runs` lists them"


def _listed(found: Sequence[str]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
