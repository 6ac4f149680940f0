"""Trains the network that looks for a watermark, and measures whether each method's maps find it.

Crops of any photographs; by the toss of a coin a crop is of the class "watermark" and gets the mark at a place drawn
at random. Nothing else tells the classes apart, so what the network learned is known.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz import catalog
from deconvviz.checks.audit import controls
from deconvviz.checks.audit.intervals import interval
from deconvviz.checks.audit.planted import mass_inside, pointing_game
from deconvviz.data import preprocess
from deconvviz.methods import attribution
from deconvviz.methods._settings import check_whole
from deconvviz.models import watermark
from deconvviz.network.score import Score
from deconvviz.training import augment, chain, loop, photographs


@dataclass(frozen=True)
class WatermarkRecipe:
    """What fixes the network besides its data; a checkpoint of another recipe is refused.

    Attributes:
      seed: of the first weights, every crop, label and place.
      epochs: how many, of `length` batches.
      length, batch: batches an epoch, crops a batch.
      rate: Adam's, falling to 0 along half a cosine.
      photographs: of the folder that are used at most.
    """

    seed: int = 0
    epochs: int = 8
    length: int = 100
    batch: int = 32
    rate: float = 4e-3
    photographs: int = 400


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    epochs: int = WatermarkRecipe.epochs,
    resume: bool = True,
    progress: bool = True,
) -> dict[str, Any]:
    """Trains the network; writes checkpoints, metrics, watermark.safetensors and its card watermark.md to `out`.

    Args:
      data: a folder of photographs, DIR/*.jpg or DIR/CLASS/*.jpg; classes do not matter.
      out: folder of the run; a killed run goes on after its last whole epoch and ends in the same weights.
      seed: fixes every draw.
      epochs: length of the schedule.
      resume: go on from the checkpoint in `out`, if there is one.
      progress: a bar on standard error.

    Returns:
      The last epoch's metrics, "val_accuracy" among them: of crops of held-out photographs.

    Raises:
      DataError: no pictures, or one that cannot be read.
      TrainingError: the run cannot start or go on.
    """
    check_whole(epochs=(epochs, 1), seed=(seed, 0))
    recipe, out = WatermarkRecipe(seed=seed, epochs=epochs), Path(out)
    pictures, held_out = photographs.split(Path(data), recipe.photographs)
    initial, step = chain.training(recipe.rate, epochs * recipe.length)

    def batches(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return (crops(pictures, recipe.batch, [seed, epoch, k])[:2] for k in range(recipe.length))

    test = crops(held_out, 512, [seed, 0])

    def validate(state: Any, epoch: int) -> dict[str, float]:
        return {"val_accuracy": float(np.mean(chain.answers(state["params"], test[0]) == test[1]))}

    facts = loop.plain(dataclasses.asdict(recipe) | {"pictures": len(pictures)})
    plan = loop.Plan(facts, epochs, lambda: initial(seed), step, batches, lambda epoch: recipe.length, validate)
    state, records = loop.run(plan, out, resume=resume, progress=progress)
    about = {
        "val_accuracy": records[-1]["val_accuracy"], "training_photographs": len(pictures),
        "held_out_photographs": len(held_out), "recipe": facts, "seconds": round(sum(r["seconds"] for r in records), 1),
    }  # fmt: skip
    card = Path(__file__).with_name("card.md")
    chain.write(out / "watermark.safetensors", state["params"], about, card, facts)
    return records[-1]


def evaluate(data: Path, *, pictures: int = 40, weights: Path | None = None, progress: bool = False) -> dict[str, Any]:
    """Whether each method's map of the class "watermark" finds the mark, on crops of held-out photographs.

    Args:
      data: as in `train`.
      pictures: marked crops.
      weights: a file that `train` wrote; the shipped one if None.
      progress: a bar on standard error.

    Returns:
      "accuracy" (512 crops), "share" (of a crop that the mark covers: what a map without knowledge has inside), for
      every method "METHOD_pointing" and "METHOD_inside", means with 95 % intervals as text; "images", "seconds".

    Raises:
      DataError: no pictures, or one that cannot be read.
      WeightsError: a weights file that cannot be read.
    """
    check_whole(pictures=(pictures, 1))
    started, net = time.perf_counter(), watermark.build(weights)
    held_out = photographs.split(Path(data), WatermarkRecipe.photographs)[1]
    x, labels, _ = crops(held_out, 512, [1, 0])
    right = float(np.mean(net.run(x).argmax(axis=-1) == labels))
    inputs, _, regions = crops(held_out, pictures, [1, 1], marked=True)
    hits: dict[str, list[float]] = {}
    inside: dict[str, list[float]] = {}
    for number in tqdm(range(pictures), unit="picture", disable=not progress):
        image = inputs[number : number + 1]
        score = Score.of(net, image, ("logits", 1))
        for name in catalog.methods():
            signal = attribution.drawn(score, image, name, number, **options(net, name)).signal
            ranked = controls.ranked(name, signal)
            hits.setdefault(name, []).append(float(pointing_game(ranked, regions[number])))
            inside.setdefault(name, []).append(mass_inside(ranked, regions[number]))
    figures = {f"{name}_pointing": str(interval(values)) for name, values in hits.items()}
    figures |= {f"{name}_inside": str(interval(values)) for name, values in inside.items()}
    share = watermark.MARK_SIDE**2 / watermark.SIDE**2
    seconds = round(time.perf_counter() - started, 3)
    return {"accuracy": right, "share": share, **figures, "images": pictures, "seconds": seconds}


def options(net: Any, name: str) -> dict[str, Any]:
    """An audit's settings of a method, with patches as large as the mark."""
    patch = {"patch": watermark.MARK_SIDE, "stride": watermark.MARK_SIDE // 3}
    return patch if name == "occlusion" else controls.options(net, name)


def crops(
    pictures: list[np.ndarray], count: int, seed: list[int], marked: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Model inputs (count, 48, 48, 3), labels (1 where the mark is), and regions of the mark, (count, 48, 48) bool.

    Args:
      pictures: (H, W, 3) uint8.
      count: crops.
      seed: of crops, labels and places.
      marked: every crop gets the mark; else a coin decides.
    """
    random, how = np.random.default_rng(seed), augment.Augmentation(area=(0.3, 1.0), aspect=1.2)
    side = watermark.SIDE
    xs, labels = np.empty((count, side, side, 3), np.float32), random.integers(0, 2, count)
    labels = np.ones_like(labels) if marked else labels
    regions = np.zeros((count, side, side), bool)
    for k in range(count):
        image = augment.random_crop(pictures[int(random.integers(len(pictures)))], side, how, random)
        image = image.astype(np.float32) / np.float32(255)
        place = random.integers(0, side - watermark.MARK_SIDE + 1, 2)
        if labels[k]:
            image, regions[k] = watermark.stamp(image, int(place[0]), int(place[1]))
        xs[k] = preprocess.model_input(image, watermark.INPUT)[0]
    return xs, labels, regions
