"""Post a final status to a webhook."""

from kfp import dsl


@dsl.component(base_image="python:3.11-slim")
def post_to_webhook(
    status: dsl.PipelineTaskFinalStatus,
    url: str = "",
    message: str = "",
    failures: str = "",
    run_url: str = "",
    body: str = "slack",
    only_failures: bool = False,
    attempts: int = 3,
    timeout_s: float = 10.0,
):
    """Post how a group ended to a webhook; fails if the webhook does not take it.

    Args:
        status: Filled in by the backend.
        url: Where to; "" for the variable POSTLUDE_WEBHOOK_URL of the task, so that a secret stays out of the pipeline.
        message: A line of your own, put below the first.
        failures: `dsl.FAILURES`, to have every failed task listed; "" for the status's own message alone.
        run_url: `dsl.RUN_URL` or any other link to the run; "" for none.
        body: "slack" for what the incoming webhooks of Slack, Mattermost and Rocket.Chat read; "json" for the status.
        only_failures: Whether nothing is posted when the group succeeded or was skipped.
        attempts: How often it is tried while the webhook cannot be reached, is busy (429) or broken (5xx).
        timeout_s: Seconds that each may take.
    """
    import http.client
    import json
    import os
    import time
    import urllib.error
    import urllib.parse
    import urllib.request

    class NoRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    def parsed_failures():
        try:
            listed = json.loads(failures or "[]")
        except ValueError:
            listed = [{"message": failures}]
        return listed if isinstance(listed, list) else [listed]

    def slack(text):
        return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def as_slack():
        good = status.state in ("COMPLETE", "SUCCEEDED", "SKIPPED")
        job = status.pipeline_job_resource_name
        lines = [f"*{slack(job)}*: {slack(status.pipeline_task_name)} is *{slack(status.state)}*"]
        lines += [slack(message)] if message else []
        lines += [f"<{slack(run_url)}|Open the run>"] if run_url else []
        causes = [f"{one.get('displayName', '')}: {one.get('message', '')}".strip(": ") for one in listed[:10]]
        causes += [f"and {len(listed) - 10} more"] if len(listed) > 10 else []
        if not causes and status.error_message:
            causes = [status.error_message]
        report = {"color": "good" if good else "danger", "text": "\n".join(slack(cause) for cause in causes)}
        return {"text": "\n".join(lines), "attachments": [report] if causes else []}

    def as_json():
        error = {"code": status.error_code, "message": status.error_message}
        return {
            "schema": "postlude.notification/v1",
            "state": status.state,
            "pipelineTaskName": status.pipeline_task_name,
            "pipelineJobResourceName": status.pipeline_job_resource_name,
            "error": {name: value for name, value in error.items() if value},
            "message": message,
            "failures": listed,
            "runUrl": run_url,
        }

    def post(address, data):
        """What to wait for before another attempt in seconds, and why; None where it was taken."""
        request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.build_opener(NoRedirects).open(request, timeout=timeout_s) as answer:
                answer.read()
                return None
        except urllib.error.HTTPError as error:
            said = error.read(200).decode("utf-8", "replace").strip()
            reason = f"it answered {error.code} {error.reason}" + (f": {said}" if said else "")
            if error.code != 429 and error.code < 500:
                raise RuntimeError(f"the webhook at {host} did not take the status: {reason}") from None
            wait = error.headers.get("Retry-After", "")
            return (min(float(wait), 60.0) if wait.isdigit() else None), reason
        except OSError as error:
            return None, f"it cannot be reached: {getattr(error, 'reason', error)}"
        except http.client.HTTPException as error:  # its own words may show the URL
            return None, f"it cannot be asked ({type(error).__name__})"

    address = url or os.environ.get("POSTLUDE_WEBHOOK_URL", "")
    host = urllib.parse.urlsplit(address).hostname
    if urllib.parse.urlsplit(address).scheme not in ("http", "https") or not host:
        raise ValueError("no http(s) URL to post to: pass url, or set the variable POSTLUDE_WEBHOOK_URL on the task")
    if body not in ("slack", "json"):
        raise ValueError(f"body is {body!r}: choose 'slack' or 'json'")
    if attempts < 1:
        raise ValueError(f"attempts is {attempts}: choose 1 or more")
    if only_failures and status.state in ("COMPLETE", "SUCCEEDED", "SKIPPED"):
        print(f"nothing to post: {status.pipeline_task_name} is {status.state}")
        return
    listed = parsed_failures()
    data = json.dumps(as_slack() if body == "slack" else as_json()).encode()
    for attempt in range(1, attempts + 1):
        refused = post(address, data)
        if refused is None:
            print(f"posted to {host}: {status.pipeline_task_name} is {status.state}")
            return
        wait_s, reason = refused
        if attempt < attempts:
            time.sleep(2.0 ** (attempt - 1) if wait_s is None else wait_s)
    times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    raise RuntimeError(f"the webhook at {host} did not take the status in {times}: {reason}")
