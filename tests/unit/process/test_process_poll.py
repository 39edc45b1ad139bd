"""A supervisor is told of what it waits for, and of nothing else."""

import math
import os

from postlude.executors.process.supervisor.poll import Poll


def test_what_can_be_read_is_done() -> None:
    poll, done = Poll(), list[str]()
    reading, writing = os.pipe()
    poll.add(reading, lambda: done.append(os.read(reading, 9).decode()))
    assert not poll.wait(0)
    os.write(writing, b"news")
    assert poll.wait(math.inf)
    os.close(writing)
    assert poll.wait(math.inf)
    os.close(reading)
    assert done == ["news", ""]


def test_what_was_dropped_by_what_was_done_first_is_not_done() -> None:
    poll, done = Poll(), list[int]()
    pipes = [os.pipe() for _ in range(3)]
    ends = [reading for reading, _ in pipes]

    def drop_the_others(own: int) -> None:
        done.append(own)
        for fd in ends:
            poll.drop(fd)

    for fd in ends:
        poll.add(fd, lambda own=fd: drop_the_others(own))
    for _, writing in pipes:
        os.write(writing, b"x")
    poll.wait(math.inf)
    assert not poll.wait(0)
    for fd in (end for pipe in pipes for end in pipe):
        os.close(fd)
    assert len(done) == 1


def test_what_could_be_read_first_is_done_first() -> None:
    """So that what a program says on two streams stays in its order."""
    poll, done = Poll(), list[str]()
    pipes = {name: os.pipe() for name in ("stdout", "stderr")}
    for name, (reading, _) in pipes.items():
        poll.add(reading, lambda name=name: done.append(name))
    for name in ("stderr", "stdout"):
        os.write(pipes[name][1], b"x")
    poll.wait(math.inf)
    assert done == ["stderr", "stdout"]
    for fd in (end for pipe in pipes.values() for end in pipe):
        os.close(fd)


def test_the_number_of_a_closed_descriptor_names_its_next_owner_only() -> None:
    poll, done = Poll(), list[str]()
    reading, writing = os.pipe()
    copy = os.dup(reading)  # as a child has one
    poll.add(reading, lambda: done.append("old"))
    os.write(writing, b"late")
    poll.drop(reading)
    os.close(reading)
    quiet, other = os.pipe()
    assert quiet == reading
    poll.add(quiet, lambda: done.append("new"))
    assert not poll.wait(0)
    assert done == []
    for fd in (copy, writing, quiet, other):
        os.close(fd)
