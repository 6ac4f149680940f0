"""The story of checkerboards: a photograph that has them, counting writes, even overlap, weights, resizing first."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.upsample import overlap_counts
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.upsampling import upsamplers


def even_kernel() -> Guess:
    """Which of three kernels overlaps evenly at stride 2, away from the border."""
    sizes = (3, 4, 5)
    inside = {k: overlap_counts(3 * k, k, 2)[k:-k] for k in sizes}
    (answer,) = (k for k in sizes if np.ptp(inside[k]) == 0)
    uneven = mark("Away from the border some cells are written to {low} times, others {high} times.")
    said = {k: t(uneven, low=counts.min(), high=counts.max()) for k, counts in inside.items()}
    said[answer] = t("Away from the border every cell is written to {low} times.", low=inside[answer].min())
    return Guess(
        prompt=t("Before you look: at stride 2, which of these kernels writes on all cells equally often?"),
        options={str(k): str(k) for k in sizes},
        answer=str(answer),
        reasons={str(k): reason for k, reason in said.items()},
    )


def random_weights() -> Guess:
    """What kernel 4 at stride 2 makes of a map of ones if its weights are random."""
    made = upsamplers.make("transposed", "random", 4, 2)
    (blocks,) = {n // 2 for n in made.inside.shape}
    middle = made.inside.reshape(blocks, 2, blocks, 2)
    repeats = np.allclose(middle, middle[:1, :, :1], atol=1e-5)
    answer = "even" if np.ptp(made.inside) < 1e-5 else "blocks" if repeats else "noise"
    return Guess(
        prompt=t("Before you look: the same kernel with random weights, laid down on a map of ones. What comes out?"),
        options={"even": t("an even map"), "blocks": t("the same block again and again"), "noise": t("noise")},
        answer=answer,
        reasons={
            "even": t("Each cell gets equally many writes, but neighbours get other weights."),
            "blocks": t("The cells of a block each add up other weights; the next block adds up the same ones."),
            "noise": t("The weights were drawn once. Every input cell lays down the same ones."),
        },
    )


SCENES = (
    Scene(
        title=mark("A pattern that nobody drew"),
        text=mark(
            "A small photograph is made twice as large in two ways, both with the same nine equal weights. The first "
            "is a [[transposed convolution]]; it leaves a checkerboard all over the picture. The second resizes, then "
            "convolves; it is only soft. Nothing in the weights is uneven, so where does the pattern come from?"
        ),
        look=mark("The checkerboard in the second picture."),
        values={"view": "photographs"},
        parts=("transposed",),
    ),
    Scene(
        title=mark("Count the writes"),
        text=mark(
            "A transposed convolution lays a [[kernel]] down at every input cell, one [[stride]] apart. Here three "
            "taps land and the next kernel starts two cells on, so every second cell gets two writes and its "
            "neighbours one. More writes make brighter cells. Choose an output cell to see who writes on it."
        ),
        look=mark("The counts in the middle: 1, 2, 1, 2."),
        values={"view": "overlap"},
        parts=("output",),
    ),
    Scene(
        title=mark("Rows times columns"),
        text=mark(
            "In two dimensions the counts of rows and of columns multiply. With 1 and 2 along each axis there are "
            "cells with 1, 2 and 4 writes: a checkerboard of period 2. It is the pattern on the photograph. At stride "
            "3 it repeats every three cells."
        ),
        look=mark("One cell in four is written to four times."),
        values={"view": "plane"},
        parts=("output",),
        controls=("k", "s"),
    ),
    Scene(
        title=mark("Let the stride divide the kernel"),
        text=mark(
            "The counts repeat every s cells. Away from the border they are all equal exactly if the stride divides "
            "the kernel. Then equal weights leave no pattern, on ones or on a photograph. Only the border, which fewer "
            "kernels reach, stays darker; it is cut off in the photographs here."
        ),
        look=mark("The counts in the middle, and the photograph above them."),
        values={"view": "overlap"},
        parts=("output", "transposed"),
        controls=("k", "s"),
        ask=even_kernel,
        then={"k": "4"},
    ),
    Scene(
        title=mark("Even overlap is not enough"),
        text=mark(
            "Equally many writes are not equal writes. Each of the s × s places in a block meets **other** weights of "
            "the kernel. So kernel 4 at stride 2 leaves no pattern with equal weights, and leaves one with random "
            "weights, as training starts with. Training can remove it, or bring it in."
        ),
        look=mark("The map of ones, enlarged by a transposed convolution."),
        values={"view": "ways", "k": "4"},
        parts=("transposed",),
        controls=("weights", "k"),
        ask=random_weights,
        then={"weights": "random"},
    ),
    Scene(
        title=mark("Resize first"),
        text=mark(
            "Resize to the nearest neighbour first, and every cell reads a full window: an even map stays even, "
            "whatever the weights. A slope still gets steps of s cells. Sub-pixel convolution has a pattern at a "
            "random start and none from the ICNR start. [[unpooling|Unpooling]] writes on one cell of each block only."
        ),
        look=mark("The two ways whose bar is 0, whatever the weights."),
        values={"view": "ways", "weights": "random"},
        parts=("resize", "icnr"),
        controls=("weights", "k"),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose kernel, stride and weights. Which kernels leave no pattern at stride 3? Which weights make it "
            "strongest? Gradients have checkerboards too: the backward pass of a strided convolution is a transposed "
            "one, so what a picture is told to change may come in squares."
        ),
        controls=None,
    ),
)
