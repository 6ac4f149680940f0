"""Which input pixels a value can see: strides and receptive fields carried through a traced program.

Every array dimension that still runs along the picture's rows or columns has a `Track`: index i of it sees the
input pixels ``step * i + low .. step * i + high``. A convolution with stride s, dilation d, kernel k and low padding
p sends ``(step, low, high)`` to ``(step s, low - step p, high + step ((k - 1) d - p))``; two branches that meet take
the union. Once rows or columns are summed away, the value sees the whole picture.

Source: dumoulin2016guide
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from deconvviz.network import _compat
from deconvviz.network.trace.jaxpr import Equation, flatten, is_literal
from deconvviz.network.trace.loops import Body, bodies

#: Rounds of a loop that are followed one by one; a longer one that still widens is taken to see everything.
_ROUNDS = 64


@dataclass(frozen=True)
class Track:
    """Index i of a dimension sees input pixels ``step * i + low`` to ``step * i + high`` of one axis, both included."""

    axis: int
    step: Fraction
    low: Fraction
    high: Fraction

    def span(self, index: int) -> tuple[int, int]:
        """First pixel and the one after the last that index sees, not clipped to the picture."""
        return math.ceil(self.step * index + self.low), math.floor(self.step * index + self.high) + 1


@dataclass(frozen=True)
class Inside:
    """A dimension over positions without coordinates of its own: inside a cell of a reshaped map, or a flat map."""


INSIDE = Inside()


@dataclass(frozen=True)
class Field:
    """What an array's dimensions run along (None: not the picture), and whether pixels were mixed for good."""

    tracks: tuple[Track | Inside | None, ...]
    whole: bool = False

    def axes(self) -> dict[int, int]:
        """Picture axis (0 rows, 1 columns) -> the array dimension that runs along it."""
        return {t.axis: d for d, t in enumerate(self.tracks) if isinstance(t, Track)}

    def spanned(self) -> list[Track]:
        """The tracks with coordinates."""
        return [t for t in self.tracks if isinstance(t, Track)]


def picture_field() -> Field:
    """The field of the model input itself, (N, H, W, C): a pixel sees itself."""
    step = Fraction(1)
    return Field((None, *(Track(a, step, Fraction(0), Fraction(0)) for a in (0, 1)), None))


def _union(fields: Sequence[Field], rank: int) -> Field:
    """Elementwise meeting of arrays of the same rank (size-1 dimensions broadcast)."""
    tracks: list[Track | Inside | None] = []
    whole = any(f.whole for f in fields)
    for dim in range(rank):
        present = [f.tracks[dim] for f in fields if len(f.tracks) == rank and f.tracks[dim] is not None]
        real = [t for t in present if isinstance(t, Track)]
        if len({(t.axis, t.step) for t in real}) == 1 and len(real) == len(present):
            low, high = min(t.low for t in real), max(t.high for t in real)
            tracks.append(Track(real[0].axis, real[0].step, low, high))
        else:
            tracks.append(INSIDE if present else None)
            whole = whole or bool(real)
    return Field(tuple(tracks), whole)


def _slide(track: Track | Inside | None, size: int, stride: int, low_pad: int, dilation: int, base: int = 1) -> Any:
    """One window operation along one dimension."""
    if not isinstance(track, Track):
        return track
    step = track.step / base
    start = track.low - step * low_pad
    return Track(track.axis, step * stride, start, track.high + step * ((size - 1) * dilation - low_pad))


def _conv(eqn: Any, field: Field) -> Field:
    params, kernel = eqn.params, eqn.invars[1].aval.shape
    numbers = params["dimension_numbers"]
    tracks: list[Track | Inside | None] = [None] * len(field.tracks)
    for n, (d_in, d_kernel, d_out) in enumerate(
        zip(numbers.lhs_spec[2:], numbers.rhs_spec[2:], numbers.out_spec[2:], strict=True)
    ):
        tracks[d_out] = _slide(
            field.tracks[d_in], kernel[d_kernel], params["window_strides"][n], params["padding"][n][0],
            params["rhs_dilation"][n], params["lhs_dilation"][n],
        )  # fmt: skip
    mixed = any(isinstance(field.tracks[d], Track) for d in numbers.lhs_spec[:2])
    return Field(tuple(tracks), field.whole or mixed)


def _window(eqn: Any, field: Field) -> Field:
    p = eqn.params
    sizes, ones = p["window_dimensions"], (1,) * len(field.tracks)
    rows = zip(field.tracks, sizes, p["window_strides"], p["padding"], p.get("window_dilation") or ones,
               p.get("base_dilation") or ones, strict=True)  # fmt: skip
    return Field(tuple(_slide(t, k, s, pad[0], d, b) for t, k, s, pad, d, b in rows), field.whole)


