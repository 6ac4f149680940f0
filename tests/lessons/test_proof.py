"""The code that pages show, read by many people at once."""

from __future__ import annotations

import gc
import inspect
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deconvviz import types
from lessons._kit.form import page, proof


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


@pytest.mark.slow
@pytest.mark.usefixtures("collected_often")
def test_many_people_can_open_lessons_at_once() -> None:
    """How long a lesson takes is counted in its code, by a syntax tree too."""
    files = [Path(inspect.getfile(found.render)) for found in page.discover() if isinstance(found, page.Lesson)][:4]
    with ThreadPoolExecutor(8) as pool:
        words = list(pool.map(page._words.__wrapped__, files * 4))
    assert min(words) > 50
    assert words == words[:4] * 4
