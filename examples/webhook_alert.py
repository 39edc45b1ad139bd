"""The whole context for ready-made exit tasks: a message to a webhook, and a report that is kept as an artifact.

Without a webhook to post to, `post-to-webhook` FAILS, and the run with it: an alert that nobody got is a failure. Give
one with `-p webhook=http://localhost:9000/alerts`; later a variable of the task keeps its URL out of the pipeline.
"""

from postlude import dsl
from postlude.components import post_to_webhook, write_report


@dsl.component
def load(rows: int) -> int:
    if rows < 100:
        raise ValueError(f"only {rows} rows arrived")
    return rows


@dsl.component
def check(rows: int) -> str:
    return f"{rows} rows are fine"


@dsl.pipeline(name="webhook-alert")
def webhook_alert(rows: int = 10, webhook: str = ""):
    report = write_report(failures=dsl.FAILURES, outputs=dsl.OUTPUTS, run_url=dsl.RUN_URL)
    with dsl.ExitHandler(report, name="report"):
        alert = post_to_webhook(url=webhook, failures=dsl.FAILURES, run_url=dsl.RUN_URL)
        with dsl.ExitHandler(alert, name="alert"):
            loaded = load(rows=rows)
            check(rows=loaded.output)
