"""`deconvviz evaluate`: how often a network is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deconvviz._cli._common import answer, json_option, load_network
from deconvviz._cli._tasks import known, named


@click.command()
@click.argument("network", metavar="NETWORK")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The pictures, one folder a class, or CLASS_NAME.jpg.",
)
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE", help="Weights to use instead of the shipped ones."
)
@json_option
def evaluate(network: str, data: Path, weights: Path | None, as_json: bool) -> None:
    """Measure NETWORK on a folder of pictures. Top-1, top-5 and mean per class are fractions.

    The classes of ImageNet are given by their WordNet ids: DIR/n01440764/*.jpg, or DIR/n01440764_tench.jpg.

    \b
    Examples:
      deconvviz evaluate caltech --data 101_ObjectCategories --json
      deconvviz evaluate squeezenet --data imagenet_samples
    """
    record = _measure(network, data, weights)
    answer(record, as_json, [f"{name}: {value}" for name, value in record.items()])


def _measure(network: str, data: Path, weights: Path | None) -> dict[str, Any]:
    """What the network's own evaluation says, or the usual one for every other network of the catalogue."""
    from deconvviz import catalog

    if network in known("evaluate") or network not in catalog.models():
        found: dict[str, Any] = named(network, "evaluate", also=catalog.models())(data, weights=weights, progress=True)
        return found
    from deconvviz.training import classification

    return classification.measure(load_network(network, weights), data, progress=True)


COMMAND = evaluate
