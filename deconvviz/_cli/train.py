"""`deconvviz train`: make the weights of a shipped network, inverter or application again, or others."""

from __future__ import annotations

import click

from deconvviz._cli._commands_of import ByName


@click.group("train", cls=ByName)
def train() -> None:
    """Train NAME on a folder of pictures: caltech, inverter:LAYER, or an application. A killed run goes on.

    `deconvviz train NAME --help` lists its options.

    \b
    Examples:
      deconvviz train caltech --data 101_ObjectCategories --out runs/caltech --json
      deconvviz train inverter:relu4 --data 101_ObjectCategories --out runs/relu4 --upsampler resize
    """


COMMAND = train
