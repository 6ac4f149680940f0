"""Which computation makes a map, and which independent one checks it."""

from __future__ import annotations

from collections.abc import Sequence

from deconvviz.errors import RuleError
from deconvviz.network import units
from deconvviz.network.backward import backprop, windowed
from deconvviz.network.backward.backprop import BackpropRequest, Results
from deconvviz.network.backward.cropped import by_cropped_vjp
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.rewrite.program import rewritten


def cheapest(request: BackpropRequest) -> Results:
    """The maps by the computation that takes least: within windows where units have some, else by `jax.vjp`."""
    if plan := windows(request):
        steps = request.network.steps_to(request.node.layer.name)
        assert isinstance(steps, Chain), "only chains have windows"
        return backprop.by_adjoints_windowed(request, steps, plan)
    return _by_vjp(request)


def independent(request: BackpropRequest, activations: Sequence[float]) -> Results:
    """The same maps by a computation that shares as little with `cheapest` as there is.

    Where every operation has an adjoint written by hand, nothing but the weights; elsewhere JAX's derivatives of single
    operations (`stepwise`).

    Args:
      request: the units and rules.
      activations: of the units, on the picture.
    """
    if windows(request):
        # One unit's check compiles for a second and runs for a hundredth of it.
        return by_cropped_vjp(request, activations[0]) or _by_vjp(request, plainly=len(request.codes) == 1)
    steps = request.network.steps_to(request.node.layer.name)
    return backprop.by_equations(request) if isinstance(steps, str) else backprop.by_adjoints(request, steps)


def windows(request: BackpropRequest) -> windowed.Plan | None:
    """Where the windows of the units lie; None where whole maps have to do."""
    if any(row == units.ALL for _, row, _ in request.codes):
        return None
    return backprop.window_plan(request.network, request.node)


def _by_vjp(request: BackpropRequest, plainly: bool = False) -> Results:
    """`backprop.by_vjp` of the rewritten program; what JAX cannot differentiate is refused in a sentence."""
    network, layer = request.network, request.node.layer.name
    program = network.store.get(
        ("rewritten", layer, request.rules, request.x.dtype.name),
        lambda: rewritten(network, layer, request.rules, "gradient"),
    )
    try:
        return backprop.by_vjp(request, program.call, plainly)
    except (NotImplementedError, ValueError) as error:
        missing = isinstance(error, NotImplementedError)
        if not missing and "ifferentiat" not in str(error) and "JVP" not in str(error):
            raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise RuleError(
            f"no signal can be sent down from {layer} of {network.name}: JAX cannot differentiate an operation on the "
            f"way ({first}). Choose a layer below it, or give that operation a jax.custom_vjp"
        ) from error
