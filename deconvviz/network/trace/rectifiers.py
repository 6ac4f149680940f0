"""Which equations compute ``max(z, 0)``, by a maximum, a selection, a mask or a clip, and which only look like it.

Nothing is recognized by its name: a small analysis follows constants, sign masks and copies down the program. Three
things next to a rectifier matter too: an upper bound (ReLU6), a power of it (squared ReLU), and the sign of its
operand: ``max(0, v)`` of what cannot be negative, a variance or a sum of squares, is no rectifier of the signal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.network._compat import combined_by, is_variable
from deconvviz.network.trace.jaxpr import Equation, Flat, is_literal

#: A fact about a variable besides a number and a `Mask`.
RECTIFIED = "rectified"
#: Operations that move or copy the entries of an array.
_MOVES = {"convert_element_type", "copy", "stop_gradient", "broadcast_in_dim", "reshape", "squeeze", "transpose",
          "expand_dims"}  # fmt: skip
#: Activations of jax.nn and flax that arrive as one named call.
ACTIVATIONS = {"celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu",
               "log_sigmoid", "mish", "selu", "sigmoid", "silu", "soft_sign", "softplus", "sparse_plus", "squareplus",
               "swish"}  # fmt: skip
#: Never negative, whatever they are taken of.
_NEVER_NEGATIVE = {"square", "abs", "exp", "exp2", "sqrt", "rsqrt", "logistic", "erfc", "cosh", "acosh"}
#: Never negative where no operand is.
_KEEP_SIGN = _MOVES | {
    "add", "add_any", "mul", "div", "max", "min", "reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "cumsum",
    "reduce_window_sum", "reduce_window_max", "reduce_window_min", "slice", "rev", "concatenate", "stack", "split",
    "cbrt", "log1p", "expm1", "tanh", "atan", "sinh", "asinh", "erf", "dynamic_slice", "gather", "pad", "dot_general",
    "conv_general_dilated", "reduce_window", "optimization_barrier", "reduce_precision", "pow", "select_n",
}  # fmt: skip
_REDUCES = {"reduce_sum", "reduce_window_sum", "dot_general", "conv_general_dilated", "cumsum"}
_ARITHMETIC = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
#: Constants of at most this size are looked at to see whether they are zero.
_SMALL = 1 << 16
#: Where a maximum starts from a number as low as this, minus infinity is meant.
_LOWEST = -1e4


@dataclass(frozen=True)
class Mask:
    """The indicator 1[of > 0], or 1[of < 0] if inverted."""

    of: Any
    inverted: bool


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found, by index of the equation.

    Attributes:
      rectifiers: ``max(z, 0)`` -> z.
      clamps: ``clamp(0, z, c)`` -> z.
      ceilings: ``min(max(z, 0), c)`` with a constant c above 0 -> the rectified signal.
      powers: products of a rectified signal with itself.
      floors: maxima of windows that start from a number which their operand may lie below: max(., 0) once more.
    """

    rectifiers: dict[int, Any] = field(default_factory=dict)
    clamps: dict[int, Any] = field(default_factory=dict)
    ceilings: dict[int, Any] = field(default_factory=dict)
    powers: set[int] = field(default_factory=set)
    floors: set[int] = field(default_factory=set)


