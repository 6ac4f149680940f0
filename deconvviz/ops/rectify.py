"""The four rules by which a signal passes back through a rectifier.

Forward, all rules are ``a = max(z, 0)``. They differ in what they do with the signal g that comes down::

    gradient   g * [z > 0]              the derivative
    deconvnet  max(g, 0)                rectify the signal, forget the input
    guided     max(g, 0) * [z > 0]      both
    linear     g                        neither: the rectifier taken away

This is the one definition of the rules: ops, networks and methods all call `backward`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp

from deconvviz.errors import GeometryError, RuleError, nearest
from deconvviz.types import Array

Rule: TypeAlias = Literal["gradient", "deconvnet", "guided", "linear"]
#: The rules, the ordinary derivative first.
RULES: tuple[Rule, ...] = get_args(Rule)


def check_rule(rule: str) -> Rule:
    """The rule itself, if there is one of that name.

    Args:
      rule: any string.

    Returns:
      The same string, now known to be one of `RULES`.

    Raises:
      RuleError: for any other name; says which ones are close.

    >>> check_rule("guided")
    'guided'
    """
    for known in RULES:
        if rule == known:
            return known
    raise RuleError(f"there is no backward rule {rule!r}; {nearest(str(rule), RULES)} (rules: {', '.join(RULES)})")


def backward(rule: str, z: Array, g: Array) -> jax.Array:
    """The signal below a rectifier from the signal above it.

    Formula: gradient ``g [z > 0]``; deconvnet ``max(g, 0)``; guided ``max(g, 0) [z > 0]``; linear ``g``.
    At ``z == 0`` the bracket is 0. A closed gate gives exactly 0, whatever g holds (NaN and infinity too), and a
    z that is NaN closes the gate.

    Args:
      rule: one of `RULES`.
      z: what entered the rectifier on the way up; any shape, any real floating dtype.
      g: what comes down; the shape of z.

    Returns:
      An array of the shape and dtype of g.

    Raises:
      RuleError: for an unknown rule.
      GeometryError: if z and g differ in shape.

    Source: zeiler2014visualizing, springenberg2015striving

    >>> z, g = jnp.array([-1.0, 2.0, 3.0]), jnp.array([5.0, -6.0, 7.0])
    >>> [backward(rule, z, g).tolist() for rule in ("gradient", "deconvnet", "guided")]
    [[0.0, -6.0, 7.0], [5.0, 0.0, 7.0], [0.0, 0.0, 7.0]]
    """
    rule = check_rule(rule)
    z, g = jnp.asarray(z), jnp.asarray(g)
    if z.shape != g.shape:
        raise GeometryError(
            f"the signal that comes down through a rectifier has the shape of what went up; "
            f"z is {z.shape}, g is {g.shape}"
        )
    if rule == "linear":
        return g
    zero = jnp.zeros((), g.dtype)
    passed = g if rule == "gradient" else jnp.maximum(g, zero)
    return passed if rule == "deconvnet" else jnp.where(z > 0, passed, zero)


@functools.cache
def _rectifier(rule: Rule) -> Callable[[jax.Array], jax.Array]:
    """A ReLU whose derivative is the rule. One function object a rule, so that the rule is part of its identity."""

    @jax.custom_vjp
    def relu(z: jax.Array) -> jax.Array:
        return jnp.maximum(z, jnp.zeros((), z.dtype))

    relu.defvjp(lambda z: (relu(z), z), lambda z, g: (backward(rule, z, g),))
    return relu


def rectify(z: Array, rule: str = "gradient") -> jax.Array:
    """``max(z, 0)`` whose reverse-mode derivative is a rule of `RULES`.

    Formula: forward ``a = max(z, 0)``; `jax.vjp` of it gives ``backward(rule, z, g)``. Works under jit, vmap and
    grad; forward mode (`jax.jvp`) is refused by JAX, since only "gradient" has one.

    Args:
      z: any shape, real floating dtype.
      rule: one of `RULES`.

    Returns:
      An array like z.

    Raises:
      RuleError: for an unknown rule.
      GeometryError: if z is not of a real floating dtype.

    Source: zeiler2014visualizing, springenberg2015striving

    >>> a, pull = jax.vjp(lambda z: rectify(z, "deconvnet"), jnp.array([-1.0, 2.0, 3.0]))
    >>> a.tolist(), pull(jnp.array([5.0, -6.0, 7.0]))[0].tolist()
    ([0.0, 2.0, 3.0], [5.0, 0.0, 7.0])
    """
    z = jnp.asarray(z)
    if not jnp.issubdtype(z.dtype, jnp.floating):
        raise GeometryError(
            f"a rectifier takes real floating numbers; got dtype {z.dtype}: convert with .astype(float)"
        )
    return _rectifier(check_rule(rule))(z)
