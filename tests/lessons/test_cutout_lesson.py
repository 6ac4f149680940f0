"""The lesson on cut-outs: scenes with a known truth, dots, figures, and what each check would notice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference import matting_loops

from deconvviz.articles import claim_cutouts
from deconvviz.articles.claims import CLAIMS, judge
from deconvviz.models import caltech
from deconvviz.tasks.cutout import drawn, evaluate, matting
from lessons import cutout as lesson
from lessons._kit.claims import card
from lessons.cutout import picture, questions, run, scenes, sums, table

ROOT = Path(__file__).resolve().parents[2]
State = lesson.State
HAND = State(source="stop", map="hand", dots=scenes.DOTS)


@pytest.mark.parametrize("id", list(drawn.SCENES))
def test_a_scene_is_the_blend_that_its_alpha_says(id: str) -> None:
    scene = drawn.scene(id)
    assert scene.picture.shape[:2] == scene.alpha.shape == drawn.SIZE
    assert scene.alpha.min() == 0
    assert scene.alpha.max() == 1
    soft = (scene.alpha > 0.05) & (scene.alpha < 0.95)
    assert 100 < soft.sum() < 5000
    assert not scene.picture.flags.writeable


def test_the_edge_of_the_disc_is_where_geometry_puts_it() -> None:
    """Yin and yang has a radius of 0.36 of the height: the sum of alpha is its area."""
    alpha = drawn.scene("yin").alpha
    assert alpha.sum() == pytest.approx(np.pi * (0.36 * drawn.SIZE[0]) ** 2, rel=2e-3)


def test_dots_become_masks_and_later_ones_win() -> None:
    middle = "hz"  # 17 * 36 + 35 = 647 of 1295: the middle
    ahead, behind = run.masks(f"o{middle}{middle}", (101, 51))  # type: ignore[misc]
    rows, columns = np.nonzero(ahead)
    assert (rows.mean(), columns.mean()) == pytest.approx((50, 25), abs=0.5)
    assert 3 <= rows.max() - rows.min() <= 4
    assert not behind.any()
    ahead, behind = run.masks(f"o{middle}{middle}b{middle}{middle}", (101, 51))  # type: ignore[misc]
    assert not ahead.any()
    assert behind.sum() == len(rows)
    assert run.masks("nonsense", (101, 51)) is None


def state_of(number: int) -> lesson.State:
    """Where the controls stand in a scene, once its question is answered."""
    scene = scenes.SCENES[number - 1]
    return replace(State(), **{**scene.values, **scene.then})


@pytest.mark.slow
def test_what_the_scenes_say_is_what_is_cut_out() -> None:
    overlaps, sure, astray, found = {}, {}, {}, None
    for number in (1, 4, 5):
        state = state_of(number)
        found, truth = lesson.found_of(state, None), lesson.subject(state).truth
        assert found is not None
        assert truth is not None
        mine, right = found.alpha > 0.5, truth > 0.5
        overlaps[number] = (mine & right).sum() / (mine | right).sum()
        sure[number], astray[number] = found.probability, run.astray(found, truth)
    said = {number: scene.text for number, scene in enumerate(scenes.SCENES, 1)}
    assert f"{100 * overlaps[1]:.0f} % are both" in said[1]
    assert f"learned {caltech.CLASSES} names" in said[1]
    assert f"{100 * sure[4]:.0f} % instead of {100 * sure[1]:.0f} %" in said[4]
    assert f"rises to {overlaps[5]:.2f}" in said[5]
    assert len(run.dots_of(scenes.DOTS)) == 25
    assert "25 dots" in said[5]
    assert astray[1] < 0.05 < 0.9 < astray[4]
    guess = scenes.sure()
    assert guess.answer == "low"
    assert f"The IoU is {overlaps[4]:.2f}: {100 * astray[4]:.0f} %" in guess.reasons["low"]
    assert state_of(2).shares == "40-90"
    assert "strongest tenth becomes seeds of the object, the weakest 40 %" in said[2]
    kept = evaluate.measured_robustness()
    assert kept["images"] == 14
    assert "Fourteen photographs" in said[6]
    assert f"{kept['rows'][0]['iou']:.2f} for the cut-out" in scenes.better().reasons["close"]


def test_a_threshold_far_behind_would_be_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for plain, answer in ((0.2, "cut"), (0.95, "plain"), (0.6, "close")):
        row = {"iou": 0.6369, "iou_threshold": plain}
        monkeypatch.setattr(evaluate, "measured_robustness", lambda row=row: {"rows": [row]})
        assert scenes.better().answer == answer


def test_alpha_falls_where_colour_is_nearer_to_the_background() -> None:
    for seed in range(20):
        question = questions.falls(seed)
        line = question.picture[0].planes[0].values[question.answer[0]]
        share = (line - line[-1]) / (line[0] - line[-1])
        assert question.answer[1] == np.flatnonzero(share < 0.5)[0]


@pytest.mark.slow
def test_figures_on_the_page_are_the_slow_twins() -> None:
    found, truth = lesson.found_of(HAND, None), lesson.subject(HAND).truth
    assert found is not None
    assert truth is not None
    values, unknown = run.figures(found, truth), run.unknown(found)
    assert unknown.shape == truth.shape
    assert values["sad"] == pytest.approx(matting_loops.sad(found.alpha, truth, unknown), rel=1e-9)
    assert values["mse"] == pytest.approx(matting_loops.mse(found.alpha, truth, unknown), rel=1e-9)
    assert values["inside"] / values["either"] == pytest.approx(values["iou"])
    line = picture.formulas(values)
    assert f"{values['mse']:.4f}" in line
    assert f"{values['inside']:.0f}" in line


def test_the_pixel_of_the_formula_adds_up() -> None:
    found, shown = lesson.found_of(HAND, None), lesson.subject(HAND)
    assert found is not None
    row, column = picture.softest(found)
    assert abs(found.alpha[row, column] - 0.5) == np.abs(found.alpha - 0.5).min()
    assert f"{shown.picture[row, column, 0]:.2f}" in picture.blend(shown, found)


def test_the_dense_solver_is_the_slow_twin() -> None:
    part, trimap = sums.part(lesson.subject(HAND).picture)
    slow = matting_loops.closed_form(part.astype(np.float64), trimap, sums.EPSILON)
    assert np.abs(sums.dense(part, trimap) - slow).max() < 1e-9
    assert 0.02 < sums.dense(part, trimap)[trimap == 0.5].mean() < 0.98


@pytest.mark.slow
def test_planted_errors_turn_red(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lesson.found_of(HAND, None)
    assert right is not None
    assert all(check.holds for check in lesson.checks(HAND))
    wrong = {
        1: replace(right, alpha=right.alpha + 1e-3),
        2: replace(right, solved=right.solved * 0.999),
        3: replace(right, box=(right.box[0] + 1, *right.box[1:])),
    }
    for place, found in wrong.items():
        monkeypatch.setattr(lesson, "found_of", lambda state, picture, found=found: found)
        assert [check.holds for check in lesson.checks(HAND)].index(False) == place
    monkeypatch.undo()
    monkeypatch.setattr(matting, "closed_form", lambda picture, trimap: np.clip(trimap, 0.01, 1))
    assert not lesson.checks(HAND)[0].holds


def test_the_verdict_is_that_of_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = evaluate.measured_robustness()
    rows = measured["rows"]
    said = table.verdict()
    assert "[**not shown**] The cut-out overlaps the true object by" in said
    assert "[**holds**] Robust" in said
    assert f"by {rows[0]['iou']:.3g}, a threshold by {rows[0]['iou_threshold']:.3g}" in said
    better = [row | {"each": [0.9 - 0.01 * i] * 14} for i, row in enumerate(rows)]
    monkeypatch.setattr(evaluate, "measured_robustness", lambda: {**measured, "rows": better})
    monkeypatch.setattr(card, "_JUDGED", {})
    assert "[**holds**] Accurate: the cut-out overlaps the true object by 0.9, " in table.verdict()


def test_the_card_tells_the_numbers_that_are_kept() -> None:
    card = (ROOT / "docs" / "cutout.md").read_text("utf-8")
    kept = evaluate.measured_robustness()
    table = card.split("| picture | cut-out | threshold |")[1].split("\n\n")[0]
    told = [row.split(" | ")[1:] for row in table.splitlines()[2:]]
    assert told == [[f"{row['iou']:.3f}", f"{row['iou_threshold']:.3f} |"] for row in kept["rows"]]
    runs = judge(CLAIMS["C11"]).runs
    low, high = runs.interval("none")
    assert f"{runs.mean('none'):.3f}, {low:.3f} to {high:.3f} by the t interval of the 14" in " ".join(card.split())
    for name, words in (("noise 0.2", "noise of 0.2"), ("brightness 2", "twice the light")):
        low, high = runs.interval(f"lost {name}")
        mean = runs.mean(f"lost {name}")
        assert f"{words} {mean:.3f} ({low:.3f} to {high:.3f})" in " ".join(card.split())
    assert f"accurate is an overlap of {claim_cutouts.ACCURATE:g}, robust a loss below {claim_cutouts.ROBUST:g}" in card
    assert f"**{runs.mean('none'):.3f}** (threshold {runs.mean('threshold none'):.3f})" in card
    assert f"Measured on {kept['images']} pictures" in card
    assert claim_cutouts.COMMAND in card


@pytest.mark.deep
def test_the_sweep_yields_a_row_for_every_change() -> None:
    shown = lesson.subject(HAND)
    rows = list(run.sweep(shown, HAND.choice))
    assert [one.step for one in rows] == list(range(1, len(run.CHANGES) + 1))
    assert rows[-1].rows[0][0] > 0.98
    assert rows[-1].rows[1][1] != rows[-1].rows[0][1]


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 5])
def test_the_call_gives_the_cut_out(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    state = state_of(number)
    exec(lesson.call(state, lesson.subject(state)), names)
    found = lesson.found_of(state, None)
    assert found is not None
    assert np.array_equal(names["found"].rgba, found.rgba)  # type: ignore[attr-defined]
