"""Which engine answers, and in which words engines and variables fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from container_lab import put_on_path

from postlude.executors.container.client import Client, engine_words
from postlude.executors.container.engine import Choice, Engine, find_engine, silence
from postlude.executors.container.environment import EnvironmentVariableError, variables
from postlude.executors.container.traits import Traits, traits_of
from postlude.spec.types import Resources

ANSWERS = "echo 28.2.2"
CLIENT_ONLY = "echo; echo 'Cannot connect to the Docker daemon' >&2; exit 1"
SILENT = "echo"

TAKEN = (
    "environment variable 'PATH': its value is long or holds a line break, and the engine's client has a variable of "
    "that name. Give it another name"
)


@pytest.fixture(autouse=True)
def forget_answers() -> Iterator[None]:
    find_engine.cache_clear()
    yield
    find_engine.cache_clear()


@pytest.mark.parametrize(
    ("docker", "podman", "choice", "found"),
    [
        pytest.param(ANSWERS, ANSWERS, "auto", Engine.DOCKER, id="docker-first"),
        pytest.param(CLIENT_ONLY, ANSWERS, "auto", Engine.PODMAN, id="a-client-alone-is-no-engine"),
        pytest.param(CLIENT_ONLY, ANSWERS, "docker", None, id="only-what-was-asked-for"),
        pytest.param(ANSWERS, CLIENT_ONLY, "podman", None, id="only-podman-was-asked-for"),
        pytest.param(SILENT, CLIENT_ONLY, "auto", None, id="no-version-is-no-answer"),
    ],
)
def test_find_engine(
    docker: str,
    podman: str,
    choice: Choice,
    found: Engine | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_on_path("docker", docker, tmp_path, monkeypatch)
    put_on_path("podman", podman, tmp_path, monkeypatch)
    assert find_engine(choice) is found


@pytest.mark.parametrize(
    ("docker", "why"),
    [
        pytest.param(ANSWERS, "", id="it-answers"),
        pytest.param(CLIENT_ONLY, "Cannot connect to the Docker daemon", id="its-own-words"),
        pytest.param(SILENT, "docker gave no version, exit code 0", id="no-version"),
        pytest.param(
            "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1",
            "permission denied while trying to connect to the Docker daemon socket",
            id="a-daemon-of-others",
        ),
    ],
)
def test_silence_is_explained(docker: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path("docker", docker, tmp_path, monkeypatch)
    assert silence(Engine.DOCKER) == why


def test_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_engine("auto") is None


def test_the_answer_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path("podman", ANSWERS, tmp_path, monkeypatch)
    assert find_engine("podman") is Engine.PODMAN
    put_on_path("podman", CLIENT_ONLY, tmp_path, monkeypatch)
    assert find_engine("podman") is Engine.PODMAN


def test_a_client_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path("docker", "exec sleep 600", tmp_path, monkeypatch)
    answer = Client("docker").call("version", timeout_s=0.1)
    assert (answer.ok, answer.words) == (False, "docker gave no answer within 0.1 s")


ROOTFUL = '{"SecurityOptions": ["name=seccomp,profile=builtin"], "MemoryLimit": true, "CpuCfsQuota": true}'
ROOTLESS = ROOTFUL.replace("]", ', "name=rootless"]')


@pytest.mark.parametrize(
    ("info", "traits"),
    [
        pytest.param(f"echo '{ROOTFUL}'", Traits(), id="of-root"),
        pytest.param(f"echo '{ROOTLESS}'", Traits(rootless=True), id="rootless"),
        pytest.param(
            f"echo '{ROOTLESS.replace('true', 'false')}'",
            Traits(rootless=True, limits_memory=False, limits_cpus=False),
            id="rootless-without-control-groups",
        ),
        pytest.param("exit 1", Traits(), id="no-answer"),
    ],
)
def test_docker_s_traits(info: str, traits: Traits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path("docker", info, tmp_path, monkeypatch)
    assert traits_of(Engine.DOCKER, Client("docker")) == traits


def test_a_podman_that_is_called_docker_is_told_from_docker(
    podman: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path("docker", 'exec podman "$@"', tmp_path, monkeypatch)
    assert silence(Engine.DOCKER) == ""
    assert traits_of(Engine.DOCKER, Client("docker")) == traits_of(Engine.PODMAN, Client("podman"))


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        pytest.param(Traits(), "", id="all-enforced"),
        pytest.param(
            Traits(limits_memory=False),
            "memory limit 1Gi: not enforced, since this Docker has no control groups to do so",
            id="one",
        ),
        pytest.param(
            Traits(limits_memory=False, limits_cpus=False),
            "memory limit 1Gi, CPU limit 2: not enforced, since this Docker has no control groups to do so",
            id="both",
        ),
    ],
)
def test_limits_that_are_not_enforced_are_told(traits: Traits, said: str) -> None:
    assert traits.unheeded(Resources(memory_limit="1Gi", cpu_limit="2")) == said
    assert traits.unheeded(Resources()) == ""


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("level=warning msg=retrying\nError: refused\n\n", "Error: refused", id="last-error"),
        pytest.param(
            "docker: Error response from daemon: gone.\n\nRun 'docker run --help' for more information\n",
            "docker: Error response from daemon: gone",
            id="advice-is-no-reason",
        ),
        pytest.param("one\ntwo\n", "two", id="last-line-where-none-is-an-error"),
    ],
)
def test_engine_words(stderr: str, words: str) -> None:
    assert engine_words(stderr) == words


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"A=B": ""}, "environment variable 'A=B': not a name that a container can have. Use letters, digits and '_'"),
        ({"": "x"}, "environment variable '': not a name that a container can have. Use letters, digits and '_'"),
        ({"#A": "x"}, "environment variable '#A': not a name that a container can have. Use letters, digits and '_'"),
        ({"A": "\0"}, "environment variable 'A': its value holds a NUL character. Encode it, for example as base64"),
        ({"PATH": "a\nb"}, TAKEN),
    ],
)
def test_variables_that_cannot_be_passed(env: dict[str, str], message: str, tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentVariableError) as raised,
        variables(env, tmp_path, client_env={"PATH": "/bin"}),
    ):
        pass
    assert str(raised.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_file_planted_in_place_of_the_variables_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    (tmp_path / "container.env").symlink_to(tmp_path / "mine")
    with variables({"A": "secret"}, tmp_path, client_env={}) as passed:
        assert (tmp_path / "container.env").read_text() == "A=secret\n"
        assert passed.options == ("--env-file", str(tmp_path / "container.env"))
    assert (tmp_path / "mine").read_text() == ""
