"""Random geometries for the operators, and how errors between arrays are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from deconvviz.ops import ConvGeometry, Padding, Pads

Pair = tuple[int, int]

#: The same examples on every run, few enough for `make check`.
QUICK = settings(
    deadline=None, derandomize=True, max_examples=8, database=None, suppress_health_check=list(HealthCheck)
)
#: Other examples on every run.
DEEP = settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck), print_blob=True)
#: Relative error that rounding may cause.
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


def relative_error(got: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference over the largest expected magnitude; the difference itself if all expected are zero."""
    assert got.shape == expected.shape, f"shape {got.shape} instead of {expected.shape}"
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    scale = float(np.abs(expected).max())
    return float(np.abs(got - expected).max()) / (scale or 1.0)


@dataclass(frozen=True)
class Axis:
    """One axis of a geometry: n cells, k taps, stride, dilation, padding."""

    n: int
    k: int
    s: int
    d: int
    lo: int
    hi: int


@dataclass(frozen=True)
class ConvCase:
    """One convolution; `pads` repeats `geometry.padding` in explicit numbers, found without the package."""

    size: Pair
    kernel: Pair
    geometry: ConvGeometry
    pads: Pads
    batch: int
    per_group: int
    outputs: int
    seed: int

    @property
    def loops(self) -> tuple[Pair, Pads, Pair, int]:
        """The geometry as the twins take it."""
        return self.geometry.strides, self.pads, self.geometry.dilations, self.geometry.groups

    def arrays(self, dtype: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Random x, w and g of this case."""
        random = np.random.default_rng(self.seed)
        output = [
            (n + sum(pad) - (k - 1) * d - 1) // s + 1
            for n, k, s, d, pad in zip(
                self.size, self.kernel, self.geometry.strides, self.geometry.dilations, self.pads, strict=True
            )
        ]
        shapes = (
            (self.batch, *self.size, self.per_group * self.geometry.groups),
            (*self.kernel, self.per_group, self.outputs),
            (self.batch, *output, self.outputs),
        )
        x, w, g = (random.standard_normal(shape).astype(dtype) for shape in shapes)
        return x, w, g


@st.composite
def axes(draw: st.DrawFn, padded: str) -> Axis:
    """An axis on which the kernel fits; `padded` is "NONE", "SAME" or "FREE" (up to 3 beyond the dilated kernel)."""
    k, s, d = draw(st.integers(1, 7)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    ke = (k - 1) * d + 1
    if padded == "FREE":
        n = draw(st.integers(1, 20))
        lo, hi = draw(st.integers(0, ke + 3)), draw(st.integers(0, ke + 3))
        return Axis(n, k, s, d, lo, max(hi, ke - n - lo))
    n = draw(st.integers(ke if padded == "NONE" else 1, 20))
    if padded == "NONE":
        return Axis(n, k, s, d, 0, 0)
    total = max((-(-n // s) - 1) * s + ke - n, 0)
    return Axis(n, k, s, d, total // 2, total - total // 2)


@st.composite
def conv_cases(draw: st.DrawFn) -> ConvCase:
    """Sizes 1..20, kernels 1..7, strides 1..4, dilation 1..3, groups 1..3, all paddings, rows unlike columns."""
    word = draw(st.sampled_from(["FREE", "FREE", "SAME", "NONE"]))
    row, column = draw(axes(word)), draw(axes(word))
    pads = (row.lo, row.hi), (column.lo, column.hi)
    groups = draw(st.integers(1, 3))
    padding: Padding = {"FREE": pads, "SAME": "SAME", "NONE": draw(st.sampled_from(["VALID", 0]))}[word]
    return ConvCase(
        size=(row.n, column.n),
        kernel=(row.k, column.k),
        geometry=ConvGeometry((row.s, column.s), padding, (row.d, column.d), groups),
        pads=pads,
        batch=draw(st.integers(1, 2)),
        per_group=draw(st.integers(1, 3)),
        outputs=groups * draw(st.integers(1, 3)),
        seed=draw(st.integers(0, 999)),
    )


@dataclass(frozen=True)
class PoolCase:
    """One pooling; every window sees at least one cell of the input."""

    size: Pair
    window: Pair
    stride: Pair
    pads: Pads
    shape: tuple[int, int, int, int]
    seed: int

    def arrays(self, dtype: type, tied: bool) -> tuple[np.ndarray, np.ndarray]:
        """Random x and g; with many equal values in x if tied."""
        random = np.random.default_rng(self.seed)
        x = random.integers(-1, 2, self.shape) if tied else random.standard_normal(self.shape)
        output = [
            (n + sum(pad) - k) // s + 1
            for n, k, s, pad in zip(self.size, self.window, self.stride, self.pads, strict=True)
        ]
        g = random.standard_normal((self.shape[0], *output, self.shape[3]))
        return x.astype(dtype), g.astype(dtype)


@st.composite
def pool_axes(draw: st.DrawFn) -> Axis:
    """An axis on which each window sees a cell of the input: padding below the window, the last one trimmed."""
    n, k, s = draw(st.integers(1, 12)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    lo, hi = draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))
    hi = max(hi, k - n - lo)
    while ((n + lo + hi - k) // s) * s >= n + lo:
        hi -= 1
    return Axis(n, k, s, 1, lo, hi)


@st.composite
def pool_cases(draw: st.DrawFn) -> PoolCase:
    """Windows 1..4, strides 1..4 (gaps and overlaps), uneven padding, odd sizes, rows unlike columns."""
    row, column = draw(pool_axes()), draw(pool_axes())
    return PoolCase(
        size=(row.n, column.n),
        window=(row.k, column.k),
        stride=(row.s, column.s),
        pads=((row.lo, row.hi), (column.lo, column.hi)),
        shape=(draw(st.integers(1, 2)), row.n, column.n, draw(st.integers(1, 3))),
        seed=draw(st.integers(0, 999)),
    )


#: Padding beyond the kernel on one side only: there XLA on CPU reads outside its input, if one lets it.
BEYOND = ConvCase((8, 5), (3, 2), ConvGeometry(1, ((4, 0), (4, 0))), ((4, 0), (4, 0)), 1, 2, 3, 0)
#: Strides that do not divide, dilation, groups, uneven padding, all at once.
MIXED = ConvCase((13, 10), (3, 4), ConvGeometry((3, 2), ((1, 2), (0, 1)), (2, 1), 3), ((1, 2), (0, 1)), 2, 2, 6, 1)
ODD_SAME = ConvCase((7, 10), (3, 3), ConvGeometry(2, "same"), ((1, 1), (0, 1)), 1, 2, 3, 2)

#: The pool of AlexNet (overlap) on odd sizes, uneven padding.
OVERLAP = PoolCase((7, 9), (3, 3), (2, 2), ((1, 0), (0, 2)), (2, 7, 9, 3), 0)
#: Cells between the windows that no window sees, and windows wider than high.
GAPS = PoolCase((10, 11), (1, 2), (3, 4), ((0, 0), (1, 0)), (1, 10, 11, 2), 1)
