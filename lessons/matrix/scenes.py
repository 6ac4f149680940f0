"""The story of the matrix: a row for a cell, a weight in many places, flatter diagonals, its size, its columns."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import ConvGeometry, conv
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.numbers import toy_arrays
from lessons.matrix import entries

GEOMETRY = ConvGeometry(1, 1, 1)


def how_often() -> Guess:
    """How often the weight at the bottom left stands in A."""
    down, across = entries.axis_counts((3, 3), GEOMETRY, toy_arrays.SIZE)
    count, cells = str(down[2] * across[0]), str(toy_arrays.SIZE[0] * toy_arrays.SIZE[1])
    return Guess(
        prompt=t(
            "Before you look: z has {cells} cells. How often does the weight at row 2, column 0 appear in A?",
            cells=cells,
        ),
        options={n: n for n in ("1", count, cells)},
        answer=count,
        reasons={
            "1": t("It is stored once, but used in nearly every window, and each window is a row."),
            count: t("In one row and one column of z it falls on the padding, where nothing is read."),
            cells: t("In every row but those in which this weight falls on the padding."),
        },
    )


def one_column() -> Guess:
    """How the weights of 1 to 6 lie on z around a single pixel: the column of that pixel."""
    x = toy_arrays.only(np.ones((1, *toy_arrays.SIZE, 1)), (3, 3))
    kernel = toy_arrays.kernel("numbered")
    z = np.asarray(conv(x, kernel, GEOMETRY))[0, 3:5, 2:5, 0]
    turned, same = (np.array_equal(z, w[:, :, 0, 0]) for w in (kernel[::-1, ::-1], kernel))
    return Guess(
        prompt=t("Before you look: in which order do the weights appear in a column, from top to bottom?"),
        options={"down": t("6, 5, 4, 3, 2, 1"), "up": t("1, 2, 3, 4, 5, 6"), "one": t("six times the same weight")},
        answer="down" if turned else "up" if same else "one",
        reasons={
            "down": t("The first window that reads the cell reads it with its last weight, 6."),
            "up": t("That is the order in a row. The first window that reads the cell reads it with its last weight."),
            "one": t("Every window that reads the cell reads it with another weight."),
        },
    )


SCENES = (
    Scene(
        title=mark("One output cell, one row"),
        text=mark(
            "Write the picture as one column, row after row: vec(x). Each output cell is a weighted sum of input "
            "cells, so it is a row of a matrix A. The row holds the [[kernel]] at the places of its window, and zeros "
            "everywhere else. Choose other cells of **z**."
        ),
        look=mark("The row that is lit: the window, unrolled."),
        parts=("matrix",),
    ),
    Scene(
        title=mark("One weight, many places"),
        text=mark(
            "The next output cell uses the same weights, one step further on. So each weight runs down A on "
            "diagonals: it is stored once and used in every window. That is parameter sharing. Where a weight falls "
            "on the [[padding]], its diagonal has a gap."
        ),
        look=mark("Every place of the one weight, and its place in the kernel."),
        values={"kernel": "edge", "look": "row"},
        parts=("matrix", "kernel"),
        controls=("kernel",),
        ask=how_often,
        then={"look": "weight", "tap": "2,0"},
    ),
    Scene(
        title=mark("A stride makes the diagonals flatter"),
        text=mark(
            "With [[stride]] 2 the window moves on by two columns, so one row further down in A the weight stands two "
            "columns further to the right. There are fewer windows, hence fewer rows: 16 instead of 49. The number of "
            "columns stays, one for each input cell."
        ),
        look=mark("The slope of the diagonals, and the number of rows."),
        values={"stride": "2", "look": "weight", "tap": "1,1"},
        parts=("matrix",),
        controls=("stride", "padding"),
    ),
    Scene(
        title=mark("Nobody stores it"),
        text=mark(
            "A grows with the square of the number of pixels, while the kernel stays as it is. For 224 × 224 pixels "
            "and 64 channels, 36 864 weights would become a matrix of 41 terabytes, and nearly all of it zeros. A is "
            "there to think with; computers slide the kernel."
        ),
        look=mark("The last column of the table."),
        values={"kernel": "edge", "look": "all"},
        parts=("growth",),
        controls=("kernel", "stride"),
    ),
    Scene(
        title=mark("Read by columns"),
        text=mark(
            "A matrix has columns too. A row says what an output cell reads; a column says where an input cell goes. "
            "Swap the two and you have the transposed matrix, the [[adjoint]] of the convolution. It needs no new "
            "weights: it only reads A the other way. It has a lesson of its own."
        ),
        look=mark("The column that is lit, and the same weights on z."),
        values={"look": "row"},
        parts=("matrix",),
        controls=("picture",),
        ask=one_column,
        then={"look": "column"},
    ),
    Scene(
        title=mark("A kernel that changes nothing"),
        text=mark(
            "A kernel with a single 1 in the middle copies every cell to its own place. Its matrix is the identity: "
            "ones on the main diagonal, nothing else. Take away the padding and rows are missing; the border is no "
            "longer copied."
        ),
        look=mark("One diagonal, from corner to corner."),
        values={"kernel": "single", "look": "column"},
        parts=("matrix",),
        controls=("padding", "kernel"),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a cell of **z** for a row of A, a weight of **w** for its diagonals, a cell of **x** for a "
            "column. Can you find a column that is empty? Two rows that are equal? Which settings give A as many rows "
            "as columns?"
        ),
        controls=None,
    ),
)
