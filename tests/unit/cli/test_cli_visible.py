"""What tasks and documents say is shown, never obeyed, by the operator's terminal."""

import json

import msgspec
import pytest
from cli_documents import run, task

from postlude.cli.rows import plain, rows
from postlude.cli.tree import tree_of
from postlude.cli.verdict import verdict
from postlude.cli.visible import escaped, visible, visible_line, visible_row

TAKEOVER = "\x1b[2J\x1b]0;owned\x07\r\x9b2J\u202e"
SHOWN = "␛[2J␛]0;owned␇␍\\x9b2J\\u202e"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "plain ünïcode 日本 😀\twith\ntwo lines", "plain ünïcode 日本 😀\twith\ntwo lines", id="text stays"
        ),
        pytest.param(TAKEOVER, SHOWN, id="control characters are pictures"),
        pytest.param("a\x00b\x7fc", "a␀b␡c", id="nul and delete"),
        pytest.param("a\u2028b\u2066c\u200f", "a\\u2028b\\u2066c\\u200f", id="separators and direction marks"),
        pytest.param("\x1b[31mred", "␛[31mred", id="no colours"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_row_stays_one_row() -> None:
    assert visible_row("a\nFAKE") == "a␊FAKE"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param("windows\r", "windows", id="a Windows line ending"),
        pytest.param("10%\r20%", "10%␍20%", id="a progress bar"),
        pytest.param("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m\x1b[0m", id="colours are kept"),
        pytest.param("\x1b[31mred", "\x1b[31mred\x1b[0m", id="and end with the line"),
        pytest.param("\x1b[31m\x1b[2Jx", "\x1b[31m␛[2Jx\x1b[0m", id="nothing but colours"),
    ],
)
def test_a_line_of_output(line: str, shown: str) -> None:
    assert visible_line(line) == shown


def test_json_means_the_same_and_holds_nothing_to_obey() -> None:
    document = {TAKEOVER: ["\x7f", "é\u2028"]}
    text = escaped(msgspec.json.encode(document)).decode()
    assert json.loads(text) == document
    assert visible(text) == text


def test_neither_tree_nor_verdict_passes_control_characters_on() -> None:
    document = run(task("train", "FAILED", message=TAKEOVER), state="FAILED", pipeline=f"demo\n{TAKEOVER}")
    printed = [plain(row) for row in (*rows(tree_of(document)), *verdict(document))]
    assert f"demo␊{SHOWN} in 2.0s" in printed[2]
    assert [visible_row(line) for line in printed] == printed
