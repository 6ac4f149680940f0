"""The page about streets: its numbers against loops, its drawing, its table, what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from reference import segmentation_loops as loops
from streamlit.testing.v1 import AppTest

from deconvviz.figures.scale import sequential_rgb
from deconvviz.tasks._shared import weights
from deconvviz.tasks.segmentation import drawn, evaluate, predict
from deconvviz.tasks.segmentation.data import NAMES, VOID
from lessons.segmentation import questions, run, scenes, table
from lessons.segmentation.run import Subject

SLUG = "segmentation"


def test_the_drawn_street_has_a_class_everywhere() -> None:
    street = drawn.street()
    assert street.picture.shape == (*drawn.SIZE, 3)
    assert street.labels.shape == drawn.SIZE
    shown = {NAMES[c] for c in np.unique(street.labels)}
    assert shown == {"sky", "building", "pole", "road", "pavement", "tree", "sign", "car", "pedestrian"}
    assert not street.picture.flags.writeable
    for top, left, bottom, right in drawn.SPOTS.values():
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
    *decoders, last = (weights.weights_of(weights.shipped("segmentation"), name) for name in found)
    assert list(found)[-1] == "skips"
    assert last > 2 * max(decoders)


def test_what_the_fusion_changes_is_said_of_the_better_one() -> None:
    def about(decoder: str, fusion: str, iou: float, border: float) -> dict[str, object]:
        figures = {"mean_iou": iou, "boundary_f1": border}
        return {"options": {"decoder": decoder, "fusion": fusion}, "figures": figures}

    rows = (("unpool", "none", 0.9, 0.9), ("transposed", "none", 0.5, 0.4))
    rows += (("transposed", "average", 0.51, 0.39), ("transposed", "weighted", 0.502, 0.47))
    said = table.fused({str(i): about(*row) for i, row in enumerate(rows)})
    assert "+1.0 points" in said
    assert "F1 by -1.0" in said


@pytest.mark.slow
def test_what_the_scenes_say_is_what_the_drawing_gives() -> None:
    told = {one.title: one for one in scenes.SCENES}
    subject = run.street()
    said, true = run.answer(subject, scenes.DECODER).classes, drawn.street().labels
    both, either = run.counts(said, true, "road")
    assert f"{100 * both / either:.0f} % are both" in told["A name for every pixel"].text
    figures = evaluate.figures_of(evaluate.confusion(said, true))
    walls = told["Walls called signs"]
    assert f"{100 * figures['global']:.0f} % of all pixels" in walls.text
    assert f"mean IoU is {100 * figures['mean_iou']:.0f} %" in walls.text
    house = true == NAMES.index("building")
    assert (said[house] == NAMES.index("sign")).mean() > 0.25, "large parts of the walls"
    car = drawn.SPOTS["car"]
    middle = said[(car[0] + car[2]) // 2, 242]
    assert NAMES[middle] == "road"
    assert walls.ask is not None
    assert walls.ask().answer == "sign"
    three = told["Three ways up"].ask
    assert three is not None
    assert three().answer == "unpool"


def test_what_there_was_to_gain_is_read_from_the_file() -> None:
    found = predict.variants()
    told = next(one for one in scenes.SCENES if one.title == "How much it adds")
    assert f"On {found['coarse']['data']['validation']} validation pictures" in told.text
    assert told.ask is not None
    guess = told.ask()
    assert guess.answer == "1"
    assert f"{100 * found['coarse']['figures']['mean_iou']:.1f} % without" in guess.reasons["1"]


def test_an_edge_is_drawn_in_four_ways() -> None:
    question = questions.edge(3)
    unpooled, written = question.answer
    maps = [np.asarray(one.source)[::6, ::6] for one in question.choices]
    zero = sequential_rgb(np.zeros((1, 1)), 0.0, 1.0)[0, 0]
    shares = [float((map == zero).all(axis=2).mean()) for map in maps]
    assert np.argmax(shares) == unpooled - 1, "most pixels of an unpooled picture are 0"
    assert shares[unpooled - 1] == pytest.approx(0.75, abs=0.01)
    steps = [float(np.abs(np.diff(map.astype(float), axis=1)).mean()) for map in maps]
    assert sorted(steps)[1] < 0.5 * steps[written - 1], "a grid"


@pytest.mark.deep
@pytest.mark.parametrize("link", [{}, {"decoder": "unpool", "wanted": "fence", "spot": "differ"}])
def test_the_page_shows_its_numbers(link: dict[str, str], open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, **link)
    assert not test.exception
    subject, decoder = run.street(), link.get("decoder", "transposed")
    both, either = run.counts(run.answer(subject, decoder).classes, drawn.street().labels, link.get("wanted", "road"))
    assert any(rf"\frac{{{both}}}{{{either}}}" in formula.value for formula in test.latex)
