"""What deconvviz can and cannot do with a network: one forward pass, every rule, and what to change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from deconvviz.checks import grey
from deconvviz.errors import NetworkError, RuleError
from deconvviz.network.backward.reconstruct import reconstruct_units
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import rewritten
from deconvviz.network.trace.jaxpr import needed
from deconvviz.ops.rectify import RULES
from deconvviz.types import Array, Coverage, Layer, Unit

#: Relative difference between an image alone and the same image in a batch that rounding explains.
_ROUNDING = 1e-3
#: How many names a sentence lists.
_LISTED = 4


@dataclass(frozen=True, eq=False)
class RuleReport:
    """One rule from a layer down to the image.

    Attributes:
      rule: its name.
      refused: why it does not apply; "" where it does.
      coverage: rectifiers that obey the rule; of a refused rule, those that would.
      agreement: relative difference of two independent computations; None for a refused rule.
      largest: largest magnitude of the map.
      seconds: wall time, compiling included.
      reaches: for a refused rule, the last layer from which it applies; "" if there is none.
    """

    rule: str
    refused: str
    coverage: Coverage
    agreement: float | None = None
    largest: float = 0.0
    seconds: float = 0.0
    reaches: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """What was found out about a network.

    Attributes:
      network: the network.
      layer: the one that every rule was tried from.
      unit: the strongest unit of it.
      activation: its value.
      output: shape of the network's first output for one image.
      finite: whether all of it are finite numbers.
      top: (index, value) of the three largest outputs; empty where the output is no vector.
      rules: one report a rule.
      notes: one sentence for everything to change or to know.
      seconds: of the forward pass, compiling included.
    """

    network: Network
    layer: str
    unit: Unit
    activation: float
    output: tuple[int, ...]
    finite: bool
    top: tuple[tuple[int, float], ...]
    rules: tuple[RuleReport, ...]
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0

    @property
    def applies(self) -> bool:
        """True if every rule applies and nothing has to be changed."""
        return self.finite and not self.notes and not any(rule.refused for rule in self.rules)


def report(network: Network, x: Array, layer: str | None = None) -> Report:
    """Run a network forward, and every rule down from one layer, and say what hinders it.

    Args:
      network: any network.
      x: (1, H, W, C) model input.
      layer: where the rules start; the last layer if None.

    Raises:
      NetworkError: no such layer, or nothing in the network that a signal could go down from.

    >>> import jax
    >>> from deconvviz.types import InputSpec
    >>> net = Network(lambda x: jax.nn.relu(x).mean((1, 2)), input_spec=InputSpec(size=(8, 6)))
    >>> found = report(net, np.ones((1, 8, 6, 3), np.float32))
    >>> [(one.rule, one.refused, str(one.coverage)) for one in found.rules][1]
    ('deconvnet', '', '1 of 1 rectifiers obey')
    """
    chosen = _last(network) if layer is None else network.layer(layer)
    start = time.perf_counter()
    output = network.run(x)
    seconds = time.perf_counter() - start
    value = network.taps(x, [chosen.name])[chosen.name][0]
    peaks = value.reshape(-1, value.shape[-1]).max(axis=0)
    unit = Unit(chosen.name, int(peaks.argmax()))
    rules = tuple(_of_rule(network, x, unit, rule) for rule in RULES)
    finite = bool(np.isfinite(output).all())
    return Report(
        network=network,
        layer=chosen.name,
        unit=unit,
        activation=float(peaks.max()),
        output=output.shape[1:],
        finite=finite,
        top=_top(output),
        rules=rules,
        notes=tuple(_notes(network, x, output, rules)),
        seconds=seconds,
    )


def _last(network: Network) -> Layer:
    """The last layer that a signal can go down from."""
    for node in reversed(network.program().nodes):
        if node.layer.shape and jnp.issubdtype(node.variable.aval.dtype, jnp.floating):
            return node.layer
    raise NetworkError(
        f"no layer was found in {network.name}: neither a convolution, nor a rectifier, nor any other operation that "
        "gives channels for each image. Does the function return (N, classes) or (N, rows, columns, channels)?"
    )


def _top(output: np.ndarray) -> tuple[tuple[int, float], ...]:
    if output.ndim != 2 or output.shape[0] != 1:
        return ()
    best = np.argsort(-output[0], kind="stable")[:3]
    return tuple((int(index), float(output[0, index])) for index in best)


def _of_rule(network: Network, x: Array, unit: Unit, rule: str) -> RuleReport:
    """One rule, tried."""
    start = time.perf_counter()
    try:
        (result,) = reconstruct_units(network, x, [unit], rule)
    except (RuleError, NetworkError) as error:
        coverage = Coverage(0, 0)
        if rule != "gradient":
            coverage = rewritten(network, unit.layer, rule, "gradient").coverage
        return RuleReport(rule, str(error), coverage, reaches=_reaches(network, unit.layer, rule))
    largest = float(np.abs(result.map).max())
    return RuleReport(rule, "", result.coverage, result.agreement, largest, time.perf_counter() - start)


def _reaches(network: Network, layer: str, rule: str) -> str:
    """The last layer before another from which a rule applies."""
    names = [layer.name for layer in network.layers]
    for name in reversed(names[: names.index(layer)]):
        try:
            rewritten(network, name, rule)
        except (RuleError, NetworkError):
            continue
        return name
    return ""


def _notes(network: Network, x: Array, output: np.ndarray, rules: tuple[RuleReport, ...]) -> Iterator[str]:
    """What to change, and what to know, in sentences."""
    if not np.isfinite(output).all():
        yield (
            "The output holds numbers that are not finite: load trained weights, and feed values in the range that the "
            "network was trained with."
        )
    flat = network.program().flat
    drawn = {flat.equations[i].primitive for i in needed(flat.equations, flat.outputs)}
    if any(name.startswith(("random_", "threefry")) for name in drawn):
        yield (
            "The network draws random numbers, as dropout does in training: put it into inference mode, or every run "
            "may show something else."
        )
    if _depends_on_batch(network, x, output):
        yield (
            "The output for an image depends on the other images of its batch, as in batch normalization in training: "
            "use the running averages (use_running_average=True, training=False)."
        )
    yield from grey.notes(network, x, output)
    yield from _about_rules(rules)


def _depends_on_batch(network: Network, x: Array, output: np.ndarray) -> bool:
    """Does another image in the batch change the first one's output?"""
    if not np.isfinite(output).all():
        return False
    other = np.random.default_rng(0).permutation(np.asarray(x).ravel()).reshape(np.shape(x))
    try:
        both = network.run(np.concatenate([np.asarray(x), other]))
    except NetworkError:  # made for one image at a time
        return False
    if both.shape[1:] != output.shape[1:] or len(both) != 2:
        return False
    gap, size = np.linalg.norm(both[0] - output[0]), np.linalg.norm(output[0])
    return bool(gap > _ROUNDING * max(float(size), 1e-12))


