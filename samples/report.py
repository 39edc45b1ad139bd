"""The outcomes as a table."""

from collections import Counter
from collections.abc import Sequence

from .running import Outcome
from .verdict import Verdict

_TITLE = "# Real pipelines"
_ABOUT = """\
Every compiled pipeline of the reference data, run on the embedded engine by `python -m samples`: each is loaded and
run, nothing is taken from a cache, and what its run said decides its row.
Container components ran with `--containers {containers}`{host}.
"""
_HOST = ": their commands are processes of this machine, their images are ignored"
_HEAD = "| pipeline | SDK | tasks | result | seconds | note |\n|---|---|---|---|---|---|"
_LEGEND = """\
*FAILED, as written*: the pipeline's own code raises or exits non-zero on what it is given, and the run says so; IDs are
those of the final-status matrix. *Needs a cloud*: a bucket, or a service behind one. *Needs a
cluster*: what only Kubernetes gives. *Needs its image*: programs that this machine does not have. *Refused*: a lone
component whose inputs only another task could give; the refusal says what to do.
"""


def markdown(outcomes: Sequence[Outcome], containers: str) -> str:
    """The page: counts by result, then a row for each pipeline, by name."""
    about = _ABOUT.format(containers=containers, host=_HOST if containers == "host" else "")
    rows = "\n".join(_row(one) for one in sorted(outcomes, key=lambda one: one.name.lower()))
    return "\n".join((_TITLE, "", about, _counts(outcomes), "", _LEGEND, _HEAD, rows, ""))


def line(outcome: Outcome) -> str:
    """One outcome as progress."""
    judgement = outcome.judgement
    note = f": {judgement.note}" if judgement.note else ""
    return f"{outcome.name}: {judgement.verdict.value} ({outcome.wall_s:.1f} s){note}"


def _counts(outcomes: Sequence[Outcome]) -> str:
    found = Counter(one.judgement.verdict for one in outcomes)
    rows = [f"| {verdict.value} | {found[verdict]} |" for verdict in Verdict if found[verdict]]
    return "\n".join(("| result | pipelines |", "|---|---|", *rows, f"| all | {len(outcomes)} |"))


def _row(one: Outcome) -> str:
    note = one.judgement.note.replace("|", "\\|").replace("\n", " ")
    cells = (f"`{one.name}`", one.sdk, str(one.tasks), one.judgement.verdict.value, f"{one.wall_s:.1f}", note)
    return "| " + " | ".join(cells) + " |"
