"""Claim C6 measured: what the transposed convolution, the fusion and batch normalization do to gradients and gaps.

The numbers are those of small networks that `deconvviz train enhancement --variant NAME` trained, from three seeds
each, on the same parts of the same pictures; the weights that come with the package hold them.
"""

from __future__ import annotations

from typing import Any

from deconvviz.tasks.enhancement import ablations

#: Small networks with the transposed convolution, and the same with nearest neighbours and a convolution instead.
PAIRS = (("none", "none-resize"), ("add", "add-resize"))
#: With and without the picture added.
FUSED = ("add", "none")
#: A gradient counts as stronger from this many times on, a gap as smaller from this many decibels on.
STRONGER, SMALLER = 1.1, 0.05


def gradients_and_gap(seed: int, subject: Any = None) -> dict[str, float]:
    """The small networks of one seed (0, 1 or 2).

    Returns:
      "transposed": how many times as much of the gradient reaches the first layer with the transposed convolution as
      without, in a network that fuses nothing. By network, "depth NAME": length of the loss's gradient at the first
      inner convolution over that at the last before training, below 1 where it vanishes going down; "after NAME":
      the same after training; "gap NAME": PSNR in dB on the noisy pictures that it was shown less that on others;
      "heart NAME": less that on the same pictures with other noise, what it knows of its noise by heart.
    """
    figures: dict[str, float] = {}
    for name, about in ablations.trials().items():
        row = about["seeds"][seed % len(about["seeds"])]
        for label, key in (("depth", "gradients_first"), ("after", "gradients_last")):
            figures[f"{label} {name}"] = row[key][0] / row[key][-1]
        figures[f"gap {name}"], figures[f"heart {name}"] = row["gap"], row["learned"]
    with_it, without = (min(1.0, figures[f"depth {name}"]) for name in PAIRS[0])
    return {"transposed": with_it / without, **figures}
