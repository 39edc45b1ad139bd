"""Takes credentials out of what people and files get to see."""

import re
from typing import Final

_USER_INFO: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s?#'\"]*@")


def redacted(text: str) -> str:
    """The text with the user and password of every URL in it replaced: "https://****@host/simple"."""
    return _USER_INFO.sub(r"\g<scheme>****@", text)
