"""The story of the adjoint: one stamp, stamps that add up, three views, rows nobody read, the dot test, no inverse."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import ConvGeometry, conv, conv_adjoint
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.numbers import toy_arrays
from lessons._kit.numbers.taps import reaching
from lessons.adjoint.adjoint_variants import turned_kernel

GEOMETRY = ConvGeometry(1, 1, 1)


def at_the_corner() -> Guess:
    """How many cells of g reach the corner of what comes back."""
    corner, inside = (str(len(reaching(at, (2, 3), GEOMETRY, toy_arrays.SIZE))) for at in ((0, 0), (2, 2)))
    return Guess(
        prompt=t(
            "Before you look: {inside} cells of g reach row 2, column 2. How many reach the corner?", inside=inside
        ),
        options={n: n for n in ("1", corner, inside)},
        answer=corner,
        reasons={
            "1": t("The padding lets more than one window read the corner."),
            corner: t(
                "The corner lies in {corner} windows only; the others would begin off the padding.", corner=corner
            ),
            inside: t("That many windows hold a cell inside. Some of those around the corner do not exist."),
        },
    )


def hidden_turn() -> Guess:
    """For which kernel the turned kernel gives the adjoint all the same."""
    names = ("numbered", "edge", "blur")
    same = []
    for name in names:
        w = toy_arrays.kernel(name)
        g = np.asarray(conv(toy_arrays.picture("corner"), w, GEOMETRY))
        back = conv_adjoint(g, w, GEOMETRY, toy_arrays.SIZE)
        same += [name] if np.allclose(turned_kernel(g, w, GEOMETRY, toy_arrays.SIZE), back) else []
    (answer,) = same
    return Guess(
        prompt=t("Before you look: with which of these kernels would the mistake go unnoticed?"),
        options={name: t(toy_arrays.KERNELS[name][0]) for name in names},
        answer=answer,
        reasons={
            "numbered": t("Turned by 180° it runs from 6 to 1, so the stamps are others."),
            "edge": t("Turned by 180° its signs change, and so does every stamp."),
            "blur": t("Turned by 180° it is the same kernel. So test with one that is not."),
        },
    )


def undone() -> Guess:
    """Which of three kernels the adjoint undoes, up to brightness."""
    names = ("blur", "sharpen", "single")
    x = toy_arrays.picture("corner")
    undone = []
    for name in names:
        w = toy_arrays.kernel(name)
        back = np.asarray(conv_adjoint(np.asarray(conv(x, w, GEOMETRY)), w, GEOMETRY, toy_arrays.SIZE))
        undone += [name] if np.allclose(back * np.vdot(back, x) / np.vdot(back, back), x, atol=1e-5) else []
    (answer,) = undone
    return Guess(
        prompt=t("Before you look: which of these kernels does its adjoint undo?"),
        options={name: t(toy_arrays.KERNELS[name][0]) for name in names},
        answer=answer,
        reasons={
            "blur": t("The adjoint of a blur is a blur once more: the picture gets softer still."),
            "sharpen": t("The adjoint sharpens a second time, which takes nothing back."),
            "single": t("It copies every cell forward and back: AᵀA is the identity."),
        },
    )


SCENES = (
    Scene(
        title=mark("One cell, one stamp"),
        text=mark(
            "Forward, each output cell reads a window, weight by weight, and adds up. Now turn it round: each cell of "
            "a signal **g** lays down its value times the [[kernel]], where its window was. That is a [[stamp]]. "
            "Choose another cell of **g** and watch its stamp move. A cell that is zero lays down nothing."
        ),
        look=mark("The frame: above the window that the cell read, below the stamp that it lays down."),
        values={"picture": "pixel", "signal": "cell"},
        parts=("back",),
    ),
    Scene(
        title=mark("Stamps add up"),
        text=mark(
            "Let all cells of g lay down their stamps. Windows overlapped, so stamps overlap, and what falls on one "
            "cell is added. This is the [[adjoint]] Aᵀ of the convolution A: the same weights, with reading and "
            "writing exchanged. Choose a cell of what comes back."
        ),
        look=mark("The dashed cells of g reach the chosen cell; each gives one product of the sum."),
        parts=("signal", "sum"),
        controls=("picture",),
        ask=at_the_corner,
        then={"back": "0,0"},
    ),
    Scene(
        title=mark("Three views of one map"),
        text=mark(
            "**Stamps** write. **Zero insertion** reads: spread g out by the [[stride]], put zeros between, and slide "
            "the kernel, turned by 180°, over it. **Matrix**: swap the rows and columns of A. Hence the name "
            "[[transposed convolution]] for a layer that computes Aᵀ. Switch between the three: the result stays."
        ),
        look=mark("What comes back is the same, number for number, however it is computed."),
        values={"view": "zeros", "stride": "2"},
        parts=("back",),
        controls=("view", "stride"),
    ),
    Scene(
        title=mark("Rows that nobody reads"),
        text=mark(
            "With stride 3 and no [[padding]], the windows pass over some cells of x. What no window reads, no stamp "
            "reaches: those rows and columns come back as zero. With padding, what lands on it is cut off. So the "
            "backward pass has to be told the size of x, which does not follow from the size of g alone."
        ),
        look=mark("The rows of zeros in what comes back."),
        values={"picture": "flat", "stride": "3", "padding": "0", "cell": "1,1", "back": "2,2"},
        parts=("back",),
        controls=("stride", "padding"),
    ),
    Scene(
        title=mark("One test tells"),
        text=mark(
            "Aᵀ is defined by an equation: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for all x and y. Draw both at random and compare the "
            "two sides. Here somebody turned the kernel before stamping, and the sides differ. Wrong padding, a size "
            "rounded down, channels not swapped: the same test finds them all."
        ),
        look=mark("The two bars, and the checks that fail."),
        values={"way": "turned"},
        parts=("meter", "checks"),
        controls=("way", "kernel"),
        ask=hidden_turn,
        then={"kernel": "blur"},
    ),
    Scene(
        title=mark("Back in its place, with other values"),
        text=mark(
            "Nothing is divided and no equation is solved. Aᵀ brings a signal back to its place and size, not to its "
            "old values. It undoes a convolution only where AᵀA is a multiple of the identity. Papers call such "
            "layers [[deconvolution]] all the same; the word promises more than they do."
        ),
        look=mark("x, what comes back, and how far apart they are."),
        parts=("input", "back", "away"),
        controls=("kernel", "picture"),
        ask=undone,
        then={"kernel": "single"},
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Change the picture, the kernel and how it slides; send back a single cell; break the backward operator "
            "in four ways. Which mistake does a 3 × 3 kernel with padding 1 hide? Which shows only where the stride "
            "leaves a row over? For which kernels do all ones come back nearest to what they were?"
        ),
        controls=None,
    ),
)
