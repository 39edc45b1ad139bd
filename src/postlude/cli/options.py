"""The arguments and options that several commands take."""

from pathlib import Path
from typing import Final

import click

SOURCE: Final = click.argument("source", metavar="SOURCE")
PIPELINE: Final = click.option("--pipeline", metavar="NAME", help="Which pipeline of a .py file with several.")
PARAMETERS: Final = click.option(
    "-p",
    "--parameter",
    "pairs",
    metavar="NAME=VALUE",
    multiple=True,
    help="A run parameter; strings as they stand, everything else as JSON. May be repeated.",
)
PARAMS_FILE: Final = click.option(
    "--params",
    "params_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A JSON or YAML file of parameters; -p wins.",
)
HOME: Final = click.option(
    "--home",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where runs are kept. Else $POSTLUDE_HOME, else the user's data directory.",
)
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
