"""The code that pages show, read by many people at once."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deconvviz import types
from lessons._kit.form import proof


@pytest.fixture
def collected_often() -> Iterator[None]:
    """The garbage collector runs often and lets another thread go on meanwhile, as JAX's callback does."""

    def give_way(*_: object) -> None:
        time.sleep(0.0005)

    thresholds = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(50, 2, 2)
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(give_way)


@pytest.mark.slow
@pytest.mark.usefixtures("collected_often")
def test_many_people_can_read_the_source_of_a_class_at_once() -> None:
    """CPython 3.11 raises SystemError where two threads build a syntax tree, which the source of a class needs."""
    read = proof._source.__wrapped__  # without the cache
    with ThreadPoolExecutor(8) as pool:
        sources = list(pool.map(read, [types.Unit, types.InputSpec, types.Reconstruction, types.Layer] * 8))
    assert sources[0].startswith("@dataclass")
    assert sources[:4] * 8 == sources
