"""The tree of a run, kept up to date fact by fact.

Every node knows how many of its children stand where, and which of them run or failed, so that a view of a run of
thousands of tasks costs what it shows and not what there is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from postlude.cli.words import epoch
from postlude.core.run_state import Run
from postlude.core.task import ROOT, Kind, State, Task
from postlude.spec.types import Json

BAD: Final = frozenset({State.FAILED, State.UPSTREAM_FAILED})


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one task.

    Attributes:
        message: Its error's message, "" where it has none.
        started_at, finished_at: Seconds since the epoch.
        exit_of: Path of the group whose exit task it is, "" where it is none.
    """

    path: str
    kind: Kind
    state: State
    attempts: int = 0
    cached: bool = False
    message: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    exit_of: str = ""


@dataclass(slots=True, eq=False)
class Node:
    """A task in the tree.

    Attributes:
        counts: Its children by state.
        bad: Its children that failed or were not started for a failure.
        running: Its children under way.
        doing: What is got ready for it, "" where nothing is.
    """

    name: str
    facts: Facts
    doing: str = ""
    children: dict[str, "Node"] = field(default_factory=dict)
    counts: Counter[State] = field(default_factory=Counter)
    bad: dict[str, "Node"] = field(default_factory=dict)
    running: dict[str, "Node"] = field(default_factory=dict)

    def note(self, child: "Node", before: State | None) -> None:
        """Take a child's new state into account."""
        after, path = child.facts.state, child.facts.path
        if before is not None:
            self.counts[before] -= 1
        self.counts[after] += 1
        for members, belongs in ((self.bad, after in BAD), (self.running, after is State.RUNNING)):
            if belongs:
                members[path] = child
            else:
                members.pop(path, None)


class Tree:
    """A run as it stands."""

    def __init__(self, title: str) -> None:
        """An empty tree whose root is called `title`."""
        self.root = Node(title, Facts(path=ROOT, kind=Kind.GROUP, state=State.PENDING))
        self._nodes: dict[str, Node] = {ROOT: self.root}

    def __len__(self) -> int:
        return len(self._nodes)

    def update(self, facts: Facts) -> None:
        """Put what is known of a task in its place; groups above that nobody told of yet are waiting."""
        node = self._nodes.get(facts.path)
        if node is None:
            self._add(facts)
            return
        before, node.facts = node.facts.state, facts
        if facts.state is State.PENDING and node.children:
            self._forget_below(node)
        if facts.path != ROOT:
            self._nodes[parent_path(facts.path)].note(node, before)

    def note(self, path: str, doing: str) -> None:
        """Remember what is got ready for a task, "" once it is."""
        node = self._nodes.get(path)
        if node is not None:
            node.doing = doing

    def _forget_below(self, node: Node) -> None:
        """A retry makes a group anew: what was in it is no more."""
        for child in node.children.values():
            self._forget_below(child)
            del self._nodes[child.facts.path]
        for kept in (node.children, node.counts, node.bad, node.running):
            kept.clear()

    def _add(self, facts: Facts) -> None:
        above = parent_path(facts.path)
        if above not in self._nodes:
            self._add(Facts(path=above, kind=Kind.GROUP, state=State.PENDING))
        node, parent = Node(facts.path[len(above) :].removeprefix("/"), facts), self._nodes[above]
        self._nodes[facts.path] = parent.children[facts.path] = node
        parent.note(node, None)


def parent_path(path: str) -> str:
    """The path of the group, loop or iteration that a task stands in."""
    if path.endswith("]"):
        return path[: path.rindex("[")]
    return path.rpartition("/")[0]


def tree_of(document: Json) -> Tree:
    """The tree of a run document with its tasks."""
    tree = Tree(document["pipeline"])
    tree.update(_document_facts({**document, "path": ROOT, "kind": Kind.GROUP.value}))
    for task in document["tasks"]:
        tree.update(_document_facts(task))
    return tree


def _document_facts(task: Json) -> Facts:
    return Facts(
        path=task["path"],
        kind=Kind(task["kind"]),
        state=State(task["state"]),
        attempts=task.get("attempts", 0),
        cached=task.get("cached", False),
        message=(task["error"] or {}).get("message", ""),
        started_at=epoch(task["started_at"]),
        finished_at=epoch(task["finished_at"]),
        exit_of=task.get("exit_of") or "",
    )


def facts_of(task: Task, run: Run) -> Facts:
    """What the run knows of one of its tasks."""
    return Facts(
        path=task.path,
        kind=task.kind,
        state=task.state,
        attempts=task.attempt,
        cached=task.cached,
        message=task.error.message if task.error else "",
        started_at=task.started_at,
        finished_at=task.finished_at,
        exit_of=_exit_of(task, run),
    )


def _exit_of(task: Task, run: Run) -> str:
    dag = run.tasks[task.parent].component.dag
    if dag is None or task.index is not None or task.path == ROOT:
        return ""
    group = dag.topology.exit_of.get(task.spec.key, "")
    return f"{task.parent}/{group}" if task.parent and group else group


def ordered(node: Node) -> Iterator[Node]:
    """A node's children in their order, each exit task right after its group."""
    exits: dict[str, list[Node]] = {}
    for child in node.children.values():
        if child.facts.exit_of in node.children:
            exits.setdefault(child.facts.exit_of, []).append(child)
    for path, child in node.children.items():
        if child.facts.exit_of not in node.children:
            yield child
            yield from exits.get(path, ())
