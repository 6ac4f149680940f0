"""Files of a finished run: float16 weights, int8 snapshots on the way, a card in words and numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from deconvviz.models import held_out
from deconvviz.models.caltech import INPUT
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
    write_weights(out / "caltech.safetensors", params, labels, about)
    files = {epoch: out / f"epoch_{epoch:04d}.safetensors" for epoch in recipe.snapshots}
    write_snapshots(out / "caltech_snapshots.safetensors", files, records)
    write_whole(out / "caltech_curve.csv", (out / "metrics.csv").read_bytes())
    write_whole(out / "caltech.md", card(out, params, recipe, records, measured, counts, first).encode())


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
        weights=sum(value.size for value in params.values()),
        size=(out / "caltech.safetensors").stat().st_size,
        fit=fits[INPUT.fit],
        trained=counts[0],
        held=counts[1],
        held_out=recipe.held_out - recipe.given_back,
        first=first,
        seed=recipe.seed,
        epochs=recipe.epochs,
        cap=recipe.cap,
        minutes=sum(record["seconds"] for record in records) / 60,
        top1=measured["top1"],
        top5=measured["top5"],
        mean=mean,
        snapshots=", ".join(map(str, recipe.snapshots)),
        unseen=unseen(out / "caltech.safetensors"),
        error=100 * (mean * (1 - mean) / counts[1]) ** 0.5,
    )


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
