"""`deconvviz visualize`: a picture made from noise that excites a unit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import deconvviz as dv
from deconvviz._cli._common import (
    FILE,
    TEXT_OR_FILE,
    Whole,
    answer,
    check_out,
    json_option,
    load_image,
    seconds_since,
    typed,
)
from deconvviz._cli._optimized import run, run_options
from deconvviz._cli._user_network import Chosen, load_chosen, network_options

if TYPE_CHECKING:
    from deconvviz.network import Network
    from deconvviz.types import Visualization


@click.command()
@network_options
@click.option("--layer", metavar="NAME", help="A layer; of a class the last one, if left out.")
@click.option(
    "--channel",
    metavar="NUMBER",
    help="A channel of it, or a class, from 0; with --grid 0-15 or 3,5-9.  [default: all]",
)
@click.option("--row", type=Whole(min=0), help="A neuron's row; without row and column the middle one.")
@click.option("--column", type=Whole(min=0), help="A neuron's column.")
@click.option("--objective", type=click.Choice(["neuron", "channel", "class"]), help="What.  [default: by the unit]")
@click.option(
    "--start", type=TEXT_OR_FILE, metavar="FILE", help="A picture to start from instead of noise, or sample:cat."
)
@click.option("--pictures", type=Whole(min=1), default=1, show_default=True, help="How many, made to differ.")
@click.option("--diversity", type=float, default=1.0, show_default=True, help="How much they shall differ.")
@run_options
@click.option("--out", type=FILE, metavar="FILE.png", help="Write it there.")
@click.option("--grid", type=FILE, metavar="FILE.png", help="Write many channels there, one picture each.")
@click.option("--batch", type=Whole(min=1), help="With --grid: pictures at once.  [default: 1 on a CPU, else 16]")
@json_option
def visualize(
    chosen: Chosen, layer: str | None, channel: str | None, row: int | None, column: int | None, out: Path | None,
    grid: Path | None, batch: int | None, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Visualize a unit, or a grid of units. Finds, from noise, a picture that excites it; several stand side by side.

    A grid that is interrupted keeps its finished pictures in FILE.png.unfinished.npz; the same command goes on there.

    \b
    Examples:
      deconvviz visualize --model caltech --layer relu5 --channel 7 --out channel.png
      deconvviz visualize --model caltech --objective class --channel 5 --out class.png
      deconvviz visualize --model caltech --layer relu4 --channel 0-15 --grid layer.png
    """
    start = time.perf_counter()
    if grid is not None:
        # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
        from deconvviz._cli import _grid

        _grid.refuse({"--row": row, "--column": column, "--out": out, **_single(options)})
        check_out(grid, (".png",))
        chosen.check()
        network = load_chosen(chosen)
        result = _layer(network, layer, options["objective"])
        _grid.make(chosen, network, result, channel, grid, batch, as_json, start, typed(options))
        return
    if batch is not None:
        raise click.UsageError("--batch goes with --grid FILE.png")
    if channel is None or out is None:
        raise click.UsageError("give --channel and --out for one unit, or --grid for many")
    check_out(out, (".png",))
    chosen.check()
    number = _number(channel)
    _one(chosen, load_chosen(chosen), layer, number, row, column, out, as_json, start, options)


def _single(options: dict[str, Any]) -> dict[str, Any]:
    """Takes out the options that only a single unit has: name on the command line -> value, None if not given."""
    ordinary = {"start": None, "pictures": 1, "diversity": 1.0}
    values = {name: options.pop(name) for name in ordinary}
    return {f"--{name}": None if value == ordinary[name] else value for name, value in values.items()}


def _number(channel: str) -> int:
    """The channel of a single unit."""
    if not (channel.isascii() and channel.isdigit()):
        raise click.UsageError(f"--channel {channel!r} is no whole number from 0; several need --grid FILE.png")
    return int(channel)


def _one(
    chosen: Chosen, network: Network, layer: str | None, channel: int, row: int | None, column: int | None,
    out: Path, as_json: bool, start: float, options: dict[str, Any],
) -> None:  # fmt: skip
    """One unit: its picture, and the answer."""
    import numpy as np

    from deconvviz.figures import files, montage

    unit = dv.Unit(_layer(network, layer, options["objective"]), channel, row, column)
    chosen_options = typed(options)
    if "start" in chosen_options:
        chosen_options["start"] = load_image(chosen_options["start"])
    result: Visualization = run(
        dv.visualize_snapshots(network, unit, **chosen_options), lambda now: f"activation {now.activation:.4g}"
    )
    files.write(out, montage.png_bytes(np.concatenate(result.images, axis=1)))
    record = {
        "model": chosen.name,
        "layer": unit.layer,
        "channel": channel,
        "row": result.unit.row,
        "column": result.unit.column,
        "objective": result.objective,
        "seed": result.seed,
        "steps": result.step,
        "activation": result.activation,
        "activations": result.activations,
        "note": result.note or None,
        "out": out,
        "images": len(result.images),
        "seconds": seconds_since(start),
    }
    answer(record, as_json, _lines(chosen, result, out))


def _layer(network: Network, layer: str | None, objective: str | None) -> str:
    """The layer that was named; for a class, else, the last one without rows and columns."""
    if layer is not None:
        return layer
    vectors = [record.name for record in network.layers if len(record.shape) == 1]
    if objective != "class" or not vectors:
        raise click.UsageError("--layer missing: give it, or --objective class for the last layer")
    return vectors[-1]


def _lines(chosen: Chosen, visualization: Visualization, out: Path) -> list[str]:
    """The answer for people."""
    unit = visualization.unit
    place = "" if unit.row is None else f", row {unit.row}, column {unit.column}"
    what = f"{chosen.name}, {unit.layer}, {visualization.objective} {unit.channel}{place}"
    return [
        f"{what}: {visualization.step} steps from seed {visualization.seed}",
        "activation " + ", ".join(f"{value:.5g}" for value in visualization.activations),
        *([f"note: {visualization.note}"] if visualization.note else []),
        f"written: {out}",
    ]


COMMAND = visualize
