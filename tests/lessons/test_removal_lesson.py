"""The lesson on deletion and insertion: its figures are those of the code, its sentences are what they say."""

from __future__ import annotations

import numpy as np
import practice
import pytest
from scipy.integrate import trapezoid
from scipy.special import softmax

import deconvviz as dv
from deconvviz.checks.audit.intervals import interval
from deconvviz.data import samples
from lessons import removal as lesson
from lessons.removal import State, checks, picture, questions, run, scenes

RULES = ("gradient", "deconvnet", "guided")


def test_the_figures_are_of_the_shipped_network_and_whole() -> None:
    known = run.measured()
    assert known["digest"] == dv.load("caltech").digest
    assert set(known["photographs"]) == set(run.PHOTOS)
    assert set(picture.NAMES) == set(run.ORDERS)
    for image in run.PHOTOS:
        for kind in run.KINDS:
            for cover in run.COVERS:
                curves = np.array([run.curve(image, order, kind, cover) for order in run.ORDERS])
                assert curves.shape == (6, 9)
                assert ((curves >= 0) & (curves <= 1)).all()
                assert np.ptp(curves[:, [0, -1]], axis=0).max() == 0, "all curves of a photograph share their ends"
        for cover in run.COVERS:
            both = [run.curve(image, "guided", kind, cover) for kind in run.KINDS]
            np.testing.assert_array_equal(both[0][[0, -1]], both[1][[-1, 0]])


@pytest.mark.deep
@pytest.mark.parametrize("order", ["guided", "gradient_x_input", "gradient"])
@pytest.mark.parametrize("image", ["cat", "motorcycle"])
def test_the_figures_are_what_the_code_gives(image: str, order: str) -> None:
    """Without the lesson's own functions: from the file of the photograph to SciPy's softmax."""
    network, photograph = dv.load("caltech"), samples.load(image)
    x = np.asarray(dv.api.model_input(network, photograph))
    top = int(network.run(x)[0].argmax())
    assert (network.labels or ())[top] == run.label(image)
    signal = np.asarray(dv.attribute(network, photograph, ("logits", top), order).map, np.float64)
    strength = signal.sum(axis=-1) if order == "gradient_x_input" else np.abs(signal).sum(axis=-1)
    places = np.argsort(-strength.ravel(), kind="stable")
    deleted = []
    for k in range(9):
        changed = x.reshape(-1, 3).copy()
        changed[places[: 2048 * k]] = 0  # the mean colour of this network's input
        deleted.append(softmax(np.asarray(network.run(changed.reshape(x.shape))[0], np.float64))[top])
    np.testing.assert_allclose(deleted, run.curve(image, order, "deletion", "grey"), atol=1e-3)


