"""Segmentation: figures against loops, what decoders do, training at toy size, what is refused, files, commands."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from flax import nnx
from PIL import Image
from reference import segmentation_loops as loops

from deconvviz import cli
from deconvviz.errors import DataError, DeconvvizError, TrainingError, WeightsError
from deconvviz.models import squeezenet
from deconvviz.models._layers import Classifier, max_pool, shapes_of
from deconvviz.ops.upsample import transposed_conv
from deconvviz.tasks.segmentation import DECODERS, FUSIONS, end_to_end, fit, predict, pretrained
from deconvviz.tasks.segmentation import data as data_of
from deconvviz.tasks.segmentation import evaluate as measures
from deconvviz.tasks.segmentation import network as net
from deconvviz.tasks.segmentation import train as training
from deconvviz.tasks.segmentation.data import VOID

TOY: dict[str, Any] = {"widths": (4, 6, 10, 4), "dilations": (1, 2), "crop": (16, 24), "epochs": 2, "batch": 2}


def labellings(seed: int, size: tuple[int, int] = (13, 17)) -> tuple[np.ndarray, np.ndarray]:
    """(said, true): patches of classes, some void; said differs here and there."""
    draw = np.random.default_rng(seed)
    true = draw.choice([0, 3, 4, 8, VOID], (5, 6)).repeat(3, 0).repeat(3, 1)[: size[0], : size[1]]
    said = np.where(draw.random(true.shape) < 0.2, draw.integers(0, VOID, true.shape), np.roll(true, 1, 1) % VOID)
    return said, true


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_loops(seed: int) -> None:
    first, second = labellings(seed), labellings(seed + 50, (9, 11))
    table = measures.confusion(*first) + measures.confusion(*second)
    np.testing.assert_array_equal(table, loops.confusion(*first, VOID) + loops.confusion(*second, VOID))
    found = measures.figures_of(table)
    wanted = loops.shares([first[0], second[0]], [first[1], second[1]], VOID)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-12)
    assert found["mean_iou"] == pytest.approx(np.mean(list(found["iou"].values())))
    assert 0 < found["mean_iou"] < found["class_average"] < 1


@pytest.mark.parametrize("seed", range(4))
def test_boundaries_are_those_of_loops(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "TOLERANCE", 0.06)
    said, true = labellings(seed)
    found = measures.boundary_f1(said, true)
    assert found == pytest.approx(loops.boundary_f1(said, true, VOID, 0.06), abs=1e-12)
    assert 0 < found < 1
    assert measures.boundary_f1(true % VOID, true) == 1


def test_the_edge_of_void_is_no_boundary() -> None:
    true = np.zeros((9, 12), int)
    true[:, 6:] = VOID
    assert measures.boundary_f1(np.zeros_like(true), true) == 1
    true[:, :3] = 4
    assert measures.boundary_f1(np.zeros_like(true), true) == 0


@pytest.mark.parametrize("seed", range(3))
def test_class_weights_are_those_of_loops(seed: int) -> None:
    labels = [labellings(seed + i, (8, 9 + i))[1] for i in range(3)]
    found = data_of.class_weights(labels, "median")
    np.testing.assert_allclose(found, loops.median_weights(labels, VOID), rtol=1e-6)
    np.testing.assert_allclose(data_of.class_weights(labels, "root") ** 2, found, rtol=1e-6)
    np.testing.assert_array_equal(data_of.class_weights(labels, "none"), np.ones(VOID))


@pytest.mark.slow
def test_the_loss_of_cells_is_that_of_their_pixels() -> None:
    draw = np.random.default_rng(1)
    scores, labels = draw.normal(size=(2, 3, 5, VOID)).astype(np.float32), draw.integers(0, VOID + 1, (2, 12, 20))
    weights = draw.random(VOID).astype(np.float32) + 0.5
    found, _ = fit.loss_of(weights)(lambda x: x, (jnp.asarray(scores), jnp.asarray(labels)), jax.random.key(0))
    assert float(found) == pytest.approx(loops.cross_entropy(scores, labels, weights), rel=1e-5)


def test_scores_are_enlarged_as_in_loops_and_as_in_the_network() -> None:
    x = np.random.default_rng(2).normal(size=(3, 5, 2)).astype(np.float32)
    np.testing.assert_allclose(predict.enlarged(x, (7, 11)), loops.bilinear(x, (7, 11)), atol=1e-6)
    np.testing.assert_allclose(predict.enlarged(x, (6, 10)), net.bilinear(jnp.asarray(x)[None], 2)[0], atol=1e-6)


def test_bilinear_is_a_fixed_transposed_convolution() -> None:
    x = np.random.default_rng(3).normal(size=(1, 4, 7, 1)).astype(np.float32)
    line = np.array([0.25, 0.75, 0.75, 0.25], np.float32)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    found = transposed_conv(padded, np.outer(line, line)[:, :, None, None], 2, 3)
    np.testing.assert_allclose(found, net.bilinear(jnp.asarray(x), 2), atol=1e-6)


@pytest.mark.deep
@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_network_has_its_size(decoder: str, fusion: str) -> None:
    if decoder == "coarse" and fusion != "none":
        with pytest.raises(TrainingError, match="fusion"):
            training.check(training.Recipe(decoder=decoder, fusion=fusion))
        return
    side = 8 if decoder == "coarse" else 2
    found = jax.eval_shape(
        lambda x: net.Segmenter(decoder, fusion, (4, 6, 10, 5), (1, 2), rngs=nnx.Rngs(0))(x), jnp.ones((1, 16, 40, 3))
    )
    assert found.shape == (1, 16 // side, 40 // side, VOID)


@pytest.mark.deep
def test_unpooling_places_values_at_the_switches() -> None:
    """Without its convolution the unpooled map holds each value where the encoder found its maximum."""
    up = net.Enlarge("unpool", 7, 3, 3, rngs=nnx.Rngs(0))
    y, switches = net.max_pool(jnp.asarray(np.random.default_rng(0).normal(size=(1, 8, 12, 3)), jnp.float32), 2)
    x = jnp.asarray(np.random.default_rng(1).normal(size=(1, 4, 6, 7)), jnp.float32)
    values = np.asarray(up.narrow(x))
    wanted = np.zeros((1, 8, 12, 3), np.float32)
    for i in range(4):
        for j in range(6):
            for c in range(3):
                place = int(switches[0, i, j, c])
                wanted[0, place // 12, place % 12, c] = values[0, i, j, c]
    np.testing.assert_array_equal(up.spread(jnp.asarray(values), switches), wanted)
    assert y.shape == switches.shape
    assert up(x, switches).shape == (1, 8, 12, 3)


@pytest.mark.deep
def test_fusion_with_an_even_share_is_the_average() -> None:
    """A weighted fusion starts as the average; its shares are learned from there."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 16, 24, 3)), jnp.float32)
    found = []
    for fusion in FUSIONS:
        module = net.Segmenter("bilinear", fusion, (4, 6, 10, 5), (1,), rngs=nnx.Rngs(0))
        module.detail.kernel[...] = jnp.ones((4, VOID))
        found.append(module(x))
    np.testing.assert_allclose(found[1], found[2], atol=1e-5)
    assert not np.allclose(found[0], found[1], atol=1e-2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Streets of two bands, five to train on and two to validate."""
    root = tmp_path_factory.mktemp("camvid")
    draw = np.random.default_rng(0)
    for part, count in (("train", 5), ("val", 2)):
        for kind in ("images", "labels"):
            (root / part / kind).mkdir(parents=True)
        for i in range(count):
            line = int(draw.integers(10, 20))
            labels = np.where(np.arange(32)[:, None] < line, 0, 3).repeat(40, 1).astype(np.uint8)
            labels[:2] = VOID
            picture = np.where(labels[..., None] == 3, 60, (170, 190, 250)) + draw.integers(0, 20, (32, 40, 3))
            name = ("first", "second")[i % 2] + str(i)
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(root / part / "images" / f"{name}.png")
            Image.fromarray(labels).save(root / part / "labels" / f"{name}.png")
    return root


@pytest.fixture(scope="module")
def coarse(folder: Path, trained_once: Any) -> Path:
    """A run of the encoder."""
    options = {**TOY, "decoder": "coarse", "learning_rate": 0.01, "epochs": 30}
    out: Path = trained_once("segmentation", lambda out: training.train(folder, out, **options))[0]
    return out


@pytest.mark.deep
def test_training_learns_and_is_used(folder: Path, coarse: Path, tmp_path: Path) -> None:
    found = measures.evaluate(folder / "val", variant="coarse", weights=coarse)
    assert found["images"] == 2
    assert found["global"] > 0.75
    assert set(found["iou"]) == {"sky", "road"}
    stored = predict.variants(coarse)["coarse"]["figures"]
    assert stored["mean_iou"] == pytest.approx(found["mean_iou"], abs=1e-6)
    answered = predict.apply(folder / "val" / "images" / "first0.png", variant="coarse", weights=coarse)
    assert answered.classes.shape == (32, 40)
    assert set(np.unique(answered.classes)) <= set(range(VOID))


@pytest.mark.deep
def test_the_same_seed_gives_the_same_weights_and_a_killed_run_goes_on(
    folder: Path, coarse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**TOY, "decoder": "unpool", "fusion": "weighted", "encoder": coarse}
    training.train(folder, tmp_path / "whole", seed=4, **options)

    class Killed(Exception):
        """As if the machine stopped."""

    def stop(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        epoch = data_of.Crops.epoch
        patch.setattr(data_of.Crops, "epoch", lambda self, n: epoch(self, n) if n < 2 else stop())
        with pytest.raises(Killed):
            training.train(folder, tmp_path / "killed", seed=4, **options)
    training.train(folder, tmp_path / "killed", seed=4, **options)
    files = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "killed")]
    assert files[0][-4000:] == files[1][-4000:]
    training.train(folder, tmp_path / "other", seed=5, **{**options, "epochs": 1})
    assert (tmp_path / "other" / "weights.safetensors").read_bytes()[-4000:] != files[0][-4000:]
    name = "unpool+weighted"
    assert list(predict.variants(tmp_path / "whole")) == [name]
    assert predict.variants(tmp_path / "whole")[name]["command"].endswith("--encoder COARSE_RUN")
    with pytest.raises(TrainingError, match="another encoder"):
        training.train(folder, tmp_path / "whole", seed=4, **{**options, "encoder": None})


@pytest.mark.deep
def test_a_decoder_begins_from_the_encoder(folder: Path, coarse: Path) -> None:
    recipe = training.Recipe(decoder="bilinear", widths=TOY["widths"], dilations=TOY["dilations"])
    first = training.first_module(recipe, coarse)
    learned = predict.load("coarse", coarse)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 16, 24, 3)), jnp.float32)
    first.eval()
    np.testing.assert_allclose(first(x), net.bilinear(learned(x), 4), atol=1e-6)
    with pytest.raises(TrainingError, match=r"widths=\(4, 6, 12, 4\)"):
        training.first_module(training.Recipe(widths=(4, 6, 12, 4), dilations=TOY["dilations"]), coarse)


@pytest.mark.deep
def test_held_back_pictures_are_measured_and_not_shown(folder: Path, tmp_path: Path) -> None:
    """Their road is called a car: had they been shown, or others been measured, it would be noticed."""
    root = Path(shutil.copytree(folder, tmp_path / "root"))
    for file in root.glob("train/labels/second*"):
        labels = data_of.read_labels(file)
        Image.fromarray(np.where(labels == 3, 8, labels).astype(np.uint8)).save(file)
    options = {**TOY, "decoder": "coarse", "learning_rate": 0.01, "epochs": 30}
    found = training.train(root, tmp_path / "run", hold_back="second", **options)
    about = predict.variants(tmp_path / "run")["coarse"]
    assert about["data"] == {"training": 3, "validation": 2, "held_back": 2}
    assert "--hold-back second" in about["command"]
    assert found["val_mean_iou"] > 0.9
    assert about["held_back"]["iou"]["sky"] > 0.9
    assert about["held_back"]["iou"]["car"] == 0
    assert found["held_back_mean_iou"] == about["held_back"]["mean_iou"]
    with pytest.raises(DataError, match="'third'"):
        training.train(root, tmp_path / "none", decoder="coarse", hold_back="third", **TOY)


def test_crops_keep_picture_and_labels_together() -> None:
    labels = np.arange(40, dtype=np.uint8)[None].repeat(24, 0) // 4
    scene = data_of.Scene((labels[..., None] * 20).repeat(3, 2), labels)
    crops = data_of.Crops([scene] * 3, (16, 24), 2, seed=1, colour=0.0)
    (x, y), *_ = crops.epoch(1)
    assert (x.shape, y.shape, crops.length(1)) == ((2, 16, 24, 3), (2, 16, 24), 1)
    whole = scene.picture[::4, ::4].astype(np.float32)
    pixels = x * (whole.std() + 0.255) + whole.mean()
    assert np.abs(pixels[..., 0] / 20 - y).mean() < 0.3
    again = next(iter(crops.epoch(1)))
    np.testing.assert_array_equal(again[0], x)
    assert not np.array_equal(next(iter(crops.epoch(2)))[0], x)


@pytest.mark.slow
def test_a_scene_in_other_light_is_measured_by_its_own_light() -> None:
    """A power of the pixels before a part's mean and deviation: the whole scene keeps mean 0 and deviation 1."""
    draw = np.random.default_rng(3)
    labels = np.zeros((24, 40), np.uint8)
    scene = data_of.Scene(draw.integers(0, 256, (24, 40, 3), np.uint8), labels)
    plain, lit = (
        data_of.Crops([scene], (24, 40), 1, 1, scale=(1.0, 1.0), colour=0.0, gamma=gamma) for gamma in (1.0, 2.5)
    )
    (x, _), (y, _) = next(plain.epoch(1)), next(lit.epoch(1))
    assert not np.allclose(x, y, atol=0.05)
    for found in (x, y):
        assert abs(float(found.mean())) < 0.1
        assert float(found.std()) == pytest.approx(1, abs=0.1)
    flat, bright = np.sort(x.ravel()), np.sort(y.ravel())
    assert len(np.unique(np.rint(1e4 * flat))) == len(np.unique(np.rint(1e4 * bright))), "order and ties are kept"


@pytest.mark.deep
def test_any_picture_is_answered_at_its_own_size(coarse: Path) -> None:
    draw = np.random.default_rng(0)
    pictures: list[Any] = [
        Image.fromarray(draw.integers(0, 255, (37, 61), np.uint8)),
        Image.fromarray(draw.integers(0, 255, (24, 30, 4), np.uint8)),
        draw.integers(0, 65535, (19, 23, 3)).astype(np.uint16),
        draw.random((8, 90, 3)).astype(np.float32),
    ]
    for picture in pictures:
        found = predict.apply(picture, variant="coarse", weights=coarse)
        size = picture.size[::-1] if isinstance(picture, Image.Image) else picture.shape[:2]
        assert found.classes.shape == size == found.picture.shape[:2]
        assert found.classes.dtype == np.uint8


@pytest.mark.parametrize("size", [(480, 640), (720, 1280), (360, 480), (8, 4000), (3000, 8), (100, 100)])
def test_the_network_looks_at_about_as_many_pixels_as_in_training(size: tuple[int, int]) -> None:
    rows, columns = predict.network_size(size)
    assert rows % 8 == columns % 8 == 0
    assert rows * columns <= 1.1 * 360 * 480
    if max(size) < 8 * min(size):
        assert rows * columns > 0.9 * 360 * 480
        assert rows / columns == pytest.approx(size[0] / size[1], rel=0.05)


@pytest.mark.slow
def test_files_that_are_written(coarse: Path, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).random((16, 24, 3)).astype(np.float32)
    found = predict.apply(picture, variant="coarse", weights=coarse)
    predict.write(found, tmp_path / "colours.png")
    with Image.open(tmp_path / "colours.png") as file:
        shown = np.asarray(file)
    wanted = 0.4 * 255 * picture + 0.6 * predict.COLOURS[found.classes]
    np.testing.assert_allclose(shown, wanted, atol=0.51)
    predict.write(found, tmp_path / "indices.png", indices=True)
    np.testing.assert_array_equal(data_of.read_labels(tmp_path / "indices.png"), found.classes)
    said = predict.describe(found)["shares"]
    assert sum(said.values()) == pytest.approx(1, abs=1e-3)
    assert list(said.values()) == sorted(said.values(), reverse=True)


@pytest.mark.slow
def test_what_is_refused(folder: Path, coarse: Path, tmp_path: Path) -> None:
    def refused(error: type[Exception], words: str, labels: np.ndarray | None = None) -> None:
        root = tmp_path / words[:4].strip(" .*\\")
        for kind in ("images", "labels"):
            (root / kind).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 9)).save(root / "images" / "a.png")
        if labels is not None:
            Image.fromarray(labels).save(root / "labels" / "a.png")
        with pytest.raises(error, match=words):
            measures.evaluate(root, variant="coarse", weights=coarse)

    refused(DataError, "has no partner")
    refused(DataError, r"a.png holds the label 12, 3 pixels", np.pad(np.full((1, 3), 12, np.uint8), ((0, 8), (0, 7))))
    refused(DataError, "sizes must agree", np.zeros((9, 11), np.uint8))
    refused(DataError, "has 3 channels", np.zeros((9, 10, 3), np.uint8))
    refused(DataError, "nothing but void", np.full((9, 10), VOID, np.uint8))
    with pytest.raises(DataError, match="8 x 8 pixels; got a picture of 7 x 30"):
        predict.apply(np.zeros((7, 30, 3)), variant="coarse", weights=coarse)
    with pytest.raises(WeightsError, match="did you mean coarse"):
        predict.apply(np.zeros((8, 30, 3)), variant="course", weights=coarse)
    with pytest.raises(DeconvvizError, match="limit=0"):
        measures.evaluate(folder / "val", variant="coarse", weights=coarse, limit=0)
    for options, words in (
        ({"epochs": 0}, "epochs=0"),
        ({"crop": (12, 16)}, r"crop=\(12, 16\)"),
        ({"decoder": "unpol"}, "did you mean unpool"),
        ({"decoder": "skips", "fusion": "average"}, "instead of the picture; got fusion='average'"),
        ({"decoder": "skips", "encoder": folder / "val" / "images" / "first0.png"}, "truncated"),
        ({"batch": 9}, "5 pictures, fewer than one batch of 9"),
        ({"depth": 3}, "no option 'depth'"),
    ):
        with pytest.raises(DeconvvizError, match=words):
            training.train(folder, tmp_path / "refused", **{**TOY, **options})
    assert not (tmp_path / "refused" / "weights.safetensors").exists()


