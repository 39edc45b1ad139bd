"""Runs a component in an interpreter that was started for it."""

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from . import isolate
from .component import run_component


def main() -> NoReturn:
    """Run the component that the command line names, then end with its exit code."""
    directory, kept = sys.argv[1:]
    isolate.reopen_streams()
    source, *arguments = json.loads(Path(kept).read_bytes())
    os._exit(run_component(source, arguments, directory))
