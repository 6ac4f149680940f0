"""The lesson of the ladder: its errors are those of the loops, its claims can fail, and it climbs only when asked."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import practice
import pytest
from PIL import Image
from reference import prior_loops
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.models import inverters
from lessons import ladder as lesson
from lessons._kit.run import jobs, networks, pictures, shipped
from lessons.ladder import picture as ladder_picture
from lessons.ladder import questions, run, scenes
from lessons.ladder.run import Ladder, Rung

SLUG = lesson.LESSON.slug


def short() -> Ladder:
    return run.short(networks.load("caltech"), pictures.sample("cat"), 0)


@pytest.mark.deep
def test_the_short_ladder_has_its_rungs_with_the_errors_of_the_loops() -> None:
    ladder, loaded, picture = short(), networks.load("caltech"), pictures.sample("cat")
    shown = pictures.fitted(loaded, picture).model
    assert [rung.layer for rung in ladder.of("optimize")] == list(run.SHORT_LAYERS)
    assert [rung.step for rung in ladder.of("optimize")] == [run.SHORT] * 2
    assert (ladder.step, ladder.steps) == (48, 48)
    for rung in ladder.rungs.values():
        target, values = (dv.activations(loaded.network, image, rung.layer) for image in (shown, rung.image))
        assert rung.feature_error == pytest.approx(prior_loops.feature_error(values, target), rel=1e-5)
        assert rung.image_error == pytest.approx(prior_loops.feature_error(rung.image, shown), rel=1e-5)


def test_a_map_is_fitted_as_well_as_can_be() -> None:
    shown = samples.load("cat")[100:108, 100:107].astype(np.float64)
    signed = np.random.default_rng(5).normal(size=shown.shape) * 1e-2
    image = run.fitted(signed, shown)
    columns = np.stack([np.ones(signed.size), signed.ravel()], axis=1)
    best = (columns @ np.linalg.lstsq(columns, shown.ravel(), rcond=None)[0]).reshape(shown.shape)
    np.testing.assert_allclose(image, np.clip(best, 0, 1), atol=1e-6)
    np.testing.assert_allclose(run.fitted(0 * signed, shown), shown.mean(), atol=1e-6)


def test_errors_of_a_black_photograph_are_finite() -> None:
    black = np.zeros((2, 3, 3), np.float32)
    assert run.pixel_error(black + 0.5, black) == pytest.approx(18 * 0.25)


def of(**errors: tuple[float, float]) -> Ladder:
    """A made-up ladder: layer -> (feature error of the search, its error in pixels); DeconvNet's is 1."""
    rungs = {}
    for layer, (feature, pixels) in errors.items():
        rung = Rung(layer, "optimize", np.zeros((2, 2, 3)), feature, pixels)
        rungs[layer, "optimize"] = rung
        rungs[layer, "deconvnet"] = replace(rung, method="deconvnet", feature_error=1.0, agreement=1e-7)
    return Ladder(MappingProxyType(rungs))


@pytest.mark.deep
def test_the_claims_can_fail() -> None:
    good = of(relu1=(0.1, 0.1), relu4=(0.2, 0.2), relu7=(0.3, 0.4))
    assert (run.above(good), run.falling(good), run.two_computations(good)) == (0, 0, 1e-7)
    bad = of(relu1=(0.1, 0.3), relu4=(1.5, 0.2))
    assert run.above(bad) == pytest.approx(0.5)
    assert run.falling(bad) == pytest.approx(0.1)
    alone = bad.with_(replace(bad.rungs["relu1", "deconvnet"], agreement=None), 0)
    assert run.two_computations(alone) == np.inf
    loaded, picture = networks.load("caltech"), pictures.sample("cat")
    rung = short().rungs["relu1", "optimize"]
    wrong = replace(rung, feature_error=rung.feature_error * 1.01)
    assert run.by_hand(Ladder().with_(wrong, 0), loaded, picture) == pytest.approx(0.01, rel=1e-3)
    assert run.by_hand(Ladder(), loaded, picture) == 0


@pytest.mark.slow
def test_a_layer_with_a_decoder_gets_its_picture() -> None:
    loaded, picture = networks.load("caltech"), pictures.sample("disc")
    layer = next(layer for layer in inverters.layers(loaded.network) if layer in run.LAYERS)
    first = next(run.ladder_snapshots(loaded, picture, 0, 8, (layer,)))
    rung = first.rungs[layer, "learned"]
    expected = dv.invert(loaded.network, pictures.fitted(loaded, picture).model, layer, method="learned")
    assert np.array_equal(rung.image, expected.image)
    assert rung.image_error == expected.image_error
    assert run.by_hand(first, loaded, picture) < 1e-5


def texts(page: AppTest) -> list[str]:
    """What the pictures of the ladder say to those who do not see them."""
    bodies = " ".join(str(html.proto.body) for html in page.get("html"))
    return [part.split('"')[0] for part in bodies.split('alt="')[1:] if part.startswith("relu")]


