"""What `postlude.dsl` is: the SDK's, extended where it was written to be, and refused where it cannot be."""

import importlib
import re
import subprocess
import sys
import types
import warnings
from pathlib import Path

import kfp.dsl
import pytest
from kfp.compiler import pipeline_spec_builder

import postlude
from postlude import dsl
from postlude.dsl import sdk

TESTED = "It was tested with kfp 2.0.1 to 2.17.0"


def python(*lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-W", "ignore", "-c", "\n".join(lines)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, env=variables or None)


# --- names ------------------------------------------------------------------------------------------------------------


def test_everything_of_kfp_dsl_is_there() -> None:
    theirs = {name: getattr(kfp.dsl, name) for name in kfp.dsl.__all__}
    assert {name for name, value in theirs.items() if getattr(dsl, name) is not value} == {
        "Condition",
        "Elif",
        "ExitHandler",
        "If",
        "pipeline",
    }
    assert set(kfp.dsl.__all__) < set(dsl.__all__) <= set(dir(dsl))
    assert dsl.base_component is importlib.import_module("kfp.dsl.base_component")


def test_ours_are_of_the_sdks_classes() -> None:
    for name in ("Condition", "Elif", "ExitHandler", "If"):
        assert issubclass(getattr(dsl, name), getattr(kfp.dsl, name))


def test_a_name_that_neither_has_is_refused() -> None:
    text = f"module 'postlude.dsl' has no attribute 'Loop', and kfp {kfp.__version__} has none."
    with pytest.raises(AttributeError, match=re.escape(text)):
        _ = dsl.Loop


def test_it_is_imported_when_it_is_asked_for() -> None:
    lines = ["import sys, postlude", "print('kfp' in sys.modules)", "print(postlude.dsl.ExitHandler.__module__)"]
    assert python(*lines).stdout.split() == ["False", "postlude.dsl.exit_handler"]
    assert postlude.dsl is dsl


def test_without_the_sdk_it_says_what_to_install() -> None:
    lines = [
        "import sys",
        "sys.modules['kfp'] = None",
        "import postlude",
        "try:",
        "    from postlude import dsl",
        "except ImportError as error:",
        "    print(type(error).__name__, isinstance(error, postlude.ConfigError), error)",
    ]
    text = "SdkError True postlude.dsl extends the official KFP SDK 2, and this Python cannot import it "
    found = python(*lines)
    assert found.stdout.startswith(text), found.stderr
    assert found.stdout.endswith("Install postlude[sdk].\n")


# --- releases ---------------------------------------------------------------------------------------------------------


def changed(**functions: object) -> types.SimpleNamespace:
    """The SDK's builder with other functions."""
    return types.SimpleNamespace(**{**vars(pipeline_spec_builder), **functions})


def calls_nobody(pipeline: object, component_spec: object) -> None:
    """A create_pipeline_spec of another make."""


def knows_no_exit_task(task: object) -> None:
    """A build_component_spec_for_task of another make."""


@pytest.mark.parametrize(
    ("builder", "found"),
    [
        pytest.param(pipeline_spec_builder, [], id="the-installed-one"),
        pytest.param(changed(build_spec_by_group=None), ["build_spec_by_group is missing"], id="missing"),
        pytest.param(
            changed(build_component_spec_for_task=knows_no_exit_task),
            ["build_component_spec_for_task takes no is_exit_task"],
            id="other-arguments",
        ),
        pytest.param(
            changed(create_pipeline_spec=calls_nobody),
            [
                "create_pipeline_spec calls no build_exit_handler_groups_recursively",
                "create_pipeline_spec calls no build_spec_by_group",
                "create_pipeline_spec calls no get_inputs_for_all_groups",
            ],
            id="other-calls",
        ),
    ],
)
def test_a_compiler_of_another_make_is_found_out(builder: object, found: list[str]) -> None:
    assert list(sdk.faults(builder)) == found


def test_a_release_that_works_otherwise_is_refused() -> None:
    text = (
        "kfp 3.1.0: postlude.dsl cannot extend its compiler (build_spec_by_group is missing). "
        f"{TESTED}: install one of these, or a Postlude that knows this one."
    )
    with pytest.raises(sdk.SdkError, match=f"^{re.escape(text)}$"):
        sdk.check("3.1.0", ("build_spec_by_group is missing",))


def test_a_newer_release_that_looks_the_same_is_warned_of() -> None:
    text = f"kfp 2.18.0 is newer than what postlude.dsl knows. {TESTED}; its compiler looks the same, so go on."
    with pytest.warns(sdk.SdkWarning, match=f"^{re.escape(text)}$"):
        sdk.check("2.18.0", ())


@pytest.mark.parametrize("version", ["2.0.1", "2.11.0", "2.17.0"])
def test_a_tested_release_is_taken_in_silence(version: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sdk.check(version, ())


# --- pipelines of others ----------------------------------------------------------------------------------------------

ROOT = Path(__file__).parent.parent.parent.parent
SAMPLES = ROOT.parent / "shared" / "kfp" / "pipelines"
COMPILE = """
import sys, pathlib
{first}
from kfp import compiler, components, dsl
sys.path[:0] = {path!r}
out = pathlib.Path({out!r})

def write(pipeline, name):
    compiler.Compiler().compile(pipeline, str(out / (name + ".yaml")))

import sdk_matrix_pipeline, feature_components
write(sdk_matrix_pipeline.matrix, "matrix")
for name, value in vars(feature_components).items():
    if isinstance(value, dsl.base_component.BaseComponent):
        write(value, "feature-" + name)
for sample in sorted(pathlib.Path({samples!r}).glob("*.yaml")):
    try:
        component = components.load_component_from_text(sample.read_text())
        @dsl.pipeline(name="twice")
        def twice():
            with dsl.ExitHandler(component()):
                component()
        write(twice, sample.stem)
    except Exception as error:
        (out / (sample.stem + ".txt")).write_text(repr(error))
"""


def corpus(directory: Path, first: str) -> dict[str, bytes]:
    """What a process of its own compiles of the SDK's features and of all samples, by name; refusals included."""
    directory.mkdir()
    path = [str(ROOT / "scripts"), str(ROOT / "tests" / "end_to_end")]
    program = COMPILE.format(first=first, path=path, out=str(directory), samples=str(SAMPLES))
    ended = python(program)
    assert ended.returncode == 0, ended.stderr
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_pipelines_without_our_exit_handler_are_compiled_as_the_sdk_does(tmp_path: Path) -> None:
    plain = corpus(tmp_path / "plain", first="")
    beside = corpus(tmp_path / "beside", first="import postlude.dsl")
    assert len(plain) > (80 if SAMPLES.exists() else 5)
    assert sum(name.endswith(".yaml") for name in plain) > (40 if SAMPLES.exists() else 5)
    assert beside == plain


def test_a_pipeline_that_needs_nothing_of_ours_is_the_sdks_byte_for_byte(tmp_path: Path) -> None:
    """The whole matrix of SDK features, its exit handler included, by `postlude.dsl`'s own names."""
    source = (ROOT / "scripts" / "sdk_matrix_pipeline.py").read_text()
    written = source.replace("from kfp import compiler, dsl", "from kfp import compiler\nfrom postlude import dsl")
    assert written != source
    theirs, ours = tmp_path / "theirs.yaml", tmp_path / "ours.yaml"
    for text, target in ((source, theirs), (written, ours)):
        file = target.with_name(f"{target.stem}_pipeline.py")
        file.write_text(text)
        subprocess.run([sys.executable, "-W", "ignore", file, target], check=True, timeout=120)
    assert ours.read_bytes() == theirs.read_bytes()
