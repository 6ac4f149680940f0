"""Trainings of the small recognition network behind the page, the digits it is asked about, and its scores by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.data import digits
from deconvviz.network import Network
from deconvviz.tasks.recognition import network as net
from deconvviz.tasks.recognition import predict, train
from deconvviz.tasks.recognition.predict import Recognized
from lessons._kit.run import engine, jobs, networks

#: How many digits to learn from.
PICTURES = (100, 200, 600, 1200)
EPOCHS = 10
#: Settings of the three switches.
SETTINGS = 8
#: Digits of the gallery: one of each kind, none of which any training sees.
SHOWN = 10
#: Levels of a cell of one's own digit, as the file of digits has them, and their signs in the URL.
LEVELS = 16
SIGNS = "0123456789abcdefg"
OWN = "own"


@dataclass(frozen=True)
class Training:
    """What fixes a training of this page."""

    norm: bool
    drop: bool
    decoder: bool
    pictures: int
    seed: int

    @property
    def options(self) -> dict[str, Any]:
        """As `recognition.snapshots` takes them."""
        return {**self.__dict__, "epochs": EPOCHS}

    @property
    def key(self) -> str:
        """Name of the job."""
        return repr(("recognition", self))


def find(training: Training) -> jobs.Job[Any] | None:
    """The training, if somebody has begun it."""
    return jobs.find(training.key)


def begin(training: Training) -> None:
    """Begin it in the background."""
    jobs.start(training.key, lambda: train.snapshots(**training.options))


def all_of(training: Training) -> list[Training]:
    """The eight settings of the three switches, else like this one."""
    return [replace(training, norm=a, drop=b, decoder=c) for a, b, c in itertools.product((False, True), repeat=3)]


def begin_all(training: Training) -> None:
    """Begin all eight; those that are there already stay."""
    for one in all_of(training):
        begin(one)


def look_at_all(training: Training) -> list[jobs.Job[Any]]:
    """Those of the eight that run or wait, each told that somebody looks."""
    result = [job for one in all_of(training) if (job := find(one)) is not None and not job.resting]
    for job in result:
        job.look()
    return result


def trained(training: Training) -> list[dict[str, Any]]:
    """One row for each of the eight that has come to its end: switches, the last epoch's figures, "gap" and "ratio".

    The ratio is the gradient's length in the first layer over that in the last, both over the weights', mean over the
    epochs.
    """
    rows = []
    for one in all_of(training):
        job = find(one)
        if job is None or not job.done or job.error is not None or job.latest is None:
            continue
        records = job.latest.records
        slopes = [record["gradient"]["conv1"] / max(record["gradient"]["logits"], 1e-12) for record in records]
        last = {name: value for name, value in records[-1].items() if name != "gradient"}
        gap = last["held_loss"] - last["loss"]
        rows.append({**one.__dict__, **last, "gap": gap, "ratio": float(np.mean(slopes))})
    return rows


def params_of(training: Training) -> tuple[dict[str, Any], bool]:
    """(arrays of the training as far as it has come, True); of the shipped network, False, before it has begun."""
    job = find(training)
    if job is not None and job.latest is not None:
        return job.latest.params, True
    return predict.arrays()[0], False


def network(params: dict[str, Any]) -> Network:
    """The network of arrays."""
    return net.network(params, predict.arrays()[1])


@st.cache_resource(show_spinner=False)
def held_back() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows in the file, (597, 28, 28, 1), digits) of what no training sees."""
    small, kinds = digits.load()
    rows = digits.split(kinds)[1]
    return rows, digits.enlarged(small[rows]), kinds[rows]


def gallery(seed: int = 0) -> list[int]:
    """Positions in `held_back` of ten digits, 0 to 9."""
    kinds = held_back()[2]
    return [int(np.flatnonzero(kinds == kind)[seed]) for kind in range(SHOWN)]


def cells(text: str) -> np.ndarray:
    """(8, 8) of a digit of one's own as the URL holds it: 64 signs, 0 paper to g ink; zeros where it is nonsense.

    >>> float(cells("g" * 64).max()), float(cells("x").max())
    (1.0, 0.0)
    """
    if len(text) != digits.SMALL**2 or any(sign not in SIGNS for sign in text):
        return np.zeros((digits.SMALL, digits.SMALL), np.float32)
    return (np.array([SIGNS.index(sign) for sign in text], np.float32) / LEVELS).reshape(digits.SMALL, digits.SMALL)


def picture(digit: str, pad: str) -> tuple[np.ndarray, int | None]:
    """((28, 28), the digit that it is; None of one's own)."""
    if digit == OWN:
        return digits.enlarged(cells(pad)[None])[0, :, :, 0], None
    place = gallery()[int(digit)]
    return held_back()[1][place, :, :, 0], int(digit)


def look(params: dict[str, Any], shown: np.ndarray, wanted: str | None = None, prove: bool = False) -> Recognized:
    """What the network says of it; one program compiles at a time."""
    run = lambda: predict.look(network(params), shown, wanted, prove)  # noqa: E731
    return engine.run_compiled(networks.load("caltech"), "recognition", f"look {prove}", run)


def scores_by_hand(params: dict[str, Any], shown: np.ndarray) -> np.ndarray:
    """(10,) scores, window by window, in float64."""
    x = np.asarray(shown, np.float64)[:, :, None]
    for layer in ("conv1", "conv2"):
        kernel = np.asarray(params[f"{layer}.kernel"], np.float64)
        rows, columns = x.shape[0] - 2, x.shape[1] - 2
        z = np.zeros((rows, columns, kernel.shape[3]))
        for i in range(3):
            for j in range(3):
                z += x[i : i + rows, j : j + columns] @ kernel[i, j]
        a = np.maximum(z + params[f"{layer}.bias"], 0)
        half = a[: rows // 2 * 2, : columns // 2 * 2].reshape(rows // 2, 2, columns // 2, 2, -1)
        x = half.max(axis=(1, 3))
    hidden = np.maximum(x.ravel() @ np.asarray(params["dense.kernel"], np.float64) + params["dense.bias"], 0)
    return np.asarray(hidden @ np.asarray(params["logits.kernel"], np.float64) + params["logits.bias"])