@pytest.mark.slow
def test_it_is_made_when_asked_and_shows_rungs_as_they_come(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = [of(relu1=(0.1, 0.2)), short()]
    monkeypatch.setattr(run, "ladder_snapshots", lambda *_: iter(ready))
    loaded, picture = networks.load("caltech"), pictures.sample("disc")
    page = open_page(SLUG, image="disc", seed="3")
    assert not page.exception
    assert run.find(loaded, picture, 3) is None
    assert texts(page) == []
    page.button(key="climb").click().run()
    job = run.find(loaded, picture, 3)
    assert job is not None
    assert job.wait(240)
    page.run()
    assert not page.exception
    assert len(texts(page)) == len(short().rungs) >= 4
    shown = short().rungs["relu3", "optimize"]
    said = next(text for text in texts(page) if text.startswith("relu3, Search"))
    assert said == (
        f"relu3, Search: feature error {ladder_picture.number(shown.feature_error)}, "
        f"error in pixels {ladder_picture.number(shown.image_error)}"
    )
    assert len(practice.verdicts(page)) == 4
    assert jobs.find(run.key(loaded, picture, 2)) is None


@pytest.mark.slow
def test_an_upload_is_for_the_last_scene_alone(open_page: Callable[..., AppTest]) -> None:
    page = open_page(SLUG, scene="6")
    file = (np.random.default_rng(1).random((40, 30, 3)) * 255).astype(np.uint8)
    from deconvviz.figures.montage import png_bytes

    page.session_state["lab-upload"] = pictures.upload(png_bytes(file), "mine.png")
    page.run()
    assert "your-picture.jpg" in " ".join(code.value for code in page.code)
    page.button("turn-scene-Left").click().run()
    assert "samples.load('cat')" in " ".join(code.value for code in page.code)
    assert len(texts(page)) == 21, "what comes with the package, computed by nobody"


@pytest.mark.slow
def test_the_row_of_deconvnet_can_be_seen(open_page: Callable[..., AppTest]) -> None:
    """At every depth: fitted to the photograph, its levels lay within a few of the same grey."""
    page = open_page(SLUG, scene="1")
    bodies = " ".join(str(html.proto.body) for html in page.get("html"))
    sources = re.findall(r'<img src="data:image/png;base64,([^"]*)" alt="relu\d, DeconvNet', bodies)
    assert len(sources) == 7
    for source in sources:
        levels = np.asarray(Image.open(io.BytesIO(b64decode(source))), np.float64)
        assert levels.std() > 16
    assert "drawn on its own scale" in bodies


def test_the_scenes_say_what_was_measured() -> None:
    """The numbers of the text, from the errors that `test_shipped` measures again on the stored pictures."""
    found = {name: shipped.facts()[name][:2] for name in shipped.facts() if name.split("/")[0] in run.METHODS}
    assert len(found) == 21
    of_map = [found[f"deconvnet/relu{i}"][1] for i in range(2, 8)]
    assert 0.10 <= min(of_map) <= max(of_map) <= 0.12
    searched = [found[f"optimize/relu{i}"] for i in range(1, 8)]
    assert max(feature for feature, _ in searched) <= 0.021
    assert [pixels for _, pixels in searched] == sorted(pixels for _, pixels in searched)
    nearer = {f"relu{i}": found[f"learned/relu{i}"][1] < found[f"optimize/relu{i}"][1] for i in range(1, 8)}
    assert {layer for layer, is_so in nearer.items() if is_so} == {"relu2", "relu3"}
    assert scenes.nearest_in_pixels().answer == "learned"
    assert min(found["deconvnet/relu6"][0], found["learned/relu6"][0]) > 1 > 50 * found["optimize/relu6"][0]


def test_from_the_robust_network_searched_pictures_are_nearer_in_pixels_at_every_layer() -> None:
    plain, robust = (
        run.beforehand(networks.load(name), pictures.sample("cat"), 0) for name in ("caltech", "caltech-robust")
    )
    assert plain is not None
    assert robust is not None
    assert [len(robust.of(method)) for method in run.METHODS] == [7, 7, 0]
    pairs = zip(plain.of("optimize"), robust.of("optimize"), strict=True)
    assert all(other.image_error < one.image_error for one, other in pairs)


@pytest.mark.parametrize("seed", range(4))
def test_the_pictures_of_the_question_are_those_of_their_makers(seed: int) -> None:
    question = questions.methods(seed)
    layer = re.findall(r"relu\d", question.prompt)[0]
    for method, number in zip(("optimize", "learned"), question.answer, strict=True):
        assert question.choices[number - 1].source is shipped.arrays()[f"{method}/{layer}"]
        other = next(given for given in question.mistakes if number not in given)
        assert str(other[0]) in question.mistakes[other]


@pytest.mark.parametrize("seed", range(8))
def test_answers_are_those_of_plain_arithmetic(seed: int) -> None:
    question = questions.whole(seed)
    first, second = (int(word) for word in _numbers(question.prompt))
    assert question.answer == (max(first + second, 0), max(first, 0) + max(second, 0))
    question = questions.place(seed)
    rows, columns, height, width = (int(number) for number in re.findall(r"\d+", question.prompt)[:4])
    assert question.answer == (rows * columns // (height * width),)
    assert rows % height == columns % width == 0


def _numbers(prompt: str) -> list[str]:
    return [found.replace("−", "-") for found in re.findall(r"brings (−?\d+)", prompt)]
