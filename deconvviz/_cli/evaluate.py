"""`deconvviz evaluate`: how often a network is right."""

from __future__ import annotations

from pathlib import Path

import click

from deconvviz._cli._common import answer, json_option
from deconvviz._cli._tasks import named


@click.command()
@click.argument("network", metavar="NETWORK")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The pictures, one folder a class."
)
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE", help="Weights to use instead of the shipped ones."
)
@json_option
def evaluate(network: str, data: Path, weights: Path | None, as_json: bool) -> None:
    """Measure NETWORK on a folder of pictures. Top-1, top-5 and mean per class are fractions.

    \b
    Example:
      deconvviz evaluate caltech --data 101_ObjectCategories --json
    """
    record = named(network, "evaluate")(data, weights=weights, progress=True)
    answer(record, as_json, [f"{name}: {value}" for name, value in record.items()])


COMMAND = evaluate
