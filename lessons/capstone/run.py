"""A case: four networks in an order that its number draws, pictures of its own, and what every test gives on them."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from deconvviz.checks.audit.controls import ranked
from deconvviz.checks.audit.planted import mass_inside
from deconvviz.data import samples
from deconvviz.methods.attribution import drawn as map_of
from deconvviz.models import planted, watermark
from deconvviz.network import Network
from deconvviz.network.score import Score
from deconvviz.training import chain
from deconvviz.training.planted import pictures
from deconvviz.training.planted.pictures import Parts

LETTERS = ("A", "B", "C", "D")
#: As many cases as there are orders of four networks, and pictures in each.
CASES, PICTURES = 24, 24
#: Photographs that no network was trained on.
GROUNDS = ("cat", "astronaut", "coffee", "coins", "brick", "grass")
METHODS = ("occlusion", "gradient_x_input")
#: The test in which each kind of network stands apart from the others.
SHOWN_BY = {"honest": "new", "watermark": "mark", "background": "ground", "labels": "new"}
#: Pictures of 24 by which a network's figure has to stand apart before it says anything.
APART = 4


@functools.cache
def _orders() -> tuple[tuple[str, ...], ...]:
    every = list(itertools.permutations(planted.FAULTS))
    return tuple(every[n] for n in np.random.default_rng(16).permutation(CASES))


def order(case: int) -> dict[str, str]:
    """Letter -> what that network of the case is; cases count from 1."""
    return dict(zip(LETTERS, _orders()[case - 1], strict=True))


@functools.lru_cache(maxsize=8)
def shown(case: int) -> tuple[Parts, ...]:
    """The pictures of a case, in which digit, mark and ground have nothing to do with each other."""
    return tuple(pictures.drawn(_photographs(), PICTURES, [case, 7], held_out=True))


@functools.cache
def _photographs() -> list[np.ndarray]:
    """At the size that grounds were cut from in training."""
    return pictures.grounds([samples.load(name) for name in GROUNDS])


@functools.cache
def params(fault: str) -> dict[str, np.ndarray]:
    """The weights of one of the networks."""
    return planted.read(fault)[0]


@functools.cache
def network(fault: str) -> Network:
    """One of the networks."""
    return planted.build(fault)


def own(fault: str) -> float:
    """How often a network is right on the pictures that it was trained on, as its file says."""
    return float(planted.read(fault)[1]["own"])


@functools.lru_cache(maxsize=512)
def answers(case: int, letter: str, change: str = "") -> tuple[int, ...]:
    """The class that a network of the case finds in each picture, after one thing was changed in all of them."""
    x = pictures.inputs(shown(case), change)
    return tuple(int(n) for n in chain.answers(params(order(case)[letter]), x))


def count(case: int, letter: str, test: str) -> int:
    """Of 24 pictures: right answers ("new"), or answers that change with the "mark", the "ground" or the "digit"."""
    before = answers(case, letter)
    if test == "new":
        return sum(a == parts.digit for a, parts in zip(before, shown(case), strict=True))
    return sum(a != b for a, b in zip(before, answers(case, letter, test), strict=True))


def counts(case: int, test: str) -> dict[str, int]:
    """Letter -> what the test gives."""
    return {letter: count(case, letter, test) for letter in LETTERS}


def stands_apart(case: int, letter: str, test: str) -> bool:
    """Whether a test tells a network from each of the others."""
    result = counts(case, test)
    return all(abs(result[letter] - other) >= APART for name, other in result.items() if name != letter)


def options(method: str) -> dict[str, int]:
    """How a method is called: occlusion with patches of the mark's size."""
    return {"patch": watermark.MARK_SIDE, "stride": watermark.MARK_SIDE // 3} if method == "occlusion" else {}


@dataclass(frozen=True, eq=False)
class Map:
    """A network's map of one picture: (48, 48), and the share of it on digit, mark and ground."""

    values: np.ndarray
    shares: dict[str, float]


@functools.lru_cache(maxsize=64)
def explained(case: int, letter: str, number: int, method: str) -> Map:
    """The map of the class that the network finds in a picture of the case."""
    x = pictures.inputs(shown(case)[number : number + 1])
    net = network(order(case)[letter])
    first = network(planted.FAULTS[0])  # compiled once, for the weights of any
    label = answers(case, letter)[number]
    score = Score.of(first, x, ("logits", label)).with_weights(net.program().flat.consts)
    values = ranked(method, map_of(score, x, method, **options(method)).signal)
    parts = shown(case)[number]
    return Map(values, {part: mass_inside(values, parts.region(part)) for part in ("digit", "mark", "ground")})
