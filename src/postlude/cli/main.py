"""The `postlude` command. A command's module is imported when that command is used, so that `--help` costs nothing."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

INTERRUPTED: Final = 130
"""Exit code of a command that Ctrl-C ended, and of a CANCELED run."""


class _Command(NamedTuple):
    module: str
    help: str


_COMMANDS: Final = {
    "run": _Command("postlude.cli.run", "Run a pipeline on this machine."),
    "validate": _Command("postlude.cli.validate", "Say whether a pipeline can run, and every problem if not."),
    "simulate": _Command("postlude.cli.simulate", "Say what becomes of a pipeline if tasks fail; runs nothing."),
    "rehearse": _Command("postlude.cli.rehearse", "Try every failure of a pipeline, and say who is told."),
    "compile": _Command("postlude.cli.compile", "Compile a pipeline into IR that any KFP backend takes."),
    "graph": _Command("postlude.cli.graph", "Print a pipeline as a Mermaid flowchart."),
    "runs": _Command("postlude.cli.runs", "List runs, newest first."),
    "show": _Command("postlude.cli.show", "Show a run: its tasks and the verdict."),
    "logs": _Command("postlude.cli.logs", "Print what a run's tasks wrote."),
    "events": _Command("postlude.cli.events", "Print a run's journal; --follow goes on with what happens."),
    "explain": _Command("postlude.cli.explain", "Say why a task of a run is where it is."),
    "cancel": _Command("postlude.cli.cancel", "End a run; its exit tasks still run."),
    "stop": _Command("postlude.cli.stop", "Start nothing new in a run and let running tasks finish."),
    "resume": _Command("postlude.cli.resume", "Go on with runs whose engine is gone."),
    "retry": _Command("postlude.cli.retry", "Run again what failed in a final run."),
    "verify": _Command("postlude.cli.verify", "Compare what is stored of a run with its journal."),
    "gc": _Command("postlude.cli.gc", "Remove old runs, and artifacts that nobody refers to."),
    "env": _Command("postlude.cli.env", "List or remove environments of installed packages."),
    "version": _Command("postlude.cli.version", "Print the versions that matter."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(entry.module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it refuses is said on stderr, without a traceback, and ends with exit code 2."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            raise import_module("postlude.cli.refusal").shown(error) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def postlude() -> None:
    """Run Kubeflow Pipelines on one machine, with final statuses that can be trusted.

    Exit codes: 0 the run SUCCEEDED, 1 it FAILED, 2 the request was refused, 130 it was CANCELED, 70 Postlude has a bug.
    """


def main() -> None:
    """Run the command line and exit."""
    _reopen_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A log line or a symbol that the terminal's encoding lacks must not end the command.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # the interpreter's own streams are text wrappers
    postlude(prog_name="postlude")


def _reopen_closed_streams() -> None:
    """Give a process that was started without a standard stream an empty one, as a shell's `>&-` asks for."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
