"""One training loop for every network of the project: epochs, checkpoints, metrics, resume.

A `Plan` says what is trained; `run` does it. The state is any pytree of arrays and each epoch's batches follow from
the epoch's number alone, so that a run that was killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from tqdm import tqdm

from deconvviz.errors import TrainingError
from deconvviz.training.checkpoint import load_state, save_state, write_whole

Item = TypeVar("Item")
Record = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What to train.

    Attributes:
      recipe: plain values that fix the result; a checkpoint of another recipe is refused.
      epochs: number of epochs.
      initial: makes the first state, a pytree of arrays.
      step: (state, batch) -> (state, {name: scalar}); jitted.
      batches: epoch (from 1) -> its batches, each a tuple whose first array is (N, ...).
      length: epoch -> number of batches.
      validate: (state, epoch) -> figures, or {} for an epoch without validation.
      keep: (state, epoch) called before the checkpoint is written, for weights kept on the way.
    """

    recipe: Record
    epochs: int
    initial: Callable[[], Any]
    step: Callable[[Any, Any], tuple[Any, dict[str, jax.Array]]]
    batches: Callable[[int], Iterable[Any]]
    length: Callable[[int], int]
    validate: Callable[[Any, int], Record] = field(default=lambda state, epoch: {})
    keep: Callable[[Any, int], None] = field(default=lambda state, epoch: None)


def run(plan: Plan, out: Path, *, resume: bool = True, progress: bool = True) -> tuple[Any, list[Record]]:
    """Trains to the end of the plan: (final state, one record an epoch).

    Writes to `out` after every epoch: checkpoint.safetensors, metrics.jsonl, metrics.csv.

    Raises:
      TrainingError: `out` holds a run of another recipe, memory ran out, or the loss is not finite.
    """
    state, records = _start(plan, out, resume)
    with tqdm(total=plan.epochs, initial=len(records), unit="epoch", disable=not progress, dynamic_ncols=True) as bar:
        for epoch in range(len(records) + 1, plan.epochs + 1):
            state, record = _epoch(plan, state, epoch, bar)
            records.append(record)
            plan.keep(state, epoch)
            save_state(out / "checkpoint.safetensors", state, {"recipe": plan.recipe, "records": records})
            write_metrics(out, records)
            bar.update()
    return state, records


def prefetch(items: Iterable[Item], depth: int = 3) -> Generator[Item]:
    """The same items, prepared by one thread up to `depth` ahead; its errors are raised here.

    >>> list(prefetch(range(3)))
    [0, 1, 2]
    """
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    stop = threading.Event()

    def offer(kind: str, value: Any) -> None:
        while not stop.is_set():
            try:
                return ready.put((kind, value), timeout=0.2)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                if stop.is_set():
                    return
                offer("item", item)
            offer("end", None)
        except BaseException as error:  # handed to the consumer, which raises it
            offer("error", error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (entry := ready.get())[0] == "item":
            yield entry[1]
        if entry[0] == "error":
            raise entry[1]
    finally:
        stop.set()
        thread.join()


def plain(recipe: Record) -> Record:
    """A recipe as it looks after a round trip through JSON, so that the two can be compared.

    >>> plain({"sizes": (96, 128)})
    {'sizes': [96, 128]}
    """
    return dict(json.loads(json.dumps(recipe)))


def write_metrics(out: Path, records: list[Record]) -> None:
    """metrics.jsonl and metrics.csv: one line an epoch."""
    write_whole(out / "metrics.jsonl", "".join(json.dumps(r) + "\n" for r in records).encode())
    names = list(dict.fromkeys(name for record in records for name in record))
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(records)
    write_whole(out / "metrics.csv", text.getvalue().encode())


def _start(plan: Plan, out: Path, resume: bool) -> tuple[Any, list[Record]]:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"cannot make the folder {out} ({error.strerror}); name another one with --out") from error
    file = out / "checkpoint.safetensors"
    state = plan.initial()
    if not (resume and file.exists()):
        return state, []
    state, result = load_state(file, state)
    if result["recipe"] != plan.recipe:
        changed = [k for k in plan.recipe if result["recipe"].get(k) != plan.recipe[k]]
        raise TrainingError(
            f"{out} holds a run with another {' and '.join(changed) or 'recipe'}; "
            "name another folder with --out, repeat that run's options, or start again with --no-resume"
        )
    return state, list(result["records"])


def _epoch(plan: Plan, state: Any, epoch: int, bar: tqdm) -> tuple[Any, Record]:
    started, images, sums = time.perf_counter(), 0, []
    length = plan.length(epoch)
    try:
        with contextlib.closing(prefetch(plan.batches(epoch))) as batches:
            for number, batch in enumerate(batches, start=1):
                state, figures = plan.step(state, batch)
                sums.append({name: float(value) for name, value in figures.items()})
                images += len(batch[0])
                bar.set_postfix_str(f"batch {number}/{length} loss {sums[-1].get('loss', np.nan):.3f}")
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        raise TrainingError(_failure(error, epoch, plan.recipe)) from error
    seconds = time.perf_counter() - started
    record: Record = {"epoch": epoch, "seconds": round(seconds, 2), "images_per_second": round(images / seconds, 1)}
    record |= {name: float(np.mean([s[name] for s in sums])) for name in sums[0]}
    if not np.isfinite(record.get("loss", 0.0)):
        raise TrainingError(f"the loss of epoch {epoch} is {record['loss']}; lower the learning rate")
    return state, record | plan.validate(state, epoch)


def _failure(error: Exception, epoch: int, recipe: Record) -> str:
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error):
        return (
            f"out of memory in epoch {epoch} with {recipe.get('batch', 'these')} pictures in a batch; close other "
            "programs or choose a smaller batch; the same command goes on from the last whole epoch"
        )
    return f"epoch {epoch} failed: {str(error).splitlines()[0]}"
