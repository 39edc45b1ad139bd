"""The refusals every store gives in the same words."""

from postlude.ports.journal import ConflictError, Save


def already_begun(run_id: str) -> ConflictError:
    """The refusal of a second run under one id."""
    return ConflictError(f"run '{run_id}' exists already; begin a run under a fresh id")


def not_following(save: Save, stored: int | None) -> ConflictError:
    """The refusal of a step that does not follow what is stored.

    Args:
        save: The step.
        stored: How many events the run has; None where it was not begun.
    """
    if stored is None:
        return ConflictError(f"run '{save.run_id}' was not begun; begin it before its first step")
    return ConflictError(
        f"run '{save.run_id}' has {stored} events, and event {save.first} cannot follow them: "
        "another writer drives this run; stop one of the two"
    )


def not_final(run_id: str, state: str | None) -> ConflictError:
    """The refusal to remove a run that goes on, or may be gone on with.

    Args:
        run_id: The run.
        state: Where it stands; None where it never took a step.
    """
    return ConflictError(
        f"run '{run_id}' is {state or 'not started'} and cannot be removed; resume it or cancel it, and remove it then"
    )
