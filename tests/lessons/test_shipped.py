"""Results that come with the package are what the code gives, of the shipped weights, and small."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

import deconvviz as dv
from deconvviz.metrics import relative_gap
from deconvviz.types import Unit
from lessons import fields, rules, upsampler_lab
from lessons import generation as generating
from lessons import growth as growing
from lessons._kit.inversion import run as inversion
from lessons._kit.photo import selection
from lessons._kit.restoration import run as restoration
from lessons._kit.run import engine, networks, pictures, shipped
from lessons.generation import run as generation
from lessons.growth import network as growth
from lessons.ladder import run as ladder
from lessons.rules import network as four_rules
from lessons.upsampler_lab import run as swapped
from lessons.visualization import State
from lessons.visualization import run as visualization


def test_they_are_small_and_of_the_shipped_weights() -> None:
    assert shipped.FILE.stat().st_size < 6_000_000
    assert shipped.facts()["digest"] == networks.load("caltech").digest
    assert set(shipped.arrays()) >= {f"optimize/{layer}" for layer in inversion.LAYERS}


@pytest.mark.slow
@pytest.mark.parametrize("layer", inversion.LAYERS)
def test_errors_on_the_page_are_those_of_the_stored_pictures(layer: str) -> None:
    photograph = shipped.arrays()["photograph"].astype(np.float32) / 255
    for method in ladder.METHODS:
        name = f"{method}/{layer}"
        if name in shipped.arrays():
            feature, pixels, _ = shipped.facts()[name]
            image = shipped.image(name)
            assert inversion.measured(inversion.of(shipped.PICTURE, layer), image) == pytest.approx(feature, rel=1e-3)
            assert ladder.pixel_error(image, photograph) == pytest.approx(pixels, rel=1e-3)
            assert 255 * image.std() > 5


@pytest.mark.slow
def test_rungs_of_one_pass_are_made_again_to_the_last_level() -> None:
    run = inversion.of(shipped.PICTURE, "relu2")
    for rung in (ladder.sent_down(run), ladder.learned(run)):
        kept = shipped.arrays()[f"{rung.method}/relu2"].astype(int)
        assert np.abs(kept - np.rint(255 * rung.image)).max() <= 1
        if rung.map is not None:
            step = shipped.facts()["map/relu2"] / 127
            assert np.abs(shipped.arrays()["map/relu2"] * step - rung.map).max() <= 0.51 * step


@pytest.mark.slow
def test_pages_that_search_open_with_a_result() -> None:
    loaded, picture = networks.load("caltech"), pictures.sample("cat")
    before = ladder.beforehand(loaded, picture, 0)
    assert before is not None
    assert [len(before.of(method)) for method in ladder.METHODS] == [7, 7, 7]
    assert ladder.above(before) == 0
    assert ladder.beforehand(loaded, picture, 1) is None
    assert ladder.beforehand(loaded, pictures.sample("coffee"), 0) is None
    found = inversion.beforehand(inversion.of("cat", "relu4"))
    assert found is not None
    assert len(found.losses) == found.step == inversion.STEPS
    assert inversion.beforehand(inversion.of("cat", "relu4", prior=False)) is None


@pytest.mark.slow
def test_the_sheet_is_of_the_page_and_its_values_are_those_of_its_pictures() -> None:
    from lessons.visualization import sheet_of

    run = State().run
    sheet = visualization.sheet_beforehand(run, sheet_of(run))
    assert sheet is not None
    answers = shipped.arrays()["sheet/answers"]
    assert np.array_equal(sheet.activations, answers.diagonal())
    for image, values in zip(sheet.images, answers, strict=True):
        maps = dv.activations(run.loaded.network, image, run.layer)
        assert maps[..., sheet.channels].mean((0, 1)) == pytest.approx(values, rel=1e-4)


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("place", visualization.SHIPPED, ids=lambda place: "-".join(map(str, place)))
def test_what_is_said_of_a_made_picture_is_measured_on_it(place: tuple[str, int, str, str, str]) -> None:
    run = visualization.of(*place)
    now = visualization.beforehand(run)
    assert now is not None
    for image, value in zip(now.images, now.activations, strict=True):
        assert visualization.plain_pass(run, image) == pytest.approx(float(value), rel=1e-4)
        assert 255 * image.std() > 5
    measured = (visualization.fine(now.image), visualization.survives(run, now.image))
    assert visualization.texture(run, now) == pytest.approx(measured, rel=1e-3)
    kept = visualization.natural(run)
    fresh = visualization._natural(f"again {run.loaded.name}", run.layer, run.objective, run.channel, run)
    assert (kept.id, kept.place) == (fresh.id, fresh.place)
    assert kept.value == pytest.approx(fresh.value, rel=1e-4)


@pytest.mark.deep
def test_pages_about_a_unit_open_with_its_maps_and_compile_none(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, cat = networks.load("caltech"), pictures.sample(selection.FIRST_PICTURE)
    layers = tuple(layer for layer in loaded.network.layers if layer.shape)
    name = selection.first_layer(layers)
    maps = selection.planes(engine.forward(loaded, cat).maps[name])
    opened = selection.resolve(loaded.network.layer(name), maps, None, None, None).unit
    state = rules.State()
    computed = dv.reconstruct_rules(loaded.network, pictures.fitted(loaded, cat).model, opened, prove=False)
    engine._reconstruct.clear()
    monkeypatch.setattr(engine.dv, "reconstruct_rules", lambda *_, **__: pytest.fail("computed"))
    seen = engine.reconstruct(loaded, cat, opened)
    assert seen.compiled is None
    assert tuple(seen.by_rule) == dv.RULES
    for rule, wanted in computed.items():
        found = seen.by_rule[rule]
        assert relative_gap(found.map, wanted.map) < 1e-4
        assert found.activation == pytest.approx(wanted.activation, rel=1e-4)
        assert (found.unit, found.receptive_field, found.coverage) == (
            wanted.unit,
            wanted.receptive_field,
            wanted.coverage,
        )
    at = four_rules.place(state.image, state.layer)
    assert four_rules.reconstructions(at, int(state.rank) - 1).compiled is None
    assert np.any(fields.compute(fields.State()).slopes)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("epoch", growth.EPOCHS)
def test_growth_plays_the_maps_that_the_weights_give(epoch: int) -> None:
    state = growing.State()
    place = (state.image, state.layer, epoch)
    kept, made = growth.stored(*place), growth.compute(*place)
    assert kept is not None
    assert (kept.units, kept.boxes, kept.patches) == (made.units, made.boxes, made.patches)
    for part in ("activations", "inners", "norms", "end_norms"):
        assert getattr(kept, part) == pytest.approx(getattr(made, part), rel=1e-4, abs=1e-6)
    for one, other in zip(kept.maps, made.maps, strict=True):
        pixels = [np.asarray(Image.open(io.BytesIO(file)), int) for file in (one, other)]
        assert np.abs(pixels[0] - pixels[1]).max() <= 1
        assert pixels[0].std() > 5
    assert growth.is_stored(state.image, state.layer)
    assert not growth.is_stored(state.image, "relu1")


@pytest.mark.slow
def test_generation_opens_with_the_pictures_that_the_weights_give() -> None:
    state = generating.State()
    place = (state.wanted, int(state.first), int(state.second), state.decoder)
    assert shipped.facts()[generation.walk_name(*place)] == shipped.digest("generation")
    made = generation.compute_walk(*place)
    assert np.abs(255 * (generation.walk(*place) - made)).max() <= 1
    assert 255 * made[0].std() > 20


@pytest.mark.parametrize("label", ["Faces_easy", "Motorbikes", "airplanes"])
def test_photographs_nearest_to_drawn_pictures_are_as_far_as_is_said(label: str) -> None:
    found = generation.nearest(label, 0, generating.State().decoder)
    assert found is not None
    made = generation.decode(generation.drawn(label, 0), generating.State().decoder)
    both = (found.pictures, found.pictures[:, :, ::-1])
    far = np.min([np.sqrt(np.mean((made - one) ** 2, axis=(1, 2, 3))) for one in both], axis=0)
    np.testing.assert_allclose(far, found.distances, atol=0.005)  # they are compressed
    assert generation.nearest(label, 1, generating.State().decoder) is None


@pytest.mark.deep
def test_the_swap_opens_with_the_enlargements_that_the_weights_give() -> None:
    picture = pictures.sample(upsampler_lab.State().image)
    kind = swapped.KINDS[0]
    kept, made = swapped.stored(picture, kind), restoration.shown(picture, swapped.SCALE, True, swapped.variant(kind))
    assert kept is not None
    assert np.abs(kept.planes["network"] - made.planes["network"]).max() <= 1.01 / 255
    assert kept.figures["network"]["psnr"] == pytest.approx(made.figures["network"]["psnr"], abs=0.01)
    assert all(swapped.stored(picture, one) is not None for one in swapped.KINDS)
    assert swapped.stored(pictures.sample("coffee"), kind) is None


def test_maps_of_another_unit_photograph_or_network_are_not_stored() -> None:
    loaded, cat = networks.load("caltech"), pictures.sample("cat")
    known = next(name for name in shipped.facts() if name.startswith("maps/cat/relu6:"))
    channel, row, column = (int(part) for part in known.partition(":")[2].split(","))
    unit = Unit("relu6", channel, row, column)
    assert shipped.maps(loaded, cat, unit) is not None
    assert shipped.maps(loaded, cat, Unit("relu6", channel, row, column - 1)) is None
    assert shipped.maps(loaded, pictures.sample("coffee"), unit) is None
    own = pictures.Picture(None, "mine.png", "", cat.digest)
    assert shipped.maps(loaded, own, unit) is None
    assert shipped.maps(dataclasses.replace(loaded, digest="of other weights"), cat, unit) is None
