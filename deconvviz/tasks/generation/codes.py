"""Codes of the task generation: where the pictures of a class lie, draws from there, ways between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from deconvviz.errors import DataError, nearest


@dataclass(frozen=True, eq=False)
class Codes:
    """One normal density a class, fitted to the codes of the training pictures (an ex-post density).

    Attributes:
      labels: the classes.
      means: (classes, latents).
      factors: (classes, latents, latents), Cholesky factors of the covariances.

    Source: ghosh2020variational

    >>> two = Codes(("a", "b"), np.array([[0.0, 0.0], [9.0, 9.0]]), np.stack([np.eye(2), 0.1 * np.eye(2)]))
    >>> two.draw(3, seed=1, label="b").shape, two.label_of(np.array([8.0, 9.5]))
    ((3, 2), 'b')
    """

    labels: tuple[str, ...]
    means: np.ndarray
    factors: np.ndarray

    @classmethod
    def of(cls, net: Any, labels: tuple[str, ...]) -> Codes:
        """Those that the trained network holds."""
        means, factors = (np.asarray(variable[...], np.float64) for variable in (net.class_means, net.class_factors))
        return cls(labels, means, factors)

    def index(self, label: str) -> int:
        """Number of a class; upper and lower case are one.

        Raises:
          DataError: no such class.
        """
        lower = [label.lower() for label in self.labels]
        if label.lower() not in lower:
            raise DataError(f"the autoencoder knows no class {label!r}; {nearest(label, self.labels)}")
        return lower.index(label.lower())

    def draw(self, count: int, *, seed: int, label: str | None = None, spread: float = 1.0) -> np.ndarray:
        """(count, latents) codes: the same for the same seed.

        Formula: ``z = mean + spread L e`` with L the factor of the class and e standard normal.

        Args:
          count: how many.
          seed: fixes them.
          label: of that class; from the standard normal density, which training aims at, if None.
          spread: below 1 keeps them closer to the mean.

        Raises:
          DataError: no such class.
        """
        noise = np.random.default_rng([seed, 24]).standard_normal((count, self.means.shape[1]))
        if label is None:
            return spread * noise
        index = self.index(label)
        result: np.ndarray = self.means[index] + spread * noise @ self.factors[index].T
        return result

    def label_of(self, code: np.ndarray) -> str:
        """The class in whose density a code lies highest."""
        heights = []
        for mean, factor in zip(self.means, self.factors, strict=True):
            away = np.linalg.solve(factor, code - mean)
            heights.append(-0.5 * away @ away - np.log(np.diag(factor)).sum())
        return self.labels[int(np.argmax(heights))]

    @cached_property
    def directions(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """For each class (standard deviations (latents,), strongest first; unit vectors (latents, latents) in rows).

        The vectors are the principal directions of the codes of the class, so that ``mean + a deviation vector`` is a
        way that its pictures differ along. A vector's largest part is positive, which fixes its sign.
        """
        result = []
        for factor in self.factors:
            values, vectors = np.linalg.eigh(factor @ factor.T)
            rows = vectors[:, ::-1].T
            signs = np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])
            result.append((np.sqrt(np.maximum(values[::-1], 0)), rows * signs[:, None]))
        return tuple(result)


def between(first: np.ndarray, second: np.ndarray, count: int) -> np.ndarray:
    """(count, latents) codes on the straight line from one code to another, both ends among them.

    >>> between(np.array([0.0, 4.0]), np.array([1.0, 0.0]), 3).tolist()
    [[0.0, 4.0], [0.5, 2.0], [1.0, 0.0]]
    """
    share = np.linspace(0, 1, count)[:, None]
    return (1 - share) * first + share * second
