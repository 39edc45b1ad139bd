"""Runs a component in an interpreter that was started for it."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from . import isolate
from .component import run_component


def main() -> NoReturn:
    """Run the component that the command line names, then end with its exit code."""
    directory, source_path, *arguments = sys.argv[1:]
    isolate.reopen_streams()
    source = Path(source_path).read_text("utf-8", "surrogateescape")
    os._exit(run_component(source, arguments, directory))
