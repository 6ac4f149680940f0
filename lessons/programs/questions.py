"""Questions about the shapes of programs; answers are read from the operators and from arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.articles.programs import rows_after
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t


def size(seed: int) -> Question:
    """How many rows come out of a chain of layers?"""
    random = np.random.default_rng((81, seed))
    taps, rows = int(random.choice((3, 5))), 2 * int(random.integers(8, 40))
    sizes = rows_after(rows, (("conv", taps), ("pool", 2), ("transposed", 3), ("double", 2)))
    first, pooled, grown, last = sizes
    return question(
        prompt=t(
            "A picture of {rows} rows goes through: a convolution {taps} × {taps} without padding; pooling by 2; a "
            "transposed convolution 3 × 3, stride 1, without padding; every row repeated twice. "
            "**How many rows come out?**",
            rows=rows,
            taps=taps,
        ),
        fields=(t("rows"),),
        answer=last,
        wrong=[
            (rows, t("That is the input: the layers would have to undo each other.")),
            (2 * pooled, t("A transposed convolution without padding adds two rows before they are doubled.")),
            (2 * (pooled - 2), t("A transposed convolution without padding adds rows; a convolution takes them away.")),
            (2 * (rows // 2 + 2), t("The first convolution has no padding: it takes {n} rows away.", n=taps - 1)),
            (grown, t("The last layer is missing.")),
            (first, t("That is after the first layer.")),
        ],
        hint=t("Go layer by layer and write every size down."),
        worked=rf"{rows} \to {first} \to {pooled} \to {grown} \to {last}",
    )


def box(seed: int) -> Question:
    """How many pixels does one box around a mask hold?"""
    random = np.random.default_rng((82, seed))
    height, width = 8, 10
    mask = np.zeros((height, width))
    top, left = (int(n) for n in random.integers(0, 3, 2))
    rows, columns = int(random.integers(2, 7)), int(random.integers(2, 9))
    mask[top : top + rows, left] = 1
    mask[top + rows - 1, left : left + columns] = 1
    there, across = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    tall, wide = int(there[-1] - there[0] + 1), int(across[-1] - across[0] + 1)
    return question(
        prompt=t(
            "A mask of {height} × {width} pixels. The printed program draws a box at every pixel; the mended one "
            "draws the smallest box that holds all ones. **How many pixels does this box hold?**",
            height=height,
            width=width,
        ),
        fields=(t("pixels"),),
        answer=tall * wide,
        wrong=[
            (int(mask.sum()), t("Those are the ones alone; the box holds zeros too.")),
            (height * width, t("That is the whole mask.")),
            ((tall - 1) * (wide - 1), t("The first row and the first column belong to the box, and so do the last.")),
            (2 * (tall + wide), t("That goes once around the box.")),
            (tall + wide, t("Rows and columns multiply.")),
        ],
        hint=t("Find the first and the last row with a one, then the same for columns."),
        worked=rf"{tall} \cdot {wide} = {tall * wide}",
        picture=(planes.Row("", (planes.Plane(t("mask"), mask, "output"),)),),
    )


def weights(seed: int) -> Question:
    """How many weights does a decoder layer of its own bring?"""
    random = np.random.default_rng((83, seed))
    taps = int(random.choice((2, 3, 4)))
    inputs, outputs = (int(n) for n in random.choice((2, 3, 4, 5, 8, 10), 2, replace=False))
    kernel, bias = np.zeros((taps, taps, outputs, inputs)), np.zeros(outputs)
    answer = kernel.size + bias.size
    return question(
        prompt=t(
            "The program puts a new transposed convolution {taps} × {taps} behind the network: {inputs} channels go "
            "in, {outputs} come out, each with a bias. DeconvNet borrows its kernel from the network. "
            "**How many weights of its own does the new layer have?**",
            taps=taps,
            inputs=inputs,
            outputs=outputs,
        ),
        fields=(t("weights"),),
        answer=answer,
        wrong=[
            (kernel.size, t("The biases are missing, one for each channel that comes out.")),
            (kernel.size + inputs, t("A bias belongs to a channel that comes out.")),
            (taps * taps * outputs + outputs, t("Every pair of channels has a kernel of its own.")),
            (taps * taps, t("That is the kernel of one pair of channels.")),
            (0, t("That would be DeconvNet, which borrows every weight.")),
        ],
        hint=t("A kernel for every pair of channels, in and out, and a bias for every channel out."),
        worked=rf"{taps} \cdot {taps} \cdot {inputs} \cdot {outputs} + {outputs} = {answer}",
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "size": (mark("Layer by layer"), size),
    "box": (mark("One box"), box),
    "weights": (mark("Weights of its own"), weights),
}
