"""Learned inverters: for some layers of a network, a decoder that gives the picture behind the layer's values.

A file of inverters holds the decoders of one network, named by the digest of its program and weights: to any other
network their answers would mean nothing.

Source: dosovitskiy2016inverting
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz import storage
from deconvviz.errors import NetworkError, WeightsError, nearest
from deconvviz.models import _decoder
from deconvviz.network import Network
from deconvviz.types import Array

WEIGHTS = Path(__file__).parent / "weights" / "inverters.safetensors"
#: What a file says of itself.
_ABOUT = {"network": str, "digest": str, "layers": {str: {"upsampler": str}}}
HOW = "train one with 'deconvviz train inverter:LAYER --data DIR --out RUN', or use method='optimize'"


@dataclass(frozen=True, eq=False)
class Inverter:
    """A decoder of one layer of one network.

    Attributes:
      network: the network's name.
      layer: the layer's name.
      shape: of its values, (h, w, c).
      upsampler: "transposed", "unpool" or "resize".
      about: what its training found: figures on unseen pictures, the mean colour of photographs, data, seed.
      params: its arrays.
    """

    network: str
    layer: str
    shape: tuple[int, int, int]
    upsampler: _decoder.Upsampler
    about: dict[str, Any]
    params: _decoder.Params

    @property
    def sizes(self) -> tuple[tuple[int, int, int], ...]:
        """(rows, columns, channels) of what goes in and of what every stage makes of it."""
        sizes, side = [self.shape], self.shape[0]
        for stage in _decoder.stages(self.shape):
            side *= stage.factor
            sizes.append((side, side, stage.channels_out))
        return tuple(sizes)

    def __call__(self, features: Array) -> np.ndarray:
        """Pictures (N, 128, 128, 3) float32 in 0..1 of the layer's values (N, h, w, c); nothing else goes in.

        Raises:
          NetworkError: values of another shape.
        """
        values = np.asarray(features, np.float32)
        if values.ndim != 4 or values.shape[1:] != self.shape:
            raise NetworkError(
                f"the inverter of {self.layer} takes values of shape (N, {', '.join(map(str, self.shape))}); got "
                f"{values.shape}: deconvviz.activations gives those of one picture"
            )
        return np.array(pictures(self.params, values, self.upsampler))


def layers(network: Network, path: str | Path | None = None) -> tuple[str, ...]:
    """The layers of a network that have an inverter, in execution order; none if the file is of another network.

    Args:
      network: a network.
      path: a file of inverters; the shipped one if None.

    >>> from deconvviz.models import caltech
    >>> layers(caltech.build())
    ('relu1', 'relu2', 'relu3', 'relu4', 'relu5', 'relu6', 'relu7')
    """
    about = _about(_file(path))
    if about["digest"] != network.digest:
        return ()
    return tuple(layer.name for layer in network.layers if layer.name in about["layers"])


def load(network: Network, layer: str, path: str | Path | None = None) -> Inverter:
    """The inverter of a layer.

    Args:
      network: a network.
      layer: a layer's name.
      path: a file that `deconvviz train inverter:LAYER` wrote; the shipped one if None.

    Raises:
      NetworkError: no such layer, a layer without an inverter, or inverters of another network.
      WeightsError: a file that is missing, damaged, or does not fit the layer.
    """
    shape, file = network.layer(layer).shape, _file(path)
    about = _about(file)
    known = tuple(about["layers"])
    if about["digest"] != network.digest:
        same = network.name == about["network"]
        why = "this one has the name, but other weights" if same else f"this is {network.name}"
        raise NetworkError(
            f"method='learned' cannot invert {layer} of this network: the inverters at hand are of {about['network']} "
            f"({', '.join(known)}) with the weights they were trained on, and {why}; {HOW}"
        )
    if layer not in known:
        raise NetworkError(
            f"{layer} of {network.name} has no learned inverter; the nearest that has one is "
            f"{_nearest_layer(network, layer, known)} (there are {', '.join(known)}); {HOW}"
        )
    return _load(file, file.stat().st_mtime_ns, layer, shape)


def file_facts(path: str | Path | None = None) -> dict[str, Any]:
    """What a file of inverters says of itself: "network", "digest", and "layers" with what is said of each.

    Raises:
      WeightsError: missing, or no file of inverters.

    >>> file_facts()["network"]
    'caltech'
    """
    return _about(_file(path))


def file_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file of inverters, by layer and name: "relu4.mean".

    Raises:
      WeightsError: missing or damaged.
    """
    return storage.read_arrays(path, _unreadable(path))


def _nearest_layer(network: Network, layer: str, known: tuple[str, ...]) -> str:
    """The layer with an inverter that lies fewest steps away."""
    order = {known.name: place for place, known in enumerate(network.layers)}
    return min(known, key=lambda name: abs(order[name] - order[layer]))


def _file(path: str | Path | None) -> Path:
    return Path(path or WEIGHTS)


@lru_cache(maxsize=16)
def _read_about(file: Path, changed: int) -> dict[str, Any]:
    text = storage.read_metadata(file, _unreadable(file)).get("inverters")
    if text is None:
        raise WeightsError(f"{file} is no file of inverters: it does not say of which network; {HOW}")
    about: dict[str, Any] = storage.parse(text, _ABOUT, lambda reason: _unreadable(file)(f"of what it says, {reason}"))
    return about


def _about(file: Path) -> dict[str, Any]:
    storage.check_file(file, _unreadable(file))
    return _read_about(file, file.stat().st_mtime_ns)


def _unreadable(file: Path) -> storage.Problem:
    return lambda reason: WeightsError(f"cannot read the inverters {file}: {reason}; {HOW}")


@lru_cache(maxsize=16)
def _load(file: Path, changed: int, layer: str, shape: tuple[int, int, int]) -> Inverter:
    about = _about(file)
    facts = about["layers"][layer]
    if facts["upsampler"] not in _decoder.UPSAMPLERS:
        known = nearest(str(facts["upsampler"]), _decoder.UPSAMPLERS)
        raise WeightsError(f"{file} names an unknown upsampler {facts['upsampler']!r} for {layer}; {known}")
    arrays = storage.read_arrays(file, _unreadable(file), prefix=f"{layer}.")
    fitting = storage.all_weights(
        arrays, _decoder.shapes(shape, facts["upsampler"]),
        lambda reason: WeightsError(f"{file} does not fit {layer}: {reason}; {HOW}"),
    )  # fmt: skip
    params = {name: jax.device_put(value) for name, value in fitting.items()}
    return Inverter(about["network"], layer, shape, facts["upsampler"], facts, params)


@partial(jax.jit, static_argnums=2)
def pictures(params: _decoder.Params, values: Array, upsampler: _decoder.Upsampler) -> jax.Array:
    """(N, 128, 128, 3) in 0..1 of a layer's values (N, h, w, c), by a decoder's arrays."""
    return jnp.clip(_decoder.decode(params, jnp.asarray(values), upsampler), 0, 1)
