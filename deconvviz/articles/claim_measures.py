"""The measurements behind the ten claims: each takes a seed and returns numbers by name."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import sobel

from deconvviz.articles.formulas import apart
from deconvviz.checks.low_level import explained
from deconvviz.checks.randomization import Cascade, cascade, rank_correlation, strength, weight_layers
from deconvviz.errors import RuleError
from deconvviz.metrics import relative_error
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.network import Network
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, conv_map, max_pool, max_unpool
from deconvviz.ops.upsample import transposed_conv

#: Rules whose maps are put to the sanity check; the gradient is the one that passes it.
RULES = ("gradient", "deconvnet", "guided")


@dataclass(frozen=True, eq=False)
class Subject:
    """What some claims are measured on.

    Attributes:
      network: a trained chain network.
      inputs: (N, H, W, 3) model inputs, three or more.
    """

    network: Network
    inputs: np.ndarray


def inverse(seed: int, subject: Subject | None = None) -> dict[str, float]:
    """How far from x what comes back is, at its best brightness: by the adjoint, by least squares, by special filters.

    "orthonormal": four orthonormal filters of 2 x 2 at stride 2. "tight frame": the mean and half the difference of
    neighbours at stride 1, neither of length 1 nor orthogonal to their own shifts, and A'A = I all the same.
    "null space" is the share of all pictures' dimensions that the same kernel at stride 2 does not see at all.
    """
    random = np.random.default_rng((101, seed))
    size = (int(random.integers(7, 9)), 9)
    x, w = random.standard_normal((1, *size, 1)), random.standard_normal((3, 3, 1, 1))
    w[1, 1] += 4  # no frequency vanishes, so least squares can undo it
    geometry, block = ConvGeometry(padding=1), ConvGeometry(stride=2)
    back = conv_adjoint(conv(x, w, geometry), w, geometry, size)
    a = conv_map(w, geometry, size).dense().astype(np.float64)
    solved = (np.linalg.pinv(a) @ (a @ x.ravel())).reshape(x.shape)
    sparse = conv_map(w, ConvGeometry(stride=2, padding=1), size).dense()
    four = np.linalg.qr(random.standard_normal((4, 4)))[0].reshape(2, 2, 1, 4)
    even = random.standard_normal((1, 6, 8, 1))
    undone = conv_adjoint(conv(even, four, block), four, block, (6, 8))
    pair, ring = np.array([[[[0.5, 0.5]], [[0.5, -0.5]]]]), np.concatenate([x, x[:, :, :1]], axis=2)
    framed = np.array(conv_adjoint(conv(ring, pair), pair, ConvGeometry(), ring.shape[1:3]))
    framed[:, :, :1] += framed[:, :, -1:]  # rows go on at their other end
    return {
        "adjoint": apart(back, x),
        "least squares": apart(solved, x),
        "orthonormal": apart(undone, even),
        "tight frame": apart(framed[:, :, :-1], x),
        "null space": 1 - float(np.linalg.matrix_rank(sparse)) / sparse.shape[1],
    }


def recovers(seed: int, subject: Subject | None = None) -> dict[str, float]:
    """Energy in the frequencies that a blur over four pixels removes: before it, and what each method brings back.

    Shares of the energy that was there; along a row that continues at its other end, where 1/4, 1/2 and 3/4 vanish.
    """
    random = np.random.default_rng((102, seed))
    n = 4 * int(random.integers(4, 8))
    x, k = random.standard_normal(n), np.full(4, 0.25)
    a = np.stack([np.roll(np.pad(k, (0, n - 4)), i) for i in range(n)])
    y = a @ x
    removed = [n // 4, n // 2, 3 * n // 4]

    def energy(signal: np.ndarray) -> float:
        return float((np.abs(np.fft.fft(signal)[removed]) ** 2).sum())

    before = energy(x)
    return {
        "adjoint": energy(a.T @ y) / before,
        "least squares": energy(np.linalg.pinv(a, rcond=1e-8) @ y) / before,
        "fused with the blurred picture": energy(y + a.T @ y) / before,
    }


def resolution(seed: int, subject: Subject | None = None) -> dict[str, float]:
    """Output rows for one more input row: by transposed convolution at two strides, and by unpooling."""
    random = np.random.default_rng((103, seed))
    n, k = int(random.integers(4, 9)), int(random.integers(2, 6))
    w = np.ones((k, k, 1, 1), np.float32)

    def rows(n: int, stride: int) -> int:
        return transposed_conv(np.ones((1, n, 3, 1), np.float32), w, stride).shape[1]

    def unpooled(n: int) -> int:
        pooled, switches = max_pool(random.standard_normal((1, 2 * n, 4, 1)).astype(np.float32), 2)
        return max_unpool(pooled, switches, (2 * n, 4)).shape[1]

    return {
        "stride 1": float(rows(n + 1, 1) - rows(n, 1)),
        "stride 2": float(rows(n + 1, 2) - rows(n, 2)),
        "unpool": float(unpooled(n + 1) - unpooled(n)),
    }


def article_sizes(rows: int) -> tuple[int, ...]:
    """Rows after each layer of article 000's network: convolution 3x3, pooling by 2, three decoders of stride 2.

    >>> article_sizes(256)
    (256, 254, 127, 254, 508, 1016)
    """

    def layers(x: jax.Array) -> list[jax.Array]:
        kernel = jnp.ones((3, 3, 1, 1))
        after = [x, conv(x, kernel)]
        after.append(max_pool(after[-1], 2)[0])
        for _ in range(3):
            n, m = after[-1].shape[1:3]
            after.append(conv_adjoint(after[-1], kernel, ConvGeometry(2, "SAME"), (2 * n, 2 * m)))
        return after

    shapes = jax.eval_shape(layers, jax.ShapeDtypeStruct((1, rows, rows, 1), jnp.float32))
    return tuple(int(shape.shape[1]) for shape in shapes)


def flipping(seed: int, subject: Subject | None = None) -> dict[str, float]:
    """How far "flip the kernel and convolve" is from the adjoint, from the easiest case to the general one."""
    random = np.random.default_rng((104, seed))
    k, c = int(random.integers(2, 4)), 3
    size = (6, 8)

    def flipped(stride: int, channels: int, swap: bool, pads: object = None) -> float:
        w = random.standard_normal((k, k + 1, channels, channels))
        geometry = ConvGeometry(stride)
        g = random.standard_normal((1, *geometry.output_size(size, w.shape[:2]), channels))
        turned = w[::-1, ::-1].transpose(0, 1, 3, 2) if swap else w[::-1, ::-1]
        spread = g
        if pads is not None:
            spread = np.zeros((1, (g.shape[1] - 1) * stride + 1, (g.shape[2] - 1) * stride + 1, channels))
            spread[:, ::stride, ::stride] = g
        around = ConvGeometry(
            1, geometry.adjoint_pads(size, w.shape[:2]) if pads is not None else ((k - 1,) * 2, (k,) * 2)
        )
        return relative_error(conv(spread, turned, around), conv_adjoint(g, w, geometry, size))

    return {
        "one channel": flipped(1, 1, False),
        "channels as they were": flipped(1, c, False),
        "channels swapped": flipped(1, c, True),
        "stride 2": flipped(2, 1, False),
        "stride 2, zeros put between": flipped(2, c, True, "computed"),
    }


def parameters(seed: int, subject: Subject | None) -> dict[str, float]:
    """Weights of the backward pass that are not the network's own, as a share of the network's; counted, not sampled.

    The deconvnet's are those of its adjoints that the forward program does not hold. A learned decoder is the
    mirror of the network: for each layer a kernel of the same size, trained for itself.
    """
    network = _checked_subject(subject).network
    consts = [np.asarray(c) for c in network.program().flat.consts]
    forward = sum(c.size for c in consts)
    chain = network.chain_to(network.layers[-1].name)
    if not isinstance(chain, Chain):
        raise RuleError(f"{network.name} is no chain, so there is no deconvnet to count: {chain}")
    known = {np.ravel(c).tobytes() for c in consts}
    steps = [np.asarray(s.constant) for s in chain.steps if s.kind in ("filter", "dense") and s.constant is not None]
    extra = sum(c.size for c in steps if np.ravel(c).tobytes() not in known)
    kernels = sum(consts[group[0]].size for _, group in weight_layers(network))
    return {"network": float(forward), "deconvnet": extra / forward, "learned decoder": kernels / forward}


def direction(seed: int, subject: Subject | None) -> dict[str, float]:
    """What colour and edges explain of the first and of the last convolution, what each sees, and all between."""
    network, inputs = _checked_subject(subject).network, _checked_subject(subject).inputs
    layers = [layer for layer in network.layers if layer.kind == "conv"]
    maps = network.taps(inputs, [layer.name for layer in layers])
    shares = {layer.name: explained(maps[layer.name], inputs, seed) for layer in layers}
    fields = [float((layer.receptive_field or (0, 0))[0]) for layer in layers]
    first, last = layers[0].name, layers[-1].name
    figures = {"first": shares[first], "last": shares[last], "field first": fields[0], "field last": fields[-1]}
    return figures | shares


def understands(seed: int, subject: Subject | None) -> dict[str, float]:
    """Rank correlation of a class's map with itself after shuffling weights: of the scores, half the layers, all.

    Beside it "RULE edges": the trained map's rank correlation with the edges of the photograph, which knows no network.
    """
    network_subject = _checked_subject(subject)
    figures: dict[str, float] = {}
    for rule in RULES:
        run = sanity(network_subject, seed, rule)
        half = len(run.similarity) // 2
        figures |= {f"{rule} top": run.similarity[1], f"{rule} half": run.similarity[half]}
        figures[f"{rule} all"] = run.similarity[-1]
        figures[f"{rule} edges"] = rank_correlation(strength(run.maps[0]), edges(_picture(network_subject, seed)[0]))
    return figures


@functools.lru_cache(maxsize=32)
def sanity(subject: Subject, seed: int, rule: str) -> Cascade:
    """The cascade behind `understands`; the seed chooses the picture too."""
    return cascade(subject.network, _picture(subject, seed), rule, seed)


def edges(x: np.ndarray) -> np.ndarray:
    """Length of the slope of the sum of the channels, (H, W), by Sobel's filters.

    >>> edges(np.ones((4, 5, 3))).max()
    np.float64(0.0)
    """
    grey = np.asarray(x, np.float64).sum(axis=-1)
    return np.hypot(sobel(grey, axis=0), sobel(grey, axis=1))


def _picture(subject: Subject, seed: int) -> np.ndarray:
    return subject.inputs[seed % len(subject.inputs)][None]


def _checked_subject(subject: Subject | None) -> Subject:
    if subject is None:
        raise RuleError("this claim is about a trained network: hand one in as Subject(network, inputs)")
    return subject
