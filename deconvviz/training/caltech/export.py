"""Files of a finished run: float16 weights, int8 snapshots on the way, a card in words and numbers."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from deconvviz.models import held_out
from deconvviz.models.caltech import INPUT, snapshots
from deconvviz.training import cards
from deconvviz.training.caltech.config import CaltechConfig
from deconvviz.training.caltech.filters import FirstLayer
from deconvviz.training.checkpoint import write_whole

_TEMPLATE = cards.Template(Path(__file__).with_name("card.md"))


def write_weights(path: Path, params: dict[str, np.ndarray], labels: Sequence[str], figures: dict[str, Any]) -> None:
    """Writes folded weights as float16 with their class names and figures."""
    metadata = {"about": json.dumps({"labels": list(labels), "figures": figures}, sort_keys=True)}
    write_whole(path, save({k: np.asarray(v, np.float16) for k, v in params.items()}, metadata=metadata))


def quantize(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int8, float32 scale an output channel): values are about int8 * scale, off by half a scale at most.

    >>> quantize(np.array([[1.0, -4.0], [0.5, 2.0]]))[0].tolist()
    [[127, -127], [64, 64]]
    """
    scale = np.maximum(np.abs(values).max(axis=tuple(range(values.ndim - 1))), 1e-12).astype(np.float32) / 127
    return np.rint(values / scale).astype(np.int8), scale


def write_snapshots(path: Path, files: dict[int, Path], records: Sequence[dict[str, Any]]) -> None:
    """Packs weights kept on the way into one file: kernels as int8 and a scale, biases as float16."""
    arrays: dict[str, np.ndarray] = {}
    about = []
    for epoch, file in sorted(files.items()):
        for name, values in load_file(file).items():
            if name.endswith("kernel"):
                arrays[f"{epoch}.{name}"], arrays[f"{epoch}.{name}.scale"] = quantize(values.astype(np.float32))
            else:
                arrays[f"{epoch}.{name}"] = values
        result = next(record for record in records if record["epoch"] == epoch)
        about.append({"epoch": epoch, "mean_per_class": result["val_mean_per_class"], "top1": result["val_top1"]})
    write_whole(path, save(arrays, metadata={"about": json.dumps({"snapshots": about}, sort_keys=True)}))


def publish(
    out: Path,
    params: dict[str, np.ndarray],
    labels: Sequence[str],
    recipe: CaltechConfig,
    records: Sequence[dict[str, Any]],
    figures: dict[str, Any],
    counts: tuple[int, int],
    first: FirstLayer,
) -> None:
    """Writes caltech.safetensors, caltech_snapshots.safetensors, caltech_curve.csv and caltech.md to the run's folder.

    Args:
      params: the final folded weights.
      figures: "val_top1", "val_top5", "val_mean_per_class" of these weights.
      counts: images trained on, images held out.
      first: what the first filters look like.
    """
    measured = {name.removeprefix("val_"): figures[name] for name in ("val_top1", "val_top5", "val_mean_per_class")}
    about = {"validation": measured, "validation_images": counts[1], "epochs": recipe.epochs, "seed": recipe.seed}
    files = {epoch: out / f"epoch_{epoch:04d}.safetensors" for epoch in recipe.snapshots}
    write_snapshots(out / "caltech_snapshots.safetensors", files, records)
    write_whole(out / "caltech_curve.csv", (out / "metrics.csv").read_bytes())
    if recipe.start:
        about["epochs"] = join(Path(recipe.start).parent, out)
    write_weights(out / "caltech.safetensors", params, labels, about)
    write_whole(out / "caltech.md", card(out, params, recipe, records, measured, counts, first).encode())


