"""Further claims of the articles that counting, a few small arrays or the stored figures decide.

Each function takes a seed and returns numbers by name, as those of `deconvviz.articles.claim_measures`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deconvviz.articles import claim_trials
from deconvviz.articles.formulas import apart
from deconvviz.articles.programs import PROGRAMS, attempt, shapes_of
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, conv_map, max_pool, max_pool_map, max_unpool
from deconvviz.ops.upsample import is_even, overlap_counts

#: The kernel that article 003 prints three times.
LAPLACIAN = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])


def expressive(seed: int, subject: Any = None, channels: int = 4, bias: float = 1.0) -> dict[str, float]:
    """Linear pieces of a random network along a random line: one or two transposed convolutions, rectified or not.

    Along one axis, 6 cells, kernels of 3 at stride 2; pieces are patterns of rectifiers at 2,000 points. The claim was
    measured first with channels=1 and bias=0.
    """
    random = np.random.default_rng((112, seed))
    first, second = _spreading(random, 6, channels), _spreading(random, 13, channels)
    biases = bias * random.standard_normal(len(first)), bias * random.standard_normal(len(second))
    start, slope = random.standard_normal((2, 6 * channels))
    line = start + np.linspace(-4, 4, 2000)[:, None] * slope
    hidden = line @ first.T + biases[0]
    one, two = hidden > 0, np.maximum(hidden, 0) @ second.T + biases[1] > 0
    bent = np.abs(np.diff(hidden @ second.T, n=2, axis=0)).max() > 1e-9
    return {
        "two layers, no rectifier": 2.0 if bent else 1.0,
        "one layer": float(len(np.unique(one, axis=0))),
        "two layers": float(len(np.unique(np.hstack([one, two]), axis=0))),
    }


def _spreading(random: np.random.Generator, n: int, channels: int) -> np.ndarray:
    """((2 n + 1) c, n c): the matrix of a transposed convolution along one axis, kernel 3, stride 2, c channels."""
    kernel, matrix = random.standard_normal((3, channels, channels)), np.zeros((2 * n + 1, channels, n, channels))
    for i in range(n):
        matrix[2 * i : 2 * i + 3, :, i] = kernel
    return matrix.reshape((2 * n + 1) * channels, n * channels)


def effort(seed: int, subject: Any = None) -> dict[str, float]:
    """Multiplications of article 000's network, counted: its convolution, its three decoders, and their ratio.

    A convolution takes kernel times channels in times channels out at every output cell, a transposed one at every
    input cell.
    """
    shapes = [shape for _, shape in shapes_of(PROGRAMS["000"])]
    cells = [shape[0] * shape[1] for shape in shapes]
    encoder = cells[1] * 9 * shapes[0][2] * shapes[1][2]
    decoder = sum(cells[i] * 9 * shapes[i][2] * shapes[i + 1][2] for i in (2, 3, 4))
    return {"encoder": float(encoder), "decoder": float(decoder), "ratio": decoder / encoder}


def foreseen(seed: int, subject: Any = None) -> dict[str, float]:
    """Of all kernels of 1 to 8 and strides of 1 to 4: share whose even or uneven overlap division foresees; counted."""
    pairs = [(k, s) for k in range(1, 9) for s in range(1, 5)]
    right = 0
    for k, s in pairs:
        inside = overlap_counts(3 * k + 3 * s, k, s)[k + s : -(k + s)]
        right += int(is_even(k, s) == bool(inside.min() == inside.max()))
    return {"foreseen": right / len(pairs)}


def classifier(seed: int, subject: Any = None) -> dict[str, float]:
    """A classifier of one cell, applied at every cell, against the scores of a segmentation: a 1 x 1 convolution."""
    random = np.random.default_rng((118, seed))
    maps, weights = random.standard_normal((1, 5, 6, 8)), random.standard_normal((8, 11))
    each = np.array([[maps[0, r, c] @ weights for c in range(6)] for r in range(5)])
    return {"difference": apart(np.asarray(conv(maps, weights[None, None]))[0], each)}


def one_channel(seed: int, subject: Any = None) -> dict[str, float]:
    """Cross-entropy of random scores over one channel and over two, and the length of its slope."""
    random = np.random.default_rng((119, seed))
    figures = {}
    for name, channels in (("one channel", 1), ("two channels", 2)):
        scores = random.standard_normal((20, channels))
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        labels = np.eye(channels)[random.integers(0, channels, 20)]
        figures[f"loss {name}"] = abs(float(-(labels * np.log(shares)).sum(axis=1).mean()))
        figures[f"slope {name}"] = float(np.linalg.norm(shares - labels))
    return figures


def labels(seed: int, subject: Any = None) -> dict[str, float]:
    """Labels of a picture of 64 x 64: those that a folder of classes gives, and those that a segmentation needs."""
    rows, columns, _ = PROGRAMS["001"].target_shape
    stops = attempt(PROGRAMS["001"].faults[0]).error != ""
    return {"given": 1.0, "needed": float(rows * columns), "program stops": float(stops)}


def pooled(seed: int, subject: Any = None) -> dict[str, float]:
    """Weights with and without pooling by 2: two convolutions (3 to 32 to 64 channels), and ten scores behind 16 x 16.

    Counted as the sizes of their arrays.
    """
    kernels = np.zeros((3, 3, 3, 32)).size + np.zeros((3, 3, 32, 64)).size
    return {
        "convolutions": float(kernels),
        "convolutions, pooled": float(kernels),
        "scores": float(np.zeros((16 * 16 * 64, 10)).size),
        "scores, pooled": float(np.zeros((8 * 8 * 64, 10)).size),
    }


def theory(seed: int, subject: Any = None) -> dict[str, float]:
    """How far both sides of <A x, y> = <x, A'y> are apart, for a convolution and for max pooling at its switches."""
    random = np.random.default_rng((123, seed))
    filters = conv_map(random.standard_normal((3, 2, 2, 3)), ConvGeometry(2, 1), (7, 9))
    switches = max_pool(random.standard_normal((1, 6, 8, 2)).astype(np.float32), 2)[1]
    return {"filters": filters.dot_test(seed), "unpooling": max_pool_map(switches, (6, 8)).dot_test(seed)}