class Facts:
    """What is known about variables while walking down a program: a number, a sign mask, an alias, a kind."""

    def __init__(self, known: Mapping[Any, float] | None = None) -> None:
        self._known: dict[Any, Any] = dict(known or {})
        self._never_negative: set[Any] = set()
        self._mean_square: set[Any] = set()
        self._square: set[Any] = set()

    def of(self, atom: Any) -> Any:
        """A float (every entry is that number), a `Mask`, RECTIFIED, or None."""
        if is_literal(atom):
            number = isinstance(atom.val, (bool, int, float)) or jnp.ndim(atom.val) == 0
            return float(atom.val) if number and not jnp.iscomplexobj(atom.val) else None
        fact = self._known.get(atom)
        return self.of(fact) if is_variable(fact) else fact

    def is_zero(self, atom: Any) -> bool:
        """True if every entry is known to be 0."""
        fact = self.of(atom)
        return isinstance(fact, float) and fact == 0

    def is_never_negative(self, atom: Any) -> bool:
        """True if no entry can be below 0 by what it is computed from, rectifiers of the signal not counted.

        Behind a rectifier a second one still stops the signals that its rule stops; behind a sum of squares there is
        none at all.
        """
        if is_literal(atom):
            return bool(np.isrealobj(atom.val) and not np.any(np.asarray(atom.val) < 0))
        fact = self.of(atom)
        return not fact < 0 if isinstance(fact, float) else self.root(atom) in self._never_negative

    def root(self, atom: Any) -> Any:
        """The variable that this one is a plain copy of."""
        while not is_literal(atom) and is_variable(self._known.get(atom)):
            atom = self._known[atom]
        return atom

    def mark(self, variable: Any, fact: Any) -> None:
        """Say something about a variable."""
        self._known[variable] = fact

    def learn(self, eqn: Any, never_negative: bool = False) -> None:
        """Take in one equation, whose result may be known not to be negative."""
        name, ins, out = eqn.primitive.name, eqn.invars, eqn.outvars[0]
        first = self.of(ins[0]) if ins else None
        if name in ("copy", "stop_gradient") and not is_literal(ins[0]):
            self._known[out] = ins[0]
        elif name in _MOVES and first is not None:
            if not isinstance(first, Mask):
                self._known[out] = self._moved(first, out)
            elif name in ("convert_element_type", "copy"):
                self._known[out] = first
        elif name in _ARITHMETIC and isinstance(first, float) and isinstance(second := self.of(ins[1]), float):
            with np.errstate(all="ignore"):
                self._known[out] = float(_ARITHMETIC[name](np.float64(first), np.float64(second)))
        elif name == "not" and isinstance(first, Mask):
            self._known[out] = Mask(first.of, not first.inverted)
        elif name in ("gt", "ge", "lt", "le"):
            less = name in ("lt", "le")
            if self.is_zero(ins[1]) and not is_literal(ins[0]):
                self._known[out] = Mask(self.root(ins[0]), less)
            elif self.is_zero(ins[0]) and not is_literal(ins[1]):
                self._known[out] = Mask(self.root(ins[1]), not less)
        self._learn_sign(name, eqn)
        self._never_negative.update(eqn.outvars if never_negative else ())

    def _learn_sign(self, name: str, eqn: Any) -> None:
        """Whether the results can be negative, by what they are computed from."""
        ins, outs = eqn.invars, eqn.outvars
        square = _is_square(name, eqn)
        if square:
            self._square.update(outs)
        if name in _MOVES or (name in ("mul", "div") and any(map(is_literal, ins))):
            (below,) = [a for a in ins if not is_literal(a)][:1] or [None]
            for known in (self._square, self._mean_square):
                known.update(outs if below in known else ())
        if name in _REDUCES and any(not is_literal(a) and a in self._never_negative for a in ins):
            self._mean_square.update(outs)
        # E[x^2] - E[x]^2, the variance of fast implementations: below zero by rounding alone.
        variance = name == "sub" and not any(map(is_literal, ins)) and ins[0] in self._mean_square
        variance = variance and ins[1] in self._square
        # The indices of a gather and the chooser of a selection are no numbers of the result.
        numbers = ins[1:] if name == "select_n" else ins[:1] if name in ("gather", "dynamic_slice", "pow") else ins
        inherited = name in _KEEP_SIGN and bool(numbers) and all(map(self.is_never_negative, numbers))
        bounded = name == "max" and any(not is_literal(a) and self.is_never_negative(a) for a in ins)
        if square or variance or inherited or bounded or name in _NEVER_NEGATIVE:
            self._never_negative.update(outs)

    @staticmethod
    def _moved(fact: Any, out: Any) -> Any:
        whole = isinstance(fact, float) and np.isfinite(fact) and jnp.issubdtype(out.aval.dtype, jnp.integer)
        return float(int(fact)) if whole else fact


def _is_square(name: str, eqn: Any) -> bool:
    """A square, an even power, or a sum of squares as the product of an array with itself."""
    ins, p = eqn.invars, eqn.params
    if name == "dot_general" and ins[0] is ins[1]:
        (first, second), batch = p["dimension_numbers"]
        return bool(first == second and batch[0] == batch[1] and len(first) + len(batch[0]) == len(ins[0].aval.shape))
    return name == "square" or _self_product(name, ins) or (name == "integer_pow" and p["y"] % 2 == 0)


def _self_product(name: str, ins: Sequence[Any]) -> bool:
    return name == "mul" and not is_literal(ins[0]) and ins[0] is ins[1]


def constants(flat: Flat) -> dict[Any, float]:
    """Arrays that a program closed over and that are all zero: ``jnp.maximum(x, zeros)`` is a ReLU too."""
    zeros = {}
    for variable, value in zip(flat.constvars, flat.consts, strict=True):
        aval = variable.aval
        if jnp.issubdtype(getattr(aval, "dtype", object), jnp.number) and aval.size <= _SMALL:
            array = np.asarray(value)
            if not np.any(array != 0):
                zeros[variable] = 0.0
    return zeros


