"""Words that a Python user chooses an option by."""

from enum import Enum
from typing import TypeVar

from postlude.spec.problem import ConfigError

Choice = TypeVar("Choice", bound=Enum)


def chosen(words: type[Choice], name: str, given: str) -> Choice:
    """The member of a closed set whose value is the word.

    Args:
        words: The set.
        name: What the option is called.
        given: The word.

    Raises:
        ConfigError: The set has no such word; lists those that it has.
    """
    known = [str(each.value) for each in words]
    if given not in known:
        raise ConfigError(f"{name}: is {given!r}. Choose one of: {', '.join(known)}.")
    return words(given)
