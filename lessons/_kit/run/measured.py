"""Figures of many photographs that come with a lesson, made by ``scripts/ship_measured.py LESSON``."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np


@functools.cache
def read(file: Path) -> dict[str, Any]:
    """What the lesson's ``measure`` gave, read once."""
    record: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return record


def short(values: Any) -> Any:
    """Numbers as they are written down, to eight significant figures; arrays as lists.

    >>> short(np.array([[1 / 3], [2.0]]))
    [[0.33333333], [2.0]]
    """
    return [short(one) for one in values] if np.ndim(values) else float(f"{values:.8g}")
