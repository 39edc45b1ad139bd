"""A component that does nothing, in the shape in which the SDK compiles them: see `component.rehearse`."""

from typing import *  # noqa: F403 - compiled components begin like this

from kfp.dsl import *  # noqa: F403 - likewise


def nothing(text: str = "") -> str:
    """Return the text."""
    return text
