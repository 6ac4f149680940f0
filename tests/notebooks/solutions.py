"""Right and wrong solutions of the notebooks' tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def output_rows(n: int, k: int, stride: int, padding: int, dilation: int) -> int:
    return (n + 2 * padding - (k - 1) * dilation - 1) // stride + 1


def my_conv(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    rows, columns = (x.shape[0] - w.shape[0]) // stride + 1, (x.shape[1] - w.shape[1]) // stride + 1
    z = np.zeros((rows, columns, w.shape[3]))
    for r in range(rows):
        for c in range(columns):
            window = x[stride * r : stride * r + w.shape[0], stride * c : stride * c + w.shape[1]]
            z[r, c] = np.tensordot(window, w, 3)
    return z


def my_adjoint(y: np.ndarray, w: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    back = np.zeros(size)
    for r in range(y.shape[0]):
        for c in range(y.shape[1]):
            back[stride * r : stride * r + w.shape[0], stride * c : stride * c + w.shape[1]] += w * y[r, c]
    return back


def my_matrix(forward: Callable[[np.ndarray], np.ndarray], inputs: int, outputs: int) -> np.ndarray:
    return np.stack([forward(unit) for unit in np.eye(inputs)], axis=1)


def my_unpool(y: np.ndarray, switches: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    plane = np.zeros(size[0] * size[1])
    np.add.at(plane, switches.ravel(), y.ravel())
    return plane.reshape(size)


def my_mean_adjoint(y: np.ndarray, k: int) -> np.ndarray:
    return np.kron(y, np.full((k, k), 1 / k**2))


def my_counts(n: int, k: int, s: int) -> np.ndarray:
    counts = np.zeros(s * (n - 1) + k, int)
    for i in range(n):
        counts[s * i : s * i + k] += 1
    return counts


def my_kernel() -> np.ndarray:
    return np.ones((2, 2))


def my_rule(name: str, z: np.ndarray, g: np.ndarray) -> np.ndarray:
    return {"gradient": g * (z > 0), "deconvnet": np.maximum(g, 0), "guided": np.maximum(g, 0) * (z > 0)}[name]


def my_deconvnet(start: np.ndarray) -> np.ndarray:
    raise NotImplementedError  # it reads the weights of its notebook: see `deconvnet_in`


def deconvnet_in(names: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    """The solution that reads the notebook's own weights."""

    def solution(start: np.ndarray) -> np.ndarray:
        adjoint = names["conv_adjoint"]
        still = names["ConvGeometry"]()
        middle = np.maximum(adjoint(np.maximum(start, 0), names["w2"], still, (7, 7)), 0)
        return np.asarray(adjoint(middle, names["w1"], still, (9, 9)))

    return solution


def my_wiener(y: np.ndarray, K: np.ndarray, balance: float) -> np.ndarray:
    return np.fft.ifft2(np.conj(K) * np.fft.fft2(y) / (np.abs(K) ** 2 + balance)).real


def my_landweber(y: np.ndarray, k: np.ndarray, steps: int) -> np.ndarray:
    from deconvviz.ops.inverse import blur, blur_adjoint

    u = np.zeros_like(y)
    for _ in range(steps):
        u = u + blur_adjoint(y - blur(u, k), k)
    return u


def my_field(layers: list[tuple[int, int]]) -> tuple[int, int]:
    size = step = 1
    for k, s in layers:
        size += (k - 1) * step
        step *= s
    return size, step


def my_measurement(unit: Callable[[np.ndarray], float], size: int) -> tuple[int, int]:
    changed = []
    for r in range(size):
        for c in range(size):
            picture = np.zeros((size, size))
            picture[r, c] = 1
            if unit(picture) != unit(np.zeros((size, size))):
                changed.append(r)
                break
    return changed[0], changed[-1]


def my_gradient(scores: np.ndarray, right: int) -> np.ndarray:
    share = np.exp(scores - scores.max())
    return share / share.sum() - np.eye(len(scores))[right]


def my_training(points: np.ndarray, labels: np.ndarray, steps: int, rate: float) -> np.ndarray:
    weights = np.zeros((2, 2))
    for _ in range(steps):
        each = [np.outer(p, my_gradient(p @ weights, label)) for p, label in zip(points, labels, strict=True)]
        weights -= rate * np.mean(each, axis=0)
    return weights


#: What a beginner writes: each has to be refused.
WRONG: dict[str, Callable[..., Any]] = {
    "output_rows": lambda n, k, stride, padding, dilation: (n + padding - (k - 1) * dilation - 1) // stride + 1,
    "my_conv": lambda x, w, stride: my_conv(x, w[::-1, ::-1], stride),
    "my_adjoint": lambda y, w, stride, size: my_adjoint(y, w[::-1, ::-1], stride, size),
    "my_matrix": lambda forward, inputs, outputs: my_matrix(forward, inputs, outputs).T,
    "my_unpool": lambda y, switches, size: np.minimum(my_unpool(y, switches, size), 1),
    "my_mean_adjoint": lambda y, k: np.kron(y, np.ones((k, k))),
    "my_counts": lambda n, k, s: np.full(s * (n - 1) + k, -(-k // s)),
    "my_kernel": lambda: np.full((2, 2), 0.25),
    "my_rule": lambda name, z, g: g * (z > 0),
    "my_deconvnet": lambda start: np.zeros((1, 9, 9, 1)),
    "my_wiener": lambda y, K, balance: my_wiener(y, np.conj(K), balance),
    "my_landweber": lambda y, k, steps: my_landweber(y, k, 1),
    "my_field": lambda layers: (1 + sum(k - 1 for k, _ in layers), my_field(layers)[1]),
    "my_measurement": lambda unit, size: (0, size - 1),
    "my_gradient": lambda scores, right: -my_gradient(scores, right),
    "my_training": lambda points, labels, steps, rate: my_training(points, labels, steps, 80 * rate),
}
