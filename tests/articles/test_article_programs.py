"""The printed programs stop where it is said and for the reason that their shapes give; the mended ones run."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from deconvviz.articles import programs
from deconvviz.articles._programs import layers
from deconvviz.articles.programs import PROGRAMS, attempt, mend, shapes_of

#: What Python, NumPy and JAX say at each fault, of which the first words are theirs and the sizes the program's.
RAISED = {
    "000.1": "NameError: name 'x_train'",
    "000.2": "TypeError: mul got incompatible shapes for broadcasting: (32, 256, 256, 3), (32, 1016, 1016, 3)",
    "001.1": "ValueError: indices and arr must have the same number of dimensions; 2 vs. 4",
    "002.1": "TypeError: Layer.__init__() got an unexpected keyword argument 'output_shape'",
    "003.1": "NameError: name 'image'",
    "003.2": "ValueError: operands could not be broadcast together with shapes (3,2) (3,3,3)",
    "004.1": "ImportError: cannot import name 'DeConv2D'",
    "004.2": "NameError: name 'MaxPooling2D'",
    "004.3": "TypeError: add got incompatible shapes for broadcasting: (1, 28, 28, 1), (1, 30, 30, 32)",
}
SHOWN = {"001.2": 0.0, "002.2": 32.0, "003.3": 1.0}
FAULTS = {fault.id: fault for program in PROGRAMS.values() for fault in program.faults}


def test_every_fault_is_looked_at() -> None:
    assert list(PROGRAMS) == ["000", "001", "002", "003", "004"]
    assert FAULTS.keys() == RAISED.keys() | SHOWN.keys()
    assert all(len(fault.printed.splitlines()) <= 3 for fault in FAULTS.values()), "quote what fails, no more"


@pytest.mark.parametrize("id", RAISED)
def test_it_stops_there(id: str) -> None:
    found = attempt(FAULTS[id])
    assert found.error.startswith(RAISED[id])
    assert found.value is None


@pytest.mark.slow
@pytest.mark.parametrize("id", SHOWN)
def test_it_runs_and_the_number_shows_what_is_wrong(id: str) -> None:
    found = attempt(FAULTS[id])
    assert found.error == ""
    assert found.value == SHOWN[id]


def test_the_printed_lines_reach_no_file_and_no_module() -> None:
    names = programs._names()
    assert set(names["__builtins__"]) == {"range", "len", "__import__"}
    for line in ("open('x')", "__import__('os')", "exec('1')"):
        with pytest.raises((NameError, KeyError)):
            exec(line, programs._names())
    assert builtins.open


def test_the_shapes_are_those_by_hand() -> None:
    assert [shape for _, shape in shapes_of(PROGRAMS["000"])][1:] == [
        (254, 254, 32), (127, 127, 32), (254, 254, 64), (508, 508, 64), (1016, 1016, 3)
    ]  # fmt: skip
    assert shapes_of(PROGRAMS["000"], 30)[-1][1] == ((30 - 2) // 2 * 8,) * 2 + (3,)
    assert shapes_of(PROGRAMS["001"], 20)[-1][1] == (80, 80, 1)
    assert shapes_of(PROGRAMS["002"])[-1][1] == (32, 32, 32)
    n = 28
    for _ in range(2):
        n = 2 * (n + 2)
    assert shapes_of(PROGRAMS["004"])[-1][1] == (n, n, 64)
    assert all(shapes_of(p)[-1][1] != p.target_shape for p in PROGRAMS.values() if p.layers)
    assert [kernel for _, kernel, _ in programs.slices()] == [(3, 3), (3, 2), (3, 1), (3, 0)]


def test_the_first_pixel_takes_columns_for_colours() -> None:
    kernel, window = np.arange(9.0).reshape(3, 3), np.random.default_rng(0).random((3, 3, 3))
    by_hand = sum(kernel[c, k] * window[r, c, k] for r in range(3) for c in range(3) for k in range(3))
    assert np.sum(kernel * window) == pytest.approx(by_hand)


def test_a_loss_over_one_channel_is_zero_and_over_two_is_not() -> None:
    scores = np.random.default_rng(0).standard_normal((2, 2, 3, 4)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 2, (2, 3, 4))
    assert float(layers.cross_entropy(scores[:, :1], np.zeros_like(labels))) == 0
    by_hand = np.mean([
        np.log(np.exp(scores[n, :, r, c]).sum()) - scores[n, labels[n, r, c], r, c]
        for n in range(2) for r in range(3) for c in range(4)
    ])  # fmt: skip
    assert float(layers.cross_entropy(scores, labels)) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(("article", "better"), [("000", 0.15), ("001", 0.1), ("002", 0.2), ("003", 0.7), ("004", 2.0)])
def test_the_mended_program_runs_fits_and_beats_what_knows_nothing(article: str, better: float) -> None:
    found = mend(article)
    assert len(found.errors) == 2
    assert all(0 <= error <= 1e-5 for error in found.errors.values())
    assert found.score > found.plain + better
    assert len(found.arrays) == 3
    assert all(plane.ndim == 2 and plane.std() > 0 for plane in found.arrays.values())


@pytest.mark.slow
def test_a_mended_program_that_is_broken_again_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One label for all, as printed: the overlap falls to that of the whole picture, and the box with it."""
    text = PROGRAMS["003"].mended
    assert "features[..., 0] > 0.5" in text
    names: dict[str, object] = {}
    exec(text.replace("features[..., 0] > 0.5", "np.full((ROWS, COLUMNS), features.max() > 0.5)"), names)
    assert names["score"] == names["plain"]
    names = {}
    exec(text.replace("padded[r:r + 3, c:c + 3]", "padded[r:r + 3, c:c + 3][::-1]"), names)
    assert names["errors"]["features"] > 1e-2  # type: ignore[index]
