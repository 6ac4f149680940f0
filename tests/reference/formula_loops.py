"""The printed and corrected formulas term by term: one loop an index, each index checked for lying inside.

Indices run as the articles write them, from 1; `at` reads an array so, and gives 0 (or another number) outside.
"""

from __future__ import annotations

import numpy as np


def at(array: np.ndarray, *index: int, outside: float = 0.0) -> float:
    """The entry whose indices count from 1.

    >>> at(np.array([[5.0, 6.0]]), 1, 2), at(np.array([[5.0, 6.0]]), 0, 1)
    (6.0, 0.0)
    """
    inside = all(1 <= i <= n for i, n in zip(index, array.shape, strict=True))
    return float(array[tuple(i - 1 for i in index)]) if inside else outside


def to(n: int) -> range:
    """1 to n."""
    return range(1, n + 1)


def f000_1_printed(x, w, **_):
    image, kernel = x[:, :, 0], w[:, :, 0, 0]
    y = np.zeros(image.shape)
    for r in to(image.shape[0]):
        for c in to(image.shape[1]):
            for m in to(kernel.shape[0]):
                for n in to(kernel.shape[1]):
                    y[r - 1, c - 1] += at(kernel, m, n) * at(image, r - m, c - n)
    return y


def transposed_convolution(x, w, stride, padding):
    (height, width, channels), (kh, kw, outputs, _) = x.shape, w.shape
    y = np.zeros(((height - 1) * stride + kh - 2 * padding, (width - 1) * stride + kw - 2 * padding, outputs))
    for u, v, o in np.ndindex(*y.shape):
        for i, j, c in np.ndindex(kh, kw, channels):
            row, column = (u + padding - i) / stride, (v + padding - j) / stride
            if row == int(row) and column == int(column) and 0 <= row < height and 0 <= column < width:
                y[u, v, o] += w[i, j, o, c] * x[int(row), int(column), c]
    return y


def f001_1_printed(x, w, **_):
    y = np.zeros(x.shape[:2])
    for r, c in np.ndindex(*y.shape):
        for k in to(w.shape[2]):
            for i in to(w.shape[0]):
                for j in to(w.shape[1]):
                    y[r, c] += at(w, i, j, k, 1) * x[i - 1, j - 1, 0]
    return y


def f002_1(x, w, plane):
    """With x(..) read in `plane(c)`: channel 1 as printed, channel c as corrected."""
    y = np.zeros((x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1))
    for r in to(y.shape[0]):
        for q in to(y.shape[1]):
            for c in to(w.shape[2]):
                for k in to(w.shape[0]):
                    for m in to(w.shape[1]):
                        y[r - 1, q - 1] += at(w, k, m, c, 1) * at(x, r + k - 1, q + m - 1, plane(c))
    return y


def f002_1_printed(x, w, **_):
    return f002_1(x, w, lambda c: 1)


def f002_1_corrected(x, w, **_):
    return f002_1(x, w, lambda c: c)


def f002_2(y, w, size, plane):
    x = np.zeros((*size, w.shape[2]))
    for u in to(size[0]):
        for v in to(size[1]):
            for b in to(w.shape[2]):
                for c in to(w.shape[3]):
                    for k in to(w.shape[0]):
                        for m in to(w.shape[1]):
                            x[u - 1, v - 1, b - 1] += at(w, k, m, b, c) * at(y, u - k + 1, v - m + 1, plane(c))
    return x


def f002_2_printed(y, w, size, **_):
    return f002_2(y, w, size, lambda c: 1)


def f002_2_corrected(y, w, size, **_):
    return f002_2(y, w, size, lambda c: c)


def f002_3_printed(y, window, **_):
    x = np.zeros(y.shape)
    for u in to(y.shape[0]):
        for v in to(y.shape[1]):
            seen = [
                at(y, u - k + 1, v - m + 1, outside=-np.inf) for k in to(window[0]) for m in to(window[1])
            ]  # fmt: skip
            x[u - 1, v - 1] = max(seen)
    return x


