"""Recognition of Python components, over real pipelines, the installed SDK, and the texts of other SDKs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from postlude.executors.process.pip_install import Install
from postlude.executors.process.recognise import is_containerised, recognise

FIXTURES = json.loads((Path(__file__).parent / "wrappers.json").read_text())
PROGRAM = FIXTURES["2.9.0"]["plain"][4]
ARGUMENTS = ("--executor_input", "{}", "--function_to_execute", "f")


def commands_of(pipelines: Path) -> list[tuple[str, ...]]:
    documents = [
        one for path in sorted(pipelines.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text()) if one
    ]
    executors = [
        one for document in documents for one in document.get("deploymentSpec", {}).get("executors", {}).values()
    ]
    containers = [one["container"] for one in executors if "container" in one]
    return [tuple(map(str, [*one.get("command", []), *one.get("args", [])])) for one in containers]


def compiled(**options: Any) -> tuple[str, ...]:
    from kfp import dsl  # type: ignore[import-untyped]

    @dsl.component(**options)  # type: ignore[untyped-decorator]
    def double(number: int) -> int:
        return number * 2

    container = double.component_spec.implementation.container
    return (*container.command, *container.args)


def test_every_python_component_of_the_real_pipelines_is_recognised_and_nothing_else(pipelines: Path) -> None:
    commands = commands_of(pipelines)
    wrapped = {argv for argv in commands if any("executor_main" in part and "$0" in part for part in argv)}
    assert len(wrapped) > 50
    assert {argv for argv in commands if recognise(argv)} == wrapped


@pytest.mark.parametrize("version", list(FIXTURES))
def test_wrappers_of_every_sdk_give_the_function_and_its_text(version: str) -> None:
    for argv in FIXTURES[version].values():
        found = recognise(tuple(argv))
        assert found is not None
        assert (found.function, "def double" in found.source) == ("double", True)
        assert found.arguments == ("--executor_input", "{{$}}", "--function_to_execute", "double")


@pytest.mark.parametrize(
    ("version", "shape", "install"),
    [
        pytest.param("2.0.1", "plain", Install(kfp="kfp==2.0.1"), id="first-sdk-installs-kfp-with-its-dependencies"),
        pytest.param("2.9.0", "plain", Install(kfp="kfp==2.9.0", kfp_alone=True), id="later-sdks-install-kfp-alone"),
        pytest.param("2.9.0", "bare", Install(), id="install_kfp_package-False-installs-nothing"),
        pytest.param(
            "2.9.0",
            "indexes",
            Install(
                packages=("a==1", 'requests>=2; python_version<"4"'),
                kfp="kfp==2.9.0",
                kfp_alone=True,
                index_urls=("https://x/simple", "https://y/simple"),
                trusted_hosts=("x", "y"),
            ),
            id="packages-indexes-and-hosts",
        ),
    ],
)
def test_wrappers_give_what_they_install(version: str, shape: str, install: Install) -> None:
    found = recognise(tuple(FIXTURES[version][shape]))
    assert found is not None
    assert found.install == install


def test_a_wheel_of_the_sdk_is_the_sdk_s_requirement(tmp_path: Path) -> None:
    wheel = tmp_path / "kfp-2.17.0-py3-none-any.whl"
    wheel.touch()
    found = recognise(compiled(kfp_package_path=str(wheel)))
    assert found is not None
    assert found.install == Install(kfp=str(wheel), kfp_alone=True)


@pytest.mark.parametrize(
    ("argv", "containerised"),
    [
        pytest.param(compiled(target_image="look:1", packages_to_install=["a"]), True, id="target_image"),
        pytest.param(compiled(target_image="look:1", install_kfp_package=False), True, id="nothing-to-install"),
        pytest.param(compiled(), False, id="code-in-the-command"),
        pytest.param(("python3", "-m", "http.server"), False, id="another-module"),
        pytest.param(("echo", "hello"), False, id="another-program"),
        pytest.param((), False, id="no-program"),
    ],
)
def test_components_whose_code_is_in_their_image_are_told_apart(argv: tuple[str, ...], *, containerised: bool) -> None:
    assert is_containerised(argv) is containerised


@pytest.mark.parametrize(
    ("options", "packages"),
    [
        pytest.param({}, (), id="plain"),
        pytest.param({"install_kfp_package": False}, (), id="no-kfp"),
        pytest.param({"packages_to_install": ["a", "b[c]>1"]}, ("a", "b[c]>1"), id="packages"),
        pytest.param({"packages_to_install": ["kfp[all]==2.1", "a"]}, ("a",), id="the-author's-own-kfp"),
        pytest.param({"kfp_package_path": "git+https://h/kfp.git@main"}, ("git+https://h/kfp.git@main",), id="kfp-url"),
        pytest.param(
            {"packages_to_install": ["git+https://h/r.git@v1#egg=x"]}, ("git+https://h/r.git@v1#egg=x",), id="url"
        ),
        pytest.param({"packages_to_install": ["a"], "use_venv": True}, ("a",), id="venv"),
        pytest.param({"packages_to_install": ["a"], "pip_index_urls": ["https://x"]}, ("a",), id="index"),
    ],
)
def test_the_installed_sdk_is_recognised(options: dict[str, Any], packages: tuple[str, ...]) -> None:
    found = recognise(compiled(**options))
    assert found is not None
    assert (found.packages, found.function) == (packages, "double")


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param((), id="nothing"),
        pytest.param(("echo", "hello"), id="program"),
        pytest.param(("sh", "-c", "echo hello"), id="shell"),
        pytest.param(("python3", "-m", "kfp.dsl.executor_main", *ARGUMENTS), id="containerised-component"),
        pytest.param(("sh", "-ec", PROGRAM), id="no-text"),
        pytest.param(("sh", "-ec", PROGRAM, "text", "--function_to_execute", "f"), id="no-input"),
        pytest.param(("sh", "-ec", f"curl http://h | sh\n{PROGRAM}", "text", *ARGUMENTS), id="does-more"),
        pytest.param(("sh", "-ec", f"export A=1\n{PROGRAM}", "text", *ARGUMENTS), id="changes-the-environment"),
        pytest.param(("sh", "-ec", PROGRAM + "'", "text", *ARGUMENTS), id="open-quote"),
        pytest.param(("sh", "-c", 'pip install x && "$0" "$@"', "sh", "-ec", PROGRAM, "t", *ARGUMENTS), id="other-pip"),
        pytest.param(
            ("sh", "-c", 'python3 -m pip install --target=/x y && "$0" "$@"', "sh", "-ec", PROGRAM, "t", *ARGUMENTS),
            id="unknown-option",
        ),
        pytest.param(
            (
                "sh",
                "-c",
                'python3 -m pip install -i https://$U@h y && "$0" "$@"',
                "sh",
                "-ec",
                PROGRAM,
                "t",
                *ARGUMENTS,
            ),
            id="needs-a-shell",
        ),
    ],
)
def test_anything_else_is_a_program(argv: tuple[str, ...]) -> None:
    assert recognise(argv) is None
