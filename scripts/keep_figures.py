"""Puts figures that take long into the package: what `deconvviz evaluate TASK --what WHAT --json` printed.

Usage: python scripts/keep_figures.py TASK WHAT FILE, FILE what the command printed, with or without its progress. The
card of the task, if it has one, is written anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from deconvviz import catalog
from deconvviz.errors import DeconvvizError
from deconvviz.tasks import _kept, _weights


def keep(task: str, what: str, printed: Path, folder: Path = _weights.FOLDER) -> Path:
    """Writes TASK_WHAT.json, and TASK.md where there are weights: the path of the figures.

    Raises:
      DeconvvizError: something that the task does not measure, or a file that the command did not print.
    """
    record = catalog.tasks()[task]
    record.check("evaluate", {"what": what})
    path = _kept.keep(task, what, printed, folder)
    weights = folder / f"{task}.safetensors"
    if record.card is not None and weights.is_file():
        weights.with_suffix(".md").write_text(record.card(weights), encoding="utf-8")
    return path


def main(arguments: list[str]) -> int:
    """The command line: 0, or 2 with one line of what is wrong."""
    if len(arguments) != 3 or arguments[0] not in catalog.tasks():
        print(f"usage: keep_figures.py TASK WHAT FILE; tasks: {', '.join(catalog.tasks())}", file=sys.stderr)
        return 2
    try:
        path = keep(arguments[0], arguments[1], Path(arguments[2]))
    except DeconvvizError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
