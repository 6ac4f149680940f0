"""Figures that take long: what `deconvviz evaluate TASK --what WHAT --json` printed, kept beside the weights.

`scripts/keep_figures.py` puts there what was printed; nothing in such a file is written by hand.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deconvviz import storage
from deconvviz.errors import DataError
from deconvviz.tasks._shared.weights import FOLDER
from deconvviz.training.checkpoint import write_whole

#: What such a file holds.
NEEDED = {"rows": [dict], "images": int, "seconds": float}


def located(task: str, what: str, folder: Path = FOLDER) -> Path:
    """The file of a task's figures."""
    return folder / f"{task}_{what}.json"


def figures(task: str, what: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """What was printed; None where nothing is kept.

    Raises:
      DataError: a file that holds something else.
    """
    path = located(task, what, folder)
    return _checked(path, path.read_text(encoding="utf-8")) if path.is_file() else None


def keep(task: str, what: str, printed: Path, folder: Path = FOLDER) -> Path:
    """Puts what a command printed in its place: the last line that is an object of JSON, whatever stands before it.

    Raises:
      DataError: a file that cannot be read, or without such a line, or with something else in it.
    """
    problem = _problem(printed)
    try:
        lines = storage.read_bytes(printed, problem).decode().splitlines()
    except UnicodeDecodeError as error:
        raise problem(str(error)) from error
    objects = [line for line in lines if line.startswith("{")]
    if not objects:
        raise DataError(f"{printed} holds no line of JSON: write there what {command(task, what)!r} prints")
    result = _checked(printed, objects[-1]) | {"stored": datetime.now(UTC).date().isoformat()}
    path = located(task, what, folder)
    write_whole(path, (json.dumps(result, indent=1) + "\n").encode())
    return path


def command(task: str, what: str, data: str = "DIR") -> str:
    """The command line that prints them.

    >>> command("cutout", "robustness")
    'deconvviz evaluate cutout --data DIR --what robustness --json'
    """
    return f"deconvviz evaluate {task} --data {data} --what {what} --json"


def _problem(path: Path) -> storage.Problem:
    return lambda reason: DataError(f"{path} holds no figures that 'evaluate' printed: {reason}")


def _checked(path: Path, text: str) -> dict[str, Any]:
    result = storage.parse(text, NEEDED, _problem(path))
    rows = result["rows"]
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise DataError(f"{path} holds {len(rows)} rows: there must be some, all with the same names")
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise DataError(f"{path} holds {value} as {name}: every figure must be finite")
    return dict(result)