def _reduce(eqn: Any, field: Field) -> Field:
    removed = set(eqn.params["axes"])
    lost = any(isinstance(field.tracks[d], Track) for d in removed)
    return Field(tuple(t for d, t in enumerate(field.tracks) if d not in removed), field.whole or lost)


def _transpose(eqn: Any, field: Field) -> Field:
    return Field(tuple(field.tracks[d] for d in eqn.params["permutation"]), field.whole)


def _broadcast(eqn: Any, field: Field) -> Field:
    shape, below = eqn.params["shape"], eqn.invars[0].aval.shape
    tracks: list[Track | Inside | None] = [None] * len(shape)
    whole = field.whole
    for source, target in enumerate(eqn.params["broadcast_dimensions"]):
        spread = below[source] != shape[target] and field.tracks[source] is not None
        tracks[target], whole = (None, True) if spread else (field.tracks[source], whole)
    return Field(tuple(tracks), whole)


def _pad(eqn: Any, field: Field) -> Field:
    rows = zip(field.tracks, eqn.params["padding_config"], strict=True)
    return Field(tuple(_slide(t, 1, 1, low, 1, inner + 1) for t, (low, _, inner) in rows), field.whole)


def _slice(eqn: Any, field: Field) -> Field:
    strides = eqn.params["strides"] or (1,) * len(field.tracks)
    rows = zip(field.tracks, eqn.params["start_indices"], strides, strict=True)
    return Field(tuple(_slide(t, 1, s, -start, 1) for t, start, s in rows), field.whole)


def _reshape(eqn: Any, field: Field) -> Field:
    """Dimensions that survive, are split (H -> H/k, k), are joined again, or lose their size-1 neighbours."""
    old, new = eqn.invars[0].aval.shape, eqn.outvars[0].aval.shape
    tracks: list[Track | Inside | None] = [None] * len(new)
    whole = field.whole
    for below, above in regrouped(old, new):
        if not above:
            whole = whole or isinstance(field.tracks[below.start], Track)
        elif below:
            part, at = slice(below.start, below.stop), slice(above.start, above.stop)
            tracks[at], mixed = _regroup(old[part], field.tracks[part], new[at])
            whole = whole or mixed
    return Field(tuple(tracks), whole)


def regrouped(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[range, range]]:
    """(dimensions before, dimensions after) of each smallest group that a reshape splits, joins or leaves.

    A dimension of size 1 that comes or goes is a group with nothing on the other side.

    >>> list(regrouped((2, 6, 1), (1, 2, 3, 2)))
    [(range(0, 0), range(0, 1)), (range(0, 1), range(1, 2)), (range(1, 2), range(2, 4)), (range(2, 3), range(4, 4))]
    """
    i = j = 0
    while i < len(old) or j < len(new):
        i_end, j_end = i, j
        if j < len(new) and new[j] == 1 and (i == len(old) or old[i] != 1):
            j_end += 1
        elif i < len(old) and old[i] == 1 and (j == len(new) or new[j] != 1):
            i_end += 1
        else:
            i_end, j_end = i + 1, j + 1
            while (a := math.prod(old[i:i_end])) != (b := math.prod(new[j:j_end])):
                i_end, j_end = (i_end + 1, j_end) if a < b else (i_end, j_end + 1)
        yield range(i, i_end), range(j, j_end)
        i, j = i_end, j_end


def _regroup(
    old: Sequence[int], tracks: Sequence[Track | Inside | None], new: Sequence[int]
) -> tuple[list[Track | Inside | None], bool]:
    """What neighbouring dimensions of sizes ``old`` run along once they have sizes ``new``; whether pixels mix."""
    used = [(n, t) for n, t in zip(old, tracks, strict=True) if n > 1 or isinstance(t, Track)]
    real = [t for _, t in used if isinstance(t, Track)]
    inner = math.prod(new[1:])
    if not real:
        inside = bool(used) and all(t is INSIDE for _, t in used)
        return [INSIDE if inside and n > 1 else None for n in new], False
    track = real[0]
    if len(used) == 1:
        cell = Track(track.axis, track.step * inner, track.low, track.high + track.step * (inner - 1))
        return [cell, *(INSIDE if n > 1 else None for n in new[1:])], False
    if len(real) == 1 and used[0][1] is track and inner == 1:
        repeats = math.prod(n for n, _ in used[1:])
        step = track.step / repeats
        joined = Track(track.axis, step, track.low - step * (repeats - 1), track.high)
        return [joined, *([None] * (len(new) - 1))], False
    return [INSIDE if n > 1 else None for n in new], True


