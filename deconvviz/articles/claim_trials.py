"""Claim C6: what the transposed convolution, the fusion and batch normalization do to gradients and to memorizing.

The numbers are those of small networks that `COMMAND` trained, from five seeds each, on the same parts of the same
pictures; the weights that come with the package hold them.
"""

from __future__ import annotations

from typing import Any

from deconvviz.articles.claim_runs import Stored
from deconvviz.tasks.enhancement import ablations

COMMAND = "deconvviz train enhancement --data train400 --out RUN --variant NAME"
#: Small networks with the transposed convolution, and the same with nearest neighbours and a convolution instead.
PAIRS = (("none", "none-resize"), ("add", "add-resize"))


def stored() -> Stored:
    """The runs that the package holds of the networks compared: one from each seed."""
    trials = ablations.trials()
    return Stored(COMMAND, "2026-11-30", min(len(trials[name]["seeds"]) for pair in PAIRS for name in pair))


def gradients_and_memory(seed: int, subject: Any = None) -> dict[str, float]:
    """The small networks of one of the stored seeds.

    Returns:
      By network that has the transposed convolution, "times NAME": how many times as much of the gradient reaches the
      first layer as with nearest neighbours and a convolution instead, at most 1 taken of each; "less NAME": how much
      more of its noise it memorized than that one, in dB. By network, "depth NAME": length of the loss's gradient at
      the first inner convolution over that at the last before training, below 1 where it vanishes going down;
      "after NAME": the same after training; "unseen NAME": PSNR in dB on other pictures; "gap NAME": PSNR on the noisy
      pictures that it was shown less that, in which the pictures also differ in difficulty; "heart NAME": PSNR on those
      that it was shown less that on the same pictures with other noise, what it memorized of its noise.
    """
    figures: dict[str, float] = {}
    trials = ablations.trials()
    for name in (name for pair in PAIRS for name in pair):
        row = trials[name]["seeds"][seed]
        for label, key in (("depth", "gradients_first"), ("after", "gradients_last")):
            figures[f"{label} {name}"] = row[key][0] / row[key][-1]
        figures[f"unseen {name}"], figures[f"gap {name}"] = row["psnr"], row["gap"]
        figures[f"heart {name}"] = row["learned"]
    compared: dict[str, float] = {}
    for name, other in PAIRS:
        with_it, without = (min(1.0, figures[f"depth {one}"]) for one in (name, other))
        compared |= {f"times {name}": with_it / without}
        compared |= {f"less {name}": figures[f"heart {name}"] - figures[f"heart {other}"]}
    return compared | figures
