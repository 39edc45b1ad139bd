"""Runs one compiled pipeline with `kfp.local`, as a process of its own: its user's whole cost."""

import argparse

from kfp import components, local


def main() -> None:
    """Run a compiled pipeline in subprocesses of this environment; fails as the pipeline fails."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("source")
    parser.add_argument("home")
    parser.add_argument("--venv", action="store_true", help="make each task an environment of its own")
    arguments = parser.parse_args()
    runner = local.SubprocessRunner(use_venv=arguments.venv)
    local.init(runner=runner, pipeline_root=arguments.home, raise_on_error=True)
    components.load_component_from_file(arguments.source)()


if __name__ == "__main__":
    main()
