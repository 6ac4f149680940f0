"""The rules by which a signal passes back through a rectifier.

Forward, all rules are ``a = max(z, 0)``. They differ in what they do with the signal g that comes down::

    gradient   g * [z > 0]              the derivative
    deconvnet  max(g, 0)                rectify the signal, forget the input
    guided     max(g, 0) * [z > 0]      both
    linear     g                        neither: the rectifier taken away

`RECTIFIER_RULES` is the one definition of each: ops, networks, methods, the command line and the app read it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import GeometryError, RuleError, nearest
from deconvviz.types import Array


@dataclass(frozen=True)
class BackwardRule:
    """What happens to a signal at a rectifier, and what people are told of it.

    Attributes:
      name: as given to the library and the command line.
      title: one line for people.
      formula: LaTeX in z, which went into the rectifier, and g, which comes down.
      below: ``below(z, g) -> signal below``, of one shape and the dtype of g. It may ask for the sign of z, and for
        nothing else of it: that is all that is stored of a forward pass where memory is dear.
      sources: keys of docs/references.bib.
      limits: one sentence, what the picture does not show.
      assumes: one sentence, what the rule takes for granted.
    """

    name: str
    title: str
    formula: str
    below: Callable[[jax.Array, jax.Array], jax.Array]
    sources: tuple[str, ...]
    limits: str
    assumes: str = ""


def gated(z: jax.Array, g: jax.Array) -> jax.Array:
    """``g [z > 0]``: exactly 0 where the gate is closed, whatever g holds."""
    return jnp.where(z > 0, g, jnp.zeros((), g.dtype))


def positive(g: jax.Array) -> jax.Array:
    """``max(g, 0)`` in the dtype of g."""
    return jnp.maximum(g, jnp.zeros((), g.dtype))


#: The rules, the ordinary derivative first; a new one is one more record.
RECTIFIER_RULES = (
    BackwardRule(
        name="gradient",
        title="Gradient",
        formula=r"g \odot [z > 0]",
        below=gated,
        sources=("simonyan2014deep",),
        limits="The slope at this very image: right for small changes, noisy to the eye.",
        assumes="The unit is about as steep around the picture as it is at the picture itself.",
    ),
    BackwardRule(
        name="deconvnet",
        title="DeconvNet",
        formula=r"\max(g, 0)",
        below=lambda z, g: positive(g),
        sources=("zeiler2014visualizing",),
        limits="The signal is rectified, the input forgotten: no derivative of any function, and alike for many units.",
        assumes="What a rectifier let through need not be known; the switches of the pools are enough.",
    ),
    BackwardRule(
        name="guided",
        title="Guided backprop",
        formula=r"\max(g, 0) \odot [z > 0]",
        below=lambda z, g: gated(z, positive(g)),
        sources=("springenberg2015striving", "adebayo2018sanity", "nie2018theoretical"),
        limits="Sharp, but it leans on the image itself: it changes little when the upper layers are made random.",
        assumes="Only paths that raise the unit, through rectifiers that were open, matter.",
    ),
    BackwardRule(
        name="linear",
        title="Linear",
        formula=r"g",
        below=lambda z, g: g,
        sources=("zeiler2014visualizing",),
        limits="The rectifiers taken away in the backward pass: what switches and filters alone would paint.",
        assumes="The unit would have answered the same without rectifiers.",
    ),
)
#: Their names.
RULES: tuple[str, ...] = tuple(rule.name for rule in RECTIFIER_RULES)
#: Name of the mapped axis along which a rectifier of several rules takes one after the other.
RULES_AXIS = "deconvviz_rules"


def check_rule(rule: str) -> str:
    """The rule's name itself, if there is one of that name.

    Raises:
      RuleError: for any other name; says which ones are close.

    >>> check_rule("guided")
    'guided'
    """
    if rule not in RULES:
        raise RuleError(f"there is no backward rule {rule!r}; {nearest(str(rule), RULES)} (rules: {', '.join(RULES)})")
    return rule


def backward(rule: str, z: Array, g: Array) -> jax.Array:
    """The signal below a rectifier from the signal above it.

    Formula: gradient ``g [z > 0]``; deconvnet ``max(g, 0)``; guided ``max(g, 0) [z > 0]``; linear ``g``.
    At ``z == 0`` the bracket is 0. A closed gate gives exactly 0, whatever g holds (NaN and infinity too), and a
    z that is NaN closes the gate.

    Args:
      rule: one of `RULES`.
      z: what entered the rectifier in the forward pass; any shape, any real floating dtype.
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
    record = RECTIFIER_RULES[RULES.index(check_rule(rule))]
    z, g = jnp.asarray(z), jnp.asarray(g)
    if z.shape != g.shape:
        raise GeometryError(
            f"the signal that comes down through a rectifier has the shape of what went up; "
            f"z is {z.shape}, g is {g.shape}"
        )
    return record.below(z, g)


