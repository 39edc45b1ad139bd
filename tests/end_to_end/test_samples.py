"""Real compiled pipelines run to the state they should, through the code that makes docs/samples.md."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from samples.running import run_sample  # noqa: E402 - found through the path above
from samples.verdict import Judgement, Verdict, judge_run  # noqa: E402 - as above

from postlude.api.source import load_source  # noqa: E402 - as above
from postlude.wiring import RunOptions  # noqa: E402 - as above

SUCCEED = (
    "arguments_parameters", "artifacts_complex", "artifacts_simple", "collected_artifacts",
    "cross_loop_after_topology", "env-var", "hello_world", "identity", "if_elif_else_complex",
    "if_elif_else_with_oneof_parameters", "if_else_with_oneof_artifacts", "if_else_with_oneof_parameters",
    "mounted_cabundle_configmap", "mounted_cabundle_secret", "nested_return", "output_metrics",
    "pipeline_with_loops_and_conditions", "pipeline_with_nested_loops", "pipeline_with_only_display_name",
    "pipeline_with_parallelfor_list_artifacts_GH-12033", "pipeline_with_parallelfor_parallelism",
    "pipeline_with_parallelfor_pipeline_param", "pipeline_with_string_machine_fields_pipeline_input",
    "pipeline_with_string_machine_fields_task_output", "pipeline_with_task_final_status_yaml", "pipeline_with_utils",
    "preprocess", "pythonic_artifacts_with_list_of_artifacts", "pythonic_artifacts_with_multiple_returns",
    "run_as_user_cache_disabled", "run_as_user_cache_enabled", "sequential_v1", "take_nap_compiled",
    "take_nap_pipeline_root_compiled",
)  # fmt: skip
FAIL = (
    "conditional_producer_and_consumers", "nested_with_parameters", "parameters_complex", "pipeline_as_exit_task",
    "pipeline_producer_consumer", "pipeline_with_task_final_status",
    "pipeline_with_task_using_ignore_upstream_failure",
)  # fmt: skip
FROM_BUCKET = Judgement(verdict=Verdict.NEEDS_CLOUD, note="imports an artifact from gs://")
ON_VERTEX = Judgement(verdict=Verdict.NEEDS_CLOUD, note="starts a job on Vertex AI")
OWN_PROGRAM = Judgement(verdict=Verdict.NEEDS_IMAGE, note="'my_program' is a program of the image")
A_VOLUME = Judgement(verdict=Verdict.NEEDS_CLUSTER, note="asks Kubernetes for a volume")


def needs(verdict: Verdict, note: str) -> Judgement:
    return Judgement(verdict=verdict, note=note)


NEED: Mapping[str, Judgement] = {
    "components_with_optional_artifacts": FROM_BUCKET,
    "pipeline_with_dynamic_importer_metadata": FROM_BUCKET,
    "pipeline_with_importer": FROM_BUCKET,
    "pipeline_with_importer_and_gcpc_types": FROM_BUCKET,
    "pipeline_with_condition_dynamic_task_output_custom_training_job": ON_VERTEX,
    "pipeline_with_dynamic_task_output_custom_training_job": ON_VERTEX,
    "create_pod_metadata_complex": needs(Verdict.NEEDS_CLUSTER, "asks Kubernetes for fieldPathAsEnv, podMetadata"),
    "pipeline_with_secret_as_volume": needs(Verdict.NEEDS_CLUSTER, "asks Kubernetes for secretAsVolume"),
    "pipeline_with_volume": A_VOLUME,
    "pipeline_with_volume_no_cache": A_VOLUME,
    "pvc_mount": needs(Verdict.NEEDS_CLUSTER, "asks Kubernetes for pvcMount"),
    "container_io": OWN_PROGRAM,
    "container_with_concat_placeholder": OWN_PROGRAM,
    "container_with_if_placeholder": OWN_PROGRAM,
    "container_with_placeholder_in_fstring": OWN_PROGRAM,
    "container_with_artifact_output": needs(Verdict.NEEDS_IMAGE, "'run.sh' is a file of the image"),
    "containerized_python_component": needs(Verdict.NEEDS_IMAGE, "the component's code is in the image 'kfp-image'"),
    "component_with_metadata_fields": needs(
        Verdict.NO_PIPELINE, "takes artifacts from a task before it: dataset_a, dataset_b"
    ),
    "component_with_task_final_status_GH-12033": needs(Verdict.NO_PIPELINE, "takes the final status of a task: status"),
    "input_artifact": needs(Verdict.NO_PIPELINE, "takes artifacts from a task before it: data"),
    "pipeline_with_metadata_fields": needs(Verdict.NO_PIPELINE, "takes artifacts from a task before it: in_dataset"),
    "pipeline_with_various_io_types": needs(Verdict.NO_PIPELINE, "takes artifacts from a task before it: input3"),
}
ELSEWHERE: Mapping[str, str] = {
    "log_streaming_compiled": "prints for a minute",
    "long-running": "sleeps for ten minutes",
    "metrics_visualization_v2": "installs packages",
    "notebook_component_mixed": "installs packages",
    "pipeline_with_concat_placeholder": "ends as this machine's sh has it",
    "pipeline_with_google_artifact_type": "installs packages",
    "pythonic_artifact_with_single_return": "installs packages",
    "sequential_v2": "asks a bucket until its time is up",
    "two_step_pipeline": "asks a bucket",
    "upload_download_compiled": "installs packages",
    "xgboost_sample_pipeline": "downloads its data",
}
"""What only the script runs, and why."""


@pytest.fixture(scope="module")
def pipelines() -> Path:
    directory = ROOT.parent / "shared" / "kfp" / "pipelines"
    if not directory.is_dir() and "CI" not in os.environ:
        pytest.skip("the reference data is not beside this checkout")
    return directory


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> RunOptions:
    return RunOptions(home=tmp_path_factory.mktemp("samples"), containers="host", cache=False)


def test_every_pipeline_is_loaded_and_accounted_for(pipelines: Path) -> None:
    loaded = {path.stem: load_source(path).name for path in pipelines.glob("*.yaml")}
    assert set(loaded) == {*SUCCEED, *FAIL, *NEED, *ELSEWHERE}
    assert len(loaded) == 74


@pytest.mark.parametrize("name", SUCCEED)
def test_it_succeeds(name: str, pipelines: Path, options: RunOptions) -> None:
    outcome = run_sample(pipelines / f"{name}.yaml", options)
    assert outcome.judgement == Judgement(verdict=Verdict.SUCCEEDED)


@pytest.mark.parametrize("name", FAIL)
def test_it_fails_as_it_was_written(name: str, pipelines: Path, options: RunOptions) -> None:
    outcome = run_sample(pipelines / f"{name}.yaml", options)
    assert outcome.judgement.verdict is Verdict.FAILED_AS_WRITTEN, outcome.judgement.note


@pytest.mark.parametrize(("name", "judgement"), NEED.items(), ids=NEED)
def test_it_says_what_it_needs(name: str, judgement: Judgement, pipelines: Path, options: RunOptions) -> None:
    assert run_sample(pipelines / f"{name}.yaml", options).judgement == judgement


def script(directory: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "samples", str(directory), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_script_writes_the_table(pipelines: Path, tmp_path: Path) -> None:
    page = tmp_path / "samples.md"
    ended = script(pipelines, "--only", "hello_world", "--markdown", str(page))
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.startswith("[1/1] hello_world: ran: SUCCEEDED (")
    assert "| `hello_world` | 2.14.6 | 1 | ran: SUCCEEDED | " in page.read_text()


def test_the_script_fails_where_a_pipeline_does_not_end_as_it_should(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("root: 3\n")
    ended = script(tmp_path)
    assert ended.returncode == 1
    assert "[1/1] broken: WRONG (" in ended.stderr


def test_the_script_refuses_a_name_that_is_not_there(pipelines: Path) -> None:
    ended = script(pipelines, "--only", "hello_world", "missing")
    assert ended.returncode == 1
    assert ended.stderr == f"{pipelines}: no pipelines named missing. Give the directory that holds them.\n"


def test_a_run_that_should_succeed_and_does_not_is_wrong(pipelines: Path) -> None:
    from samples.cases import case_of

    pipeline = load_source(pipelines / "hello_world.yaml")
    document = {"state": "FAILED", "error": {"code": 2, "message": "echo: exit code 1"}}
    judged = judge_run(case_of("hello_world"), pipeline, document)
    assert judged == Judgement(verdict=Verdict.WRONG, note="ended FAILED: echo: exit code 1")


def test_a_run_that_should_fail_and_succeeds_is_wrong(pipelines: Path) -> None:
    from samples.cases import case_of

    pipeline = load_source(pipelines / "pipeline_with_task_final_status.yaml")
    judged = judge_run(case_of("pipeline_with_task_final_status"), pipeline, {"state": "SUCCEEDED", "error": None})
    assert judged == Judgement(verdict=Verdict.WRONG, note="ended SUCCEEDED: ")
