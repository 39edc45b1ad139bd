"""`postlude version`."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from postlude.cli.document import print_document
from postlude.cli.options import AS_JSON


@click.command("version")
@AS_JSON
def command(*, as_json: bool) -> None:
    """Print the versions of Postlude, Python and the KFP SDK."""
    versions = {"postlude": version("postlude"), "python": platform.python_version(), "kfp": _installed("kfp")}
    if as_json:
        print_document(versions)
        return
    for name, found in versions.items():
        click.echo(f"{name} {found or 'not installed'}")


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
