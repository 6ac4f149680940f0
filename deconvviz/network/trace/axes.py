"""Which axis of a value is the batch, which are rows and columns, which holds the channels.

A shape does not tell: (8, 6, 5) may be rows, columns and channels or the other way round. So the axes are followed from
the picture (batch, rows, columns, channels) through the program: a convolution says itself which of its axes is which,
a matrix that is applied along an axis leaves its role to the new one, and what moves, cuts, resizes or joins an array
moves the roles along. A role that gets lost is None, and nobody reads columns as channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from deconvviz.network import _compat
from deconvviz.network.trace.geometry import regrouped
from deconvviz.network.trace.jaxpr import Equation, flatten, is_literal
from deconvviz.network.trace.loops import bodies

BATCH, ROWS, COLUMNS, CHANNELS = "batch", "rows", "columns", "channels"
#: A spatial axis beside rows and columns: depth, time, or rows and columns in one.
PLACES = "places"
_SPATIAL = (ROWS, COLUMNS, PLACES)


@dataclass(frozen=True)
class Part:
    """One axis of several that an axis was split into; all of them, in order and joined, are that axis again."""

    of: str
    index: int
    sizes: tuple[int, ...]


Role: TypeAlias = str | Part | None
Roles: TypeAlias = tuple[Role, ...]
PICTURE: Roles = (BATCH, ROWS, COLUMNS, CHANNELS)


def follow(equations: Sequence[Equation], start: Mapping[Any, Roles]) -> dict[Any, Roles]:
    """The roles of the axes of every variable that depends on the variables of ``start``."""
    known = dict(start)
    for item in equations:
        eqn = item.eqn
        incoming = [None if is_literal(a) else known.get(a) for a in eqn.invars]
        if any(roles is not None for roles in incoming):
            known.update(zip(eqn.outvars, _results(item.primitive, eqn, incoming), strict=True))
    return known


def _results(name: str, eqn: Any, incoming: Sequence[Roles | None]) -> list[Roles]:
    """The roles of each result of one equation."""
    shapes = [tuple(getattr(v.aval, "shape", ())) for v in eqn.outvars]
    if name in ("scan", "cond", "while", *_compat.CUSTOM):
        inner = _through(eqn, incoming)
        return [inner.get(n) or (None,) * len(shape) for n, shape in enumerate(shapes)]
    rule = _RULES.get(name)
    if rule is not None and shapes:
        moved = rule(eqn, incoming)
        return [moved if moved is not None and len(moved) == len(shape) else (None,) * len(shape) for shape in shapes]
    # Everything that keeps the number of axes keeps what they are: entry by entry, windows, slices, flips, sums so far.
    return [_met([r for r in incoming if r is not None and len(r) == len(shape)], len(shape)) for shape in shapes]


def _met(parts: Sequence[Roles], rank: int) -> Roles:
    """The roles on which arrays that meet agree; what one knows and another does not is known."""
    roles: list[Role] = []
    for axis in range(rank):
        present = {r[axis] for r in parts if r[axis] is not None}
        roles.append(present.pop() if len(present) == 1 else None)
    return tuple(roles)


def _first(incoming: Sequence[Roles | None]) -> Roles | None:
    return incoming[0] if incoming else None


def _conv(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    numbers, below = eqn.params["dimension_numbers"], incoming[0]
    roles: list[Role] = [None] * len(numbers.out_spec)
    if below is None:
        return None
    roles[numbers.out_spec[0]], roles[numbers.out_spec[1]] = BATCH, CHANNELS
    if below[numbers.lhs_spec[0]] not in (BATCH, None):
        roles[numbers.out_spec[0]] = below[numbers.lhs_spec[0]]
    spatial = [below[d] for d in numbers.lhs_spec[2:]]
    if not all(role in _SPATIAL for role in spatial) or len(set(spatial)) != len(spatial):
        spatial = [ROWS, COLUMNS] if len(spatial) == 2 else [PLACES] * len(spatial)
    for d, role in zip(numbers.out_spec[2:], spatial, strict=True):
        roles[d] = role
    return tuple(roles)


def _dot(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    """Free axes keep their roles; a matrix applied along one axis leaves that axis's role to its own."""
    contract, batch = eqn.params["dimension_numbers"]
    ranks = [len(a.aval.shape) for a in eqn.invars]
    known = [roles or (None,) * rank for roles, rank in zip(incoming, ranks, strict=True)]
    free = [[d for d in range(rank) if d not in contract[n] and d not in batch[n]] for n, rank in enumerate(ranks)]
    roles: list[Role] = [known[0][a] or known[1][b] for a, b in zip(*batch, strict=True)]
    for n in (0, 1):
        other = 1 - n
        fixed = incoming[n] is None
        opposite = {known[other][d] for d in contract[other]}
        inherited = next(iter(opposite)) if fixed and len(opposite) == 1 else None
        if isinstance(inherited, str) and len(free[n]) > 1:  # one axis becomes several, as heads of an attention
            sizes = tuple(eqn.invars[n].aval.shape[d] for d in free[n])
            roles += [Part(inherited, k, sizes) for k in range(len(sizes))]
        else:
            roles += [inherited if fixed and len(free[n]) == 1 else known[n][d] for d in free[n]]
    return tuple(roles)


