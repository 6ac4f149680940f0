"""The loop: killed and resumed it ends as if nothing had happened; failures say what to do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvviz.errors import TrainingError
from deconvviz.training import loop
from deconvviz.training.checkpoint import load_state

SLOW_RUN = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from dataclasses import replace
from training.test_loop import line_plan
from deconvviz.training import loop
plan = line_plan()
def slowly(epoch):
    for number, batch in enumerate(plan.batches(epoch)):
        if epoch == 3 and number == 2:
            Path(sys.argv[1], "in_epoch_3").touch()
            time.sleep(60)
        yield batch
loop.run(replace(plan, batches=slowly), Path(sys.argv[1]), progress=False)
"""


def line_plan(epochs: int = 5) -> loop.Plan:
    """Fits a line by gradient steps with momentum; the order of an epoch's batches depends on the epoch."""

    @jax.jit
    def step(state: Any, batch: Any) -> Any:
        def loss(weights: jax.Array) -> jax.Array:
            return jnp.mean((batch[0] @ weights - batch[1]) ** 2)

        value, slope = jax.value_and_grad(loss)(state["weights"])
        speed = 0.9 * state["speed"] + slope
        return {"weights": state["weights"] - 0.01 * speed, "speed": speed}, {"loss": value}

    def batches(epoch: int) -> Iterator[Any]:
        rng = np.random.default_rng([1, epoch])
        for _ in range(4):
            x = rng.normal(size=(6, 3)).astype(np.float32)
            yield x, x @ np.array([1.0, -2.0, 0.5], np.float32)

    def initial() -> Any:
        return {"weights": jnp.zeros(3), "speed": jnp.zeros(3)}

    return loop.Plan({"rate": 0.01, "batch": 6}, epochs, initial, step, batches, lambda epoch: 4)


def curve(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records without what a clock measures."""
    return [{k: v for k, v in r.items() if k not in ("seconds", "images_per_second")} for r in records]


def same(first: Any, second: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def test_it_learns_and_writes_metrics(tmp_path: Path) -> None:
    state, records = loop.run(line_plan(30), tmp_path, progress=False)
    np.testing.assert_allclose(state["weights"], [1, -2, 0.5], atol=0.05)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == records
    assert [line["epoch"] for line in lines] == list(range(1, 31))
    assert (tmp_path / "metrics.csv").read_text().splitlines()[0] == "epoch,seconds,images_per_second,loss"
    assert same(load_state(tmp_path / "checkpoint.safetensors", state)[0], state)


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    whole, records = loop.run(line_plan(), tmp_path / "whole", progress=False)
    code = SLOW_RUN.format(tests=str(Path(__file__).parent.parent))
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "in_epoch_3").exists() and time.monotonic() < deadline:
            assert child.poll() is None
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
    resumed, found = loop.run(line_plan(), tmp_path, progress=False)
    assert same(resumed, whole)
    assert curve(found) == curve(records)


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    first, records = loop.run(line_plan(), tmp_path, progress=False)
    untouched = replace(line_plan(), batches=lambda epoch: pytest.fail("no epoch is left"))
    again, found = loop.run(untouched, tmp_path, progress=False)
    assert same(first, again)
    assert found == records


def test_without_resume_it_starts_again(tmp_path: Path) -> None:
    loop.run(line_plan(2), tmp_path, progress=False)
    _, records = loop.run(line_plan(1), tmp_path, resume=False, progress=False)
    assert len(records) == 1


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    loop.run(line_plan(2), tmp_path, progress=False)
    other = replace(line_plan(2), recipe={"rate": 0.5, "batch": 6})
    with pytest.raises(TrainingError, match=r"another rate; .*--no-resume"):
        loop.run(other, tmp_path, progress=False)


@pytest.mark.parametrize("error", [MemoryError(), jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 GB")])
def test_out_of_memory(tmp_path: Path, error: Exception) -> None:
    def fails(state: Any, batch: Any) -> Any:
        raise error

    with pytest.raises(TrainingError, match=r"out of memory in epoch 1 with 6 pictures in a batch; .*smaller batch"):
        loop.run(replace(line_plan(), step=fails), tmp_path, progress=False)


def test_a_loss_that_is_not_a_number(tmp_path: Path) -> None:
    broken = replace(line_plan(), step=lambda state, batch: (state, {"loss": jnp.nan}))
    with pytest.raises(TrainingError, match="loss of epoch 1 is nan; lower the learning rate"):
        loop.run(broken, tmp_path, progress=False)
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"cannot make the folder .*file/run.*--out"):
        loop.run(line_plan(), tmp_path / "file" / "run", progress=False)


def test_figures_and_kept_weights(tmp_path: Path) -> None:
    kept: list[int] = []
    plan = replace(
        line_plan(3),
        validate=lambda state, epoch: {"val_loss": 0.5} if epoch == 2 else {},
        keep=lambda state, epoch: kept.append(epoch),
    )
    _, records = loop.run(plan, tmp_path, progress=False)
    assert [r.get("val_loss") for r in records] == [None, 0.5, None]
    assert kept == [1, 2, 3]


def test_prefetch_keeps_the_order_and_hands_errors_on() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise KeyError("from the thread")

    got = []
    with pytest.raises(KeyError, match="from the thread"):
        got.extend(loop.prefetch(items()))
    assert list(loop.prefetch(range(50), depth=2)) == list(range(50))


def test_prefetch_left_early_ends_its_thread() -> None:
    before = threading.active_count()
    stream = loop.prefetch(iter(range(10**9)), depth=2)
    assert next(stream) == 0
    stream.close()
    assert threading.active_count() == before
