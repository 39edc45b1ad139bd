"""What a task can be told of the run it is part of: constants to pass as arguments.

Each is a placeholder, a text that the engine replaces when the task starts, also in the middle of another text. A
backend that does not know them leaves them as they stand.
"""

from typing import Final

STATUS: Final = "{{$.workflow.status}}"
"""`Succeeded`, `Failed`, or `Running`; in an exit task of its own group, elsewhere of the run so far."""

FAILURES: Final = "{{$.workflow.failures}}"
"""What failed, earliest first: a JSON list of objects with displayName, message, templateName, phase, podName and
finishedAt; in an exit task in its own group, elsewhere in the run so far."""

OUTPUTS: Final = "{{$.workflow.outputs}}"
"""The output parameters that were produced, a JSON object by "task.output"; of the exit task's own group, elsewhere of
the run so far."""

DURATION: Final = "{{$.workflow.duration}}"
"""Seconds since the run was created, as a decimal number."""

RUN_URL: Final = "{{$.workflow.run_url}}"
"""Where the run can be looked at."""

RUN_NAME: Final = "{{$.workflow.name}}"
"""What people call the run."""

RUN_ID: Final = "{{$.workflow.uid}}"
"""The run's id."""

RUN_CREATED_AT: Final = "{{$.workflow.creationTimestamp}}"
"""When the run was created: RFC 3339, UTC."""

CONSTANTS: Final = (
    "DURATION",
    "FAILURES",
    "OUTPUTS",
    "RUN_CREATED_AT",
    "RUN_ID",
    "RUN_NAME",
    "RUN_URL",
    "STATUS",
)
