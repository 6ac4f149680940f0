"""`deconvviz visualize --grid`: many channels of a layer, finished pictures kept on disk until all are there."""

from __future__ import annotations

import io
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

import deconvviz as dv
from deconvviz import storage
from deconvviz._cli._common import answer, seconds_since
from deconvviz._cli._optimized import run
from deconvviz._cli._user_network import Chosen
from deconvviz.errors import DeconvvizError
from deconvviz.figures import files, montage
from deconvviz.types import LayerVisualization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deconvviz.network import Network

#: Arrays of one entry a channel, and the kinds of number that they may hold.
_MANY = {"channels": "i", "images": "f", "activations": "f", "finished": "b", "dead": "b", "notes": "U"}
_PART = re.compile(r"(\d+)(?:-(\d+))?")


def refuse(options: dict[str, Any]) -> None:
    """Says which options do not go with --grid."""
    wrong = [name for name, value in options.items() if value is not None]
    if wrong:
        raise click.UsageError(f"--grid makes one picture of each channel; {', '.join(wrong)} does not go with it")


def channels_of(text: str | None, count: int) -> list[int]:
    """The channels that a person lists; all of a layer if None.

    Raises:
      click.UsageError: not a list of numbers and ranges.

    >>> channels_of("3,5-7", 9), channels_of(None, 2)
    ([3, 5, 6, 7], [0, 1])
    """
    if text is None:
        return list(range(count))
    result: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last >= count:
            raise click.UsageError(
                f"--channel {text}: {part!r} is no number or range first-last of the channels 0 to {count - 1}"
            )
        result += range(first, last + 1)
    return list(dict.fromkeys(result))


def make(
    chosen: Chosen, network: Network, layer: str, channels: str | None, out: Path, batch: int | None, as_json: bool,
    start: float, options: dict[str, Any],
) -> None:  # fmt: skip
    """Makes the pictures, goes on from those that an interrupted run has finished, and answers."""
    indices = channels_of(channels, network.layer(layer).shape[-1])
    partial = out.with_name(f"{out.name}.unfinished.npz")
    known = read(partial) if partial.exists() else None
    try:
        runs = dv.visualize_layer_snapshots(network, layer, indices, batch=batch, resume=known, **options)
        result: LayerVisualization = run(
            keeping(runs, partial), lambda now: f"{int(now.finished.sum())} of {len(now.channels)} pictures"
        )
    except DeconvvizError as error:
        if known is None or "cannot go on" not in str(error):
            raise
        raise DeconvvizError(f"{partial} holds another run: {error}; delete it, or name another --grid") from error
    images = result.images.copy()
    images[result.dead] = np.array(montage.DEAD, np.float32) / 255
    files.write(out, montage.png_bytes(montage.gallery(images)))
    partial.unlink(missing_ok=True)
    record = {
        "model": chosen.name, "layer": layer, "objective": result.objective, "channels": result.channels,
        "activations": result.activations, "dead": result.channels[result.dead], "seed": result.seed,
        "notes": [note for note in result.notes if note] or None,
        "resumed": 0 if known is None else int(np.isin(result.channels, known.channels[known.finished]).sum()),
        "out": out, "images": len(result.channels), "seconds": seconds_since(start),
    }  # fmt: skip
    answer(record, as_json, _lines(record))


def keeping(runs: Iterator[LayerVisualization], path: Path) -> Iterator[LayerVisualization]:
    """Hands the snapshots on, and writes them down whenever another picture is finished and some are missing."""
    written: int | None = None
    for now in runs:
        finished = int(now.finished.sum())
        if written is not None and finished > written and finished < len(now.channels):
            files.write(path, packed(now))
        written = finished
        yield now


def packed(sheet: LayerVisualization) -> bytes:
    """The record as an NPZ file of plain arrays."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {field.name: np.asarray(getattr(sheet, field.name)) for field in fields(sheet)}
    np.savez(stream, **arrays)
    return stream.getvalue()


def read(path: Path) -> LayerVisualization:
    """What `packed` wrote.

    Raises:
      DeconvvizError: the file is damaged.
    """

    def problem(reason: str) -> DeconvvizError:
        return DeconvvizError(
            f"{path} should hold the finished pictures of an interrupted grid, but cannot be read ({reason}); delete it"
        )

    stored = storage.read_npz(path, problem)
    missing = [field.name for field in fields(LayerVisualization) if field.name not in stored]
    if missing:
        raise problem(f"{', '.join(missing)} missing")
    values: dict[str, Any] = {field.name: stored[field.name] for field in fields(LayerVisualization)}
    count = values["channels"].shape[:1]
    if any(values[name].shape[:1] != count or values[name].dtype.kind not in kinds for name, kinds in _MANY.items()):
        raise problem("its arrays have other shapes or types")
    plain = {name: value.item() if value.ndim == 0 else value for name, value in values.items()}
    return LayerVisualization(**{**plain, "notes": tuple(map(str, values["notes"]))})


def _lines(record: dict[str, Any]) -> list[str]:
    """The answer for people."""
    values = zip(record["channels"], record["activations"], strict=True)
    dead = ", ".join(map(str, record["dead"]))
    return [
        f"{record['model']}, {record['layer']}: {record['images']} of one {record['objective']} each, seed "
        f"{record['seed']}" + (f"; {record['resumed']} were finished before" if record["resumed"] else ""),
        "activation " + ", ".join(f"{channel}: {value:.4g}" for channel, value in values),
        *([f"dead, left dark: {dead}"] if dead else []),
        *[f"note: {note}" for note in record["notes"] or [] if "is dead" not in note],
        f"written: {record['out']}",
    ]
