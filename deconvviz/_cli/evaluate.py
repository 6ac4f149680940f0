"""`deconvviz evaluate`: how often a network is right, how close an inverter comes, how good an application is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from deconvviz import catalog
from deconvviz._cli._commands_of import ByName
from deconvviz._cli._common import load_network
from deconvviz.catalog import Option, Trainable

WEIGHTS = Option("weights", "Weights to use instead of the shipped ones.", Path, of=("evaluate",))


class ByNetwork(ByName):
    """What can be measured: tasks, trainings, and every other network of the catalogue."""

    def other(self, name: str) -> Trainable | None:
        """A training, or a network that is measured as any classifier."""
        training = super().other(name)
        if training is not None or name not in catalog.models():
            return training

        def evaluate(data: Path, *, progress: bool, weights: Path | None = None) -> dict[str, Any]:
            # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
            from deconvviz.training import classification

            return classification.measure(load_network(name, weights), data, progress=progress)

        return Trainable(name=name, title=catalog.models()[name].title, evaluate=evaluate, options=(WEIGHTS,))

    def others(self) -> Iterable[str]:
        """The networks."""
        return catalog.models()


@click.group("evaluate", cls=ByNetwork)
def evaluate() -> None:
    """Measure NAME on a folder of pictures: a network, inverter:LAYER, inversion, or an application.

    Of a network: top-1, top-5 and mean per class, as fractions. Of inverter:LAYER: PSNR in decibels, SSIM, and the
    squared error over the picture's squared length. The classes of ImageNet are given by their WordNet ids:
    DIR/n01440764/*.jpg, or DIR/n01440764_tench.jpg. `deconvviz evaluate NAME --help` lists its options.

    \b
    Examples:
      deconvviz evaluate caltech --data 101_ObjectCategories --json
      deconvviz evaluate squeezenet --data imagenet_samples
      deconvviz evaluate inverter:relu4 --data pictures --json
      deconvviz evaluate inversion --data pictures --layers relu3,relu5 --csv inversion.csv
    """


COMMAND = evaluate
