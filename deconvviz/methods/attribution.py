"""Every method under one name: which pixels a unit rests on."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from deconvviz import catalog
from deconvviz.errors import DeconvvizError, nearest
from deconvviz.methods._drawn import Drawn
from deconvviz.methods._settings import check_whole
from deconvviz.network import units
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import OnUnsupported
from deconvviz.network.score import Score
from deconvviz.types import Array, Attribution, UnitLike


def method(name: str) -> catalog.Method:
    """The method of that name.

    Raises:
      DeconvvizError: if there is none; offers the nearest.
    """
    known = catalog.methods()
    if name not in known:
        raise DeconvvizError(f"there is no method {name!r}; {nearest(str(name), known)} (methods: {', '.join(known)})")
    return known[name]


def options_of(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Every option of a method: what was given, else its default.

    Raises:
      DeconvvizError: no such method or option.

    >>> options_of("smoothgrad", {"samples": 4})
    {'samples': 4, 'noise': 0.15}
    """
    draw: Callable[..., Any] = method(name).draw  # type: ignore[assignment]  # all methods here have one
    known = {
        key: parameter.default
        for key, parameter in inspect.signature(draw).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and key not in ("seed", "rule")
    }
    for key in options:
        if key not in known:
            offered = nearest(key, known) if known else "it has none"
            raise DeconvvizError(f"{name} has no option {key!r}; {offered}")
    return known | options


def drawn(score: Score, x: Array, name: str, seed: int = 0, **options: Any) -> Drawn:
    """The map of a score by a method: of any unit and picture, and for any weights."""
    draw: Callable[..., Any] = method(name).draw  # type: ignore[assignment]
    result: Drawn = draw(score, x, seed=seed, **options_of(name, options))
    units.check_finite(score.network.name, score.unit, result.value, result.signal)
    return result


def attribute(
    network: Network,
    x: Array,
    unit: UnitLike,
    name: str,
    seed: int = 0,
    on_unsupported: OnUnsupported = "refuse",
    **options: Any,
) -> Attribution:
    """`deconvviz.attribute` of a model input; the map has the channels of that, or one."""
    start = time.perf_counter()
    check_whole(seed=(seed, 0))
    used = options_of(name, options)
    score = Score.of(network, x, unit, on_unsupported)
    result = drawn(score, network.checked_input(x), name, seed, **options)
    pixels = np.asarray(result.signal, np.float64)
    note = result.note or _grey(pixels, result.value)
    return Attribution(
        map=result.signal, pixels=pixels if pixels.ndim == 2 else pixels.sum(axis=-1), unit=score.unit, method=name,
        value=result.value, seed=seed, options=used, facts=result.facts, note=note, seconds=time.perf_counter() - start,
    )  # fmt: skip


def _grey(pixels: np.ndarray, value: float) -> str:
    """Why nothing is to be seen; empty where something is."""
    if pixels.any():
        return ""
    return f"the map is zero everywhere; the unit's value is {value:.4g}"
