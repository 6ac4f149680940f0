"""Which input pixels a value can see: strides and receptive fields carried through a traced program.

Every array dimension that still runs along the picture's rows or columns has a `Track`: index i of it sees the
input pixels ``step * i + low .. step * i + high``. A convolution with stride s, dilation d, kernel k and low padding
p sends ``(step, low, high)`` to ``(step s, low - step p, high + step ((k - 1) d - p))``; two branches that meet take
the union. Once rows or columns are summed away, the value sees the whole picture.

Source: dumoulin2016guide
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from deconvviz.network._jaxpr import Equation, is_literal


@dataclass(frozen=True)
class Track:
    """Index i of a dimension sees input pixels ``step * i + low`` to ``step * i + high`` of one axis, both included."""

    axis: int
    step: Fraction
    low: Fraction
    high: Fraction

    def span(self, index: int) -> tuple[int, int]:
        """First pixel and the one after the last that index sees, not clipped to the picture."""
        return math.floor(self.step * index + self.low), math.ceil(self.step * index + self.high) + 1


@dataclass(frozen=True)
class Field:
    """The tracks of an array's dimensions (None: not along the picture), and whether pixels were mixed for good."""

    tracks: tuple[Track | None, ...]
    whole: bool = False

    def axes(self) -> dict[int, int]:
        """Picture axis (0 rows, 1 columns) -> the array dimension that runs along it."""
        return {t.axis: d for d, t in enumerate(self.tracks) if t is not None}


def picture_field() -> Field:
    """The field of the model input itself, (N, H, W, C): a pixel sees itself."""
    one = Fraction(1)
    return Field((None, *(Track(a, one, Fraction(0), Fraction(0)) for a in (0, 1)), None))


def _union(fields: Sequence[Field], rank: int) -> Field:
    """Elementwise meeting of arrays of the same rank (size-1 dimensions broadcast)."""
    tracks: list[Track | None] = []
    whole = any(f.whole for f in fields)
    for dim in range(rank):
        found = [f.tracks[dim] for f in fields if len(f.tracks) == rank and f.tracks[dim] is not None]
        if not found:
            tracks.append(None)
        elif len({(t.axis, t.step) for t in found if t}) > 1:
            tracks.append(None)
            whole = True
        else:
            first = found[0]
            assert first is not None
            low, high = min(t.low for t in found if t), max(t.high for t in found if t)
            tracks.append(Track(first.axis, first.step, low, high))
    return Field(tuple(tracks), whole)


def _slide(track: Track, size: int, stride: int, low_pad: int, dilation: int, base: int = 1) -> Track:
    """One window operation along one dimension."""
    step = track.step / base
    start = track.low - step * low_pad
    return Track(track.axis, step * stride, start, track.high + step * ((size - 1) * dilation - low_pad))


def _conv(eqn: Any, field: Field) -> Field:
    params, kernel = eqn.params, eqn.invars[1].aval.shape
    numbers = params["dimension_numbers"]
    tracks: list[Track | None] = [None] * len(field.tracks)
    for n, (d_in, d_kernel, d_out) in enumerate(
        zip(numbers.lhs_spec[2:], numbers.rhs_spec[2:], numbers.out_spec[2:], strict=True)
    ):
        track = field.tracks[d_in]
        if track is not None:
            tracks[d_out] = _slide(
                track, kernel[d_kernel], params["window_strides"][n], params["padding"][n][0],
                params["rhs_dilation"][n], params["lhs_dilation"][n],
            )  # fmt: skip
    mixed = any(field.tracks[d] is not None for d in numbers.lhs_spec[:2])
    return Field(tuple(tracks), field.whole or mixed)


def _window(eqn: Any, field: Field) -> Field:
    p = eqn.params
    sizes, ones = p["window_dimensions"], (1,) * len(field.tracks)
    rows = zip(field.tracks, sizes, p["window_strides"], p["padding"], p.get("window_dilation") or ones,
               p.get("base_dilation") or ones, strict=True)  # fmt: skip
    return Field(tuple(t and _slide(t, k, s, pad[0], d, b) for t, k, s, pad, d, b in rows), field.whole)


def _reduce(eqn: Any, field: Field) -> Field:
    gone = set(eqn.params["axes"])
    lost = any(field.tracks[d] is not None for d in gone)
    return Field(tuple(t for d, t in enumerate(field.tracks) if d not in gone), field.whole or lost)


def _transpose(eqn: Any, field: Field) -> Field:
    return Field(tuple(field.tracks[d] for d in eqn.params["permutation"]), field.whole)


def _broadcast(eqn: Any, field: Field) -> Field:
    tracks: list[Track | None] = [None] * len(eqn.params["shape"])
    for source, target in enumerate(eqn.params["broadcast_dimensions"]):
        tracks[target] = field.tracks[source]
    return Field(tuple(tracks), field.whole)


def _pad(eqn: Any, field: Field) -> Field:
    rows = zip(field.tracks, eqn.params["padding_config"], strict=True)
    return Field(tuple(t and _slide(t, 1, 1, low, 1, inner + 1) for t, (low, _, inner) in rows), field.whole)


def _slice(eqn: Any, field: Field) -> Field:
    strides = eqn.params["strides"] or (1,) * len(field.tracks)
    rows = zip(field.tracks, eqn.params["start_indices"], strides, strict=True)
    return Field(tuple(t and _slide(t, 1, s, -start, 1) for t, start, s in rows), field.whole)


