import pytest
from cli_documents import loop, run, task

from postlude.cli.rows import plain, rows
from postlude.cli.tree import Facts, Tree, tree_of
from postlude.cli.words import duration, first_line
from postlude.core.task import Kind, State


def drawn(*tasks: object, limit: int | None = None, state: str = "FAILED") -> list[str]:
    return [plain(row) for row in rows(tree_of(run(*tasks, state=state)), limit=limit)]


def test_a_run_is_drawn_as_a_tree() -> None:
    body = [
        task("body", "FAILED", "group", message="body/train: no data"),
        task("body/train", "FAILED", message="no data\nsecond line", attempts=3),
        task("body/test", "UPSTREAM_FAILED", started=None, message="not started: body/train failed"),
    ]
    assert drawn(task("prepare", cached=True), *body, task("notify", exit_of="body", finished=0.05)) == [
        "✗ demo         2.0s",
        "├─ ✓ prepare   1.0s  cached",
        "├─ ✗ body      1.0s",
        "│  ├─ ✗ train  1.0s  3 attempts  no data",
        "│  └─ ⊘ test   not started: body/train failed",
        "└─ ✓ notify    50ms  exit task of body",
    ]


def test_a_loop_shows_counts_and_its_failed_iterations_only() -> None:
    assert drawn(*loop("loop", 3)) == [
        "✗ demo            2.0s",
        "└─ ✗ loop         1.0s  9/10 ok, 1 failed",
        "   └─ ✗ [3]       1.0s",
        "      └─ ✗ score  1.0s  failed",
    ]


def test_a_loop_that_fails_a_lot_shows_a_few() -> None:
    lines = drawn(*loop("loop", *range(20), count=20))
    assert lines[1].endswith("0/20 ok, 20 failed")
    assert lines[-1] == "   └─ … 12 more failed"
    assert sum("] " in line for line in lines) == 8


def test_a_branch_not_taken_is_one_row() -> None:
    group = [task("branch", "SKIPPED", "group", started=None), task("branch/deploy", "SKIPPED", started=None)]
    assert drawn(*group, state="SUCCEEDED") == ["✓ demo       2.0s", "└─ - branch  skipped"]


def test_a_large_run_shows_what_fails_and_runs_and_counts_the_rest() -> None:
    many = [task(f"t{index}") for index in range(1000)]
    lines = drawn(*many, task("bad", "FAILED", message="no"), task("now", "RUNNING", finished=None), limit=20)
    assert [line.split("  ")[0] for line in lines] == ["✗ demo", "├─ ✗ bad", "├─ ● now", "└─ … 1000 ok"]


def test_there_are_never_more_rows_than_the_limit() -> None:
    deep = [task("/".join(["g"] * depth), "FAILED", "group") for depth in range(1, 30)]
    lines = drawn(*deep, limit=10)
    assert (len(lines), lines[-1]) == (10, "… 21 more rows")


def test_what_runs_is_timed_by_now() -> None:
    tree = Tree("demo")
    tree.update(Facts(path="train", kind=Kind.TASK, state=State.RUNNING, started_at=100.0))
    assert [plain(row) for row in rows(tree, now=107.5)] == ["○ demo", "└─ ● train  7.5s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0ms"), (0.012, "12ms"), (1.23, "1.2s"), (59.94, "59.9s"), (59.96, "1m00s"), (125, "2m05s"), (3720, "1h02m")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_first_line_is_the_first_that_says_something() -> None:
    assert [first_line(text) for text in ("\n  a\nb", "", "\n\n")] == ["a", "", ""]
