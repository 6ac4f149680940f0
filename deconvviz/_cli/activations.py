"""`deconvviz activations`: what a layer says about a picture."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import deconvviz as dv
from deconvviz._cli._common import (
    FILE,
    Whole,
    answer,
    by,
    check_out,
    image_option,
    json_option,
    load_image,
    seconds_since,
    table,
)
from deconvviz._cli._user_network import Chosen, load_chosen, network_options

if TYPE_CHECKING:
    import numpy as np


@click.command()
@network_options
@image_option
@click.option("--layer", required=True, metavar="NAME", help="A layer, as `deconvviz layers` names it.")
@click.option("--top", type=Whole(min=1), default=10, show_default=True, help="How many channels to list.")
@click.option("--out", type=FILE, metavar="FILE.npz", help="Write the whole array there.")
@json_option
def activations(chosen: Chosen, image: str, layer: str, top: int, out: Path | None, as_json: bool) -> None:
    """Compute what a layer says about a picture. Lists its strongest channels.

    FILE.npz holds one array `activations` (rows, columns, channels), float32.

    \b
    Example:
      deconvviz activations --model caltech --image sample:cat --layer relu3 --top 5
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz.figures import files

    start = time.perf_counter()
    if out is not None:
        check_out(out, (".npz",))
    chosen.check()
    network = load_chosen(chosen)
    values = dv.activations(network, load_image(image, network.input_spec), layer)
    strongest = strongest_channels(values, top)
    if out is not None:
        files.write(out, _npz(values))
    record = {
        "model": chosen.name,
        "image": image,
        "layer": layer,
        "shape": values.shape,
        "top": strongest,
        "out": out,
        "images": 1,
        "seconds": seconds_since(start),
    }
    rows = [(x["channel"], _position(x), f"{x['value']:.5g}") for x in strongest]
    lines = [f"{layer} of {chosen.name}: {by(values.shape)}", *table(("channel", "row, column", "activation"), rows)]
    answer(record, as_json, [*lines, f"written: {out}"] if out else lines)


def strongest_channels(values: np.ndarray, top: int) -> list[dict[str, Any]]:
    """The channels with the largest single activation, largest first; ties in channel order.

    Args:
      values: (h, w, c), or (c,) of a layer without positions.
      top: how many at most.

    >>> import numpy as np
    >>> a = np.zeros((2, 3, 4)); a[1, 2, 3] = 5.0
    >>> strongest_channels(a, 1)
    [{'channel': 3, 'row': 1, 'column': 2, 'value': 5.0}]
    """
    import numpy as np

    maps = values.reshape(-1, values.shape[-1])
    order = np.argsort(-maps.max(axis=0), kind="stable")[:top]
    result = []
    for channel in map(int, order):
        place = int(maps[:, channel].argmax())
        row, column = divmod(place, values.shape[1]) if values.ndim == 3 else (None, None)
        result.append({"channel": channel, "row": row, "column": column, "value": float(maps[place, channel])})
    return result


def _position(entry: dict[str, Any]) -> str:
    return "-" if entry["row"] is None else f"{entry['row']}, {entry['column']}"


def _npz(values: np.ndarray) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, activations=values)
    return buffer.getvalue()


COMMAND = activations
