"""JSON on standard output."""

import click
import msgspec

from postlude.spec.types import Json


def print_document(document: Json) -> None:
    """Print one JSON document, indented, as UTF-8 whatever the terminal's encoding is."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