def original(seed: int, subject: Any = None) -> dict[str, float]:
    """How far from the picture article 002's program and a deconvnet with tied kernels and switches are.

    At best brightness; a random picture and random kernels. The program's result has 32 channels, so no distance.
    """
    random = np.random.default_rng((124, seed))
    x, w = random.random((1, 8, 10, 3)), random.standard_normal((3, 3, 3, 32))
    same = ConvGeometry(padding="SAME")
    pooled_maps, switches = max_pool(np.maximum(conv(x, w, same), 0), 2)
    back = conv_adjoint(max_unpool(pooled_maps, switches, (8, 10)), w, same, (8, 10))
    printed = shapes_of(PROGRAMS["002"])
    fits = printed[-1][1] == printed[0][1]
    return {"as printed": 0.0 if fits else float("inf"), "tied, with switches": apart(np.asarray(back), x)}


def multiplications(seed: int, subject: Any = None) -> dict[str, float]:
    """Multiplications per pixel of article 003's two steps with three 3 x 3 kernels, and of a threshold; counted."""
    forward = 9 * 3 * 3
    return {"convolution": float(forward), "convolution and back": 2.0 * forward, "threshold": 0.0}


def kernel_size(seed: int, subject: Any = None) -> dict[str, float]:
    """F003.1 with w as "the size of the kernel", 3 for every k, against the sum without w: apart at best brightness."""
    random = np.random.default_rng((127, seed))
    v, g = random.standard_normal((4, 3)), random.standard_normal((8, 9))
    parts = [[v[k, s] * g[s : s + 5, s : s + 5] for s in range(3)] for k in range(4)]
    plain = np.sum(parts, axis=(0, 1))
    return {"apart": apart(np.sum([3 * part for row in parts for part in row], axis=0), plain)}


def kernels(seed: int, subject: Any = None) -> dict[str, float]:
    """How many of article 003's three kernels differ, and its labels and boxes on a picture of 224 x 224; counted."""
    printed = np.stack([LAPLACIAN.ravel()] * 3)
    rows, columns, _ = PROGRAMS["003"].input
    outcome = attempt(PROGRAMS["003"].faults[2])
    return {
        "kernels": float(len(np.unique(printed, axis=0))),
        "labels": outcome.value or 0.0,
        "boxes": float(rows * columns),
    }


def dimensions(seed: int, subject: Any = None) -> dict[str, float]:
    """Numbers out for one number in, counted: convolutions and transposed ones, of the articles and with a stride."""
    printed = shapes_of(PROGRAMS["000"])
    sizes = [float(np.prod(shape)) for _, shape in printed]
    return {
        "convolution 3 to 32 channels": sizes[1] / sizes[0],
        "convolution, stride 2": float(np.prod(ConvGeometry(2, "SAME").output_size((28, 28), (3, 3)))) / 28**2,
        "transposed 32 to 3 channels": 3 / 32,
        "transposed, stride 2": sizes[3] / sizes[2] / 2,
    }


def own_troubles(seed: int, subject: Any = None) -> dict[str, float]:
    """Of the small networks of claim C6 with a transposed convolution: gradients by depth, and noise memorized.

    Returns:
      By network, "depth NAME" and "heart NAME", as `claim_trials.gradients_and_memory` has them.
    """
    figures = claim_trials.gradients_and_memory(seed)
    return {
        f"{kind} {name}": figures[f"{kind} {name}"] for kind in ("depth", "heart") for name, _ in claim_trials.PAIRS
    }


def generalizes(seed: int, subject: Any = None) -> dict[str, float]:
    """PSNR on pictures that no network was shown, with the transposed convolution less that without, by pair."""
    figures = claim_trials.gradients_and_memory(seed)
    return {
        f"better {name}": figures[f"unseen {name}"] - figures[f"unseen {other}"] for name, other in claim_trials.PAIRS
    }
