"""The ready-made exit tasks, run for real, talk to real servers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from exit_component_servers import mail_server, webhook
from harness import Harness
from kfp import dsl

from postlude.components import post_to_webhook, send_mail, write_report
from postlude.spec.types import NOTHING

FAILURES = "{{workflow.failures}}"


@dsl.component
def train(loss: float):
    if loss > 1:
        raise ValueError(f"loss <{loss}> & rising")


def guarded(exit_task: Callable[..., Any], *, loss: float = 9.5, env: Mapping[str, str] = NOTHING, **given: Any) -> Any:
    """A pipeline whose handler has this exit task, with these arguments and variables."""

    @dsl.pipeline(name="nightly")
    def pipeline():
        told = exit_task(**given)
        for name, value in env.items():
            told.set_env_variable(name, value)
        with dsl.ExitHandler(told):
            train(loss=loss)

    return pipeline


CAUSE = "ValueError: loss <9.5> & rising"

# --- post_to_webhook --------------------------------------------------------------------------------------------------


def test_slack_is_told_what_failed(harness: Harness) -> None:
    with webhook() as hook:
        given = {"message": "<!here> look", "failures": FAILURES, "run_url": "https://runs/1"}
        result = harness.run(guarded(post_to_webhook, url=hook.url, **given))

    assert result.states["post-to-webhook"] == "SUCCEEDED"
    assert hook.taken == [
        {
            "text": (
                f"*nightly/{result.run.run_id}*: exit-handler-1 is *FAILED*\n"
                "&lt;!here&gt; look\n"
                "<https://runs/1|Open the run>"
            ),
            "attachments": [{"color": "danger", "text": "train: ValueError: loss &lt;9.5&gt; &amp; rising"}],
        }
    ]


def test_slack_is_told_of_success_too(harness: Harness) -> None:
    with webhook() as hook:
        result = harness.run(guarded(post_to_webhook, loss=0.0, url=hook.url))

    text = f"*nightly/{result.run.run_id}*: exit-handler-1 is *COMPLETE*"
    assert hook.taken == [{"text": text, "attachments": []}]


def test_nothing_is_posted_of_a_success_where_only_failures_are_wanted(harness: Harness) -> None:
    with webhook() as hook:
        result = harness.run(guarded(post_to_webhook, loss=0.0, url=hook.url, only_failures=True))

    assert (result.state, hook.taken) == ("SUCCEEDED", [])
    assert "nothing to post: exit-handler-1 is COMPLETE" in result.log("post-to-webhook")


def test_json_for_programs_and_the_url_from_a_variable(harness: Harness) -> None:
    with webhook() as hook:
        env = {"POSTLUDE_WEBHOOK_URL": hook.url}
        result = harness.run(guarded(post_to_webhook, env=env, body="json", failures=FAILURES))

    (taken,) = hook.taken
    (failure,) = taken.pop("failures")
    assert (failure["displayName"], failure["message"], failure["phase"]) == ("train", CAUSE, "Failed")
    assert taken == {
        "schema": "postlude.notification/v1",
        "state": "FAILED",
        "pipelineTaskName": "exit-handler-1",
        "pipelineJobResourceName": f"nightly/{result.run.run_id}",
        "error": {"code": 2, "message": f"exit-handler-1/train: {CAUSE}"},
        "message": "",
        "runUrl": "",
    }


def test_a_busy_webhook_is_tried_again(harness: Harness) -> None:
    busy = (429, {"Retry-After": "0"})
    with webhook(busy, (503, {"Retry-After": "0"})) as hook:
        result = harness.run(guarded(post_to_webhook, url=hook.url))

    assert (result.states["post-to-webhook"], len(hook.taken)) == ("SUCCEEDED", 3)


@pytest.mark.parametrize(
    ("answer", "posts", "message"),
    [
        pytest.param((404, {}), 1, "it answered 404 Not Found: no_team", id="refused"),
        pytest.param((302, {"Location": "http://127.0.0.1/"}), 1, "it answered 302 Found: no_team", id="redirected"),
        pytest.param((500, {"Retry-After": "0"}), 2, "it answered 500 Internal Server Error: no_team", id="broken"),
    ],
)
def test_a_status_that_was_not_taken_fails_the_exit_task(
    harness: Harness, answer: tuple[int, dict[str, str]], posts: int, message: str
) -> None:
    with webhook(answer, answer) as hook:
        env = {"POSTLUDE_WEBHOOK_URL": hook.url}
        result = harness.run(guarded(post_to_webhook, loss=0.0, env=env, attempts=2))

    code, said = result.error("post-to-webhook") or (0, "")
    assert (result.state, code, len(hook.taken)) == ("FAILED", 2, posts)
    assert said.startswith("RuntimeError: the webhook at 127.0.0.1 did not take the status")
    assert said.endswith(message)
    assert "secret" not in result.log("post-to-webhook")


def test_without_a_url_there_is_nowhere_to_post_to(harness: Harness) -> None:
    result = harness.run(guarded(post_to_webhook, loss=0.0))

    said = "ValueError: no http(s) URL to post to: pass url, or set the variable POSTLUDE_WEBHOOK_URL on the task"
    assert result.error("post-to-webhook") == (2, said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"attempts": 0}, "ValueError: attempts is 0: choose 1 or more", id="never"),
        pytest.param({"body": "xml"}, "ValueError: body is 'xml': choose 'slack' or 'json'", id="unknown-body"),
    ],
)
def test_what_the_webhook_cannot_be_told_with_is_refused(harness: Harness, given: dict[str, Any], said: str) -> None:
    with webhook() as hook:
        result = harness.run(guarded(post_to_webhook, loss=0.0, url=hook.url, **given))

    assert (result.error("post-to-webhook"), hook.taken) == ((2, said), [])


def test_a_url_that_is_none_is_not_shown(harness: Harness) -> None:
    env = {"POSTLUDE_WEBHOOK_URL": "http://127.0.0.1:9/services/sec ret"}
    result = harness.run(guarded(post_to_webhook, loss=0.0, env=env, attempts=1))

    said = (
        "RuntimeError: the webhook at 127.0.0.1 did not take the status in 1 attempt: it cannot be asked (InvalidURL)"
    )
    assert result.error("post-to-webhook") == (2, said)
    assert "sec ret" not in result.log("post-to-webhook")


# --- send_mail --------------------------------------------------------------------------------------------------------


def test_mail_says_what_failed(harness: Harness) -> None:
    to = ["oncall@example.com", "lead@example.com"]
    with mail_server() as server:
        given = {"host": server.host, "port": server.port, "security": "none", "message": "See the runbook."}
        result = harness.run(guarded(send_mail, to=to, sender="ml@example.com", failures=FAILURES, **given))

    ((recipients, mail),) = server.mails
    text, attached = mail.get_payload()
    assert (recipients, mail["From"], mail["To"]) == (to, "ml@example.com", ", ".join(to))
    assert " ".join(mail["Subject"].split()) == f"[FAILED] nightly/{result.run.run_id}: exit-handler-1"
    assert text.get_payload(decode=True).decode().replace("\r\n", "\n") == (
        f"exit-handler-1 of nightly/{result.run.run_id} is FAILED.\n\nSee the runbook.\n\n- train: {CAUSE}\n"
    )
    (failure,) = json.loads(attached.get_payload(decode=True))
    assert (attached.get_filename(), failure["displayName"]) == ("failures.json", "train")


def test_mail_over_tls_with_a_login(harness: Harness, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    env = {"SMTP_USER": "ml", "SMTP_PASSWORD": "pass word", "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    with mail_server(authority=authority) as server:
        given = {"host": server.host, "port": server.port}
        result = harness.run(guarded(send_mail, env=env, to=["a@example.com"], sender="b@example.com", **given))

    assert (result.states["send-mail"], server.users) == ("SUCCEEDED", [(b"ml", b"pass word")])
    assert len(server.mails) == 1
    assert "pass word" not in result.log("send-mail")


def test_a_mail_server_that_nobody_vouches_for_gets_no_password(harness: Harness) -> None:
    env = {"SMTP_USER": "ml", "SMTP_PASSWORD": "pass word"}
    with mail_server(authority=trustme.CA()) as server:
        given = {"host": server.host, "port": server.port}
        result = harness.run(guarded(send_mail, env=env, to=["a@example.com"], sender="b@example.com", **given))

    code, said = result.error("send-mail") or (0, "")
    assert (code, server.users, server.mails) == (2, [], [])
    assert "CERTIFICATE_VERIFY_FAILED" in said


def test_a_refused_recipient_fails_the_exit_task_and_the_others_get_their_mail(harness: Harness) -> None:
    with mail_server(refused=["gone@example.com"]) as server:
        given = {"host": server.host, "port": server.port, "security": "none", "sender": "b@example.com"}
        result = harness.run(guarded(send_mail, to=["gone@example.com", "a@example.com"], **given))

    said = f"RuntimeError: the mail server localhost:{server.port} refused recipients: gone@example.com (550)"
    assert result.error("send-mail") == (2, said)
    assert [recipients for recipients, _ in server.mails] == [["a@example.com"]]


# --- write_report -----------------------------------------------------------------------------------------------------


def test_a_report_is_an_artifact(harness: Harness) -> None:
    result = harness.run(guarded(write_report, failures=FAILURES, run_url="https://runs/1"))

    (artifact,) = result.outputs("write-report")["report"]
    written = json.loads(Path(artifact["uri"]).read_text())
    (failure,) = written.pop("failures")
    assert written.pop("writtenAt").endswith("+00:00")
    assert (failure["displayName"], failure["message"]) == ("train", CAUSE)
    assert written == {
        "schema": "postlude.report/v1",
        "state": "FAILED",
        "pipelineTaskName": "exit-handler-1",
        "pipelineJobResourceName": f"nightly/{result.run.run_id}",
        "error": {"code": 2, "message": f"exit-handler-1/train: {CAUSE}"},
        "outputs": {},
        "runUrl": "https://runs/1",
    }
    assert artifact["metadata"] == {"state": "FAILED", "code": 2}
