"""`deconvviz train`: make the weights of a shipped network again, or others."""

from __future__ import annotations

import time
from pathlib import Path

import click

from deconvviz._cli._common import answer, json_option, seconds_since
from deconvviz._cli._tasks import named


@click.command()
@click.argument("network", metavar="NETWORK")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The pictures, one folder a class."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Checkpoints, metrics and weights."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Fixes every random draw.")
@click.option("--epochs", type=click.IntRange(min=1), help="How many; by default as many as the shipped weights had.")
@click.option("--resume/--no-resume", default=True, show_default=True, help="Go on from the checkpoint in --out.")
@json_option
def train(network: str, data: Path, out: Path, seed: int, epochs: int | None, resume: bool, as_json: bool) -> None:
    """Train NETWORK on a folder of pictures. A killed run goes on where it was.

    \b
    Example:
      deconvviz train caltech --data 101_ObjectCategories --out runs/caltech
    """
    start = time.perf_counter()
    options = {} if epochs is None else {"epochs": epochs}
    figures = named(network, "train")(data, out, seed=seed, resume=resume, progress=True, **options)
    record = {"network": network, "out": out, **figures, "seconds": seconds_since(start)}
    answer(record, as_json, [f"{name}: {value}" for name, value in record.items()])


COMMAND = train
