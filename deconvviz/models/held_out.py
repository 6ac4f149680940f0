"""Figures of shipped weights on pictures kept away from training and from every choice: one file, quoted everywhere.

Each was printed by `deconvviz evaluate NAME` on a set that is in nobody's hands here, so it is stored, with a
fingerprint of the weights it was measured of: of other weights it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from deconvviz import storage
from deconvviz.errors import WeightsError

FILE = Path(__file__).parent / "weights" / "held_out.json"
_SHAPE = {str: {"set": str, "images": int, "weights": str, "variants": [str], "figures": {str: float}}}


@lru_cache(maxsize=1)
def records() -> dict[str, dict[str, Any]]:
    """What was measured: "set", its "images", "figures", and of which "variants" and "weights" ("" for none).

    >>> records()["segmentation"]["figures"]["unpool"]
    0.471
    """
    result: dict[str, dict[str, Any]] = storage.parse(FILE.read_text(encoding="utf-8"), _SHAPE, WeightsError)
    return result


def measured(name: str, file: Path) -> dict[str, Any] | None:
    """The record of a network or task; None where nothing was measured of the weights in the file.

    Args:
      name: as `deconvviz evaluate` knows it.
      file: weights in safetensors form.

    Raises:
      WeightsError: a file that cannot be read.
    """
    record = records().get(name)
    return record if record and record["weights"] == fingerprint(file, record["variants"]) else None


def fingerprint(file: Path, variants: Iterable[str] = ()) -> str:
    """Sixteen characters of the SHA-256 of the arrays of a file, or of those of some of its variants alone.

    Raises:
      WeightsError: a file that cannot be read.
    """
    return _fingerprint(file, file.stat().st_mtime_ns, tuple(variants))


@lru_cache(maxsize=16)
def _fingerprint(file: Path, changed: int, variants: tuple[str, ...]) -> str:
    arrays = storage.read_arrays(file, lambda reason: WeightsError(f"cannot read the weights {file}: {reason}"))
    hashed = sha256()
    for name in sorted(arrays):
        if not variants or name.split("/")[0] in variants:
            hashed.update(name.encode() + arrays[name].tobytes())
    return hashed.hexdigest()[:16]
