"""`deconvviz layers`: what a network consists of."""

from __future__ import annotations

import dataclasses
import time

import click

from deconvviz._cli._common import answer, by, json_option, seconds_since, table
from deconvviz._cli._user_network import Chosen, load_chosen, network_options


@click.command()
@network_options
@json_option
def layers(chosen: Chosen, as_json: bool) -> None:
    """List the layers of a network. Shows name, kind, shape, stride, receptive field, parameters.

    \b
    Example:
      deconvviz layers --model caltech
    """
    start = time.perf_counter()
    chosen.check()
    network = load_chosen(chosen)
    rows = [
        (x.name, x.kind, by(x.shape) + ("" if x.known_axes else ", which axis holds the channels is not known"),
         by(x.stride), by(x.receptive_field), x.parameters or "-")
        for x in network.layers
    ]  # fmt: skip
    record = {
        "model": chosen.name,
        "input": network.input_spec.size,
        "layers": [dataclasses.asdict(layer) for layer in network.layers],
        "seconds": seconds_since(start),
    }
    answer(record, as_json, table(("name", "kind", "shape", "stride", "receptive field", "parameters"), rows))


COMMAND = layers