def join(first: Path, out: Path) -> int:
    """Puts what `first`, a run's folder, wrote of its training before that of the run in `out`, which went on from it.

    Epochs are counted through; the last snapshot of `first` gives its place to the end of `out`. Nothing happens where
    `first` holds weights alone.

    Returns:
      How many epochs there were in all.
    """
    files = [
        [folder / name for folder in (first, out)] for name in ("caltech_snapshots.safetensors", "caltech_curve.csv")
    ]
    if not all(file.is_file() for pair in files for file in pair):
        return last_epoch(out)
    before = last_epoch(first)
    heads, *tables = [], *(list(csv.DictReader(file.read_text("utf-8").splitlines())) for file in files[1])
    rows = tables[0] + [row | {"epoch": str(before + int(row["epoch"]))} for row in tables[1]]
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(files[1][1], lines.getvalue().encode())
    arrays: dict[str, np.ndarray] = {}
    for file, chosen, offset in ((files[0][0], slice(0, -1), 0), (files[0][1], slice(-1, None), before)):
        for one in snapshots(file)[chosen]:
            part = {name: value for name, value in load_file(file).items() if name.startswith(f"{one.epoch}.")}
            arrays |= {f"{one.epoch + offset}.{name.partition('.')[2]}": value for name, value in part.items()}
            heads.append(one._replace(epoch=one.epoch + offset)._asdict())
    text = json.dumps({"snapshots": heads}, sort_keys=True)
    write_whole(files[0][1], save(arrays, metadata={"about": text}))
    return before + int(tables[1][-1]["epoch"])


def last_epoch(folder: Path) -> int:
    """The epoch in which the curve of a run ends."""
    return int((folder / "caltech_curve.csv").read_text("utf-8").splitlines()[-1].partition(",")[0])


def card(
    out: Path,
    params: dict[str, np.ndarray],
    recipe: CaltechConfig,
    records: Sequence[dict[str, Any]],
    measured: dict[str, float],
    counts: tuple[int, int],
    first: FirstLayer,
) -> str:
    """The card of the weights in `out`, as Markdown."""
    mean = measured["mean_per_class"]
    fits = {"crop": "shorter side to 128, centre crop", "stretch": "the whole image, squeezed to a square"}
    return _TEMPLATE.fill(
        "card",
        name="caltech-robust" if recipe.adversarial else "caltech",
        weights=sum(value.size for value in params.values()),
        size=(out / "caltech.safetensors").stat().st_size,
        fit=fits[INPUT.fit],
        trained=counts[0],
        held=counts[1],
        held_out=recipe.held_out - recipe.given_back,
        first=first,
        command=command(recipe),
        training=training(recipe, sum(record["seconds"] for record in records) / 60),
        top1=measured["top1"],
        top5=measured["top5"],
        mean=mean,
        snapshots=", ".join(str(one.epoch) for one in snapshots(out / "caltech_snapshots.safetensors")),
        unseen=unseen(out / "caltech.safetensors"),
        error=100 * (mean * (1 - mean) / counts[1]) ** 0.5,
    )


def command(recipe: CaltechConfig) -> str:
    """The line that trains so."""
    default, options = CaltechConfig(), [f"--seed {recipe.seed}", f"--epochs {recipe.epochs}"]
    if recipe.start:
        options.append("--start FIRST/caltech.safetensors")
    if recipe.teachers:
        options.append(f"--teachers {','.join(Path(file).name for file in recipe.teachers)}")
    changed = [name for name in ("learning_rate", "adversarial") if getattr(recipe, name) != getattr(default, name)]
    options += [f"--{name.replace('_', '-')} {getattr(recipe, name):g}" for name in changed]
    return f"python -m deconvviz train caltech --data DIR --out runs/caltech {' '.join(options)}"


def training(recipe: CaltechConfig, minutes: float) -> str:
    """How it was trained, in a sentence."""
    parts = [f"{recipe.epochs} epochs of at most {recipe.cap} images a class, {minutes:.0f} minutes"]
    if recipe.start:
        parts.append(f"after what {_named(recipe.start)} had learned")
    if recipe.teachers:
        files = " and ".join(map(_named, recipe.teachers))
        parts.append(f"{recipe.teaching:.0%} of the target from the mean class probabilities of {files}")
    if recipe.adversarial:
        parts.append(f"on pictures moved against the network, within {recipe.adversarial:g} (L2, pixels in 0..1)")
    return "; ".join(parts)


def _named(file: str) -> str:
    """A file by its name and the beginning of its SHA-256."""
    return f"{Path(file).name} (SHA-256 {hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12]})"


def unseen(file: Path) -> str:
    """What the card says of pictures that were kept away from training and from every choice."""
    record = held_out.measured("caltech", file)
    if record is None:
        return (
            "They are validation figures; held-out ones were\n"
            "not measured on these weights yet ([what that is](../../../docs/held-out.md))."
        )
    return (
        f"They are validation figures: on {record['images']:,} held-out pictures of\n"
        f"{record['set']} the network names {record['figures']['mean_per_class']:.1%} as the mean per class and "
        f"{record['figures']['top1']:.1%} of all ([why they differ](../../../docs/held-out.md))."
    )
