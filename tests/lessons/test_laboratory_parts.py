"""The parts of the laboratory that need no page: maps to levels, choices, pixels, words."""

from __future__ import annotations

import base64
import io
import re
import zlib

import numpy as np
import pytest
from PIL import Image

import deconvviz as dv
from deconvviz.data.preprocess import at_most
from deconvviz.data.samples import SAMPLES
from deconvviz.ops.rectify import RULES
from deconvviz.types import InputSpec, Layer
from lessons._kit.draw import pixels as screen
from lessons._kit.draw import unit_grid
from lessons._kit.form.i18n import LANGUAGES
from lessons._kit.photo import labels, selection


@pytest.fixture
def maps() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(5, 7, 11)).astype(np.float32)


def test_levels_give_back_the_values_within_half_a_step(maps: np.ndarray) -> None:
    page = unit_grid.quantize(maps, [4, 0, 9])
    assert page.signed
    low, high = (np.array(ends)[:, None, None] for ends in (page.low, page.high))
    back = low + (high - low) * page.levels / unit_grid.LEVELS
    wanted = np.moveaxis(maps[..., [4, 0, 9]], -1, 0)
    assert np.abs(back - wanted).max() <= (high - low).max() / unit_grid.LEVELS / 2 * 1.001


def test_zero_of_a_signed_map_is_exactly_the_middle_level(maps: np.ndarray) -> None:
    maps[2, 3, 4] = 0.0
    page = unit_grid.quantize(maps, [4])
    assert page.levels[0, 2, 3] == unit_grid.LEVELS // 2
    assert page.low[0] + (page.high[0] - page.low[0]) * (unit_grid.LEVELS // 2) / unit_grid.LEVELS == 0.0


def test_rectified_maps_start_at_zero_and_a_silent_one_stays_there(maps: np.ndarray) -> None:
    rectified = np.maximum(maps, 0)
    rectified[..., 6] = 0
    page = unit_grid.quantize(rectified, [6, 2])
    assert not page.signed
    assert page.low == (0.0, 0.0)
    assert page.high[0] == 0.0
    assert not page.levels[0].any()
    assert page.levels[1].max() == unit_grid.LEVELS


def test_a_silent_map_among_signed_ones_is_neutral(maps: np.ndarray) -> None:
    maps[..., 1] = 0
    assert (unit_grid.quantize(maps, [1]).levels == unit_grid.LEVELS // 2).all()


def test_the_peak_is_the_largest_value_and_its_place(maps: np.ndarray) -> None:
    maps[4, 2, 5] = 9.0
    assert unit_grid.quantize(maps, [5]).peaks == ((4, 2, 9.0),)


def test_the_payload_carries_the_levels_and_changes_its_version_with_every_part(maps: np.ndarray) -> None:
    text = {"title": "Maps"}
    page = unit_grid.quantize(maps, [1, 2])
    sent = unit_grid.payload(page, ["1", "2"], ["one", "two"], text)
    levels = np.frombuffer(zlib.decompress(base64.b64decode(sent["maps"])), np.uint8)
    assert np.array_equal(levels.reshape(2, 5, 7), page.levels)
    assert len(base64.b64decode(sent["palette"])) == 3 * (unit_grid.LEVELS + 1)
    others = [
        unit_grid.payload(unit_grid.quantize(maps, [2, 1]), ["1", "2"], ["one", "two"], text),
        unit_grid.payload(page, ["1", "2"], ["eins", "zwei"], text),
        unit_grid.payload(page, ["1", "2"], ["one", "two"], {"title": "特征图"}),
        unit_grid.payload(unit_grid.quantize(2 * maps, [1, 2]), ["1", "2"], ["one", "two"], text),
    ]
    assert len({sent["version"], *(other["version"] for other in others)}) == 5


def test_the_order_is_by_strength_with_ties_by_number_or_by_number() -> None:
    maps = np.zeros((2, 3, 4))
    maps[1, 2] = [2.0, 5.0, 2.0, 7.0]
    assert selection.order(maps, by_number=False).tolist() == [3, 1, 0, 2]
    assert selection.order(maps, by_number=True).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((None, None, None), (6, 3, 2)),
        ((2, None, None), (2, 1, 4)),
        ((2, 0, None), (2, 0, 5)),
        ((2, None, 0), (2, 4, 0)),
        ((2, 3, 3), (2, 3, 3)),
    ],
)
def test_what_is_not_chosen_is_the_strongest(
    maps: np.ndarray, asked: tuple[int | None, int | None, int | None], found: tuple[int, int, int]
) -> None:
    maps = np.clip(maps, -1, 1)
    maps[3, 2, 6] = 8
    maps[1, 4, 2], maps[0, 5, 2], maps[4, 0, 2] = 6, 5, 4
    chosen = selection.resolve(Layer("relu1", "relu", (5, 7, 11), (1, 1), (3, 3)), maps, *asked)
    assert (chosen.unit.channel, chosen.row, chosen.column) == found
    assert chosen.value == maps[found[1], found[2], found[0]]
    assert (chosen.unit.row, chosen.unit.column) == found[1:]


