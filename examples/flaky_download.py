"""A download from a server that is not always there: up to three attempts, with growing waits between them.

Serve a directory with `python -m http.server 8000` and pass `-p url=http://localhost:8000/FILE`. Without a server all
attempts fail, and the exit task is told once, after the last: "after 3 attempts".
"""

from kfp import dsl


@dsl.component
def download(url: str, data: dsl.Output[dsl.Dataset]) -> int:
    import urllib.request

    with urllib.request.urlopen(url, timeout=10) as answer, open(data.path, "wb") as file:
        size = file.write(answer.read())
    print(f"{size} bytes from {url}")
    return size


@dsl.component
def alert(status: dsl.PipelineTaskFinalStatus):
    print(f"{status.pipeline_task_name} is {status.state}: {status.error_message}")


@dsl.pipeline(name="flaky-download")
def flaky_download(url: str = "http://localhost:8000/data.csv"):
    with dsl.ExitHandler(alert(), name="download"):
        download(url=url).set_retry(num_retries=2, backoff_duration="1s", backoff_factor=2, backoff_max_duration="60s")
