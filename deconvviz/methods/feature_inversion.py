"""Inversion by optimization: a picture whose features are those of another one, found by going downhill from noise.

Formula: minimize over pictures x in the box 0..1, with Phi the layer and ``a = Phi(x0)`` what it says of a picture x0,
``|Phi(x) - a|^2 / |a|^2 + norm R_alpha(x) + tv R_TV(x)``, R_alpha the alpha norm of ``(x - 1/2) / B`` and R_TV the
total variation of ``x / V``, B = 80 grey levels and V = B / 6.5. Dividing by the target makes one preset serve
pictures of any contrast.

Source: mahendran2015understanding, mahendran2016visualizing
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeconvvizError, NetworkError, nearest
from deconvviz.methods import _canvas, _loop, _presets
from deconvviz.methods._settings import Settings, check_whole, with_options
from deconvviz.metrics import normalized_error
from deconvviz.network import Network
from deconvviz.types import DisplayImage, Inversion, ModelInput

METHODS = ("optimize", "learned", "refined")


@dataclass(frozen=True, eq=False)
class Run:
    """What an `Inversion` carries so that it can go on."""

    progress: _loop.Progress
    settings: Settings
    belongs: tuple[Any, ...]


def snapshots(
    network: Network,
    x: ModelInput,
    picture: DisplayImage,
    layer: str,
    method: str = "optimize",
    *,
    seed: int = 0,
    restarts: int = 1,
    resume: Inversion | None = None,
    every: int = _loop.EVERY,
    **options: Any,
) -> Iterator[Inversion]:
    """Inverts a layer step by step; see `deconvviz.invert_snapshots`.

    Args:
      network: the network.
      x: (1, H, W, C) model input whose features are the target.
      picture: (H, W, 3) the picture that it shows, for the error in pixels.
    """
    check_method(method)
    if method != "optimize":
        raise DeconvvizError(f"method={method!r} begins with a decoder and has no snapshots: call deconvviz.invert")
    settings = _presets.inversion(network, network.layer(layer)) if resume is None else resume.state.settings
    settings = with_options(settings, options)
    check_whole(seed=(seed, 0), restarts=(restarts, 1), every=(every, 1))
    target = network.taps(x, [layer])[layer]
    weight = 1 / _squared_length(network, layer, target)
    problem = _problem(network, layer, settings, restarts, target, weight)
    belongs = (network.digest, layer, seed, restarts, settings.compiled, _digest(target))
    progress = _begin(network, settings, seed, restarts) if resume is None else _continued(resume, belongs)

    def snapshot(now: _loop.Progress) -> Inversion:
        images, errors = (np.asarray(value) for value in problem.measure(now.state.params, problem.data))
        best = int(np.argmin(errors))
        image = np.clip(images[best].astype(np.float32), 0, 1)
        return Inversion(
            image=image, feature_error=float(errors[best]), image_error=normalized_error(image, picture),
            losses=now.losses[:, best], layer=layer, method=method, seed=seed, step=now.done, steps=settings.steps,
            restart=best, note=now.note, state=Run(now, settings, belongs),
        )  # fmt: skip

    if progress.done >= settings.steps:
        yield snapshot(progress)
    for now in _loop.advance(problem, progress, settings.steps, every):
        yield snapshot(now)


def measured(
    network: Network,
    x: ModelInput,
    picture: DisplayImage,
    layer: str,
    method: str,
    image: DisplayImage,
    decoded: ModelInput,
) -> Inversion:
    """The record of a picture that was found without steps: the network says how far its features are.

    Args:
      network, x, picture, layer: as in `snapshots`.
      method: how it was found.
      image: (H, W, 3), 0..1, the picture.
      decoded: (1, H, W, C), what the network is fed for it.

    Raises:
      NetworkError: no such layer, or one that is zero everywhere for the picture inverted.
    """
    target = network.taps(x, [network.layer(layer).name])[layer]
    weight = 1 / _squared_length(network, layer, target)
    distance = np.square(network.taps(decoded, [layer])[layer].astype(np.float64) - target).sum()
    return Inversion(
        image=image, feature_error=float(distance * weight), image_error=normalized_error(image, picture),
        losses=np.zeros(0), layer=layer, method=method, seed=0,
    )  # fmt: skip


def _objective(values: jax.Array, data: Any) -> tuple[jax.Array, jax.Array]:
    """Squared distance of each picture's features from the target, normalized; loss and figure are the same."""
    _, target, weight = data
    error = jnp.square(values - target).reshape(len(values), -1).sum(-1) * weight
    return error, error


def _problem(
    network: Network, layer: str, settings: Settings, restarts: int, target: np.ndarray, weight: float
) -> _loop.Problem:
    values = _canvas.layer_values(network, layer)
    key = (layer, restarts, settings.compiled, target.dtype.name)
    return _loop.Problem(
        step=network.store.compiled(("invert", *key), lambda: _loop.make_step(settings, values, _objective)),
        measure=network.store.compiled(("inverted", *key), lambda: _loop.make_measure(settings, values, _objective)),
        settings=settings,
        data=(network.program().flat.consts, target, weight),
        bounded=True,
    )


def _begin(network: Network, settings: Settings, seed: int, restarts: int) -> _loop.Progress:
    keys = [jax.random.fold_in(jax.random.key(seed), restart) for restart in range(restarts)]
    params = jnp.concatenate([_canvas.start(settings, network.input_spec, key) for key in keys])
    return _loop.first_progress(settings, params, seed)


def _continued(resume: Inversion, belongs: tuple[Any, ...]) -> _loop.Progress:
    if not isinstance(resume.state, Run) or resume.state.belongs != belongs:
        raise DeconvvizError(
            f"this run of {resume.layer} with seed {resume.seed} cannot go on: network, picture, layer, seed, "
            "restarts and settings have to be those that it began with (the number of steps, the "
            "rate and the weights of the penalties may change)"
        )
    return resume.state.progress


def check_method(method: str) -> None:
    """Refuses a method that does not exist.

    >>> check_method("learned")
    """
    if method not in METHODS:
        raise DeconvvizError(f"there is no method {method!r}; {nearest(str(method), METHODS)}")


def _squared_length(network: Network, layer: str, target: np.ndarray) -> float:
    length = float(np.square(target.astype(np.float64)).sum())
    if not np.isfinite(length):
        raise NetworkError(
            f"{layer} of {network.name} is no finite number for this picture, so nothing can be matched: are the "
            "weights finite, and is the picture in the range that the network expects?"
        )
    if length == 0:
        raise NetworkError(
            f"{layer} of {network.name} is zero everywhere for this picture: every picture that leaves it silent would "
            "do, and the error cannot be divided by the target; choose another picture or a layer below it"
        )
    return length


def _digest(target: np.ndarray) -> str:
    return hashlib.sha256(f"{target.shape}{target.dtype}".encode() + np.ascontiguousarray(target).tobytes()).hexdigest()
