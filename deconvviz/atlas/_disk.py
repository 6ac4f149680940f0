"""Files of an atlas: written whole or not at all, and what a build in progress keeps in order to go on later."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz import storage
from deconvviz.atlas.scan import ScanResult
from deconvviz.atlas.top import Top
from deconvviz.errors import DataError

#: The file that makes a folder an atlas; it is written last.
ABOUT = "atlas.json"
#: The folder of a build in progress, and the file that says what it builds.
WORK = "building"
PLAN = "plan.json"


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; the system lets go of it when the process ends in any way.

    Raises:
      DataError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows: nobody is kept out
        yield
        return
    with open(path, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(
                f"another process is building {path.parent.parent} just now: wait for it, or stop it"
            ) from error
        yield


def write(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all.

    Raises:
      DataError: the folder cannot be written to, or the disk is full.
    """
    try:
        storage.write(path, data)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; check the folder's permissions and the free space"
        ) from error


def to_json(value: Any) -> bytes:
    """JSON text, the same for the same value; a file name that is no text keeps its bytes as escapes."""
    return (json.dumps(value, indent=1) + "\n").encode()


def read_json(path: Path, shape: dict[str, Any] | None = None) -> dict[str, Any]:
    """A JSON file's record, of a shape as `storage.parse` has it.

    Raises:
      DataError: it is missing or damaged, or has another shape.
    """

    def problem(reason: str) -> DataError:
        return DataError(f"cannot read {path}: {reason}; build the atlas again into another folder")

    result: dict[str, Any] = storage.parse(storage.read_bytes(path, problem), shape or {}, problem)
    return result


def pack(arrays: Mapping[str, np.ndarray], about: Any) -> bytes:
    """Arrays and a JSON value as one file."""
    stream = io.BytesIO()
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    entries: dict[str, Any] = {f"array {name}": value for name, value in arrays.items()}
    np.savez(stream, about=text, **entries)
    return stream.getvalue()


def unpack(path: Path) -> tuple[dict[str, np.ndarray], Any] | None:
    """What `pack` packed; None where there is no such file, or one that is no longer whole."""
    try:
        stored = storage.read_npz(path, DataError)
        about = json.loads(stored["about"].tobytes())
    except (DataError, ValueError, KeyError, RecursionError):
        return None
    return {name[6:]: array for name, array in stored.items() if name.startswith("array ")}, about


def save_scan(path: Path, result: ScanResult) -> None:
    """Keep the state of a scan."""
    arrays = {
        f"{part} {layer}": getattr(tops, part)
        for layer, tops in result.tops.items()
        for part in ("values", "pictures", "places")
    }
    write(path, pack(arrays, {"done": result.done, "layers": list(result.tops), "broken": list(result.broken.items())}))


def load_scan(path: Path) -> ScanResult | None:
    """The state of a scan; None where there is none."""
    stored = unpack(path)
    if stored is None:
        return None
    arrays, about = stored
    tops = {
        layer: Top(*(arrays[f"{part} {layer}"] for part in ("values", "pictures", "places")))
        for layer in about["layers"]
    }
    return ScanResult(about["done"], tops, dict(about["broken"]))
