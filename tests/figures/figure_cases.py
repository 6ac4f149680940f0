"""A reconstruction as the figures get it, made without a network."""

from __future__ import annotations

import numpy as np

from deconvviz.types import Coverage, Reconstruction, Unit

ROWS, COLUMNS = 24, 31
BOX = (5, 9, 17, 20)
PICTURE = np.random.default_rng(9).random((ROWS, COLUMNS, 3), dtype=np.float32)


def made(rule: str = "deconvnet", size: float = 1.0, seed: int = 0, **changes: object) -> Reconstruction:
    values = np.zeros((ROWS, COLUMNS, 3), np.float32)
    top, left, bottom, right = BOX
    values[top:bottom, left:right] = size * np.random.default_rng(seed).normal(size=(bottom - top, right - left, 3))
    fields = {
        "map": values,
        "unit": Unit("relu3", 7, 3, 4),
        "activation": 1.2345,
        "rule": rule,
        "start": "activation",
        "receptive_field": BOX,
        "coverage": Coverage(3, 3),
        "agreement": 3e-7,
    }
    return Reconstruction(**{**fields, **changes})
