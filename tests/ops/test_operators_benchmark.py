"""The benchmark of the operators runs and reports what it says, on layers small enough for a test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from deconvviz.ops import ConvGeometry

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "operators.py"


@pytest.fixture(scope="module")
def operators() -> ModuleType:
    spec = importlib.util.spec_from_file_location("operators_benchmark", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_rows_hold_times_and_the_difference_of_the_roads(operators: ModuleType) -> None:
    small = operators.Layer("small", (9, 8), 4, 3, 6, ConvGeometry(2, 1, groups=2))
    rows = operators.convolution(small, 2, 3)
    assert [row.operator for row in rows] == ["conv", "conv_adjoint (explicit)", "conv_vjp (derived)"]
    assert all(row.milliseconds > 0 and row.gflops > 0 for row in rows)
    assert rows[1].difference < 1e-5
    rows += operators.pooling(operators.Layer("pool", (9, 8), 4, window=3, stride=2), 2, 3)
    assert rows[5].operator == "max_unpool"
    assert rows[5].difference < 1e-5
    text = operators.report(rows, {"device": "cpu", "precision": "float32 HIGHEST"})
    assert text.startswith("device cpu, precision float32 HIGHEST\n")
    assert len(text.splitlines()) == 3 + 7


def test_the_median_is_that_of_all_rounds(operators: ModuleType) -> None:
    calls = []
    operators.medians({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] + ["a", "b"] * 3
