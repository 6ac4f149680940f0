"""`deconvviz formulas` prints what the objects hold and what running them measures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from deconvviz import cli
from deconvviz.articles.formulas import FORMULAS, measure


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli.main, ["formulas", *arguments])


@pytest.mark.slow
def test_json_holds_every_formula_with_its_errors() -> None:
    answer = run("--json", "--seeds", "2")
    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout.count("\n") == 1
    record = json.loads(answer.stdout)
    assert record["seeds"] == 2
    assert [one["id"] for one in record["formulas"]] == list(FORMULAS)
    for one in record["formulas"]:
        formula = FORMULAS[one["id"]]
        assert one["printed"] == formula.printed_latex
        assert one["says"] == formula.says.chinese
        assert one["proved"]
        assert one["as_said"] == (one["id"] == "F004.1")
        worst = max(measure(formula, seed)["corrected"] for seed in range(2))
        assert one["errors"]["corrected"] == worst
        assert (one["errors"]["said"] is None) == (not one["same_size"])


def test_the_table_is_for_people() -> None:
    lines = run("--seeds", "1").stdout.splitlines()
    assert len(lines) == 11
    assert lines[1].startswith("F000.1  size ")
    assert "shifted by one row and one column" in lines[1]


def test_no_seeds_is_refused() -> None:
    answer = run("--seeds", "0")
    assert answer.exit_code == 2
    assert "0 is not in the range x>=1" in answer.stderr