@pytest.mark.slow
def test_commands(folder: Path, coarse: Path, tmp_path: Path) -> None:
    image, out = folder / "val" / "images" / "first0.png", tmp_path / "out.png"
    common = ["--variant", "coarse", "--weights", str(coarse), "--json"]
    answer = CliRunner().invoke(
        cli.main, ["apply", "segmentation", "--image", str(image), "--out", str(out), "--indices", *common]
    )
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["variant"] == "coarse"
    with Image.open(out) as written:
        assert written.mode == "P"
    answer = CliRunner().invoke(cli.main, ["evaluate", "segmentation", "--data", str(folder / "val"), *common])
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["mean_iou"] > 0.3


@pytest.fixture
def squeezed(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Arrays of SqueezeNet's shapes, as if they were the published ones."""
    draw = np.random.default_rng(0)
    shapes = shapes_of(squeezenet.COMPRESSED.parts)
    arrays = {
        name: draw.normal(0, 1.2 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    monkeypatch.setattr(squeezenet, "compressed_arrays", lambda weights=None: arrays)
    return arrays


@pytest.mark.deep
def test_the_encoder_is_squeezenet_of_a_padded_picture(squeezed: dict[str, np.ndarray]) -> None:
    """Its last map, averaged, is that of the network of the catalogue, blue first and in ImageNet's units."""
    module = pretrained.SkipSegmenter(rngs=nnx.Rngs(0))
    pretrained.fill(module, None)
    x = np.random.default_rng(1).normal(size=(1, 24, 40, 3)).astype(np.float32)
    features, skips = module.encoder(jnp.asarray(x))
    layers = Classifier(squeezenet.COMPRESSED.parts, lambda layers, x: x, squeezed).layers
    padded = pretrained.DEVIATION * np.pad(x[..., ::-1], ((0, 0), (3, 3), (3, 3), (0, 0)))
    wanted = squeezenet.run((1, 4), len(pretrained.FIRES), {**layers, "conv10": lambda x: x}, padded)
    np.testing.assert_allclose(features.mean((1, 2)), wanted, rtol=1e-3, atol=1e-4 * float(wanted.max()))
    assert [features.shape, *(skip.shape for skip in skips)] == [(1, 3, 5, 512), (1, 6, 10, 256), (1, 12, 20, 96)]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(2, 2), (4, 6), (12, 10)])
def test_pooling_by_slices_is_that_of_windows(size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    np.testing.assert_array_equal(pretrained.pooled(jnp.asarray(x)), max_pool("pool", x, 3, 2, ceil=True))


@pytest.mark.slow
def test_the_network_with_skips_has_its_size_and_its_command() -> None:
    recipe = fit.recipe_of("skips")
    module = nnx.eval_shape(lambda: net.make(dataclasses.asdict(recipe)))
    shapes = [value.shape for _, value in nnx.to_flat_state(nnx.state(module, nnx.Param))]
    assert sum(map(math.prod, shapes)) == 677_990
    found = jax.eval_shape(lambda x: net.make(dataclasses.asdict(recipe))(x), jnp.ones((1, 16, 40, 3)))
    assert found.shape == (1, 8, 20, VOID)
    said = "deconvviz train segmentation --data DIR --out RUN --decoder skips --epochs 40"
    assert training.command(recipe, "squeezenet.net") == training.command(recipe) == said
    assert training.command(recipe, "random", "0006R0") == f"{said} --encoder random --hold-back 0006R0"


@pytest.mark.deep
def test_the_network_with_skips_is_trained_and_trained_further(folder: Path, tmp_path: Path) -> None:
    options = {**TOY, "decoder": "skips", "widths": (4, 6, 10, 4), "encoder": "random", "epochs": 1}
    found = training.train(folder, tmp_path / "run", **options)
    measured = measures.evaluate(folder / "val", variant="skips", weights=tmp_path / "run")
    assert found["val_mean_iou"] == pytest.approx(measured["mean_iou"], abs=1e-6)
    with pytest.raises(TrainingError, match="another encoder"):
        training.train(folder, tmp_path / "run", **{**options, "encoder": tmp_path / "run"})
    with pytest.raises(DeconvvizError, match="skips has no such step"):
        predict.first_step(np.zeros((16, 24, 3)), variant="skips", weights=tmp_path / "run")
    recipe = dataclasses.replace(fit.recipe_of("skips"), widths=(4, 6, 10, 4), dilations=TOY["dilations"])
    further = training.first_module(recipe, tmp_path / "run")
    learned = predict.load("skips", tmp_path / "run")
    np.testing.assert_array_equal(further.encoder.conv1.kernel[...], learned.encoder.conv1.kernel[...])
    assert training.command(recipe, tmp_path / "run").endswith("--encoder SKIPS_RUN")


@pytest.mark.deep
def test_squeezenets_first_convolution_stays(squeezed: dict[str, np.ndarray], folder: Path, tmp_path: Path) -> None:
    options = {**TOY, "decoder": "skips", "widths": (4, 6, 10, 4), "epochs": 1}
    training.train(folder, tmp_path / "run", **options)
    learned, first = predict.load("skips", tmp_path / "run"), pretrained.SkipSegmenter(rngs=nnx.Rngs(0))
    pretrained.fill(first)
    for layer, moved in (("conv1", False), ("fires", True)):
        kernels = [
            module.encoder.conv1.kernel if layer == "conv1" else module.encoder.fires[6].squeeze.kernel
            for module in (first, learned)
        ]
        before, after = (np.asarray(kernel[...], np.float16) for kernel in kernels)
        assert np.array_equal(before, after) != moved


def test_the_network_with_skips_answers_for_a_picture_and_its_mirror_image_alike() -> None:
    module = pretrained.SkipSegmenter((4, 6, 10, 4), (1, 2), rngs=nnx.Rngs(0))
    module.eval()
    module.detail.kernel[...] = jnp.ones((4, VOID))
    run = predict.compiled(module)
    x = np.random.default_rng(0).normal(size=(1, 16, 24, 3)).astype(np.float32)
    scores = run(x)
    alone, mirrored = (module(jnp.asarray(shown)) for shown in (x, x[:, :, ::-1]))
    np.testing.assert_allclose(scores, (alone + mirrored[:, :, ::-1]) / 2, atol=1e-4)
    np.testing.assert_allclose(run(x[:, :, ::-1]), scores[:, :, ::-1], atol=1e-5)


@pytest.mark.deep
def test_decoders_end_to_end_are_compared_from_seeds_and_go_on(folder: Path, tmp_path: Path) -> None:
    """Two steps of each of two decoders from two seeds; a finished run is read, one of another recipe refused."""
    toy = {name: TOY[name] for name in ("widths", "dilations", "crop", "batch")} | {"epochs": 1}
    options = {"decoders": ("transposed", "coarse"), "seeds": 2, **toy}
    first = end_to_end.train(folder, tmp_path / "out", **options)
    assert [(row["decoder"], row["seed"]) for row in first["rows"]] == [
        ("transposed", 0), ("coarse", 0), ("transposed", 1), ("coarse", 1)
    ]  # fmt: skip
    assert all(0 <= row["mean_iou"] <= 1 and 0 <= row["boundary_f1"] <= 1 for row in first["rows"])
    assert first["images"] == 2
    again = end_to_end.train(folder, tmp_path / "out", **options)
    assert again["rows"] == first["rows"]
    encoders = [
        fit.Recipe(decoder=decoder, seed=1, widths=TOY["widths"], dilations=TOY["dilations"])
        for decoder in options["decoders"]
    ]
    kernels = [training.first_module(recipe, None).encoder.half.conv.kernel[...] for recipe in encoders]
    np.testing.assert_array_equal(*kernels)  # decoders of one seed begin with one encoder
    with pytest.raises(TrainingError, match="holds a finished run with another epochs; name another folder"):
        end_to_end.train(folder, tmp_path / "out", **{**options, "epochs": 2})
    with pytest.raises(DeconvvizError, match="experiment"):
        training.train(folder, tmp_path / "no", experiment="middle-out")
