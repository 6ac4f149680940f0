"""One forward pass a picture over all devices of this machine, keeping of each layer the strongest pictures only.

Every device runs the same compiled program on its own part of a batch (`jax.shard_map` over the batch axis), so the
numbers do not depend on how many devices there are. Activations never leave the devices: what comes back is one value
and one position for a picture and channel. A last batch is filled up with zeros, so that one program is enough.

Source: zeiler2014visualizing
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from deconvviz.atlas import top
from deconvviz.atlas.pictures import Pictures
from deconvviz.data.preprocess import model_input
from deconvviz.errors import ImageError
from deconvviz.network import Network
from deconvviz.network.trace.jaxpr import as_function
from deconvviz.network.trace.trace import permuted
from deconvviz.types import InputSpec

#: Threads that decode the next batch while the devices work on this one.
THREADS = 2


@dataclass(frozen=True, eq=False)
class ScanResult:
    """What a scan knows after some of its pictures.

    Attributes:
      done: how many pictures of its share it has seen.
      tops: layer -> the strongest of them.
      broken: number of a picture -> why it was skipped.
    """

    done: int
    tops: dict[str, top.Top]
    broken: dict[int, str]


def nothing(channels: Mapping[str, Sequence[int]], room: int) -> ScanResult:
    """What is known before the first picture."""
    return ScanResult(0, {layer: top.empty(len(numbers), room) for layer, numbers in channels.items()}, {})


def together(parts: Sequence[ScanResult], room: int) -> ScanResult:
    """The scans of several shares as one."""
    first, *rest = parts
    for part in rest:
        tops = {layer: top.merge(first.tops[layer], part.tops[layer], room) for layer in first.tops}
        first = ScanResult(first.done + part.done, tops, first.broken | part.broken)
    return ScanResult(first.done, first.tops, dict(sorted(first.broken.items())))


def scan(
    network: Network,
    pictures: Pictures,
    share: Sequence[int],
    channels: Mapping[str, Sequence[int]],
    *,
    room: int,
    batch: int,
    begun: ScanResult | None = None,
) -> Iterator[ScanResult]:
    """Looks at a share of the pictures, a batch at a time.

    Args:
      network: the network.
      pictures: all pictures.
      share: numbers of those to look at.
      channels: layer -> its channels.
      room: how many pictures are kept a channel.
      batch: pictures a device.
      begun: what is known already.

    Yields:
      what is known after each batch.
    """
    result = begun or nothing(channels, room)
    forward = Forward(network, tuple(channels), batch)
    size = batch * len(forward.devices)
    for numbers, inputs in _batches(pictures, share[result.done :], network.input_spec, size):
        broken = {n: x for n, x in zip(numbers, inputs, strict=True) if isinstance(x, str)}
        good = [(n, x) for n, x in zip(numbers, inputs, strict=True) if not isinstance(x, str)]
        tops = dict(result.tops)
        if good:
            indices = np.array([n for n, _ in good])
            values = forward(np.concatenate([x for _, x in good]))
            finite = np.all([np.isfinite(peaks).all(axis=1) for peaks, _ in values.values()], axis=0)
            broken |= {int(n): f"{network.name} answers with NaN or infinity" for n in indices[~finite]}
            for layer, (peaks, places) in values.items():
                selected = np.asarray(channels[layer], np.intp)
                these = top.of_batch(peaks[finite][:, selected], places[finite][:, selected], indices[finite])
                tops[layer] = top.merge(tops[layer], these, room)
        result = ScanResult(result.done + len(numbers), tops, result.broken | broken)
        yield result


class Forward:
    """The strongest value and position of every channel for a batch of model inputs, on all devices of this process.

    >>> from deconvviz.types import InputSpec
    >>> net = Network(lambda x: jax.nn.relu(x - 1.0), input_spec=InputSpec(size=(3, 5)))
    >>> values, places = Forward(net, ("relu1",), 2)(np.arange(45, dtype=np.float32).reshape(1, 3, 5, 3))["relu1"]
    >>> values.tolist(), places.tolist()
    ([[41.0, 42.0, 43.0]], [[14, 14, 14]])
    """

    def __init__(self, network: Network, layers: Sequence[str], batch: int) -> None:
        self.layers = tuple(layers)
        self.devices = jax.local_devices()
        self.batch = batch if _serves(network, batch) else 1
        mesh = Mesh(np.array(self.devices), ("pictures",))
        self._split = NamedSharding(mesh, PartitionSpec("pictures"))
        program = network.program(self.batch)
        self._constants = jax.device_put(program.flat.consts, NamedSharding(mesh, PartitionSpec()))
        self._call = jax.jit(
            jax.shard_map(
                _peaks(network, self.layers, self.batch),
                mesh=mesh,
                in_specs=(PartitionSpec(), PartitionSpec("pictures")),
                out_specs=PartitionSpec("pictures"),
                check_vma=False,
            )
        )

    def __call__(self, x: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Layer -> (values, positions), (N, C) each, for any number of inputs (N, H, W, C)."""
        size = self.batch * len(self.devices)
        parts = [self._one(x[first : first + size], size) for first in range(0, len(x), size)]
        return {
            layer: (np.concatenate([p[i][0] for p in parts]), np.concatenate([p[i][1] for p in parts]))
            for i, layer in enumerate(self.layers)
        }

    def _one(self, x: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
        full = np.zeros((size, *x.shape[1:]), jnp.result_type(float))
        full[: len(x)] = x
        result = self._call(self._constants, jax.device_put(full, self._split))
        return [(np.asarray(values)[: len(x)], np.asarray(places)[: len(x)]) for values, places in result]


def _serves(network: Network, batch: int) -> bool:
    """Does the program for that many pictures have the layers of the program for one?"""
    return tuple(node.layer for node in network.program(batch).nodes) == network.layers


def _peaks(network: Network, layers: Sequence[str], batch: int) -> Callable[..., Any]:
    """The program of one device: ``(constants, x) -> [(values, positions)]``, one pair a layer."""
    program, nodes = network.program(batch), [network.node(layer, batch) for layer in layers]
    run = as_function(program.flat, [item.eqn for item in program.flat.equations], [node.variable for node in nodes])

    def peaks(constants: Any, x: Any) -> list[tuple[Any, Any]]:
        result = []
        for node, value in zip(nodes, run(constants, x), strict=True):
            maps = permuted(node, value)
            flat = jnp.reshape(maps, (maps.shape[0], -1, maps.shape[-1]))
            result.append((flat.max(axis=1), flat.argmax(axis=1)))
        return result

    return peaks


def _batches(
    pictures: Pictures, share: Sequence[int], spec: InputSpec, size: int
) -> Iterator[tuple[list[int], list[np.ndarray | str]]]:
    """(numbers, model inputs or why there is none) of one batch after the other; the next is decoded meanwhile."""
    groups = [list(share[first : first + size]) for first in range(0, len(share), size)]
    with ThreadPoolExecutor(THREADS) as pool:

        def begin(group: list[int]) -> list[Future[np.ndarray | str]]:
            return [pool.submit(_input, pictures, number, spec) for number in group]

        waiting = begin(groups[0]) if groups else []
        for group, later in itertools.zip_longest(groups, groups[1:]):
            ready, waiting = waiting, begin(later) if later else []
            try:
                yield group, [future.result() for future in ready]
            except GeneratorExit:
                pool.shutdown(cancel_futures=True)
                raise


def _input(pictures: Pictures, number: int, spec: InputSpec) -> np.ndarray | str:
    """The model input of a picture, (1, H, W, C), or why there is none."""
    try:
        return model_input(pictures.load(pictures.names[number])[0], spec)
    except ImageError as error:
        return str(error)