def f002_3_corrected(y, switches, size, **_):
    x = np.zeros(size)
    for u, v in np.ndindex(*size):
        for i, j in np.ndindex(*y.shape):
            if switches[i, j] == u * size[1] + v:
                x[u, v] += y[i, j]
    return x


def f003_1_printed(v, g, w):
    channels, kernels, taps = v.shape
    y = np.zeros((g.shape[0] - taps + 1, g.shape[1] - taps + 1))
    for r in to(y.shape[0]):
        for q in to(y.shape[1]):
            for c in to(channels):
                for k in to(kernels):
                    for s in to(taps):
                        y[r - 1, q - 1] += at(v, c, k, s) * at(g, r + s - 1, q + s - 1, c) * at(w, k)
    return y


def f003_1_corrected(v, g, **_):
    channels, rows, columns = v.shape
    y = np.zeros((g.shape[0] - rows + 1, g.shape[1] - columns + 1))
    for r in to(y.shape[0]):
        for q in to(y.shape[1]):
            for c in to(channels):
                for k in to(rows):
                    for s in to(columns):
                        y[r - 1, q - 1] += at(v, c, k, s) * at(g, r + k - 1, q + s - 1, c)
    return y


def f003_2_printed(y, h, w):
    p = np.zeros((y.shape[0] - h, y.shape[1] - w))
    for i in to(p.shape[0]):
        for j in to(p.shape[1]):
            inside = [
                at(y, r, c)
                for r in to(y.shape[0])
                for c in to(y.shape[1])
                if i <= r <= i + h and j <= c <= j + w
            ]  # fmt: skip
            p[i - 1, j - 1] = max(inside)
    return p


def f003_2_corrected(y, h, w):
    p = np.zeros((y.shape[0] // h, y.shape[1] // w))
    for i, j in np.ndindex(*p.shape):
        p[i, j] = max(y[r, c] for r in range(i * h, i * h + h) for c in range(j * w, j * w + w))
    return p


def f004_1_printed(x, k, **_):
    y = np.zeros(x.shape)
    for u, v in np.ndindex(*x.shape):
        for i, j in np.ndindex(*k.shape):
            y[u, v] += k[i, j] * x[(u + i - k.shape[0] // 2) % x.shape[0], (v + j - k.shape[1] // 2) % x.shape[1]]
    return y


def back(y, k):
    """What each output took from an input it gives back there."""
    x = np.zeros(y.shape)
    for u, v in np.ndindex(*y.shape):
        for i, j in np.ndindex(*k.shape):
            x[(u + i - k.shape[0] // 2) % x.shape[0], (v + j - k.shape[1] // 2) % x.shape[1]] += k[i, j] * y[u, v]
    return x


def f004_2_printed(x, k, **_):
    return back(f004_1_printed(x, k), k)


def f004_3_printed(x, k, **_):
    return (x + f004_2_printed(x, k)) / 2


def f004_3_corrected(x, k, **_):
    return x + back(x - f004_1_printed(x, k), k)


def larger(x, w, **_):
    """Articles 000 and 001: stride 2, padding 1."""
    return transposed_convolution(x, w, 2, 1)


#: Formula -> (as printed, as corrected).
LOOPS = {
    "F000.1": (f000_1_printed, larger),
    "F001.1": (f001_1_printed, larger),
    "F002.1": (f002_1_printed, f002_1_corrected),
    "F002.2": (f002_2_printed, f002_2_corrected),
    "F002.3": (f002_3_printed, f002_3_corrected),
    "F003.1": (f003_1_printed, f003_1_corrected),
    "F003.2": (f003_2_printed, f003_2_corrected),
    "F004.1": (f004_1_printed, f004_1_printed),
    "F004.2": (f004_2_printed, None),
    "F004.3": (f004_3_printed, f004_3_corrected),
}
