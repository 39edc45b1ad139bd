"""Text of others made safe to print: what tasks write and call themselves must not take over the operator's terminal.

Control characters move the cursor, retitle the window, answer on the operator's behalf; direction marks make text read
as what it is not. They are shown instead of obeyed.
"""

import re
from collections.abc import Mapping
from typing import Final

_KEPT: Final = "\t\n"
_DIRECTION: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_PICTURES: Final[Mapping[int, str]] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT},
    0x7F: "\u2421",
    **{code: f"\\x{code:02x}" for code in range(0x80, 0xA0)},
    **{code: f"\\u{code:04x}" for code in (*_DIRECTION, 0x2028, 0x2029)},
}
_OBEYED: Final = re.compile(f"[{''.join(map(chr, _PICTURES))}]")
_COLOUR: Final = re.compile(r"(\x1b\[[0-9;:]*m)")
_RESET: Final = "\x1b[0m"
_ESCAPED: Final = {code: f"\\u{code:04x}" for code in _PICTURES if code >= 0x7F}
_UNESCAPED: Final = re.compile(f"[{''.join(map(chr, _ESCAPED))}]")


def visible(text: str) -> str:
    """The text with a picture or an escape for each character that a terminal obeys; tabs and newlines stay."""
    return text.translate(_PICTURES) if _OBEYED.search(text) else text


def visible_row(text: str) -> str:
    """As `visible`, on one line: nothing can pass for a line of its own."""
    return visible(text).replace("\n", "\u240a")


def visible_line(line: str) -> str:
    """A line of a program's output: as `visible`, but colours are kept, and end with the line."""
    text = line.removesuffix("\r")
    if not _OBEYED.search(text):
        return text
    pieces = _COLOUR.split(text)
    shown = "".join(piece if position % 2 else visible(piece) for position, piece in enumerate(pieces))
    return shown + _RESET if len(pieces) > 1 else shown


def escaped(document: bytes) -> bytes:
    """JSON text with those characters that JSON leaves as they are written as escapes: the same document."""
    text = document.decode()
    return text.translate(_ESCAPED).encode() if _UNESCAPED.search(text) else document
