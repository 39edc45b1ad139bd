"""A component that does nothing, in the shape in which the SDK compiles them: see `component.rehearse`."""

from typing import *  # noqa: F403 - compiled components begin like this

from kfp.dsl import *


def nothing(text: str = "") -> str:
    """Return the text."""
    return text
