"""What the commands share: options, loading, printing, and files that are written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import deconvviz as dv
from deconvviz.errors import DeconvvizError

if TYPE_CHECKING:
    from deconvviz.network import Network
    from deconvviz.types import DisplayImage, InputSpec

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
SAMPLE = "sample:"


class FilePath(click.Path):
    """The type of an option that names a file or folder: no device or pipe.

    Who opens a pipe may wait for ever, reading a device may never end, and what is written would take their place.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; a line of complaint if it is a device or pipe."""
        from deconvviz import storage  # brings NumPy, which `--help` need not wait for

        if not storage.is_file_or_free(value):
            self.fail(f"{os.fspath(value)!r} is a device or pipe, not a file", param, ctx)
        return super().convert(value, param, ctx)


class Whole(click.IntRange):
    """The type of an option that is a whole number: from a least one up and of 63 bits at most, as in arrays."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a line of complaint if it is too small or too large."""
        number = super().convert(value, param, ctx)
        if number >= 2**63:
            self.fail(f"{str(value)[:40]} is not below 2^63", param, ctx)
        return number


#: A path, and a path or the name of something built in, such as ``sample:cat``.
FILE, TEXT_OR_FILE = FilePath(path_type=Path), FilePath()

model_option = click.option("--model", required=True, metavar="NAME", help="A shipped network, e.g. caltech.")
weights_option = click.option(
    "--weights",
    type=FILE,
    metavar="FILE",
    help="Weights to use instead of the shipped ones; of caltech also epoch:N, as it was after N epochs of training.",
)
image_option = click.option(
    "--image",
    required=True,
    type=TEXT_OR_FILE,
    metavar="FILE",
    help="A picture file, or a built-in photograph: sample:cat; FILE.npy, an array, for --channels NUMBER.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON line instead of a table.")


def typed(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were typed.

    >>> typed({"steps": 8, "rate": None})
    {'steps': 8}
    """
    return {name: value for name, value in options.items() if value is not None}


def load_network(model: str, weights: Path | None = None) -> Network:
    """The network named on the command line."""
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz import compiled

    compiled.keep()
    network: Network = dv.load(model) if weights is None else dv.load(model, weights=weights)
    return network


def load_image(source: str, spec: InputSpec | None = None) -> DisplayImage:
    """The picture named on the command line: a path, or ``sample:ID``; an array where the network takes no pictures."""
    from deconvviz.data import images, samples

    if spec is not None and not spec.is_picture:
        return images.load_stack(Path(source), spec)
    sample = sample_id(source)
    return images.load(Path(source)) if sample is None else samples.load(sample)


def sample_id(source: str) -> str | None:
    """The built-in photograph's id; None for a file.

    >>> sample_id("sample:cat"), sample_id("cat.png")
    ('cat', None)
    """
    return source.removeprefix(SAMPLE) if source.startswith(SAMPLE) else None


def seconds_since(start: float) -> float:
    """Seconds since ``time.perf_counter()`` said ``start``, rounded for printing."""
    return round(time.perf_counter() - start, 3)


def plain(value: Any) -> Any:
    """A value as JSON can say it: arrays become lists, numbers that are not finite become null.

    >>> plain({"a": (1, float("nan"))})
    {'a': [1, None]}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def answer(record: dict[str, Any], as_json: bool, lines: Iterable[str]) -> None:
    """Print ``record`` as one JSON line, or the readable ``lines``."""
    if as_json:
        click.echo(json.dumps(plain(record), allow_nan=False))
    else:
        for line in lines:
            click.echo(line)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Columns padded to equal width, two spaces apart.

    >>> table(("name", "n"), [("conv1", 8)])
    ['name   n', 'conv1  8']
    """
    cells = [tuple(map(str, row)) for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def by(size: Sequence[int] | None) -> str:
    """A size for people.

    >>> by((13, 17)), by(None)
    ('13 x 17', '-')
    """
    return " x ".join(map(str, size)) if size else "-"


def check_out(path: Path, suffixes: Sequence[str]) -> Path:
    """``path``, if it can be written as one of the formats; checked before the work, not after it.

    Raises:
      DeconvvizError: an unknown ending, a folder, or a folder that does not exist.
    """
    if path.suffix.lower() not in suffixes:
        raise DeconvvizError(f"--out {path} does not say which format: end it with {' or '.join(suffixes)}")
    return check_file(path, "--out")


def check_file(path: Path, option: str) -> Path:
    """``path``, if a file can be put there.

    Raises:
      DeconvvizError: it is a folder, or lies in a folder that does not exist or may not be written.
    """
    if path.is_dir():
        raise DeconvvizError(f"{option} {path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise DeconvvizError(f"{option} {path}: the folder {path.parent} does not exist; make it first")
    if not os.access(path.parent, os.W_OK):
        raise DeconvvizError(f"{option} {path}: the folder {path.parent} may not be written to; name another one")
    return path