def rectified(eqn: Any, facts: Facts) -> Any | None:
    """The operand z if the equation computes max(z, 0) of an array of its own shape and dtype, else None."""
    if len(eqn.outvars) != 1:
        return None
    name, ins, out = eqn.primitive.name, eqn.invars, eqn.outvars[0]
    z = None
    if name == "max":
        zero = [facts.is_zero(a) for a in ins]
        if zero[0] != zero[1]:
            z = ins[1] if zero[0] else ins[0]
    elif name == "select_n" and len(ins) == 3:
        mask = facts.of(ins[0])
        if isinstance(mask, Mask):
            off, on = (ins[2], ins[1]) if mask.inverted else (ins[1], ins[2])
            z = on if facts.is_zero(off) and facts.root(on) is mask.of else None
    elif name == "mul":
        for a, b in ((0, 1), (1, 0)):
            mask = facts.of(ins[b])
            if isinstance(mask, Mask) and not mask.inverted and facts.root(ins[a]) is mask.of:
                z = ins[a]
    return z if _fits(z, out) and not facts.is_never_negative(z) else None


def _fits(z: Any, out: Any) -> bool:
    """True for a floating variable of the shape and dtype of the result."""
    if z is None or is_literal(z) or not jnp.issubdtype(out.aval.dtype, jnp.floating):
        return False
    return z.aval.shape == out.aval.shape and z.aval.dtype == out.aval.dtype


def _bounded(eqn: Any, facts: Facts) -> Any | None:
    """The rectified signal if the equation bounds it from above by a constant, else None."""
    if eqn.primitive.name == "min":
        for a, b in ((0, 1), (1, 0)):
            bound = facts.of(eqn.invars[b])
            positive = isinstance(bound, float) and bound > 0
            if positive and facts.of(eqn.invars[a]) == RECTIFIED and _fits(eqn.invars[a], eqn.outvars[0]):
                return eqn.invars[a]
    return None


def _clamped(eqn: Any, facts: Facts) -> Any | None:
    """z if the equation is ``clamp(0, z, c)`` with a constant c above 0, else None."""
    if eqn.primitive.name != "clamp" or not facts.is_zero(eqn.invars[0]):
        return None
    bound = facts.of(eqn.invars[2])
    positive = isinstance(bound, float) and bound > 0
    z = eqn.invars[1]
    return z if positive and _fits(z, eqn.outvars[0]) and not facts.is_never_negative(z) else None


def survey(equations: Sequence[Equation], known: Mapping[Any, float] | None = None) -> Survey:
    """Find the rectifiers of a program; those inside a named activation (hard_swish, ...) are its own affair.

    Args:
      equations: a flat program.
      known: variables known to be a constant (`constants`).
    """
    facts, result, rectified_too = Facts(known), Survey(), Facts(known)
    for index, item in enumerate(equations):
        eqn, out = item.eqn, item.out if item.eqn.outvars else None
        if item.primitive == "reduce_window" and _starts_above(eqn, rectified_too):
            result.floors.add(index)
        if activation_call(item) is None:
            z, clamp, below = rectified(eqn, facts), _clamped(eqn, facts), _bounded(eqn, facts)
            if z is not None:
                result.rectifiers[index] = z
            elif clamp is not None:
                result.clamps[index] = clamp
            elif below is not None:
                result.ceilings[index] = below
            elif _is_power(eqn) and facts.of(eqn.invars[0]) == RECTIFIED:
                result.powers.add(index)
            if z is not None or clamp is not None:
                facts.mark(out, RECTIFIED)
                rectified_too.learn(eqn, never_negative=True)
                continue
        if out is not None and eqn.invars:
            facts.learn(eqn)
            rectified_too.learn(eqn)
    return result


def _starts_above(eqn: Any, facts: Facts) -> bool:
    """Can the number that a window's maximum starts from be larger than what is in the window?"""
    if combined_by(eqn.params) != ["max"] or len(eqn.invars) != 2:
        return False
    start = facts.of(eqn.invars[1])
    return isinstance(start, float) and start > _LOWEST and (start > 0 or not facts.is_never_negative(eqn.invars[0]))


def _is_power(eqn: Any) -> bool:
    name = eqn.primitive.name
    return name in ("integer_pow", "square", "pow") or _self_product(name, eqn.invars)


def match(equations: Sequence[Equation], known: Mapping[Any, float] | None = None) -> dict[int, Any]:
    """Index of each equation that is a rectifier -> its operand."""
    return survey(equations, known).rectifiers


def activation_call(item: Equation) -> tuple[str, int] | None:
    """(name, serial number) of the activation that an equation is part of, where it came as one named call."""
    return next((call for call in item.calls if call[0] in ACTIVATIONS), None)
