"""Times of the operators here: convolution, its adjoint by two computations, pooling, a whole reconstruction.

    python benchmarks/operators.py            a table
    python benchmarks/operators.py --json     one JSON line

Everything is compiled first; then all operators of a layer are timed in turn, round after round, so that a busy moment
hits all alike; the median is shown. Convolutions run at precision HIGHEST (no TF32), as in all proofs.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, conv_vjp, max_pool, max_unpool

PRECISION = "HIGHEST"


@dataclass(frozen=True)
class Layer:
    """A convolution (groups of `geometry`) or, without kernel, a pooling with a square window."""

    name: str
    size: tuple[int, int]
    channels: int
    kernel: int = 0
    outputs: int = 0
    geometry: ConvGeometry = field(default_factory=ConvGeometry)
    window: int = 0
    stride: int = 0


CONVOLUTIONS = (
    Layer("VGG conv1_2", (224, 224), 64, 3, 64, ConvGeometry(1, 1)),
    Layer("VGG conv3_2", (56, 56), 256, 3, 256, ConvGeometry(1, 1)),
    Layer("AlexNet conv1", (227, 227), 3, 11, 96, ConvGeometry(4)),
    Layer("ResNet conv1", (224, 224), 3, 7, 64, ConvGeometry(2, 3)),
    Layer("1x1", (28, 28), 512, 1, 128),
    Layer("depthwise", (56, 56), 128, 3, 128, ConvGeometry(1, 1, groups=128)),
)
POOLS = (
    Layer("VGG pool1", (224, 224), 64, window=2, stride=2),
    Layer("SqueezeNet pool1", (109, 109), 96, window=3, stride=2),
)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    operator: str
    milliseconds: float
    gflops: float | None = None
    difference: float | None = None


def medians(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each call, all taken in turn."""
    for call in calls.values():
        jax.block_until_ready(call())
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            jax.block_until_ready(call())
            taken[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(times) for name, times in taken.items()}


def relative(a: jax.Array, b: jax.Array) -> float:
    """Largest difference over largest magnitude."""
    return float(jnp.abs(a - b).max() / jnp.abs(b).max())


def convolution(layer: Layer, batch: int, rounds: int) -> list[Row]:
    """Forward, the explicit and the derived road of one convolution."""
    random, geometry = np.random.default_rng(0), layer.geometry
    shape = (layer.kernel, layer.kernel, layer.channels // geometry.groups, layer.outputs)
    x = jnp.asarray(random.standard_normal((batch, *layer.size, layer.channels)), jnp.float32)
    w = jnp.asarray(random.standard_normal(shape), jnp.float32)
    up = jax.jit(lambda x, w: conv(x, w, geometry))
    explicit = jax.jit(lambda g, w: conv_adjoint(g, w, geometry, layer.size))
    derived = jax.jit(lambda g, w: conv_vjp(g, w, geometry, layer.size))
    z = up(x, w)
    gap = relative(explicit(z, w), derived(z, w))
    calls = {
        "conv": lambda: up(x, w),
        "conv_adjoint (explicit)": lambda: explicit(z, w),
        "conv_vjp (derived)": lambda: derived(z, w),
    }
    work = 2 * z.size * layer.kernel**2 * layer.channels / geometry.groups / 1e6
    return [
        Row(layer.name, name, ms, work / ms, gap if "explicit" in name else None)
        for name, ms in medians(calls, rounds).items()
    ]


def pooling(layer: Layer, batch: int, rounds: int) -> list[Row]:
    """Pooling with switches and unpooling, beside XLA's own max pooling and its derivative."""
    x = jnp.asarray(np.random.default_rng(0).standard_normal((batch, *layer.size, layer.channels)), jnp.float32)
    window, stride = (1, layer.window, layer.window, 1), (1, layer.stride, layer.stride, 1)

    def plain(x: jax.Array) -> jax.Array:
        return lax.reduce_window(x, -jnp.inf, lax.max, window, stride, "VALID")

    up = jax.jit(lambda x: max_pool(x, layer.window, layer.stride))
    down = jax.jit(lambda g, switches: max_unpool(g, switches, layer.size))
    plain_up = jax.jit(plain)
    plain_down = jax.jit(lambda x, g: jax.vjp(plain, x)[1](g)[0])
    y, switches = up(x)
    gap = relative(down(y, switches), plain_down(x, y))
    calls = {
        "max_pool with switches": lambda: up(x),
        "lax.reduce_window": lambda: plain_up(x),
        "max_unpool": lambda: down(y, switches),
        "vjp of lax.reduce_window": lambda: plain_down(x, y),
    }
    times = medians(calls, rounds)
    return [Row(layer.name, name, ms, None, gap if name == "max_unpool" else None) for name, ms in times.items()]


def reconstruction(rounds: int) -> list[Row]:
    """From the photograph to the map of one unit, for two depths and two rules; nothing if no weights are there."""
    try:
        net = dv.load("caltech")
    except dv.DeconvvizError:
        return []
    image = samples.load("cat")
    names = [layer.name for layer in net.layers if layer.kind in ("conv", "relu")]
    units = [dv.Unit(names[len(names) // 2], 3), dv.Unit(names[-1], 5)]
    calls = {
        f"{unit.layer} {rule}": functools.partial(dv.reconstruct, net, image, unit, rule=rule)
        for unit in units
        for rule in ("gradient", "deconvnet")
    }
    agreements = {name: call().agreement for name, call in calls.items()}
    times = medians({name: lambda call=call: call().map for name, call in calls.items()}, rounds)  # type: ignore[misc]
    return [Row("caltech, one unit", name, ms, None, agreements[name]) for name, ms in times.items()]


def report(rows: list[Row], machine: dict[str, Any]) -> str:
    """The table as text."""
    lines = [", ".join(f"{key} {value}" for key, value in machine.items()), ""]
    lines.append(f"{'layer':<20} {'operator':<26} {'ms':>9} {'GFLOP/s':>9} {'two computations differ by':>20}")
    for row in rows:
        rate = f"{row.gflops:9.1f}" if row.gflops is not None else " " * 9
        gap = f"{row.difference:20.1e}" if row.difference is not None else ""
        lines.append(f"{row.what:<20} {row.operator:<26} {row.milliseconds:9.3f} {rate} {gap}".rstrip())
    return "\n".join(lines)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    parser.add_argument("--rounds", type=int, default=15, help="times each operator is timed (default 15)")
    parser.add_argument("--batch", type=int, default=1, help="images at once (default 1)")
    options = parser.parse_args()
    rows = [row for layer in CONVOLUTIONS for row in convolution(layer, options.batch, options.rounds)]
    rows += [row for layer in POOLS for row in pooling(layer, options.batch, options.rounds)]
    rows += reconstruction(options.rounds)
    device = jax.devices()[0]
    machine = {
        "device": f"{device.platform} {device.device_kind}",
        "precision": f"float32 {PRECISION}",
        "batch": options.batch,
        "rounds": options.rounds,
        "jax": jax.__version__,
    }
    print(json.dumps({**machine, "rows": [asdict(row) for row in rows]}) if options.json else report(rows, machine))


if __name__ == "__main__":
    main()