def _dot(eqn: Any, fields: Sequence[Field | None]) -> Field:
    (contract, batch) = eqn.params["dimension_numbers"]
    tracks: list[Track | Inside | None] = []
    whole = False
    for n, field in enumerate(fields):
        rank = len(eqn.invars[n].aval.shape)
        operand = field.tracks if field else (None,) * rank
        lost = any(isinstance(operand[d], Track) for d in contract[n])
        whole = whole or bool(field and field.whole) or lost
        if n == 0:
            tracks += [operand[d] for d in batch[0]]
        tracks += [operand[d] for d in range(rank) if d not in contract[n] and d not in batch[n]]
    return Field(tuple(tracks), whole)


def _concatenate(eqn: Any, fields: Sequence[Field | None]) -> Field:
    """Parts behind one another: along the picture each is shifted by what lies before it."""
    dim, offset, parts = eqn.params["dimension"], 0, []
    for atom, field in zip(eqn.invars, fields, strict=True):
        if field is not None:
            moved = [_slide(t, 1, 1, offset, 1) if d == dim else t for d, t in enumerate(field.tracks)]
            parts.append(Field(tuple(moved), field.whole))
        offset += atom.aval.shape[dim]
    return _union(parts, len(eqn.outvars[0].aval.shape))


def _stack(eqn: Any, fields: Sequence[Field]) -> Field:
    axis, below = eqn.params["axis"], _union(fields, len(eqn.invars[0].aval.shape))
    return Field((*below.tracks[:axis], None, *below.tracks[axis:]), below.whole)


def _split(eqn: Any, field: Field) -> list[Field]:
    axis, start, parts = eqn.params["axis"], 0, []
    for size in eqn.params["sizes"]:
        moved = [_slide(t, 1, 1, -start, 1) if d == axis else t for d, t in enumerate(field.tracks)]
        parts.append(Field(tuple(moved), field.whole))
        start += int(size)
    return parts


_ONE: dict[str, Callable[[Any, Field], Field]] = {
    "conv_general_dilated": _conv, "reduce_window_max": _window, "reduce_window_sum": _window,
    "reduce_window_min": _window, "reduce_window": _window, "reduce_sum": _reduce, "reduce_max": _reduce,
    "reduce_min": _reduce, "reduce_prod": _reduce, "argmax": _reduce, "argmin": _reduce, "transpose": _transpose,
    "broadcast_in_dim": _broadcast, "pad": _pad, "slice": _slice, "reshape": _reshape, "squeeze": _reshape,
    "expand_dims": _reshape,
}  # fmt: skip
#: Each entry of the result depends on the entries at its own place alone.
_ELEMENTWISE = {
    "add", "add_any", "sub", "mul", "div", "rem", "max", "min", "pow", "integer_pow", "square", "sqrt", "rsqrt",
    "cbrt", "exp", "exp2", "log", "log1p", "expm1", "tanh", "tan", "sin", "cos", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "asinh", "acosh", "atanh", "logistic", "erf", "erfc", "erf_inv", "lgamma", "digamma", "abs",
    "sign", "neg", "floor", "ceil", "round", "is_finite", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor",
    "not", "select_n", "clamp", "nextafter", "convert_element_type", "stop_gradient", "copy", "copy_p",
    "reduce_precision", "real", "imag", "conj", "complex",
}  # fmt: skip
_BODIES = {"scan", "cond", *_compat.CUSTOM}


def follow(equations: Sequence[Equation], start: Mapping[Any, Field]) -> dict[Any, Field]:
    """Field of every variable that depends on the variables of ``start``.

    An operation that is not known here (a gather, a sort) is taken to see the whole picture: never too little.
    """
    fields = dict(start)
    for item in equations:
        eqn = item.eqn
        incoming = [None if is_literal(a) else fields.get(a) for a in eqn.invars]
        if any(f is not None for f in incoming):
            fields.update(zip(eqn.outvars, _steps(item.primitive, eqn, incoming, fields), strict=True))
    return fields


