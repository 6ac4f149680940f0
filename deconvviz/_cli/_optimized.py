"""What `invert` and `visualize` share: the options of a run, and its progress on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from deconvviz._cli._common import Whole

_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--steps", type=Whole(min=1), help="How many steps.  [default: the layer's preset]"),
    click.option("--seed", type=Whole(min=0), default=0, show_default=True, help="Fixes every random draw."),
    click.option("--rate", type=float, help="Learning rate.  [default: the layer's preset]"),
    click.option(
        "--parametrization", type=click.Choice(["fourier", "pixel"]), help="What moves.  [default: the layer's preset]"
    ),
    click.option("--tv", type=float, help="Weight of the total variation.  [default: the layer's preset]"),
    click.option("--jitter", type=Whole(min=0), help="Random shifts, in pixels.  [default: likewise]"),
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --steps, --seed, --rate, --parametrization, --tv, --jitter."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def run(snapshots: Iterator[Any], describe: Callable[[Any], str]) -> Any:
    """The last snapshot of a run, its progress and time left on stderr."""
    # Not at the top: `--help` imports every command, and this takes a tenth of a second.
    from tqdm import tqdm

    with tqdm(desc="compiling", unit="step", disable=None, leave=False) as bar:
        for now in snapshots:
            bar.total = now.steps
            bar.set_description(describe(now), refresh=False)
            bar.update(now.step - bar.n)
    return now
