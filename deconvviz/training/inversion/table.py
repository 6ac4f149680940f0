"""The table of inversion: layer x inverter x measure, each a mean over pictures with its 95 % bootstrap interval."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.checks.audit.intervals import interval
from deconvviz.data import preprocess
from deconvviz.data.folder import decode
from deconvviz.errors import DeconvvizError, check_choice
from deconvviz.models import inverters
from deconvviz.training.caltech.config import CaltechConfig
from deconvviz.training.caltech.train import split
from deconvviz.training.inversion.bench import INVERTERS, MEASURES, Bench
from deconvviz.training.inverter.train import any_files
from deconvviz.types import DisplayImage

#: Seconds of one answer with its measures, both searches at their own length, on two cores with nothing else to do.
SECONDS = {"linear": 0.2, "deconvnet": 0.2, "learned": 0.1, "refined": 0.7, "search": 7.0, "plug_and_play": 9.0}


@dataclass(frozen=True, eq=False)
class Plan:
    """Which answers the table is made of.

    Attributes:
      bench: what they are measured with.
      files: the pictures.
      layers, inverters: of the table, in its order.
    """

    bench: Bench
    files: tuple[Path, ...]
    layers: tuple[str, ...]
    inverters: tuple[str, ...]

    @classmethod
    def of(cls, bench: Bench, data: Path, layers: str | None, names: str | None, images: int) -> Plan:
        """The plan of a command line; everything is checked before anything is computed."""
        if images < 1:
            raise DeconvvizError(f"images is a whole number from 1 up; got {images}")
        chosen = listed(names) or INVERTERS
        for name in chosen:
            check_choice("inverter", name, INVERTERS, of="inversion")
        trained = inverters.layers(bench.network, bench.weights)
        of_table = listed(layers) or trained or tuple(one.name for one in bench.network.layers if one.kind == "relu")
        for layer in of_table:
            bench.network.layer(layer)
            if {"learned", "refined"} & set(chosen):
                inverters.load(bench.network, layer, bench.weights)
        files = unseen(data)
        spread = np.unique(np.linspace(0, len(files) - 1, min(images, len(files))).round().astype(int))
        return cls(bench, tuple(files[place] for place in spread), tuple(of_table), tuple(chosen))

    @property
    def keys(self) -> list[tuple[str, str, Path]]:
        """(layer, inverter, picture) of every answer, in the order in which they are made."""
        return [(layer, name, file) for layer in self.layers for name in self.inverters for file in self.files]

    @cached_property
    def question(self) -> str:
        """Sixteen characters that differ where answers would: networks, inverters, steps, pictures' content."""
        hashed = hashlib.sha256(f"{self.bench.network.digest} {self.bench.judge.network.digest}".encode())
        hashed.update(f"{self.bench.steps}".encode())
        hashed.update(Path(self.bench.weights or inverters.WEIGHTS).read_bytes())
        for file in self.files:
            hashed.update(file.name.encode() + file.read_bytes())
        return hashed.hexdigest()[:16]

    def picture(self, file: Path) -> DisplayImage:
        """A picture as the network sees it."""
        return preprocess.fit_image(decode([file])[0] / np.float32(255), self.bench.network.input_spec)

    def known(self, file: Path | None) -> dict[str, dict[str, float]]:
        """The answers that an earlier run of the same question left; none where there was none."""
        if file is None or not file.is_file():
            return {}
        stored = json.loads(file.read_text("utf-8"))
        if stored.get("question") != self.question:
            raise DeconvvizError(
                f"{file} belongs to a run with other weights, steps or pictures: delete it, or name another --csv"
            )
        answers: dict[str, dict[str, float]] = stored["answers"]
        return answers

    def forecast(self, known: int) -> str:
        """How many answers are to come, and about how long they take, by `SECONDS`."""
        left = len(self.keys) - known
        per_layer = len(self.files) * len(self.layers)
        seconds = 0.0
        for name in self.inverters:
            seconds += per_layer * SECONDS[name] * (1 if self.bench.steps is None else self.bench.steps / 512)
        minutes = seconds * left / max(1, len(self.keys)) / 60
        return (
            f"{left} answers: {len(self.layers)} layers, {len(self.inverters)} inverters, {len(self.files)} pictures; "
            f"about {minutes:.0f} minutes on two cores, 1 GB of memory"
        )

    def table(self, known: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
        """A row for each layer and inverter: every measure, with the ends of its interval."""
        rows = []
        for layer in self.layers:
            for name in self.inverters:
                answers = [known[f"{layer} {name} {file.name}"] for file in self.files]
                row: dict[str, Any] = {"layer": layer, "inverter": name}
                for measure in MEASURES:
                    of = interval(answer[measure] for answer in answers)
                    row |= {measure: of.mean, f"{measure}_low": of.low, f"{measure}_high": of.high}
                rows.append(row)
        return rows


def unseen(data: Path) -> tuple[Path, ...]:
    """The pictures of a folder that were not trained on: of the network's own training set the part held out of it.

    Raises:
      DataError: no such folder, or no images in it.
    """
    if any((data / name).is_dir() for name in ("train30", "101_ObjectCategories")):
        return tuple(split(data, CaltechConfig(seed=0))[1].files)
    return any_files(data)


def listed(names: str | None) -> tuple[str, ...]:
    """Names with commas between; none where nothing is given.

    >>> listed("relu3, relu5"), listed(None)
    (('relu3', 'relu5'), ())
    """
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def as_csv(table: list[dict[str, Any]]) -> str:
    """The table as the text of a CSV file.

    >>> as_csv([{"layer": "relu1", "psnr": 31.25, "psnr_low": float("nan")}])
    'layer,psnr,psnr_low\\nrelu1,31.25,\\n'
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(table[0]), lineterminator="\n")
    writer.writeheader()
    for row in table:
        cells = {name: value if isinstance(value, str) else f"{value:.6g}" for name, value in row.items()}
        writer.writerow({name: "" if value == "nan" else value for name, value in cells.items()})
    return stream.getvalue()
