"""Which warm interpreters are dropped, and that those of environments really are."""

import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from process_lab import EXITED_WELL, Lab, install_script

from package_index import add_wheel
from postlude.executors.process.executor import ProcessExecutor
from postlude.executors.process.memory import UNKNOWN, Memory, read_memory
from postlude.executors.process.retention import Retention, Warm, to_drop

GIB = 2**30
PLENTY = Memory(total_bytes=16 * GIB, available_bytes=8 * GIB)
LITTLE = Memory(total_bytes=16 * GIB, available_bytes=1 * GIB)
STALLED = Memory(total_bytes=16 * GIB, available_bytes=8 * GIB, stalled_share=0.2)
KEEP = Retention(idle_s=300)


def warm(name: str, idle_s: float | None, *, stays: bool = False) -> Warm:
    return Warm(name=name, idle_s=idle_s, stays=stays)


@pytest.mark.parametrize(
    ("interpreters", "memory", "dropped"),
    [
        pytest.param([warm("a", 299)], PLENTY, [], id="a-short-rest-is-allowed"),
        pytest.param([warm("a", 300), warm("b", 400)], PLENTY, ["b", "a"], id="a-long-rest-is-not"),
        pytest.param([warm("a", None)], LITTLE, [], id="what-is-used-stays-whatever-happens"),
        pytest.param([warm("a", 9999, stays=True)], LITTLE, [], id="the-engine-s-own-stays-whatever-happens"),
        pytest.param(
            [warm("a", 1), warm("b", 20), warm("c", 3)], LITTLE, ["b"], id="little-memory-the-longest-idle-goes"
        ),
        pytest.param([warm("a", 1), warm("b", 2)], STALLED, ["b"], id="programs-that-wait-for-memory-count-as-little"),
        pytest.param([warm("a", 1), warm("b", 300)], LITTLE, ["b", "a"], id="what-rested-long-does-not-count-for-it"),
        pytest.param([warm("a", 1)], UNKNOWN, [], id="unknown-memory-is-no-reason"),
        pytest.param([], LITTLE, [], id="nothing-to-drop"),
    ],
)
def test_to_drop(interpreters: list[Warm], memory: Memory, dropped: list[str]) -> None:
    assert to_drop(interpreters, memory, KEEP) == dropped


MEMINFO = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    4000 kB\nHugePages_Total:       0\n"
PRESSURE = "some avg10=12.50 avg60=3.00 avg300=1.00 total=1\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=1\n"


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        pytest.param(
            {"meminfo": MEMINFO, "pressure/memory": PRESSURE},
            Memory(total_bytes=16_384_000, available_bytes=4_096_000, stalled_share=0.125),
            id="both",
        ),
        pytest.param({"meminfo": MEMINFO}, Memory(total_bytes=16_384_000, available_bytes=4_096_000), id="no-pressure"),
        pytest.param({"meminfo": "MemTotal: 16000 kB\n"}, UNKNOWN, id="an-old-kernel"),
        pytest.param({}, UNKNOWN, id="no-proc"),
    ],
)
def test_memory_is_what_the_kernel_says(tmp_path: Path, files: dict[str, str], memory: Memory) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_memory(tmp_path) == memory


# --- real interpreters ------------------------------------------------------------------------------------------------


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The wrapper of a component that installs a package from a directory."""
    add_wheel(tmp_path / "index", "postludetestpkg", "1.0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return ("sh", "-c", install_script(f"--index-url {(tmp_path / 'index').as_uri()}", "'postludetestpkg'"))


def parent() -> int:
    import os

    return os.getppid()


def lab_of(tmp_path: Path, **options: Any) -> Lab:
    return Lab(ProcessExecutor(home=tmp_path / "home", **options), tmp_path)


def test_an_environment_s_interpreter_serves_again_and_is_its_own(tmp_path: Path, packages: tuple[str, ...]) -> None:
    lab = lab_of(tmp_path)
    served_by = [lab.value_of(parent, *packages), lab.value_of(parent, *packages), lab.value_of(parent)]
    lab.executor.close()
    assert served_by[0] == served_by[1] != served_by[2]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"retention": Retention(idle_s=0.0)}, id="long-unused"),
        pytest.param({"retention": Retention(idle_s=300.0, available_share=2.0)}, id="little-memory"),
    ],
)
def test_an_interpreter_that_is_dropped_is_gone_and_comes_back(
    tmp_path: Path, packages: tuple[str, ...], options: dict[str, Any]
) -> None:
    lab = lab_of(tmp_path, memory=lambda: PLENTY, **options)
    own = psutil.Process(lab.value_of(parent))
    first = psutil.Process(lab.value_of(parent, *packages))
    gone, _ = psutil.wait_procs([first], timeout=60)
    second = lab.value_of(parent, *packages)
    lab.executor.close()
    assert (gone, second != first.pid) == ([first], True)
    assert not own.is_running()


def test_an_interpreter_is_not_dropped_while_it_is_used(tmp_path: Path, packages: tuple[str, ...]) -> None:
    looks = threading.Semaphore(0)

    def memory() -> Memory:
        looks.release()
        return PLENTY

    def waits() -> str:
        import os

        with open(os.environ["GATE"]) as gate:  # noqa: PTH123 - as authors of components write
            return gate.read()

    import os

    gate = tmp_path / "gate"
    os.mkfifo(gate)
    lab = lab_of(tmp_path, retention=Retention(idle_s=0.0), memory=memory)
    attempt = lab.component(waits, *packages, env={"GATE": str(gate)})
    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(lab.executor.run(attempt)))
    thread.start()
    with gate.open("w") as opened:
        for _ in range(3):
            assert looks.acquire(timeout=60)
        opened.write("still here")
    thread.join(60)
    lab.executor.close()
    assert ended == [EXITED_WELL], attempt.log.read_text()