def number_of(rule: str) -> np.int32:
    """The rule's place in `RULES`, for `backward_by`."""
    return np.int32(RULES.index(check_rule(rule)))


def backward_by(number: Array, z: Array, g: Array) -> jax.Array:
    """`backward` by a rule that a compiled program learns when it runs: one program serves all rules.

    Args:
      number: of the rule, from `number_of`.
      z, g: as for `backward`.

    >>> z, g = jnp.array([-1.0, 2.0, 3.0]), jnp.array([5.0, -6.0, 7.0])
    >>> jax.jit(backward_by)(number_of("guided"), z, g).tolist()
    [0.0, 0.0, 7.0]
    """
    return jax.lax.select_n(jnp.asarray(number), *(backward(rule, z, g) for rule in RULES))


@functools.cache
def _rectifier(rules: tuple[str, ...]) -> Callable[[jax.Array], jax.Array]:
    """A ReLU whose derivative is the rule, or each rule in its place on `RULES_AXIS`; one function object a tuple."""

    @jax.custom_vjp
    def relu(z: jax.Array) -> jax.Array:
        return jnp.maximum(z, jnp.zeros((), z.dtype))

    def below(z: jax.Array, g: jax.Array) -> tuple[jax.Array]:
        if len(rules) == 1:
            return (backward(rules[0], z, g),)
        return (jax.lax.switch(jax.lax.axis_index(RULES_AXIS), [functools.partial(backward, r) for r in rules], z, g),)

    relu.defvjp(lambda z: (relu(z), z), below)
    return relu


def pull_each(pull: Callable[[Any], tuple[Any, ...]], g: Any, rules: Sequence[str]) -> jax.Array:
    """The signal below a function for every rule of its rectifiers, after one forward pass.

    Args:
      pull: from `jax.vjp` of a function whose rectifiers are ``rectify(z, rules)``.
      g: what comes down, the same for every rule.
      rules: those of the rectifiers, in their order.

    Returns:
      (rules, ...): the signal on the function's first argument, one a rule.

    >>> _, pull = jax.vjp(lambda z: rectify(z, ("gradient", "deconvnet")), jnp.array([-1.0, 2.0, 3.0]))
    >>> pull_each(pull, jnp.array([5.0, -6.0, 7.0]), ("gradient", "deconvnet")).tolist()
    [[0.0, -6.0, 7.0], [5.0, 0.0, 7.0]]
    """
    if len(rules) == 1:
        return pull(g)[0][None]
    # `pull` holds the values of the forward pass; only the signals are mapped, so nothing forward runs again.
    return jax.vmap(lambda g: pull(g)[0], axis_name=RULES_AXIS)(jnp.broadcast_to(g, (len(rules), *g.shape)))


def rectify(z: Array, rule: str | tuple[str, ...] = "gradient") -> jax.Array:
    """``max(z, 0)`` whose reverse-mode derivative is a rule of `RULES`, or several of them side by side.

    Formula: forward ``a = max(z, 0)``; `jax.vjp` of it gives ``backward(rule, z, g)``. Works under jit, vmap and
    grad; forward mode (`jax.jvp`) is refused by JAX, since only "gradient" has one.

    Args:
      z: any shape, real floating dtype.
      rule: one of `RULES`; or several, whose derivatives `pull_each` takes together.

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
    return _rectifier(tuple(map(check_rule, (rule,) if isinstance(rule, str) else rule)))(z)