def _steps(name: str, eqn: Any, incoming: list[Field | None], fields: Mapping[Any, Field]) -> list[Field]:
    """The field of each result of one equation."""
    present = [f for f in incoming if f is not None]
    rank = len(getattr(eqn.outvars[0].aval, "shape", ())) if eqn.outvars else 0
    if name in _ONE and incoming[0] is not None and len(present) == 1:
        return [_ONE[name](eqn, incoming[0])]
    if name == "dot_general":
        return [_dot(eqn, incoming)]
    if name == "concatenate":
        return [_concatenate(eqn, incoming)]
    if name == "stack":
        return [_stack(eqn, present)]
    if name == "split" and incoming[0] is not None:
        return _split(eqn, incoming[0])
    if name == "optimization_barrier":
        return [f or Field((None,) * len(v.aval.shape)) for f, v in zip(incoming, eqn.outvars, strict=True)]
    if name in _ELEMENTWISE and len(eqn.outvars) == 1:
        return [_union(present, rank)]
    inner = _through(eqn, fields) if name in _BODIES else {}
    return [inner.get(n) or Field((None,) * len(getattr(v.aval, "shape", ())), True)
            for n, v in enumerate(eqn.outvars)]  # fmt: skip


def _through(eqn: Any, fields: Mapping[Any, Field]) -> dict[int, Field]:
    """Fields of the results of an equation that carries programs, as far as they can be told."""
    results: dict[int, list[Field]] = {}
    for key, _, body in bodies(eqn):
        if key == "cond_jaxpr" or body.outer is None:
            continue
        _, outs = entering(eqn, body, fields)
        for n, field in enumerate(outs):
            if field is not None:
                results.setdefault(body.outer[n], []).append(field)
    chosen = eqn.primitive.name == "cond" and eqn.invars[0] in fields if not is_literal(eqn.invars[0]) else False
    met = {n: _union(parts, len(parts[0].tracks)) for n, parts in results.items()}
    return {n: Field(field.tracks, field.whole or chosen) for n, field in met.items()}


def entering(eqn: Any, body: Body, fields: Mapping[Any, Field]) -> tuple[list[Field | None], list[Field | None]]:
    """(fields of a body's inputs, fields of its results) once a loop has run its rounds."""
    flat = flatten(body.closed)
    inputs = body.closed.jaxpr.invars
    incoming = [None if a is None or is_literal(a) else fields.get(a) for a in body.operands]
    ins = [_entry(f) if n in body.sliced and f else f for n, f in enumerate(incoming)]
    outs: list[Field | None] = []
    for turn in range(min(eqn.params.get("length", _ROUNDS), _ROUNDS) if body.carried else 1):
        known = follow(flat.equations, {v: f for v, f in zip(inputs, ins, strict=True) if f is not None})
        outs = [None if is_literal(o) else known.get(o) for o in flat.outputs]
        after = list(ins)
        for out, into in body.carried.items():
            after[into] = outs[out] or ins[into]
        if after == ins:
            break
        lost = turn == _ROUNDS - 1
        ins = [f and Field((None,) * len(f.tracks), True) for f in after] if lost else after
        outs = [f and Field((None,) * len(f.tracks), True) for f in outs] if lost else outs
    stacked = set(range(len(body.carried), len(outs))) if eqn.primitive.name == "scan" else set()
    return ins, [Field((None, *f.tracks), f.whole) if f and n in stacked else f for n, f in enumerate(outs)]


def _entry(field: Field) -> Field:
    """One entry of an array along its first dimension."""
    return Field(field.tracks[1:], field.whole or field.tracks[0] is not None)


def stride_of(field: Field) -> tuple[int, int] | None:
    """Input pixels per step along (rows, columns); None where the value is no map or the step is no whole number."""
    steps = {t.axis: t.step for t in field.spanned()}
    if set(steps) != {0, 1} or any(s.denominator != 1 for s in steps.values()):
        return None
    return int(steps[0]), int(steps[1])


def size_of(field: Field) -> tuple[int, int] | None:
    """Receptive field (height, width) in input pixels, not clipped; None where the value sees the whole picture."""
    if field.whole or set(field.axes()) != {0, 1}:
        return None
    sizes = {t.axis: math.floor(t.high - t.low) + 1 for t in field.spanned()}
    return sizes[0], sizes[1]


def box_of(field: Field, row: int, column: int, picture: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) that the value at (row, column) sees, clipped to the picture.

    >>> box_of(picture_field(), 3, 5, (8, 8))
    (3, 5, 4, 6)
    """
    if size_of(field) is None:
        return 0, 0, picture[0], picture[1]
    spans = {t.axis: t.span((row, column)[t.axis]) for t in field.spanned()}
    (top, bottom), (left, right) = spans[0], spans[1]

    def clip(value: int, size: int) -> int:
        return min(max(value, 0), size)

    return clip(top, picture[0]), clip(left, picture[1]), clip(bottom, picture[0]), clip(right, picture[1])