def _reshape(eqn: Any, field: Field) -> Field:
    """Keep the tracks of dimensions that survive, split (H -> H/k, k: windows of k) or lose their size-1 neighbours."""
    old, new = eqn.invars[0].aval.shape, eqn.outvars[0].aval.shape
    tracks: list[Track | None] = [None] * len(new)
    whole, i, j = field.whole, 0, 0
    while i < len(old) or j < len(new):
        if j < len(new) and new[j] == 1 and i < len(old) and old[i] != 1:
            j += 1
            continue
        if i < len(old) and old[i] == 1 and j < len(new) and new[j] != 1:
            whole = whole or field.tracks[i] is not None
            i += 1
            continue
        i_end, j_end = i + 1, j + 1
        a, b = math.prod(old[i:i_end]), math.prod(new[j:j_end])
        while a != b:
            if a < b:
                i_end += 1
                a = math.prod(old[i:i_end])
            else:
                j_end += 1
                b = math.prod(new[j:j_end])
        tracked = [t for t in field.tracks[i:i_end] if t is not None]
        if len(tracked) == 1 and math.prod(old[i:i_end]) == max(old[i:i_end], default=1):
            track, inner = tracked[0], math.prod(new[j + 1 : j_end])
            tracks[j] = Track(track.axis, track.step * inner, track.low, track.high + track.step * (inner - 1))
        elif tracked:
            whole = True
        i, j = i_end, j_end
    return Field(tuple(tracks), whole)


def _dot(eqn: Any, fields: Sequence[Field | None]) -> Field:
    (contract, batch) = eqn.params["dimension_numbers"]
    tracks: list[Track | None] = []
    whole = False
    for n, field in enumerate(fields):
        rank = len(eqn.invars[n].aval.shape)
        own = field.tracks if field else (None,) * rank
        whole = whole or bool(field and field.whole) or any(own[d] is not None for d in contract[n])
        if n == 0:
            tracks += [own[d] for d in batch[0]]
        tracks += [own[d] for d in range(rank) if d not in contract[n] and d not in batch[n]]
    return Field(tuple(tracks), whole)


#: Keep the shape, yet mix or move positions.
_MIXING = {"cumsum", "cumprod", "cummax", "cummin", "sort", "rev", "scan", "while", "cond"}
_ONE: dict[str, Callable[[Any, Field], Field]] = {
    "conv_general_dilated": _conv, "reduce_window_max": _window, "reduce_window_sum": _window,
    "reduce_window_min": _window, "reduce_sum": _reduce, "reduce_max": _reduce, "reduce_min": _reduce,
    "reduce_prod": _reduce, "argmax": _reduce, "transpose": _transpose, "broadcast_in_dim": _broadcast, "pad": _pad,
    "slice": _slice, "reshape": _reshape, "squeeze": _reshape,
}  # fmt: skip


def follow(equations: Sequence[Equation], source: Any) -> dict[Any, Field]:
    """Field of every variable that depends on the picture.

    An operation that is not known here (a loop, a gather) is taken to see the whole picture: never too little.
    """
    fields = {source: picture_field()}
    for item in equations:
        eqn = item.eqn
        own = [None if is_literal(a) else fields.get(a) for a in eqn.invars]
        seen = [f for f in own if f is not None]
        if not seen:
            continue
        for out in eqn.outvars:
            fields[out] = _step(item.primitive, eqn, own, seen, out)
    return fields


def _step(name: str, eqn: Any, own: list[Field | None], seen: list[Field], out: Any) -> Field:
    shape = getattr(out.aval, "shape", ())
    if name in _ONE and own[0] is not None and len(seen) == 1:
        return _ONE[name](eqn, own[0])
    if name == "dot_general":
        return _dot(eqn, own)
    if name == "concatenate" and all(f.tracks[eqn.params["dimension"]] is None for f in seen):
        return _union(seen, len(shape))
    shapes = {a.aval.shape for a in eqn.invars if getattr(a.aval, "shape", ())}
    if len(eqn.outvars) == 1 and shapes and all(len(s) == len(shape) for s in shapes) and name not in _ONE:
        elementwise = all(all(n in (1, m) for n, m in zip(s, shape, strict=True)) for s in shapes)
        if elementwise and name not in _MIXING:
            return _union(seen, len(shape))
    return Field((None,) * len(shape), True)


def stride_of(field: Field) -> tuple[int, int] | None:
    """Input pixels per step along (rows, columns); None where the value is no map or the step is no whole number."""
    steps = {t.axis: t.step for t in field.tracks if t is not None}
    if set(steps) != {0, 1} or any(s.denominator != 1 for s in steps.values()):
        return None
    return int(steps[0]), int(steps[1])


def size_of(field: Field) -> tuple[int, int] | None:
    """Receptive field (height, width) in input pixels, not clipped; None where the value sees the whole picture."""
    if field.whole or set(field.axes()) != {0, 1}:
        return None
    sizes = {t.axis: math.ceil(t.high) - math.floor(t.low) + 1 for t in field.tracks if t is not None}
    return sizes[0], sizes[1]


def box_of(field: Field, row: int, column: int, picture: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) that the value at (row, column) sees, clipped to the picture.

    >>> box_of(picture_field(), 3, 5, (8, 8))
    (3, 5, 4, 6)
    """
    if size_of(field) is None:
        return 0, 0, picture[0], picture[1]
    spans = {t.axis: t.span((row, column)[t.axis]) for t in field.tracks if t is not None}
    (top, bottom), (left, right) = spans[0], spans[1]

    def clip(value: int, size: int) -> int:
        return min(max(value, 0), size)

    return clip(top, picture[0]), clip(left, picture[1]), clip(bottom, picture[0]), clip(right, picture[1])
