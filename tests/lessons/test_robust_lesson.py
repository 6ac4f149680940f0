"""The lesson on the robust network: its figures are those of the code, its sentences are what they say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import deconvviz as dv
from deconvviz.checks.audit.intervals import interval
from lessons import robust as lesson
from lessons._kit.photo.twins import TWINS
from lessons.robust import State, questions, run, scenes


def test_the_figures_are_of_the_shipped_networks_and_whole() -> None:
    known = run.measured()
    assert known["digests"] == {training: dv.load(name).digest for training, name in TWINS.items()}
    for training in TWINS:
        assert set(known[training]) == set(run.PHOTOS)
        assert all(-1 <= run.follows(image, training) <= 1 for image in run.PHOTOS)


@pytest.mark.deep
@pytest.mark.parametrize("training", TWINS)
def test_the_code_on_the_page_gives_what_is_shown_with_the_library_alone(training: str) -> None:
    state, made = State(training=training), dict[str, object]()
    code = lesson.call(state)
    assert "lessons" not in code
    exec(code, made)
    assert made["found"] == [run.label("cat", training), run.label("cat", training, 4)]
    shown = run.map_of("cat", training, "gradient")
    assert np.corrcoef(np.ravel(made["signed"]), shown.ravel())[0, 1] > 0.999
    assert run.rank_correlation(run.squares(shown), run.falls("cat", training)) == pytest.approx(
        run.follows("cat", training), abs=0.02
    )


@pytest.mark.deep
def test_a_change_too_long_turns_a_check_red(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State()
    assert all(check.holds for check in lesson.checks(state))
    true, x = run.changed(state.image, state.training, int(state.radius)), run.model_inputs(state.image)
    wrong = dv.checks.adversarial.Attacked(x + 1.01 * (true.input - x), true.before, true.after, 0)
    monkeypatch.setattr(run, "changed", lambda *_: wrong)
    assert [check.holds for check in lesson.checks(state)] == [True, False, True]


def test_the_mean_is_over_the_photographs() -> None:
    for training in TWINS:
        assert run.over_all(training) == interval([run.follows(image, training) for image in run.PHOTOS])


@pytest.mark.parametrize("seed", range(8))
def test_a_change_in_the_ball_is_as_long_as_its_radius_and_keeps_its_direction(seed: int) -> None:
    one = questions.ball(seed)
    radius = int(one.prompt.split("at most ")[1].split(".")[0])
    long, answer = one.picture[0].planes[0].values[0], np.array(one.answer)
    assert np.hypot(*answer) == radius < np.hypot(*long)
    assert long[0] * answer[1] == long[1] * answer[0]
    assert long @ answer > 0


def test_what_the_scenes_say_is_what_was_measured() -> None:
    assert len(run.PHOTOS) == 11
    assert run.label(scenes.FIRST, "plain") != run.label(scenes.FIRST, "plain", 4)
    plain, robust = run.over_all("plain"), run.over_all("robust")
    assert robust.mean <= plain.mean, "not above"
    assert plain.low < robust.high, "overlap"
    assert run.grainy("robust").mean < run.grainy("plain").mean / 2, "less than half as much grain"
    gain = interval(run.follows(image, "robust") - run.follows(image, "plain") for image in run.PHOTOS)
    assert gain.low < 0, "does not rank the squares better"
    for radius in run.RADII:
        assert run.kept("plain", radius) < run.kept("robust", radius) < 11, "less often, but it turns"
    (right, count), (wrong, _) = run.validation("robust"), run.validation("plain")
    assert (f"{right:.1%}", f"{wrong:.1%}", count) == ("75.5%", "77.0%", 204)
    assert round((wrong - right) * count) == 3


def test_the_accuracy_after_a_change_is_that_of_the_card() -> None:
    card = (Path(dv.__file__).parent / "models" / "weights" / "caltech_robust.md").read_text("utf-8")
    found = re.search(r"within 0\.5 and 1\.0: top-1 .*? and ([\d.]+) % \(caltech: .*? and ([\d.]+) %", card)
    assert found
    robust, plain = found.groups()
    text = next(scene.text for scene in scenes.SCENES if scene.title == "What still turns it")
    assert f"it names {robust} percent, the plain one {plain}." in text


def _laboratory(name: str, layer: str, press: bool = False) -> list[str]:
    """What the laboratory's row of the other network writes: headings and buttons."""
    from streamlit.testing.v1 import AppTest

    def page(name: str, layer: str) -> None:
        from lessons._kit.photo import selection
        from lessons._kit.run import engine, networks, pictures
        from lessons.laboratory import twin

        loaded, picture = networks.load(name), pictures.sample("cat")
        values = selection.planes(engine.forward(loaded, picture).maps[layer])
        chosen = selection.resolve(loaded.network.layer(layer), values, 3, None, None)
        twin.same_unit(loaded, picture, chosen)

    app = AppTest.from_function(page, kwargs={"name": name, "layer": layer}, default_timeout=120).run()
    assert not app.exception
    if press and app.button:
        app.session_state["layer"], app.session_state["channel"] = layer, "3"
        app.button[0].click().run()
        assert not app.exception
        return [str(app.session_state[key]) for key in ("network", "layer", "channel")]
    return [one.value for one in app.markdown] + [one.label for one in app.button]


@pytest.mark.deep
@pytest.mark.parametrize("name", TWINS.values())
def test_the_laboratory_shows_both_twins_and_opens_the_other_at_the_same_unit(name: str) -> None:
    other = next(one for one in TWINS.values() if one != name)
    assert _laboratory(name, "relu3") == [
        "**Trained on photographs**", "**Trained on attacked photographs**", f"Open {other}"
    ]  # fmt: skip
    opened, layer, channel = _laboratory(name, "relu3", press=True)
    assert opened == ("" if other == TWINS["plain"] else other), "no name is the shipped network"
    assert (layer, channel) == ("relu3", "3")


@pytest.mark.deep
@pytest.mark.parametrize(("name", "layer"), [("caltech", "logits"), ("caltech-robust", "logits")])
def test_a_layer_of_numbers_has_no_such_row(name: str, layer: str) -> None:
    assert _laboratory(name, layer) == []


@pytest.mark.deep
def test_a_network_without_a_twin_has_no_such_row(monkeypatch: pytest.MonkeyPatch) -> None:
    from lessons.laboratory import twin

    monkeypatch.setattr(twin, "TWINS", {"plain": "another", "robust": "a-third"})
    assert _laboratory("caltech", "relu3") == []
