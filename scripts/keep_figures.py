"""Puts figures that take long into the package: what `deconvviz evaluate TASK --what WHAT --json` printed, or
`deconvviz train TASK --experiment WHAT --json`.

Usage: python scripts/keep_figures.py TASK WHAT FILE, FILE what the command printed, with or without its progress. The
card of the task, if it has one, is written anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ship_task import exit_status, write_card

from deconvviz import catalog
from deconvviz.tasks._shared import recorded_figures, weights
from deconvviz.tasks.segmentation import EXPERIMENTS


def keep(task: str, what: str, printed: Path, folder: Path = weights.FOLDER) -> Path:
    """Writes TASK_WHAT.json, and TASK.md where there are weights: the path of the figures.

    Raises:
      DeconvvizError: something that the task does not measure, or a file that the command did not print.
    """
    record = catalog.tasks()[task]
    if what in EXPERIMENTS:
        record.check("train", {"experiment": what})
    else:
        record.check("evaluate", {"what": what})
    path = recorded_figures.keep(task, what, printed, folder)
    write_card(record, folder / f"{task}.safetensors")
    return path


def main(arguments: list[str]) -> int:
    """The command line: 0, or 2 with one line of what is wrong."""
    if len(arguments) != 3 or arguments[0] not in catalog.tasks():
        print(f"usage: keep_figures.py TASK WHAT FILE; tasks: {', '.join(catalog.tasks())}", file=sys.stderr)
        return 2
    return exit_status(lambda: keep(arguments[0], arguments[1], Path(arguments[2])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
