"""Claims C8 and C11 rest on what was printed: the numbers are those of the rows; the threshold is measured again."""

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
    rows = [
        {"change": change, "level": level, "each": [0.1, mine], "each_threshold": [0.1, plain]}
        for change, level, mine, plain in levels
    ]
    monkeypatch.setattr(evaluate, "measured_robustness", lambda: {"rows": rows})
    found = claim_cutouts.robustness(1)
    assert (found["none"], found["noise 0.2"], found["threshold brightness 2"]) == (0.7, 0.4, 0.5)
    assert found["lost noise 0.2"] == pytest.approx(0.3)
    assert found["lost brightness 2"] == pytest.approx(-0.02)
    assert found["slipped noise 0.2"] == pytest.approx(0.4)
    assert found["slipped brightness 2"] == pytest.approx(0.1)
    assert claim_cutouts.accuracy(1) == {"none": 0.7, "threshold none": 0.6}


def test_the_claims_are_judged_by_what_the_package_keeps() -> None:
    kept = evaluate.measured_robustness()
    accurate, robust = (judge(CLAIMS[id]) for id in ("C8", "C11"))
    wanted = [("none", 0.0), *(("noise", s) for s in robustness.NOISE)]
    wanted += [("brightness", f) for f in robustness.BRIGHTNESS]
    assert [(row["change"], row["level"]) for row in kept["rows"]] == wanted
    assert accurate.runs.values["none"] == robust.runs.values["none"] == tuple(kept["rows"][0]["each"])
    assert accurate.runs.count == robust.runs.count == kept["images"] == 14
    for row in kept["rows"]:
        assert row["iou"] == pytest.approx(np.mean(row["each"]))
        assert row["iou_threshold"] == pytest.approx(np.mean(row["each_threshold"]))
    assert (accurate.kind, robust.kind) == ("not shown", "holds")
    assert accurate.runs.interval("none")[0] < claim_cutouts.ACCURATE < accurate.runs.interval("none")[1]
    assert max(robust.runs.interval(f"lost {name}")[1] for name in claim_cutouts.names()) < claim_cutouts.ROBUST
    assert recorded_figures.command("cutout", "robustness") == claim_cutouts.COMMAND


def test_without_figures_it_says_what_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_figures, "figures", lambda task, what: None)
    with pytest.raises(DataError, match="holds no figures that 'deconvviz evaluate cutout --data DIR"):
        claim_cutouts.accuracy(0)


@pytest.mark.data
def test_the_threshold_measured_again() -> None:
    pairs = data.pairs(Path(os.environ["DECONVVIZ_DATA"]) / "matting")
    kept = evaluate.measured_robustness()
    assert len(pairs) == kept["images"]
    pictures = [data.read(pair)[:2] for pair in pairs]
    for row in kept["rows"]:
        found = [
            np.mean(
                [
                    metrics.intersection_over_union(
                        metrics.threshold_mask(
                            robustness.changed(picture, row["change"], row["level"], i + robustness.APART * draw)
                        ),
                        alpha > 0.5,
                    )
                    for draw in range(robustness.DRAWS if row["change"] == "noise" else 1)
                ]
            )
            for i, (picture, alpha) in enumerate(pictures)
        ]
        assert np.mean(found) == pytest.approx(row["iou_threshold"], abs=1e-9)
