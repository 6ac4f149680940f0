"""The story of backpropagation: nudge a pixel, follow the nudge, go back once for all pixels, meet a checkerboard."""

from __future__ import annotations

import numpy as np

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.backpropagation.chain import chain


def all_shut() -> Guess:
    """What the score does when a pixel is nudged and no z is above zero."""
    network = chain("corner", "edge", 1, "sum")
    moves = np.any(network.backward[2] != 0)
    return Guess(
        prompt=t("Before you look: suppose every z is below zero. What does the score do when you nudge a pixel?"),
        options={"still": t("it stays"), "grows": t("it grows"), "falls": t("it falls")},
        answer="still" if not moves else "grows" if network.backward[2].sum() > 0 else "falls",
        reasons={
            "still": t("Each r is 0 and stays 0: on every path one factor is 0."),
            "grows": t("z does change, but the rectifier puts out 0 before and after."),
            "falls": t("z does change, but the rectifier puts out 0 before and after."),
        },
    )


def checkerboard() -> Guess:
    """How many different values the gradient of an even picture has at stride 2."""
    count = len(np.unique(chain("flat", "ones", 2, "sum").backward[2]))
    return Guess(
        prompt=t(
            "Before you look: all pixels are equal, all weights are 1, stride 2. How many different numbers are in "
            "the gradient?"
        ),
        options={n: n for n in ("1", "2", "4")},
        answer=str(count),
        reasons={
            "1": t("Not every pixel lies in equally many windows."),
            "2": t("Count for rows and for columns: windows overlap in one direction, in both, or in none."),
            "4": t("Pixels lie in 0, 1, 2 or 4 windows, and each window sends back a 1."),
        },
    )


SCENES = (
    Scene(
        title=mark("Nudge one pixel"),
        text=mark(
            "Three layers turn a picture into a score: a convolution, a [[rectifier]], a sum. Raise one pixel a little "
            "and measure how much the score changes. Change of the score over change of the pixel: that is the "
            "derivative. Choose other pixels. Which of them matters most?"
        ),
        look=mark("The measured quotient below the picture."),
        values={"view": "nudge"},
        parts=("formula",),
    ),
    Scene(
        title=mark("Follow the nudge"),
        text=mark(
            "The pixel lies in up to nine windows, so the nudge travels on several paths. Along a path it is "
            "multiplied at each layer: by a weight of the kernel, by 1 or 0 at the rectifier, by the weight in the "
            "score. Multiply along each path, add up the paths. That is the chain rule."
        ),
        look=mark("The framed cells are reached. Each gives one product in the sum."),
        values={"view": "chain"},
        parts=("formula",),
        controls=("readout",),
    ),
    Scene(
        title=mark("The rectifier is a gate"),
        text=mark(
            "Above zero the rectifier passes a change on unaltered: factor 1. Below zero it puts out zero whatever "
            "happens: factor 0. Which gates are open depends on the picture, so each picture has a derivative of "
            "its own."
        ),
        look=mark("r, beside z: where r is 0, no change comes through."),
        values={"view": "chain"},
        parts=("z", "r"),
        controls=("kernel",),
        ask=all_shut,
        then={"kernel": "edge"},
    ),
    Scene(
        title=mark("All pixels in one pass"),
        text=mark(
            "Nudging 42 pixels takes 42 forward passes, and a photograph has a hundred thousand pixels. Start at the "
            "score instead and multiply from the other end: first by r, then by z, then by x. One pass backward gives "
            "every derivative at once. That is backpropagation."
        ),
        look=mark("The lower row, read from right to left."),
        parts=("by-r", "by-z", "by-x"),
        controls=("picture",),
    ),
    Scene(
        title=mark("Each step back is an adjoint"),
        text=mark(
            "A sum goes back as a copy to every term. A gate goes back as the same gate. A convolution goes back as "
            "its [[adjoint]], a [[transposed convolution]]: each cell lays down the kernel where its window was. "
            "Adjoints in reverse order: that is all there is to it."
        ),
        look=mark("The step from by z to by x: the kernel is laid down at every open gate."),
        values={"readout": "one"},
        parts=("by-z", "by-x"),
        controls=("readout", "kernel"),
    ),
    Scene(
        title=mark("Checkerboards in gradients"),
        text=mark(
            "Nothing varies in this picture: all pixels are equal, all weights are 1. Yet with stride 2 the windows "
            "overlap unevenly, and so do the kernels that are laid down in the backward pass. The pattern says "
            "nothing about the picture. It comes from the stride alone."
        ),
        look=mark("Rows and columns that lie in two windows get twice as much."),
        values={"picture": "flat", "kernel": "ones", "stride": "1", "cell": "2,2"},
        parts=("by-x",),
        controls=("stride", "kernel"),
        ask=checkerboard,
        then={"stride": "2"},
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Change the picture, the kernel, the stride and the score. Find a pixel that matters to no score. Find a "
            "kernel for which every gate is open. Can you change the picture without changing a single derivative?"
        ),
        controls=None,
    ),
)
