"""What each switch of the recognition network changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from deconvviz.tasks._shared import recorded_figures
from deconvviz.tasks.recognition.data import Pictures
from deconvviz.tasks.recognition.train import Setting, snapshots


def effect(rows: Sequence[Mapping[str, Any]], switch: str, figure: str) -> float:
    """By what share a figure changes with a switch: geometric mean over the other switches, on over off, less 1.

    Args:
      rows: one a setting, with the switches as bool and the figures above 0.
      switch: "norm", "drop" or "decoder".
      figure: one of the others.

    >>> round(effect([{"norm": True, "gap": 0.1}, {"norm": False, "gap": 0.4}], "norm", "gap"), 6)
    -0.75
    """
    on, off = (
        float(np.mean([np.log(max(row[figure], 1e-12)) for row in rows if row[switch] is state]))
        for state in (True, False)
    )
    return float(np.exp(on - off) - 1)


def effects(
    data: Pictures, *, seeds: int, pictures: int, epochs: int, report: Callable[[str], None] = lambda words: None
) -> list[dict[str, Any]]:
    """All eight settings of the three switches over several seeds.

    Returns:
      One row a setting: "norm", "drop", "decoder", and the means over the seeds after the last epoch: "loss",
      "held_loss", "accuracy", "held_accuracy", "gap" (held_loss - loss) with its "gap_low" and "gap_high", and
      "conv1" and "ratio": length of the gradient of the first layer, and over that of the last, mean over the epochs.
    """
    rows = []
    for norm, drop, decoder in itertools.product((False, True), repeat=3):
        ends, ratios, firsts = [], [], []
        for seed in range(seeds):
            setting = Setting(norm, drop, decoder, pictures, epochs, seed=seed)
            *_, last = snapshots(data, **asdict(setting))
            ends.append(last.records[-1])
            slopes = [record["gradient"] for record in last.records]
            firsts.append(float(np.mean([slope["conv1"] for slope in slopes])))
            ratios.append(float(np.mean([slope["conv1"] / max(slope["logits"], 1e-12) for slope in slopes])))
            report(f"{setting.variant} seed {seed}")
        gaps = [end["held_loss"] - end["loss"] for end in ends]
        means = {name: float(np.mean([end[name] for end in ends])) for name in ends[0] if name != "gradient"}
        rows.append({
            "norm": norm, "drop": drop, "decoder": decoder, **means, "gap": float(np.mean(gaps)),
            "gap_low": min(gaps), "gap_high": max(gaps), "conv1": float(np.mean(firsts)),
            "ratio": float(np.mean(ratios)),
        })  # fmt: skip
    return rows


def measured_effects() -> dict[str, Any] | None:
    """What `evaluate(..., what="effects")` found over several seeds: "rows", "seeds", "pictures", "epochs" and more.

    Returns:
      None where nothing is kept.
    """
    return recorded_figures.figures("recognition", "effects")
