"""The lesson on recognition: scores by hand, digits of one's own, a training in the background, measured effects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.data import digits
from deconvviz.tasks._shared import recorded_figures
from deconvviz.tasks.recognition import ablations
from lessons import recognition as lesson
from lessons.recognition import picture, questions, run, scenes

State = lesson.State


@pytest.mark.deep
def test_the_claims_hold_and_a_wrong_score_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(digit="7")
    assert [check.name for check in lesson.checks(state) if not check.holds] == []
    right = run.scores_by_hand
    monkeypatch.setattr(run, "scores_by_hand", lambda params, shown: right(params, shown) * 1.001)
    assert not lesson.checks(state)[0].holds
    monkeypatch.setattr(digits, "split", lambda kinds, held=597, seed=0: (np.arange(len(kinds)), np.arange(held)))
    assert lesson.checks(state)[2].error == 200


def test_a_digit_of_ones_own_is_what_the_link_says() -> None:
    text = "0" * 27 + "g" + "0" * 7 + "8" + "0" * 28
    cells = run.cells(text)
    assert cells[3, 3] == 1
    assert cells[4, 3] == 0.5
    assert cells.sum() == 1.5
    shown, right = run.picture(run.OWN, text)
    assert right is None
    assert shown.shape == (28, 28)
    assert shown.max() > 0.8
    assert text in lesson._Pads()
    assert "q" * 64 not in lesson._Pads()


@pytest.mark.slow
def test_the_pad_is_there_at_once_and_an_empty_one_is_no_digit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pads: list[str] = []
    monkeypatch.setattr(lesson.pad, "show", lambda text, key: pads.append(text))
    monkeypatch.setattr(lesson, "_answer", lambda params, shown, right, **_: lesson.st.markdown(f"looks at {right}"))
    script = "from lessons import recognition\nrecognition.look(recognition.chosen())"
    for link, said in (({}, "looks at 3"), ({"digit": "own"}, "looks at 3"), ({"digit": "7"}, "looks at 7")):
        test = AppTest.from_string(script, default_timeout=60)
        test.query_params.update(link)
        words = [element.value for element in test.run().markdown]
        assert not test.exception
        assert said in words
        assert ("Nothing is written yet, so this is a 3." in words) == (link == {"digit": "own"})
    assert pads == ["", "", ""]
    assert next(iter(picture.gallery_names())) == run.OWN


def test_what_no_unit_reads_is_counted() -> None:
    """28 rows, 26 after the first convolution, 13, 11, of which the last pool takes ten: the last two are not read."""
    map = np.zeros((28, 28))
    map[:26, :26] = 1
    assert picture.unread(map) == 2
    assert picture.unread(np.ones((28, 28))) == picture.unread(np.zeros((28, 28))) == 0


def test_the_gallery_shows_each_digit_and_none_that_was_learned() -> None:
    rows, pictures, kinds = run.held_back()
    train, _ = digits.split(digits.load()[1])
    assert not set(rows.tolist()) & set(train.tolist())
    assert [int(kinds[place]) for place in run.gallery()] == list(range(10))
    shown, right = run.picture("4", "")
    assert right == 4
    assert np.array_equal(shown, pictures[run.gallery()[4], :, :, 0])


@pytest.mark.deep
def test_a_training_in_the_background_answers_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "EPOCHS", 1)
    state = State(norm="off", pictures="100")
    before, trained = run.params_of(state.training)
    assert not trained
    run.begin(state.training)
    job = run.find(state.training)
    assert job is not None
    assert job.wait(300)
    assert job.error is None
    after, trained = run.params_of(state.training)
    assert trained
    assert not np.array_equal(before["conv1.kernel"], after["conv1.kernel"])
    assert len(job.latest.records) == 2
    assert [check.holds for check in lesson.checks(state)] == [True, True, True]
    (row,) = run.trained(state.training)
    assert row["gap"] == job.latest.records[-1]["held_loss"] - job.latest.records[-1]["loss"]
    assert (row["norm"], row["pictures"]) == (False, 100)


def test_what_switches_change_follows_from_all_eight_settings_and_gives_no_verdict() -> None:
    eight = run.all_of(State().training)
    assert len({(one.norm, one.drop, one.decoder) for one in eight}) == run.SETTINGS == len(eight)
    for gap, seeds, words in ((0.5, 1, "one run of each"), (1.0, 3, "3 seeds of each")):
        rows = rows_of(gap)
        said = picture.changes(rows, seeds)
        assert said.startswith("**No verdict on the claim**")
        assert words in said
        assert f"the decoder: gap {'−50' if gap == 0.5 else '+0'} %, loss on unseen digits +0 %" in said
        assert ablations.effect(rows, "decoder", "gap") == pytest.approx(gap - 1)
        assert ablations.effect(rows, "norm", "gap") == pytest.approx(0)


def rows_of(gap: float) -> list[dict[str, float | bool]]:
    """Eight settings, the decoder changing the gap from 1."""
    figures = {"loss": 0.125, "held_loss": 0.5, "held_accuracy": 0.875, "ratio": 1.5}
    return [
        {"norm": one.norm, "drop": one.drop, "decoder": one.decoder, **figures, "gap": gap if one.decoder else 1.0}
        for one in run.all_of(State().training)
    ]


def test_the_questions_of_the_scenes_are_those_of_the_stored_figures() -> None:
    file = Path(ablations.__file__).parents[1] / "weights" / "recognition_effects.json"
    kept = json.loads(file.read_text("utf-8"))
    plain, normed = ({**row} for row in kept["rows"] if not row["drop"] and not row["decoder"])
    assert (plain["norm"], normed["norm"], kept["pictures"], kept["seeds"]) == (False, True, 200, 3)
    assert (scenes.unseen().answer, round(100 * plain["held_accuracy"])) == ("90", 90)
    assert len(run.held_back()[2]) == 597
    assert scenes.wider_gap().answer == "larger"
    assert normed["gap"] > plain["gap"]
    assert normed["held_loss"] < plain["held_loss"]
    assert np.exp(-float(scenes.no_idea().answer)) == pytest.approx(0.1, abs=0.005)
    params, _ = run.params_of(State().training)
    assert sum(np.size(values) for values in params.values()) == 225_034
    changed = {name: [abs(ablations.effect(kept["rows"], name, figure)) for figure in ("loss", "held_loss")]
               for name in ("norm", "drop", "decoder")}  # fmt: skip
    assert 10 * max(changed["decoder"]) < min(*changed["norm"], *changed["drop"])


def test_the_table_that_answers_a_question_is_drawn_after_the_answer() -> None:
    asked = [scene for scene in scenes.SCENES if scene.ask in (scenes.unseen, scenes.wider_gap)]
    assert [(scene.values["view"], scene.then["view"]) for scene in asked] == [("look", "effects")] * 2


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_what_was_measured_over_seeds(
    language: str, open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"rows": rows_of(0.5), "seeds": 3, "pictures": 150, "epochs": 7, "stored": "2026-01-02"}
    monkeypatch.setattr(ablations, "measured_effects", lambda: kept)
    test = open_page(lesson.LESSON.slug, lang=language, drop="on")
    assert not test.exception
    page = " ".join(str(element.proto.body) for element in test.get("html"))
    caption = "means over 3 seeds, 150 digits, 7 epochs" if language == "en" else "3 个随机种子"
    assert caption in page
    assert page.count("<td>87.5 %</td>") == run.SETTINGS
    assert page.count('<tr class="here">') == 1
    words = " ".join(element.value for element in test.markdown)
    assert ("No verdict on the claim" in words) == (language == "en")
    assert "2026-01-02" in words
    assert f"`{picture.COMMAND}`" in words
    assert recorded_figures.command("recognition", "effects", "digits") == picture.COMMAND


@pytest.mark.deep
def test_without_measured_effects_only_what_was_trained_here(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablations, "measured_effects", lambda: None)
    test = open_page(lesson.LESSON.slug, scene="7")
    assert not test.exception
    assert "means over" not in " ".join(str(element.proto.body) for element in test.get("html"))
    assert any(button.key == "digits-all" for button in test.button)


@pytest.mark.parametrize("seed", range(3))
def test_the_state_to_keep_is_the_best_on_the_unseen(seed: int) -> None:
    question = questions.keep(seed)
    learned, unseen = (plane.values for plane in question.picture[0].planes)
    assert unseen[question.answer] == unseen.min() > learned[question.answer]
    best = tuple(int(n) for n in np.unravel_index(learned.argmin(), learned.shape))
    assert "says nothing about the unseen" in question.mistakes[best]