def _reshape(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    """Axes that survive, are split, are joined again, or get and lose neighbours of size 1."""
    below = incoming[0]
    if below is None:
        return None
    old, new = eqn.invars[0].aval.shape, eqn.outvars[0].aval.shape
    roles: list[Role] = [None] * len(new)
    for before, after in regrouped(old, new):
        if before and after:
            part, at = slice(before.start, before.stop), slice(after.start, after.stop)
            roles[at] = _regrouped(below[part], old[part], new[at])
    return tuple(roles)


def _regrouped(roles: Roles, old: tuple[int, ...], new: tuple[int, ...]) -> list[Role]:
    """The roles of neighbouring axes of sizes ``old`` once they have sizes ``new``."""
    if len(new) == 1:
        return [_joined(roles, old)]
    role = _joined(roles, old)
    if isinstance(role, str) and role is not BATCH:
        return [Part(role, n, tuple(new)) for n in range(len(new))]
    return [role if n == 0 and role is BATCH else None for n in range(len(new))]


def _joined(roles: Roles, sizes: tuple[int, ...]) -> Role:
    """The role of axes that become one."""
    present = [(role, n) for role, n in zip(roles, sizes, strict=True) if n > 1 or len(roles) == 1]
    if len(present) <= 1:
        return present[0][0] if present else next((r for r in roles if r is not None), None)
    kinds = [role for role, _ in present]
    parts = [role for role in kinds if isinstance(role, Part)]
    if len(parts) == len(kinds) and parts[0].index == 0:
        whole = [Part(parts[0].of, n, parts[0].sizes) for n in range(len(parts[0].sizes)) if parts[0].sizes[n] > 1]
        if parts == whole:
            return parts[0].of
    # Rows of a map joined with some of the channels are rows still, as in a pixel shuffle; rows and columns in one axis
    # are places.
    spatial = [k for k in kinds if k in _SPATIAL]
    if len(spatial) == 1 and all(k is None or isinstance(k, Part) or k in _SPATIAL for k in kinds):
        return spatial[0]
    if spatial and len(spatial) == len(kinds):
        return PLACES
    return BATCH if kinds[0] == BATCH and all(k is None or k == BATCH for k in kinds) else None


def _reduced(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    below, removed = _first(incoming), set(eqn.params["axes"])
    return None if below is None else tuple(role for d, role in enumerate(below) if d not in removed)


def _transposed(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    below = _first(incoming)
    return None if below is None else tuple(below[d] for d in eqn.params["permutation"])


def _broadcast(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    below = _first(incoming)
    if below is None:
        return None
    roles: list[Role] = [None] * len(eqn.params["shape"])
    for source, target in enumerate(eqn.params["broadcast_dimensions"]):
        roles[target] = below[source]
    return tuple(roles)


def _stacked(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    axis = eqn.params["axis"]
    below = _met([r for r in incoming if r is not None], len(eqn.invars[0].aval.shape))
    return (*below[:axis], None, *below[axis:])


def _gathered(eqn: Any, incoming: Sequence[Roles | None]) -> Roles | None:
    """Slices keep their axes; entries taken along one axis, by a list of numbers, run along that axis."""
    below, numbers = incoming[0], eqn.params["dimension_numbers"]
    if below is None:
        return None
    removed = set(numbers.collapsed_slice_dims) | set(getattr(numbers, "operand_batching_dims", ()))
    remaining = [role for d, role in enumerate(below) if d not in removed]
    rank = len(eqn.outvars[0].aval.shape)
    rest = [d for d in range(rank) if d not in numbers.offset_dims]
    roles: list[Role] = [None] * rank
    for d, role in zip(numbers.offset_dims, remaining, strict=True):
        roles[d] = role
    if len(rest) == 1 and len(numbers.start_index_map) == 1 and set(numbers.start_index_map) <= removed:
        roles[rest[0]] = below[numbers.start_index_map[0]]
    return tuple(roles)


_RULES: Mapping[str, Callable[[Any, Sequence[Roles | None]], Roles | None]] = {
    "conv_general_dilated": _conv, "dot_general": _dot, "reshape": _reshape, "squeeze": _reshape,
    "expand_dims": _reshape, "reduce_sum": _reduced, "reduce_max": _reduced, "reduce_min": _reduced,
    "reduce_prod": _reduced, "argmax": _reduced, "argmin": _reduced, "transpose": _transposed,
    "broadcast_in_dim": _broadcast, "stack": _stacked, "gather": _gathered,
}  # fmt: skip


def _through(eqn: Any, incoming: Sequence[Roles | None]) -> dict[int, Roles]:
    """The roles of the results of an equation that carries programs."""
    by_operand = {a: r for a, r in zip(eqn.invars, incoming, strict=True) if not is_literal(a) and r is not None}
    results: dict[int, list[Roles]] = {}
    for key, _, body in bodies(eqn):
        if key == "cond_jaxpr" or body.outer is None:
            continue
        flat, inputs = flatten(body.closed), body.closed.jaxpr.invars
        start = {}
        for n, (variable, operand) in enumerate(zip(inputs, body.operands, strict=True)):
            roles = None if operand is None or is_literal(operand) else by_operand.get(operand)
            if roles is not None:
                start[variable] = roles[1:] if n in body.sliced else roles
        known = follow(flat.equations, start)
        for n, out in enumerate(flat.outputs):
            roles = None if is_literal(out) else known.get(out)
            if roles is not None:
                stacked = eqn.primitive.name == "scan" and n >= len(body.carried)
                results.setdefault(body.outer[n], []).append((None, *roles) if stacked else roles)
    if eqn.primitive.name == "scan":  # entry by entry along the first axis of an operand, and put together again
        ahead = {r[0] for n, r in enumerate(incoming) if r and n in _sliced(eqn)}
        front = ahead.pop() if len(ahead) == 1 else None
        results = {n: [(front, *r[1:]) if n >= _carried(eqn) else r for r in parts] for n, parts in results.items()}
    return {n: _met(parts, len(parts[0])) for n, parts in results.items() if len({len(p) for p in parts}) == 1}


def _carried(eqn: Any) -> int:
    return _compat.scan_counts(eqn.params)[1]


def _sliced(eqn: Any) -> range:
    fixed, carried = _compat.scan_counts(eqn.params)
    return range(fixed + carried, len(eqn.invars))


def order_of(roles: Roles, shape: Sequence[int], batch: int) -> tuple[int, ...] | None:
    """The axes of a value as (batch, places ..., channels), -1 for a batch axis that is not there.

    Args:
      roles: of its axes.
      shape: of the value.
      batch: how many images went in.

    Returns:
      The order of the axes; None where it cannot be known which holds the channels, or which the batch.
    """
    rank = len(roles)
    # Crops, windows or members side by side along the axis of the images are places of one image.
    batches = [d for d, role in enumerate(roles) if role == BATCH and shape[d] == batch]
    channels = [d for d, role in enumerate(roles) if role == CHANNELS] or [
        d for d, role in enumerate(roles) if isinstance(role, Part) and role.of == CHANNELS
    ]
    unknown = [d for d, role in enumerate(roles) if role is None]
    if len(channels) > 1 and all(isinstance(roles[d], Part) for d in channels):
        channels = channels[-1:]  # heads, groups, members: the last part holds the channels, the others are places
    if len(batches) > 1 or len(channels) > 1 or rank < 1:
        return None
    if not batches and unknown and shape[0] == batch and unknown[0] == 0 and rank > 1:
        batches, unknown = [0], unknown[1:]
    if not batches and (batch != 1 or rank == 1):
        return None
    if not channels:
        places = [d for d in range(rank) if d not in batches]
        if len(places) == 1:
            channels = places
        elif len(unknown) == 1:
            channels = unknown
        elif rank == 3 and not unknown and all(roles[d] in _SPATIAL for d in places):
            channels = places[1:]  # scores of places for places: a row is a place, the others are its channels
        else:
            return None
    places = [d for d in range(rank) if d not in (*batches, *channels)]
    ranked = sorted(places, key=lambda d: ({ROWS: 1, COLUMNS: 2}.get(str(roles[d]), 0), d))
    if {roles[d] for d in places} != {ROWS, COLUMNS}:
        ranked = places
    return (*(batches or (-1,)), *ranked, *channels)
