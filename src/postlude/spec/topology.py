"""Who waits for whom among the tasks of one DAG."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping

from postlude.spec.types import FinalStatusOf, Strategy, Task, TaskOutput, Topology


def topology(tasks: Mapping[str, Task], groups: Collection[str]) -> Topology:
    """What waits for what.

    An exit task is one that starts whatever its upstream's state and depends on one group and nothing else. A task that
    depends on a group also waits for the group's exit tasks (R2); an exit task of that very group does not.

    Args:
        tasks: The tasks of the DAG, by key. Names of tasks that are not among them are passed over.
        groups: The keys of the tasks that are made of tasks: sub-DAGs and loops.
    """
    upstreams = {key: _upstreams(task, tasks) for key, task in tasks.items()}
    exit_of = {key: group for key, task in tasks.items() if (group := _group_left(task, groups)) is not None}
    exits = _reversed({key: (group,) for key, group in exit_of.items()})
    gates = {key: _gates(key, found, exits, exit_of) for key, found in upstreams.items()} if exits else {}
    waits = {key: found + gates.get(key, ()) for key, found in upstreams.items()}
    return Topology(
        upstreams=upstreams,
        gates={key: found for key, found in gates.items() if found},
        dependents=_reversed(waits),
        exit_of=exit_of,
    )


def waits(found: Topology) -> dict[str, tuple[str, ...]]:
    """For each task, everything it waits for: its upstreams, then its gates."""
    return {key: upstreams + found.gates.get(key, ()) for key, upstreams in found.upstreams.items()}


def producers(task: Task) -> Iterator[str]:
    """The tasks that a task's inputs come from, as often as they feed one."""
    for binding in task.inputs.parameters.values():
        if isinstance(binding.source, TaskOutput | FinalStatusOf):
            yield binding.source.task
    for source in task.inputs.artifacts.values():
        if isinstance(source, TaskOutput):
            yield source.task


def find_cycle(waits: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A cycle, each member waiting for the next and the last being the first again; empty where there is none.

    Args:
        waits: For each member, the members it waits for. Every name is a key.
    """
    left = _stuck(waits)
    if not left:
        return ()
    trail: dict[str, int] = {}
    at = min(left)
    while at not in trail:
        trail[at] = len(trail)
        at = min(each for each in waits[at] if each in left)
    members = list(trail)[trail[at] :]
    return (*members, at)


def _stuck(waits: Mapping[str, Iterable[str]]) -> set[str]:
    """The members that never get free (Kahn): those on a cycle, and those behind one."""
    missing = {key: len(set(each)) for key, each in waits.items()}
    dependents = _reversed(waits)
    free = deque(key for key, count in missing.items() if not count)
    while free:
        for dependent in dependents.get(free.popleft(), ()):
            missing[dependent] -= 1
            if not missing[dependent]:
                free.append(dependent)
    return {key for key, count in missing.items() if count}


def _upstreams(task: Task, tasks: Mapping[str, Task]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in (*task.depends_on, *producers(task)) if key in tasks))


def _group_left(task: Task, groups: Collection[str]) -> str | None:
    declared = set(task.depends_on)
    if task.trigger.strategy is not Strategy.ALL_COMPLETED or len(declared) != 1:
        return None
    (only,) = declared
    return only if only in groups else None


def _gates(
    key: str, upstreams: tuple[str, ...], exits: Mapping[str, tuple[str, ...]], exit_of: Mapping[str, str]
) -> tuple[str, ...]:
    own, known = exit_of.get(key), {key, *upstreams}
    found = (each for group in upstreams if group != own for each in exits.get(group, ()))
    return tuple(dict.fromkeys(each for each in found if each not in known))


def _reversed(edges: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for key, others in edges.items():
        for other in others:
            found.setdefault(other, {})[key] = None
    return {key: tuple(others) for key, others in found.items()}