def _about_rules(rules: tuple[RuleReport, ...]) -> Iterator[str]:
    """What stands in the way of the rules that were refused."""
    refused = [rule for rule in rules if rule.refused]
    if not refused:
        return
    first = refused[0]
    names = ", ".join(rule.rule for rule in refused)
    if first.rule == "gradient":
        yield f"Not even the gradient goes down: {first.refused}."
    elif first.coverage.unsupported:
        others = _listing(first.coverage.unsupported)
        below = f" Look at {first.reaches} or below, where they apply." if first.reaches else ""
        yield (
            f"{names} are defined at ReLUs only, and the path also passes {others}: to use them everywhere, build the "
            f"network with ReLUs there and train it again.{below} The gradient applies everywhere. With "
            f"on_unsupported='gradient' {first.coverage}, and the others keep their ordinary derivative; with "
            "rules={'NAME': rule} they take a backward rule of your own."
        )
    elif first.coverage.total == 0:
        below = f" Look at {first.reaches} or below." if first.reaches else ""
        yield f"No rectifier lies on the path, so {names} would all be the plain gradient: use the gradient.{below}"
    else:
        yield f"{names}: {first.refused}."


def _listing(names: tuple[str, ...]) -> str:
    """Activations as a list for people.

    >>> _listing(("gelu in tanh1", "gelu in tanh2"))
    'gelu in tanh1, gelu in tanh2'
    """
    return ", ".join(names[:_LISTED]) + (f", ... ({len(names)} in all)" if len(names) > _LISTED else "")
