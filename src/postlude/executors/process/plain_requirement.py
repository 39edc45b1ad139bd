"""Requirements as nearly all are written, read without the package for the rest, whose import takes 20 ms."""

import re
from typing import Final

_EXTRAS: Final = r"(\[[\w\s,.-]*\])?"
_VERSIONS: Final = r"((==|>=|<=|~=|!=|<|>)\s*[\w.*+!-]+)(\s*,\s*(==|>=|<=|~=|!=|<|>)\s*[\w.*+!-]+)*"
_PLAIN: Final = re.compile(rf"\s*(?P<name>[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)\s*{_EXTRAS}\s*({_VERSIONS})?\s*", re.ASCII)


def plain_name(text: str) -> str | None:
    """The package that a requirement names, as indexes spell it; None where it has a marker, a URL or an odd form."""
    found = _PLAIN.fullmatch(text)
    return re.sub(r"[-_.]+", "-", found["name"]).lower() if found else None
