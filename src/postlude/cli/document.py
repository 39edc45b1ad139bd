"""JSON on standard output."""

import click
import msgspec

from postlude.cli.visible import escaped
from postlude.spec.types import Json


def print_document(document: Json) -> None:
    """Print one JSON document, indented, as UTF-8 whatever the encoding, with nothing in it that a terminal obeys."""
    click.echo(escaped(msgspec.json.format(msgspec.json.encode(document), indent=2)))
