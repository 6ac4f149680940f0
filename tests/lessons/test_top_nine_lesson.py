"""The lesson on the top nine: proofs that hold and that can fail, links, atlases of one's own, questions."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reference import atlas_loops
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz import atlas as atlases
from deconvviz.atlas.contact import in_cell
from deconvviz.data import textures
from lessons import top_nine as lesson
from lessons._kit.run import networks
from lessons.top_nine import atlas, questions, scenes

SLUG = lesson.LESSON.slug
State = lesson.State


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped atlas that a test may damage, opened by the page."""
    copy = Path(shutil.copytree(atlases.SHIPPED, tmp_path / "atlas"))
    monkeypatch.setenv(atlas.VARIABLE, str(copy))
    return copy


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    """Atlases are kept by folder; these tests change what lies there."""
    yield
    atlas._opened.clear()
    atlas._fresh.clear()


STATES = [State(), State("relu2", "3", "4"), State("relu5", "95", "6", "shared"), State("relu1", "7")]


@pytest.mark.deep
@pytest.mark.parametrize("state", STATES)
def test_the_proofs_hold(state: State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


def repaint(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Another content for a sheet."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    Image.fromarray(change(pixels)).save(path)


def failing(state: State) -> list[str]:
    return [check.name for check in lesson.checks(state) if not check.holds]


@pytest.mark.slow
def test_a_reconstruction_two_levels_off_is_found(own: Path) -> None:
    sheet = own / dict(atlases.Atlas.open(own).rows("relu3", 44)[0].sheets)["maps"]
    repaint(sheet, lambda pixels: np.where(pixels > 128, pixels - 2, pixels).astype(np.uint8))
    assert failing(State()) == ["reconstructions within a byte"]


@pytest.mark.slow
def test_a_patch_one_level_off_is_found(own: Path) -> None:
    sheet = own / dict(atlases.Atlas.open(own).rows("relu3", 44)[0].sheets)["patches"]
    repaint(sheet, lambda pixels: np.where(pixels == 255, 254, pixels).astype(np.uint8))
    assert failing(State()) == ["patches are receptive fields"]


def test_another_place_or_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = lesson.rows_of

    def moved(atlas: atlases.Atlas, state: State) -> tuple[atlases.Row, ...]:
        first, *rest = real(atlas, state)
        return (replace(first, activation=first.activation * 1.001), *rest)

    monkeypatch.setattr(lesson, "rows_of", moved)
    assert failing(State()) == ["activations are fresh ones"]


def test_a_box_too_small_lets_noise_through(monkeypatch: pytest.MonkeyPatch) -> None:
    real = lesson.rows_of

    def cut(atlas: atlases.Atlas, state: State) -> tuple[atlases.Row, ...]:
        return tuple(
            replace(row, box=(row.box[0] + 8, row.box[1], row.box[2], row.box[3])) for row in real(atlas, state)
        )

    monkeypatch.setattr(lesson, "rows_of", cut)
    state = State()
    assert lesson.outside(state) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, layer="relu2", channel="3", rank="2", scale="shared", lang=language)
    assert not test.exception
    rows = atlases.Atlas.open(atlases.SHIPPED).rows("relu2", 3)
    shown = " ".join(element.value for element in test.latex)
    assert f"a_{{{rows[1].unit.row},{rows[1].unit.column},3}}" in shown


@pytest.mark.slow
def test_wild_links_fall_back(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, layer="relu99", channel="x", rank="77", scale="no")
    assert not test.exception
    assert any("Channel 96 of relu3" in element.value for element in test.markdown)


@pytest.mark.slow
def test_a_channel_of_another_layer_falls_back(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, layer="relu4", channel="3")
    assert not test.exception
    assert any("Channel 0 of relu4" in element.value for element in test.markdown)


@pytest.mark.slow
def test_an_atlas_that_is_none_is_said_and_the_shipped_one_shown(
    open_page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(atlas.VARIABLE, str(tmp_path))
    test = open_page(SLUG)
    assert not test.exception
    assert "is no atlas" in test.warning[0].value
    assert any("Channel 96 of relu3" in element.value for element in test.markdown)


@pytest.mark.deep
def test_an_atlas_of_another_network_is_browsed_without_proofs(
    open_page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = dv.Network(
        lambda x: jax_relu(x @ np.float32([[1, -2], [1, 0], [1, 0.5]]) - 0.2),
        input_spec=dv.InputSpec(size=(16, 12)),
        name="elsewhere",
    )
    atlases.build(net, "sample:textures", [net.layers[-1].name], tmp_path / "atlas", top=3)
    monkeypatch.setenv(atlas.VARIABLE, str(tmp_path / "atlas"))
    test = open_page(SLUG)
    assert not test.exception
    assert not test.warning
    assert any("need the network of this atlas, elsewhere" in element.value for element in test.info)


def jax_relu(x: object) -> object:
    import jax

    return jax.nn.relu(x)


@pytest.mark.slow
def test_pictures_that_are_gone_or_changed_are_said(
    open_page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    draw = np.random.default_rng(1)
    for i in range(3):
        Image.fromarray(draw.integers(0, 256, (128, 128, 3), np.uint8)).save(pictures / f"{i}.png")
    atlases.build(networks.load("caltech").network, pictures, {"relu1": 2}, tmp_path / "atlas")
    monkeypatch.setenv(atlas.VARIABLE, str(tmp_path / "atlas"))
    for i in range(3):
        Image.new("RGB", (128, 128)).save(pictures / f"{i}.png")
    test = open_page(SLUG)
    assert not test.exception
    assert any("is another picture than when the atlas was built" in element.value for element in test.info)
    atlas._fresh.clear()
    shutil.rmtree(pictures)
    test = open_page(SLUG)
    assert any("cannot read" in element.value for element in test.info)


def test_a_picture_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    from deconvviz.atlas import pictures
    from deconvviz.errors import ImageError

    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        with pytest.raises(ImageError, match="does not lie in"):
            pictures.reader(tmp_path / "inside")(name)


def test_the_code_on_the_page_opens_the_rows() -> None:
    made: dict = {}
    exec(lesson.call(atlases.Atlas.open(atlases.SHIPPED), State("relu2", "3")), made)
    assert [row.image for row in made["rows"]] == [row.image for row in made["atlas"].rows("relu2", 3)]
    assert made["patches"][0].shape == made["maps"][0].shape


@pytest.mark.parametrize("seed", range(8))
def test_the_order_is_that_of_the_slow_twin(seed: int) -> None:
    question = questions.leading(seed)
    slow = atlas_loops.strongest([values[..., None] for values in questions.maps(seed)], 9)[0]
    assert question.answer == tuple(picture + 1 for _, picture, _, _ in slow[:2])


@pytest.mark.parametrize("seed", range(8))
def test_the_patch_is_counted_pixel_by_pixel(seed: int) -> None:
    question = questions.patch(seed)
    size, first, step, last, unit = map(
        int,
        re.findall(
            r"see (\d+) rows.*row (-?\d+), the next one (\d+) .*0 to (\d+)\. .*unit (\d+)", question.prompt
        )[0],
    )  # fmt: skip
    seen = [row for row in range(unit * step + first, unit * step + first + size) if 0 <= row <= last]
    assert question.answer == (len(seen),)


@pytest.mark.parametrize("seed", range(4))
def test_the_pictures_of_the_question_are_those_of_their_channels(seed: int) -> None:
    question = questions.whose(seed)
    layer = next(name for name in questions.SHOWN if name in question.prompt)
    channels = [int(channel) for channel in re.findall(r"text\{(\d+)\}", question.worked)]
    for channel, shown in zip(channels, question.choices, strict=True):
        assert np.array_equal(shown.source, questions.strip(layer, channel, "patches"))
    for number, shown in zip(question.answer, question.given, strict=True):
        assert np.array_equal(shown.source, questions.strip(layer, channels[number - 1], "maps"))
    first = atlases.Atlas.open(atlases.SHIPPED).rows(layer, channels[0])[0]
    cell = question.choices[0].source[:, : question.choices[0].source.shape[0]]
    patch = atlases.Atlas.open(atlases.SHIPPED).tile(first, "patches")
    assert patch.shape != cell.shape or np.array_equal(patch, cell)
    assert len(question.mistakes) == 15, "every other answer has its reason"
    assert "it is B" in question.mistakes[question.answer[::-1]]


def test_the_scenes_say_what_is_in_the_atlas() -> None:
    atlas = atlases.Atlas.open(atlases.SHIPPED)
    edges, crossings, eyes = (atlas.rows(layer, int(channel)) for layer, channel in (
        scenes.EDGES, scenes.CROSSINGS, scenes.EYES))  # fmt: skip
    assert {"discs", "checkers", "photographs"} <= {row.image.split("/")[0] for row in edges}
    cell = atlas.layer("relu3").receptive_field
    for row in edges:
        plane = in_cell(atlas.tile(row, "maps"), row, cell).mean(-1)[8:28, 10:26].mean(1)
        steps = [plane[at - 3 : at].mean() - plane[at : at + 3].mean() for at in range(3, len(plane) - 2)]
        assert max(steps) > 5, "an edge near the middle, bright above and dark below"
    assert edges[int(scenes.RIM) - 1].image.startswith("photographs/coffee")
    assert eyes[int(scenes.EYE) - 1].image.startswith("photographs/cat")
    assert eyes[0].image.startswith("checkers")
    assert {"motorcycle", "coins", "cat"} <= {row.image.split("/")[1].split("-")[0] for row in eyes[1:]}
    assert [atlas.layer(layer).receptive_field[0] for layer in ("relu3", "relu5")] == [36, 92]
    names = textures.names()
    assert (len(names), atlas.about["images"]["used"]) == (310, 310)
    assert sum(not name.startswith("photographs") for name in names) > 155, "more than half of them were drawn"
    assert any(row.size != cell for row in crossings), "cut at a border"
    assert (scenes.on_one_scale().answer, scenes.drop().answer) == ("paler", "30")
