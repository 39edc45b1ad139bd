from cli_documents import loop, run, task

from postlude.cli.tree import Facts, Tree, ordered, parent_path, tree_of
from postlude.core.task import Kind, State


def test_a_path_names_its_parent() -> None:
    parents = [parent_path(path) for path in ("train", "a/train", "a/loop[3]", "a/loop[3]/train", "loop[0]")]
    assert parents == ["", "a", "a/loop", "a/loop[3]", "loop"]


def test_groups_that_nobody_told_of_are_waiting() -> None:
    tree = Tree("demo")
    tree.update(Facts(path="a/b/c", kind=Kind.TASK, state=State.RUNNING))
    assert tree.root.children["a"].facts.state is State.PENDING
    assert list(tree.root.children["a"].children["a/b"].running) == ["a/b/c"]


def test_a_change_of_state_moves_the_counts() -> None:
    tree = Tree("demo")
    for state in (State.PENDING, State.RUNNING, State.FAILED):
        tree.update(Facts(path="train", kind=Kind.TASK, state=state))
    assert +tree.root.counts == {State.FAILED: 1}
    assert (list(tree.root.running), list(tree.root.bad)) == ([], ["train"])


def test_an_exit_task_stands_right_after_its_group() -> None:
    tree = tree_of(
        run(task("notify", exit_of="body"), task("first"), task("body", kind="group"), task("body/train"), task("last"))
    )
    assert [node.name for node in ordered(tree.root)] == ["first", "body", "notify", "last"]


def test_iterations_are_named_by_their_index() -> None:
    tree = tree_of(run(*loop("loop", count=2)))
    assert [node.name for node in tree.root.children["loop"].children.values()] == ["[0]", "[1]"]


def test_a_group_that_waits_again_has_nothing_in_it() -> None:
    tree = tree_of(
        run(task("body", "FAILED", "group"), task("body/in", "FAILED", "group"), task("body/in/x", "FAILED"))
    )
    tree.update(Facts(path="body", kind=Kind.GROUP, state=State.PENDING))
    tree.update(Facts(path="body/new", kind=Kind.TASK, state=State.RUNNING))
    assert (list(tree.root.children["body"].children), len(tree), list(tree.root.bad)) == (["body/new"], 3, [])