@pytest.mark.slow
def test_a_wrong_curve_turns_the_checks_red(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(check.holds for check in checks(State(order="edges")))
    assert all(check.holds for check in checks(State(order="random", kind="insertion", cover="blur")))
    true = run.computed
    monkeypatch.setattr(run, "computed", lambda *which: true(*which) + 1e-3 * (np.arange(9) == 0))
    assert [check.holds for check in checks(State(order="edges"))] == [False, True, False]
    monkeypatch.setattr(run, "computed", lambda *which: true(*which) + 1e-3 * (np.arange(9) == 4))
    assert [check.holds for check in checks(State(order="edges"))] == [True, True, False]
    monkeypatch.setattr(run.removal, "area", lambda values: float(np.mean(values)))
    assert not checks(State(order="edges"))[1].holds


@pytest.mark.slow
def test_a_random_quarter_is_exchanged_and_nothing_else() -> None:
    before, after = run.exchanged("cat", "random", "deletion", "grey")[[0, 2]]
    np.testing.assert_array_equal(before, run.model_inputs("cat")[0])
    assert 0.24 < (before != after).any(axis=-1).mean() <= 0.25
    assert not after[(before != after).any(axis=-1)].any()


def test_what_the_scenes_say_of_the_cat_is_what_was_measured() -> None:
    areas = {order: trapezoid(run.curve("cat", order, "deletion", "grey"), dx=1 / 8) for order in run.ORDERS}
    assert scenes.fastest().answer == scenes.SMALLEST == min(scenes.ASKED, key=areas.__getitem__)
    assert scenes.place_of_chance().answer == "worse"
    assert run.ranking("deletion", "grey").index("random") < run.ranking("deletion", "blur").index("random")
    gone = run.curve("cat", "random", "deletion", "grey")
    assert gone[3] < gone[0] / 8, "with three random eighths grey the class is nearly gone"
    milder = run.curve("cat", "random", "deletion", "blur")
    assert milder[3] > 4 * gone[3], "the blurred photograph is a milder cover"
    rising = run.curve("cat", "gradient_x_input", "insertion", "blur")
    assert rising[7] > 3 * rising[8], "more than three times that of the whole photograph"


def test_what_the_scenes_say_of_all_photographs_is_what_was_measured() -> None:
    assert len(run.PHOTOS) == 11
    gains = {(o, k, c): run.mean_gain(o, k, c) for o in run.ORDERS for k in run.KINDS for c in run.COVERS}
    for rule in RULES:
        assert gains[rule, "deletion", "grey"].low < 0 < gains[rule, "deletion", "grey"].high, rule
    assert gains["gradient_x_input", "deletion", "grey"].low > 0, "only gradient x input does better than chance"
    assert gains["edges", "deletion", "grey"].high < 0, "edges do worse"
    assert gains["deconvnet", "deletion", "blur"].low > 0, "did beat chance in deletion with this cover"
    for order in ("deconvnet", "edges"):
        assert gains[order, "insertion", "blur"].low > 0, "both beat chance in insertion"
    ranked = run.ranking("insertion", "blur")
    assert ranked.index("edges") < ranked.index("deconvnet"), "the edge detector's mean is above DeconvNet's"
    assert ranked[0] == "gradient_x_input", "gradient x input wins"
    assert run.ranking("deletion", "grey") != run.ranking("deletion", "blur")
    winners = {image: run.ranking("deletion", "grey", image)[0] for image in run.PHOTOS}
    assert "random" in winners.values(), "the last scene asks for one"
    firsts = [run.ranking(k, c, image)[0] for image in run.PHOTOS for k in run.KINDS for c in run.COVERS]
    assert "edges" in firsts, "and for one"
    close = [run.mean_area(order, "deletion", "grey") for order in ("random", *RULES)]
    assert max(close) - min(close) < 0.02, "four of the curves lie close"


def test_the_mean_gain_is_over_the_photographs_and_signed_by_the_test() -> None:
    for kind, sign in (("deletion", -1), ("insertion", 1)):
        more = [
            trapezoid(run.curve(image, "guided", kind, "blur") - run.curve(image, "random", kind, "blur"), dx=1 / 8)
            for image in run.PHOTOS
        ]
        assert run.mean_gain("guided", kind, "blur").mean == pytest.approx(sign * np.mean(more))
    steps = np.array([run.curve(image, "edges", "insertion", "grey") for image in run.PHOTOS])
    assert run.mean_curve("edges", "insertion", "grey")[5] == interval(steps[:, 5])


def test_the_figure_says_its_numbers() -> None:
    shown = picture.curves(picture.Chosen("cat", "guided", "deletion", "grey", 2, True))
    assert "mean of 11 photographs" in shown
    assert f"{run.mean_curve('guided', 'deletion', 'grey')[2].mean:.2f}" in shown
    for name in ("Random order", "Edge detector", "Gradient × input"):
        assert name in shown


@pytest.mark.parametrize("seed", range(8))
def test_the_exercise_is_computed_apart(seed: int) -> None:
    one = questions.by_hand(seed)
    values = one.picture[0].planes[0].values[0]
    assert one.answer == (trapezoid(values, dx=1 / 4),)
    assert values.min() >= 0
    curves = questions.four_curves(seed)
    drawn = [practice.heights(choice) for choice in curves.choices]
    rises = [one[-1] > one[0] for one in drawn]
    assert sum(rises) == 2
    areas = [trapezoid(one, dx=1 / 8) for one in drawn]
    inserted, deleted = (number - 1 for number in curves.answer)
    assert areas[inserted] == max(area for area, up in zip(areas, rises, strict=True) if up), "the better one"
    assert areas[deleted] == max(area for area, up in zip(areas, rises, strict=True) if not up), "the worse one"
    other = questions.two_covers(seed)
    table = other.picture[0].planes[0].values
    assert table.shape == (2, 6)
    best = np.min if "area of deletion" in other.prompt else np.max
    grey, blur, distance = other.answer
    assert table[0, grey] == best(table[0])
    assert table[1, blur] == best(table[1])
    assert distance == abs(table[1, blur] - table[1, 0])


def test_the_exercise_has_many_answers() -> None:
    for make in (questions.by_hand, questions.two_covers):
        assert len({make(seed).answer for seed in range(20)}) >= 8


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("order", ["random", "edges", "deconvnet"])
def test_the_code_on_the_page_makes_the_curve_with_the_library_alone(order: str) -> None:
    code, made = lesson.call(State(order=order, kind="insertion", cover="blur")), dict[str, object]()
    assert "lessons" not in code
    exec(code, made)
    np.testing.assert_allclose(made["curve"], run.curve("cat", order, "insertion", "blur"), atol=1e-3)
