"""Claim C8 rests on what was printed: the numbers are those of the rows, and the threshold's are measured again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from deconvviz.articles import claim_cutouts
from deconvviz.articles.claims import CLAIMS, judge
from deconvviz.errors import DataError
from deconvviz.tasks._shared import recorded_figures
from deconvviz.tasks.cutout import data, evaluate, metrics, robustness


def test_the_numbers_are_those_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = [
        ("none", 0.0, 0.7, 0.6),
        ("noise", 0.1, 0.65, 0.5),
        ("noise", 0.2, 0.4, 0.2),
        ("brightness", 2.0, 0.72, 0.5),
    ]
    rows = [dict(zip(("change", "level", "iou", "iou_threshold"), row, strict=True)) for row in levels]
    monkeypatch.setattr(evaluate, "measured_robustness", lambda: {"rows": rows})
    found = claim_cutouts.cutouts(1)
    assert (found["none"], found["noise 0.2"], found["threshold brightness 2"]) == (0.7, 0.4, 0.5)
    assert found["lost to noise"] == pytest.approx(0.3)
    assert found["lost to brightness"] == pytest.approx(-0.02)
    assert found["threshold lost to noise"] == pytest.approx(0.4)
    assert found["threshold lost to brightness"] == pytest.approx(0.1)


def test_the_claim_is_judged_by_what_the_package_keeps() -> None:
    kept = evaluate.measured_robustness()
    judgement = judge(CLAIMS["C8"])
    wanted = [("none", 0.0), *(("noise", s) for s in robustness.NOISE)]
    wanted += [("brightness", f) for f in robustness.BRIGHTNESS]
    assert [(row["change"], row["level"]) for row in kept["rows"]] == wanted
    assert judgement.runs.values["none"] == (kept["rows"][0]["iou"],)
    assert judgement.kind == "one run"
    assert recorded_figures.command("cutout", "robustness") == claim_cutouts.COMMAND


def test_without_figures_it_says_what_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_figures, "figures", lambda task, what: None)
    with pytest.raises(DataError, match="holds no figures that 'deconvviz evaluate cutout --data DIR"):
        claim_cutouts.cutouts(0)


@pytest.mark.data
def test_the_threshold_measured_again() -> None:
    pairs = data.pairs(Path(os.environ["DECONVVIZ_DATA"]) / "matting")
    kept = evaluate.measured_robustness()
    assert len(pairs) == kept["images"]
    pictures = [data.read(pair)[:2] for pair in pairs]
    for row in kept["rows"]:
        found = [
            metrics.intersection_over_union(
                metrics.threshold_mask(robustness.changed(picture, row["change"], row["level"], i)), alpha > 0.5
            )
            for i, (picture, alpha) in enumerate(pictures)
        ]
        assert np.mean(found) == pytest.approx(row["iou_threshold"], abs=1e-9)
