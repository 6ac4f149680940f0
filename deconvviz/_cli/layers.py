"""`deconvviz layers`: what a network consists of."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import click

from deconvviz._cli._common import (
    answer,
    by,
    json_option,
    load_network,
    model_option,
    seconds_since,
    table,
    weights_option,
)


@click.command()
@model_option
@weights_option
@json_option
def layers(model: str, weights: Path | None, as_json: bool) -> None:
    """List the layers of a network. Shows name, kind, shape, stride, receptive field, parameters.

    \b
    Example:
      deconvviz layers --model caltech
    """
    start = time.perf_counter()
    network = load_network(model, weights)
    rows = [
        (x.name, x.kind, by(x.shape), by(x.stride), by(x.receptive_field), x.parameters or "-") for x in network.layers
    ]
    record = {
        "model": model,
        "input": network.input_spec.size,
        "layers": [dataclasses.asdict(layer) for layer in network.layers],
        "seconds": seconds_since(start),
    }
    answer(record, as_json, table(("name", "kind", "shape", "stride", "receptive field", "parameters"), rows))


COMMAND = layers
