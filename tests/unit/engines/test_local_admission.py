"""Who starts next, and what never can."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postlude.core.demand import Demand
from postlude.core.task import Code, Start, TaskError, TaskPath
from postlude.engines.local.admission import Amounts, Offer, amounts, choose, fits, refusal
from postlude.engines.local.holdings import Holdings
from postlude.engines.local.waiting import Waiting

GI = 2**30
NOTHING = Demand()


def cpu(amount: int) -> Demand:
    return Demand(millicpus=1000 * amount)


def memory(amount: int) -> Demand:
    return Demand(memory_bytes=amount * GI)


def both(cpus: int, gib: int) -> Demand:
    return Demand(millicpus=1000 * cpus, memory_bytes=gib * GI)


def gpu(amount: int) -> Demand:
    return Demand(devices=amount, device_type="nvidia.com/gpu")


def free(cpus: int = 0, gib: int = 0, gpus: int = 0) -> Amounts:
    return cpus * 1000, gib * GI, gpus


@pytest.mark.parametrize(
    ("waiting", "left", "chosen"),
    [
        pytest.param([], free(4), None, id="nobody-waits"),
        pytest.param([cpu(4)], free(4), cpu(4), id="the-head-takes-all-that-is-free"),
        pytest.param([cpu(2), cpu(1)], free(4), cpu(2), id="first-come-first-served"),
        pytest.param([cpu(4)], free(3), None, id="the-head-waits-for-the-rest"),
        pytest.param([cpu(4), cpu(1)], free(3), None, id="nobody-takes-what-the-head-waits-for"),
        pytest.param([cpu(4), NOTHING], free(3), NOTHING, id="who-asks-for-nothing-is-in-nobodys-way"),
        pytest.param([cpu(4), memory(1)], free(3, 1), memory(1), id="who-asks-for-something-else-is-not-either"),
        pytest.param([both(4, 2), memory(1)], free(3, 2), None, id="nor-is-taken-what-the-head-will-need-beside"),
        pytest.param([both(4, 2), memory(1)], free(3, 3), memory(1), id="what-the-head-can-spare-is"),
        pytest.param([both(4, 2), both(1, 1)], free(3, 3), None, id="everything-that-both-ask-for-counts"),
        pytest.param([gpu(2), cpu(1), gpu(1)], free(1, 0, 1), cpu(1), id="the-oldest-that-may-overtake-does"),
        pytest.param([gpu(2), cpu(2), memory(1)], free(1, 1, 1), memory(1), id="who-does-not-fit-is-passed"),
    ],
)
def test_choose(waiting: Sequence[Demand], left: Amounts, chosen: Demand | None) -> None:
    assert choose(waiting, left) == chosen


MACHINE = Offer(millicpus=4000, memory_bytes=23 * GI, devices=("0",))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(both(4, 23), "", id="all-of-it-fits"),
        pytest.param(NOTHING, "", id="nothing-fits"),
        pytest.param(
            memory(64),
            "asks for 64 GiB of memory, this machine offers 23 GiB: lower it, or pass --memory",
            id="memory",
        ),
        pytest.param(
            Demand(memory_bytes=23 * GI + 1),
            "asks for 24696061953 bytes of memory, this machine offers 24696061952 bytes: lower it, or pass --memory",
            id="a-byte-too-much-is-said-in-bytes",
        ),
        pytest.param(
            Demand(millicpus=4500), "asks for 4.5 CPUs, this machine offers 4: lower it, or pass --cpus", id="cpus"
        ),
        pytest.param(
            gpu(2), "asks for 2 GPUs (nvidia.com/gpu), this machine offers 1: lower it, or pass --gpus", id="gpus"
        ),
        pytest.param(Demand(devices=1), "", id="accelerators-of-any-type"),
        pytest.param(
            Demand(devices=3, device_type="cloud-tpus.google.com/v3"),
            "asks for 3 of 'cloud-tpus.google.com/v3', this machine offers 1 GPU (nvidia.com/gpu): "
            "ask for that, or pass --gpus cloud-tpus.google.com/v3=3",
            id="another-type",
        ),
        pytest.param(
            both(8, 32),
            "asks for 8 CPUs, this machine offers 4: lower it, or pass --cpus; "
            "asks for 32 GiB of memory, this machine offers 23 GiB: lower it, or pass --memory",
            id="everything-at-once",
        ),
    ],
)
def test_refusal(asked: Demand, message: str) -> None:
    expected = TaskError(code=Code.RESOURCE_EXHAUSTED, message=message) if message else None
    assert refusal(asked, MACHINE) == expected


def test_a_machine_without_accelerators_says_so() -> None:
    nothing = Offer(millicpus=1000, memory_bytes=GI)
    found = [refusal(each, nothing) for each in (gpu(1), Demand(devices=1, device_type="TPU_V3"))]
    assert [error.message for error in found if error] == [
        "asks for 1 GPU (nvidia.com/gpu), this machine offers none: lower it, or pass --gpus",
        "asks for 1 of 'TPU_V3', this machine offers no accelerator: ask for that, or pass --gpus TPU_V3=1",
    ]


# --- the queue --------------------------------------------------------------------------------------------------------


def start(number: int) -> Start:
    return Start(path=TaskPath(f"t{number}"), attempt=1)


DEMANDS = st.builds(
    Demand,
    millicpus=st.sampled_from([0, 1000, 2000, 4000]),
    memory_bytes=st.sampled_from([0, GI, 3 * GI]),
    devices=st.sampled_from([0, 0, 1, 2]),
)
OFFER = Offer(millicpus=4000, memory_bytes=4 * GI, devices=("0", "1"))


@given(
    asked=st.lists(DEMANDS, max_size=12),
    dropped=st.sets(st.integers(0, 11)),
    left=st.tuples(st.integers(0, 4000), st.integers(0, 4 * GI), st.integers(0, 2)),
)
def test_the_queue_serves_as_if_it_looked_at_everybody(asked: list[Demand], dropped: set[int], left: Amounts) -> None:
    queue = Waiting()
    for number, demand in enumerate(asked):
        queue.add(start(number), demand)
    gone = [queue.drop(TaskPath(f"t{number}"), 1) for number in sorted(dropped)]
    assert gone == [number < len(asked) for number in sorted(dropped)]
    there = [(number, demand) for number, demand in enumerate(asked) if number not in dropped]
    while there:
        expected = choose([demand for _, demand in there], left)
        served = queue.pop(left)
        if expected is None:
            assert served is None
            left = amounts(there[0][1])
            continue
        first = next(each for each in there if each[1] == expected)
        assert served == (start(first[0]), expected)
        there.remove(first)
    assert queue.pop(left) is None


@given(asked=st.lists(DEMANDS, min_size=1, max_size=30), seed=st.integers(0, 2**16))
def test_nothing_is_promised_twice_and_nobody_waits_for_ever(asked: list[Demand], seed: int) -> None:
    """However long each runs: all of them run, and whatever starts while the head waits does not delay it."""
    chance, queue, holdings = random.Random(seed), Waiting(), Holdings(OFFER)  # noqa: S311 - a test's dice
    for number, demand in enumerate(asked):
        queue.add(start(number), demand)
    running: dict[tuple[TaskPath, int], Demand] = {}
    held_back: tuple[int, set[tuple[TaskPath, int]]] | None = None
    waiting = dict(enumerate(asked))
    while waiting or running:
        while (served := queue.pop(holdings.free)) is not None:
            begun, demand = served
            holdings.take((begun.path, 1), demand)
            running[begun.path, 1] = demand
            del waiting[int(begun.path[1:])]
            devices = Counter(device for key in running for device in holdings.devices(key))
            assert all(count == 1 for count in devices.values())
            assert min(holdings.free) >= 0
        if waiting:
            head = min(waiting)
            if held_back is None or held_back[0] != head:
                held_back = (head, set(running))
            before = [demand for key, demand in running.items() if key in held_back[1]]
            without = [total - sum(amounts(one)[kind] for one in before) for kind, total in enumerate(OFFER.amounts)]
            assert not fits(amounts(waiting[head]), (without[0], without[1], without[2])), "the head was delayed"
        ended = chance.choice(list(running))
        holdings.give_back(ended)
        del running[ended]
    assert holdings.free == OFFER.amounts


def test_accelerators_are_lent_one_by_one_and_the_lowest_first() -> None:
    holdings = Holdings(Offer(millicpus=0, memory_bytes=0, devices=("0", "2", "10")))
    keys = [(TaskPath(name), 1) for name in "abc"]
    holdings.take(keys[0], gpu(2))
    holdings.take(keys[1], gpu(1))
    holdings.take(keys[2], NOTHING)
    assert [holdings.devices(key) for key in keys] == [("0", "2"), ("10",), ()]
    holdings.give_back(keys[1])
    holdings.give_back(keys[0])
    holdings.take(keys[1], gpu(3))
    assert (holdings.devices(keys[1]), holdings.free) == (("0", "2", "10"), (0, 0, 0))