def test_a_layer_without_positions_has_units_without_rows() -> None:
    maps = selection.planes(np.array([0.5, 3.0, 1.0]))
    chosen = selection.resolve(Layer("logits", "dense", (3,), None, None), maps, None, None, None)
    assert (chosen.unit.channel, chosen.unit.row, chosen.unit.column) == (1, None, None)
    assert (chosen.row, chosen.column, chosen.value) == (0, 0, 3.0)


def test_the_first_layer_is_the_last_rectifier_with_a_map_worth_looking_at() -> None:
    layers = (
        Layer("conv1", "conv", (16, 16, 4), (1, 1), (3, 3)),
        Layer("relu1", "relu", (16, 16, 4), (1, 1), (3, 3)),
        Layer("relu2", "relu", (4, 4, 8), (4, 4), (9, 9)),
        Layer("logits", "dense", (3,), None, None),
    )
    assert selection.first_layer(layers) == "relu1"
    assert selection.first_layer(layers[3:]) == "logits"


def test_signed_pixels_keep_zero_neutral_and_never_stretch_silence() -> None:
    signed = np.zeros((2, 3, 3), np.float32)
    signed[0, 1] = [0.5, -0.5, 0.25]
    assert screen.signed_pixels(signed, 0.5, summed=False)[0].tolist() == [[128] * 3, [255, 1, 192], [128] * 3]
    assert screen.largest(signed, summed=False) == 0.5
    assert screen.largest(signed, summed=True) == 0.25
    silent = np.zeros((2, 3, 3), np.float32)
    assert screen.largest(silent, summed=True) == 0.0
    assert (screen.signed_pixels(silent, 0.0, summed=False) == 128).all()
    assert len(np.unique(screen.signed_pixels(silent, 0.0, summed=True))) == 1


def test_files_are_what_their_address_says() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    file = screen.png(pixels)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), pixels)
    assert screen.address(file).startswith("data:image/png;base64,")
    assert screen.address(screen.jpeg(pixels)).startswith("data:image/jpeg;base64,")


def test_the_photograph_on_screen_is_the_part_that_the_network_sees() -> None:
    image = np.zeros((40, 80, 3), np.float32)
    image[:, 20:60, 1] = 1.0  # the centre square
    spec = InputSpec(size=(8, 8))
    shown = screen.on_screen(image, spec)
    assert shown.shape == (8 * screen.FINER, 8 * screen.FINER, 3)
    assert shown[2:-2, 2:-2, 1].min() > 0.99
    patch = screen.crop(shown, (1, 2, 4, 8), screen.FINER)
    assert patch.shape[:2] == (3 * screen.FINER, 6 * screen.FINER)
    assert at_most(patch, 6).shape == (3, 6, 3)


def test_every_sample_and_rule_has_its_words() -> None:
    assert {id: sample.title for id, sample in SAMPLES.items()} == labels.TITLES
    assert set(RULES) == set(labels.RULES) == set(labels.RULE_LINES) == set(labels.RULE_FORMULAS)


def test_every_class_of_the_shipped_network_has_a_name_in_every_language() -> None:
    names = labels.class_names()
    assert tuple(names) == dv.load("caltech").labels
    for label, row in names.items():
        assert all(row[language].strip() for language in LANGUAGES), label
        assert re.search(r"[\u3400-\u9fff]", row["zh"]), label
        assert "_" not in row["en"], label
    assert len({row["zh"] for row in names.values()}) == len({row["en"] for row in names.values()}) == 102
