"""The matrix of a one-channel convolution, by asking of every entry which weight joins its two cells. float64."""

from __future__ import annotations

import numpy as np

from reference.conv_loops import Pads, Pair, count


def joining(output: Pair, cell: Pair, kernel: Pair, stride: Pair, pads: Pads, dilation: Pair) -> Pair | None:
    """The tap with which an output cell reads an input cell; None if it does not.

    >>> joining((1, 0), (2, 1), (3, 2), (2, 1), ((1, 1), (0, 0)), (1, 1)), joining(
    ...     (1, 0), (5, 1), (3, 2), (2, 1), ((1, 1), (0, 0)), (1, 1))
    ((1, 1), None)
    """
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            row = stride[0] * output[0] + dilation[0] * i - pads[0][0]
            column = stride[1] * output[1] + dilation[1] * j - pads[1][0]
            if (row, column) == cell:
                return i, j
    return None


def matrix(w: np.ndarray, input_size: Pair, stride: Pair, pads: Pads, dilation: Pair) -> np.ndarray:
    """A, (output cells, input cells), both counted row by row.

    >>> matrix(np.array([[3, 5]]), (1, 3), (1, 1), ((0, 0), (1, 0)), (1, 1)).tolist()
    [[5.0, 0.0, 0.0], [3.0, 5.0, 0.0], [0.0, 3.0, 5.0]]
    """
    kernel = w.shape[0], w.shape[1]
    sizes = [count(input_size[a] + sum(pads[a]), kernel[a], stride[a], dilation[a]) for a in (0, 1)]
    a = np.zeros((sizes[0] * sizes[1], input_size[0] * input_size[1]))
    for u, v, r, c in np.ndindex(*sizes, *input_size):
        tap = joining((u, v), (r, c), kernel, stride, pads, dilation)
        if tap is not None:
            a[u * sizes[1] + v, r * input_size[1] + c] = w[tap]
    return a
