"""The page about streets: its numbers against loops, its drawing, its table, what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from reference import segmentation_loops as loops
from streamlit.testing.v1 import AppTest

from deconvviz.tasks.segmentation import predict
from deconvviz.tasks.segmentation.data import NAMES, VOID
from lessons.segmentation import run, scene, table
from lessons.segmentation.run import Subject

SLUG = "segmentation"


def test_the_drawn_street_has_a_class_everywhere() -> None:
    street = scene.street()
    assert street.picture.shape == (*scene.SIZE, 3)
    assert street.labels.shape == scene.SIZE
    shown = {NAMES[c] for c in np.unique(street.labels)}
    assert shown == {"sky", "building", "pole", "road", "pavement", "tree", "sign", "car", "pedestrian"}
    assert not street.picture.flags.writeable
    for top, left, bottom, right in scene.SPOTS.values():
        assert len(np.unique(street.labels[top:bottom, left:right])) >= 2


def test_overlap_is_that_of_loops() -> None:
    draw = np.random.default_rng(0)
    said, true = draw.integers(0, VOID, (12, 17)), draw.integers(0, VOID + 1, (12, 17))
    wanted = loops.shares([said], [true], VOID)["mean_iou"]
    assert run.iou_by_hand(said, true) == pytest.approx(wanted, abs=1e-12)
    for c, name in enumerate(NAMES):
        both, either = run.counts(said, true, name)
        known = true < VOID
        assert both == sum(a == c == b for a, b in zip(said[known], true[known], strict=True))
        assert either == sum(c in (a, b) for a, b in zip(said[known], true[known], strict=True))


def test_the_closer_look_is_where_decoders_differ_most(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {name: np.zeros((90, 130), np.uint8) for name in run.DECODERS}
    answers["unpool"][60:75, 100:115] = 3
    answers["bilinear"][5, 5] = 3
    monkeypatch.setattr(
        run,
        "answer",
        lambda subject, name: predict.Segmentation(subject.picture, answers[name], np.zeros(0), name),
    )
    subject = Subject(np.zeros((90, 130, 3), np.float32), None, "", "")
    top, left, bottom, right = run.spot(subject, "pole")
    assert (bottom - top, right - left) == (run.CLOSE, run.CLOSE)
    assert top <= 60
    assert bottom >= 75
    assert left <= 100
    assert right >= 115


def test_the_table_holds_the_figures_of_the_file() -> None:
    found = predict.variants()
    page = table.to_html("caption", found)
    for about in found.values():
        for key in table.FIGURES:
            assert f">{100 * about['figures'][key]:.1f}</td>" in page
    assert page.count('class="best"') >= len(table.FIGURES)


def test_what_the_fusion_changes_is_said_of_the_better_one() -> None:
    def about(decoder: str, fusion: str, iou: float, border: float) -> dict[str, object]:
        figures = {"mean_iou": iou, "boundary_f1": border}
        return {"options": {"decoder": decoder, "fusion": fusion}, "figures": figures}

    rows = (("unpool", "none", 0.9, 0.9), ("transposed", "none", 0.5, 0.4))
    rows += (("transposed", "average", 0.51, 0.39), ("transposed", "weighted", 0.502, 0.47))
    said = table.fused({str(i): about(*row) for i, row in enumerate(rows)})
    assert "+1.0 points" in said
    assert "F1 by -1.0" in said


@pytest.mark.deep
@pytest.mark.parametrize("link", [{}, {"decoder": "unpool", "wanted": "fence", "spot": "differ"}])
def test_the_page_shows_its_numbers(link: dict[str, str], open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, **link)
    assert not test.exception
    subject, decoder = run.drawn(), link.get("decoder", "transposed")
    both, either = run.counts(run.answer(subject, decoder).classes, scene.street().labels, link.get("wanted", "road"))
    assert any(rf"\frac{{{both}}}{{{either}}}" in formula.value for formula in test.latex)
