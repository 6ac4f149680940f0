"""Questions about the shapes of programs; answers are read from the operators and from arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.articles.programs import rows_after
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, by_finding, question
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


def line(seed: int) -> Question:
    """Which line of a chain of sizes is wrong, and how?"""
    random = np.random.default_rng((84, seed))
    taps = int(random.choice((3, 5)))
    kinds = [("conv", taps), ("conv", 3), ("pool", 2), ("transposed", 3), ("double", 2)]
    kinds = [kinds[k] for k in random.permutation(len(kinds))]
    names = {
        "conv": t("convolution without padding, taps:"),
        "pool": t("pooling, window:"),
        "transposed": t("transposed convolution, stride 1, without padding, taps:"),
        "double": t("every row repeated, times:"),
    }
    faults = (t("the rows were left as they were"), t("the rows were changed the other way"))
    step, fault = divmod((3 * seed + int(random.integers(2)) * 10) % 10, 2)
    rows = 4 * int(random.integers(7, 20))
    lines, reasons, right, wrong = [], [], 0, 0
    for place, (kind, number) in enumerate(kinds):
        (after,) = rows_after(rows, ((kind, number),))
        written = after
        if place == step:
            other = {"conv": rows + number - 1, "pool": 2 * rows, "transposed": rows - number + 1, "double": rows // 2}
            written = rows if fault == 0 else other[kind]
            right, wrong = after, written
            said = t("Step {step} is wrong, but otherwise: {rows} rows should become {right}.",
                     step=place + 1, rows=rows, right=after)  # fmt: skip
        else:
            said = t("Step {step} is right: {rows} rows become {after}.", step=place + 1, rows=rows, after=after)
        reasons.append([said] * len(faults))
        lines.append(f"{names[kind]} {number}: {rows} → {written}")
        rows = written
    return by_finding(
        prompt=t(
            "Somebody wrote the rows beside every layer of a program. One line is wrong, and those after it go on from "
            "its number. **In which line is the fault, and what was done there?**"
        ),
        steps=[f"{number}. {text}" for number, text in enumerate(lines, 1)],
        faults=faults,
        answer=(step + 1, fault + 1),
        reasons=reasons,
        hint=t(
            "Without padding a convolution takes away one row fewer than it has taps, and a transposed one adds as "
            "many."
        ),
        worked=rf"{step + 1}:\; {right} \ne {wrong}",
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "line": (mark("Find the line"), line),
    "size": (mark("Layer by layer"), size),
    "box": (mark("One box"), box),
    "weights": (mark("Weights of its own"), weights),
}
