"""`deconvviz data`: data sets from their official records."""

from __future__ import annotations

from pathlib import Path

import click

from deconvviz._cli._common import FILE, answer, json_option


@click.group()
def data() -> None:
    """Get data sets. Everything else works from a folder that is already there."""


@data.command()
@click.argument("name", metavar="NAME")
@click.option("--out", required=True, type=FILE, metavar="DIR", help="Where to put it.")
@json_option
def fetch(name: str, out: Path, as_json: bool) -> None:
    """Download the data set NAME. Its checksum is verified; a broken download goes on where it was.

    \b
    Example:
      deconvviz data fetch caltech101 --out data
    """
    # Not at the top: `--help` imports every command, and this takes 0.4 s.
    from deconvviz.data import datasets

    folder = datasets.fetch(name, out, progress=True)
    answer({"name": name, "folder": folder}, as_json, [str(folder)])


COMMAND = data
