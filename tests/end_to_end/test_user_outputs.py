"""Outputs that a task leaves where, or as what, it may not: it fails and says so, and nothing is overwritten."""

from pathlib import Path

from harness import Harness
from kfp import dsl
from kfp.dsl import Artifact, Output


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def overwrite(victim: str, out: Output[Artifact]):
    from pathlib import Path

    Path("bytes").write_text("new")
    out.uri = victim
    out.custom_path = "bytes"


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def link(target: str, out: dsl.OutputPath(str)):
    from pathlib import Path

    Path(out).symlink_to(target)


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def folder(out: dsl.OutputPath(str)):
    from pathlib import Path

    Path(out, "part").mkdir(parents=True)


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def elsewhere(uri: str, out: Output[Artifact]):
    out.uri = uri


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def half() -> str:
    return "a\ud800b"


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def accuracy() -> float:
    return 0.5


@dsl.pipeline(name="outputs")
def outputs(other: str) -> float:
    overwrite(victim=other)
    link(target=other)
    folder()
    elsewhere(uri="file://elsewhere/x")
    half()
    return accuracy().output


def test_outputs_that_cannot_be_taken(harness: Harness, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("old")
    result = harness.run(outputs, {"other": str(other)})
    unusable = "its outputs cannot be used: "
    foreign = "file://elsewhere/x: names a file on 'elsewhere': write file:///path for one of this machine"
    written = harness.home / "runs" / result.run.run_id / "tasks" / "folder" / "1" / "outputs" / "out"
    not_utf8 = "'utf-8' codec can't encode character '\\ud800' in position 33: surrogates not allowed"
    assert {path: result.error(path) for path in sorted(result.states)} == {
        "accuracy": None,
        "elsewhere": (3, f"{unusable}{foreign}"),
        "folder": (3, f"{unusable}output 'out' is no file: write the value itself to {written}"),
        "half": (3, f"its executor output cannot be read: {not_utf8}"),
        "link": (3, f"{unusable}output 'out' is a link to {other}: write the value itself"),
        "overwrite": None,
    }
    assert (other.read_text(), result.run.outputs) == ("old", {"Output": 0.5})
