"""`deconvviz train`: make the weights of a shipped network or inverter again, or others."""

from __future__ import annotations

import time
from pathlib import Path

import click

from deconvviz._cli._by_task import OrTask
from deconvviz._cli._common import answer, json_option, seconds_since
from deconvviz._cli._tasks import named, part_of


@click.command(cls=OrTask)
@click.argument("network", metavar="NAME[:LAYER]")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The pictures, one folder a class."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Checkpoints, metrics and weights."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Fixes every random draw.")
@click.option("--epochs", type=click.IntRange(min=1), help="How many; by default as many as the shipped weights had.")
@click.option("--resume/--no-resume", default=True, show_default=True, help="Go on from the checkpoint in --out.")
@click.option(
    "--upsampler",
    metavar="NAME",
    help="Of an inverter: transposed, unpool (values in the upper left corner) or resize.  [default: transposed]",
)
@json_option
def train(
    network: str,
    data: Path,
    out: Path,
    seed: int,
    epochs: int | None,
    resume: bool,
    upsampler: str | None,
    as_json: bool,
) -> None:
    """Train NAME on a folder of pictures: caltech, or inverter:LAYER. A killed run goes on where it was.

    \b
    Examples:
      deconvviz train caltech --data 101_ObjectCategories --out runs/caltech
      deconvviz train inverter:relu4 --data 101_ObjectCategories --out runs/relu4 --upsampler resize
    """
    start = time.perf_counter()
    name, chosen = part_of(network, "train")
    if upsampler is not None and not chosen:
        raise click.UsageError(f"--upsampler {upsampler} is for inverter:LAYER; {name} has none")
    typed = {"epochs": epochs, "upsampler": upsampler}
    options = chosen | {key: value for key, value in typed.items() if value is not None}
    figures = named(name, "train")(data, out, seed=seed, resume=resume, progress=True, **options)
    record = {"network": network, "out": out, **figures, "seconds": seconds_since(start)}
    answer(record, as_json, [f"{name}: {value}" for name, value in record.items()])


COMMAND = train
