"""`deconvviz evaluate`: how often a network is right, how close an inverter comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deconvviz._cli._by_task import OrTask
from deconvviz._cli._common import answer, json_option, load_network
from deconvviz._cli._tasks import known, named, part_of


@click.command(cls=OrTask)
@click.argument("network", metavar="NAME[:LAYER]")
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
    """Measure NAME on a folder of pictures. Of a network: top-1, top-5 and mean per class, as fractions.

    Of inverter:LAYER: PSNR in decibels, SSIM, and the squared error over the picture's squared length. The classes of
    ImageNet are given by their WordNet ids: DIR/n01440764/*.jpg, or DIR/n01440764_tench.jpg.

    \b
    Examples:
      deconvviz evaluate caltech --data 101_ObjectCategories --json
      deconvviz evaluate squeezenet --data imagenet_samples
      deconvviz evaluate inverter:relu4 --data pictures --json
    """
    record = _measure(network, data, weights)
    answer(record, as_json, [f"{name}: {value}" for name, value in record.items()])


def _measure(network: str, data: Path, weights: Path | None) -> dict[str, Any]:
    """What the network's own evaluation says, or the usual one for every other network of the catalogue."""
    from deconvviz import catalog

    name, chosen = part_of(network, "evaluate")
    if name in known("evaluate") or name not in catalog.models():
        measure = named(name, "evaluate", also=catalog.models())
        found: dict[str, Any] = measure(data, weights=weights, progress=True, **chosen)
        return found
    from deconvviz.training import classification

    return classification.measure(load_network(network, weights), data, progress=True)


COMMAND = evaluate
