"""Puts the weights of trained runs into the package, with the card that tells about them.

Usage: python scripts/ship_task.py TASK RUN [RUN...], each RUN a folder that `deconvviz train TASK --out RUN` wrote, or
a file of weights: the shipped one, named first, keeps what is in it and is not made anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from deconvviz import catalog
from deconvviz.errors import DeconvvizError
from deconvviz.tasks._shared import weights as _weights


def ship(task: str, runs: list[Path], folder: Path = _weights.FOLDER) -> Path:
    """Writes TASK.safetensors and TASK.md: the path of the weights."""
    record = catalog.tasks()[task]
    if record.card is None:
        raise DeconvvizError(f"{task} trains nothing: there is nothing to ship")
    path = folder / f"{task}.safetensors"
    _weights.pack(task, [_weights.located(task, run) for run in runs], path)
    write_card(record, path)
    return path


def write_card(record: catalog.Task, weights: Path) -> None:
    """Writes TASK.md beside the weights, if the task has a card and the weights are there."""
    if record.card is not None and weights.is_file():
        weights.with_suffix(".md").write_text(record.card(weights), encoding="utf-8")


def exit_status(write: Callable[[], Path]) -> int:
    """The exit status of a script that writes a file: 0, or 2 with one line of what is wrong."""
    try:
        path = write()
    except DeconvvizError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


def main(arguments: list[str]) -> int:
    """The command line: 0, or 2 with one line of what is wrong."""
    if len(arguments) < 2 or arguments[0] not in catalog.tasks():
        print(f"usage: ship_task.py TASK RUN [RUN...]; tasks: {', '.join(catalog.tasks())}", file=sys.stderr)
        return 2
    return exit_status(lambda: ship(arguments[0], [Path(run) for run in arguments[1:]]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
