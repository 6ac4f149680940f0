"""Small labelled folders and recipes for the tests of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

#: Options of `train` that make a run of seconds: small pictures, few in a batch.
SMALL: dict[str, Any] = {"batch": 8, "phases": ((1.0, 32),), "held_out": 2, "given_back": 0, "validate_every": 2}


def make_folder(root: Path, classes: int = 3, each: int = 8, seed: int = 0) -> Path:
    """DIR/class0/00.png ...: stripes whose direction and colour tell the class, all of different odd sizes."""
    rng = np.random.default_rng(seed)
    for c in range(classes):
        (root / f"class{c}").mkdir(parents=True)
        for i in range(each):
            rows, columns = np.mgrid[0 : 33 + i, 0 : 47 - i]
            wave = np.sin((rows, columns, rows + columns)[c % 3] / 2.0)
            picture = 120 + 60 * wave[..., None] * np.eye(3)[c % 3] + rng.normal(0, 20, (33 + i, 47 - i, 3))
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(root / f"class{c}" / f"{i:02d}.png")
    return root
