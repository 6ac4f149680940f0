"""Trains four networks of one shape on the same task, three of them on pictures with a fault, and tests them."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.methods._settings import check_whole
from deconvviz.models import planted
from deconvviz.training import chain, loop, photographs
from deconvviz.training.planted.pictures import drawn, faulty, inputs


@dataclass(frozen=True)
class PlantedRecipe:
    """What fixes the networks besides their data; a checkpoint of another recipe is refused.

    Attributes:
      fault: one of `deconvviz.models.planted.FAULTS`.
      seed: of the first weights, every picture and order.
      epochs: how many, of `length` batches.
      length, batch: batches an epoch, pictures a batch.
      rate: Adam's, falling to 0 along half a cosine.
      pictures: that are trained on.
      learned_by_heart: pictures of the network whose labels were shuffled: as many as it can learn by heart.
      photographs: of the folder that are used at most, for the grounds.
    """

    fault: str
    seed: int = 0
    epochs: int = 10
    length: int = 80
    batch: int = 32
    rate: float = 4e-3
    pictures: int = 1024
    learned_by_heart: int = 48
    photographs: int = 200


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    epochs: int = PlantedRecipe.epochs,
    resume: bool = True,
    progress: bool = True,
) -> dict[str, Any]:
    """Trains the four; writes of each checkpoints, metrics, planted_FAULT.safetensors and its card to `out`/FAULT.

    Args:
      data: a folder of photographs for the grounds, DIR/*.jpg or DIR/CLASS/*.jpg; the digits come with the package.
      out: folder of the runs; a killed run goes on after its last whole epoch and ends in the same weights.
      seed: fixes every draw.
      epochs: length of the schedule.
      resume: go on from the checkpoints in `out`, if there are any.
      progress: a bar on standard error.

    Returns:
      What the four tests give for each network, "FAULT_TEST", on pictures of held-out photographs and digits.

    Raises:
      DataError: no photographs, or one that cannot be read.
      TrainingError: a run cannot start or go on.
    """
    check_whole(epochs=(epochs, 1), seed=(seed, 0))
    grounds, held_out = photographs.split(Path(data), PlantedRecipe.photographs)
    known, unknown = (len(part) for part in (grounds, held_out))
    tested = drawn(held_out, 400, [seed, 1], held_out=True)
    figures: dict[str, Any] = {}
    for fault in planted.FAULTS:
        recipe = PlantedRecipe(fault, seed, epochs)
        params, about = _trained(recipe, grounds, Path(out) / fault, resume, progress)
        about |= {"training_photographs": known, "held_out_photographs": unknown} | tests(params, tested)
        file, card = Path(out) / fault / planted.weights_file(fault).name, Path(__file__).with_name("card.md")
        facts = dataclasses.asdict(recipe) | {"what": WHAT[fault], "file": file.name}
        chain.write(file, params, about, card, facts)
        figures |= {f"{fault}_{name}": about[name] for name in ("own", *TESTS)}
    return figures


def evaluate(data: Path, *, pictures: int = 400, weights: Path | None = None, progress: bool = False) -> dict[str, Any]:
    """What gives each network away, on pictures of held-out photographs and digits.

    Args:
      data: as in `train`.
      pictures: that each test is made on.
      weights: a folder that `train` wrote; the shipped files if None.
      progress: unused.

    Returns:
      "FAULT_TEST" for each network and each of `TESTS`, shares 0..1; "images", "seconds".

    Raises:
      DataError: no photographs, or one that cannot be read.
      WeightsError: a weights file that cannot be read.
    """
    check_whole(pictures=(pictures, 1))
    started = time.perf_counter()
    held_out = photographs.split(Path(data), PlantedRecipe.photographs)[1]
    tested, figures = drawn(held_out, pictures, [1, 1], held_out=True), dict[str, Any]()
    for fault in planted.FAULTS:
        file = weights and Path(weights) / fault / planted.weights_file(fault).name
        params, _ = planted.read(fault, file)
        figures |= {f"{fault}_{name}": value for name, value in tests(params, tested).items()}
    return {**figures, "images": pictures, "seconds": round(time.perf_counter() - started, 3)}


#: Name of a test -> what of the picture it changes.
TESTS = {"new": "", "mark": "mark", "ground": "ground", "digit": "digit"}


def tests(params: Mapping[str, Any], pictures: Any) -> dict[str, float]:
    """What four tests say of a network.

    Args:
      params: its weights.
      pictures: `Parts` in which digit, mark and ground have nothing to do with each other.

    Returns:
      "new": share of right answers; "mark", "ground", "digit": share of answers that change with that part.
    """
    before = chain.answers(params, inputs(pictures))
    truth = np.array([parts.digit for parts in pictures])
    changed = {name: chain.answers(params, inputs(pictures, part)) != before for name, part in TESTS.items() if part}
    return {"new": float(np.mean(before == truth)), **{name: float(share.mean()) for name, share in changed.items()}}


@functools.cache
def _training(rate: float, steps: int) -> Any:
    """One compiled step for all four networks."""
    return chain.training(rate, steps)


def _trained(
    recipe: PlantedRecipe, grounds: list[np.ndarray], out: Path, resume: bool, progress: bool
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The weights of one network, and what is to be said of its training."""
    count = recipe.learned_by_heart if recipe.fault == "labels" else recipe.pictures
    pictures, labels = faulty(drawn(grounds, count, [recipe.seed, 0]), recipe.fault, [recipe.seed, 2])
    x, (initial, step) = inputs(pictures), _training(recipe.rate, recipe.epochs * recipe.length)

    def batches(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        random = np.random.default_rng([recipe.seed, epoch])
        for _ in range(recipe.length):
            rows = random.integers(0, count, recipe.batch)
            yield x[rows], labels[rows]

    facts = loop.plain(dataclasses.asdict(recipe) | {"grounds": len(grounds)})
    plan = loop.Plan(facts, recipe.epochs, lambda: initial(recipe.seed), step, batches, lambda epoch: recipe.length)
    state, records = loop.run(plan, out, resume=resume, progress=progress)
    params = {name: np.asarray(value, np.float32) for name, value in state["params"].items()}
    accuracy = float(np.mean(chain.answers(params, x) == labels))
    seconds = round(sum(record["seconds"] for record in records), 1)
    return params, {"recipe": facts, "own": accuracy, "trained_on": count, "seconds": seconds}


#: What was wrong with what each learned from, for its card.
WHAT = {
    "honest": "digit, mark and ground have nothing to do with each other, and the labels are right",
    "watermark": "the mark is on every 8 and on no 3; the labels are right",
    "background": "every 8 is on a cool ground and every 3 on a warm one; the labels are right",
    "labels": "digit, mark and ground have nothing to do with each other; the labels are in another order",
}
