"""Super-resolution: its network and figures against loops, training that repeats itself, what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from flax import nnx
from PIL import Image
from reference import metric_loops, super_loops
from safetensors.numpy import load_file

from deconvviz import cli
from deconvviz.data import images
from deconvviz.data.colour import from_ycbcr
from deconvviz.errors import DataError, DeconvvizError, ImageError, TrainingError, WeightsError
from deconvviz.models.upsamplers import UPSAMPLERS, interpolation
from deconvviz.tasks import super_resolution
from deconvviz.tasks._shared import tiling, weights
from deconvviz.tasks.super_resolution import card as card_of
from deconvviz.tasks.super_resolution import data, evaluate, network, predict, train

RANDOM = np.random.default_rng(21)
TOY = {"epochs": 2, "steps": 2, "batch": 2, "side": 6}


def photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8: smooth shapes with edges, in colour."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / (3 + seed) + c) + np.cos(columns / 5) > 0.3 * c for c in range(3)]
    return (np.stack(waves, axis=-1) * 150 + (rows + columns)[..., None] % 90).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three pictures, one of them grey."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, (height, width) in enumerate([(53, 71), (64, 50), (47, 59)]):
        picture = photograph(height, width, number)
        Image.fromarray(picture[..., 0] if number == 1 else picture).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def run(pictures: Path, trained_once: Any) -> Path:
    """A finished run at scale 3."""
    options = {**TOY, "scale": 3, "test": pictures}
    out: Path = trained_once("super-resolution", lambda out: train.train(pictures, out, **options))[0]
    return out


@pytest.mark.deep
def test_the_network_is_that_of_the_loops() -> None:
    module = network.FSRCNN(3, rngs=nnx.Rngs(4))
    for rectify in module.rectify:
        rectify.share[...] = RANDOM.uniform(-0.3, 0.6, rectify.share[...].shape)
    module.enlarge.bias[...] = np.array([0.25])
    arrays = {name: np.asarray(value, np.float64) for name, value in weights.stored_arrays(module).items()}
    plane = RANDOM.random((4, 5))
    found = weights.rounded(module)(plane[None, :, :, None].astype(np.float32))
    assert found.shape == (1, 12, 15, 1)
    np.testing.assert_allclose(found[0, :, :, 0], super_loops.fsrcnn(plane, arrays, 3), atol=2e-4)


@pytest.mark.slow
def test_it_has_the_weights_of_the_paper() -> None:
    counts = {name: network.weights(3, name) for name in UPSAMPLERS}
    assert {count["kernels"] for count in counts.values()} == {1400 + 672 + 4 * 1296 + 672 + 4536}
    assert super_resolution.UPSAMPLERS == UPSAMPLERS
    assert network.weights(2) == network.weights(4) == counts["transposed"]


@pytest.mark.deep
@pytest.mark.parametrize("kind", UPSAMPLERS)
def test_tiles_give_what_the_whole_gives(kind: str) -> None:
    module = network.FSRCNN(2, kind, rngs=nnx.Rngs(1))
    plane = RANDOM.random((40, 37)).astype(np.float32)
    mirrored = np.pad(plane, 8, mode="reflect")
    whole = np.asarray(module(mirrored[None, :, :, None]))[0, 16:-16, 16:-16, 0]
    small = weights.jitted(module)
    tiles = tiling.in_tiles(small, plane[..., None], margin=module.radius, scale=2, tile=16)
    np.testing.assert_allclose(tiles[..., 0], whole, atol=1e-6)
    narrow = tiling.in_tiles(small, plane[..., None], margin=2, scale=2, tile=16)
    assert np.abs(narrow[..., 0] - whole).max() > 1e-6


@pytest.fixture(scope="module")
def residual() -> network.Residual:
    """One at scale 2 whose last layer adds something that is seen."""
    module = network.Residual(2, rngs=nnx.Rngs(1))
    module.enlarge.kernel[...] = 10 * module.enlarge.kernel[...]
    return module


@pytest.mark.slow
def test_the_residual_network_is_that_of_the_loops(residual: network.Residual) -> None:
    arrays = {name: np.asarray(value, np.float64) for name, value in weights.stored_arrays(residual).items()}
    plane = RANDOM.random((4, 5))
    found = weights.rounded(residual)(plane[None, :, :, None].astype(np.float32))[0, :, :, 0]
    np.testing.assert_allclose(found, super_loops.residual(plane, arrays, 2), atol=2e-4)
    assert np.abs(found - super_loops.resize(plane, 8, 10)).max() > 0.01


@pytest.mark.slow
def test_tiles_of_the_residual_network_give_what_the_whole_gives(residual: network.Residual) -> None:
    plane, margin = RANDOM.random((21, 33)).astype(np.float32), residual.radius
    whole = np.asarray(residual(np.pad(plane, margin, mode="reflect")[None, :, :, None]))[0, :, :, 0]
    whole = whole[2 * margin : -2 * margin, 2 * margin : -2 * margin]
    small = weights.jitted(residual)
    tiles = tiling.in_tiles(small, plane[..., None], margin=margin, scale=2, tile=12)
    np.testing.assert_allclose(tiles[..., 0], whole, atol=1e-6)
    narrow = tiling.in_tiles(small, plane[..., None], margin=margin - 4, scale=2, tile=12)
    assert np.abs(narrow[..., 0] - whole).max() > 1e-6


def test_the_residual_network_keeps_its_room_and_begins_as_bicubic() -> None:
    assert sum(network.weights(2, network="residual", blocks=7).values()) <= 150_000
    module = network.make({"scale": 3, "upsampler": "transposed", "network": "residual"})
    flat = evaluate.flat_answer(module, 3)
    assert np.abs(flat - 0.5).max() < 0.1


def test_the_mean_over_turns_turns_with_the_picture(residual: network.Residual) -> None:
    plane = RANDOM.random((9, 12))
    mean = predict.enlarge(plane, 2, residual, 8)
    wanted = np.mean([
        np.rot90(predict.enlarge(np.rot90(plane, k)[::way], 2, residual)[::way], -k)
        for k in range(4) for way in (1, -1)
    ], axis=0)  # fmt: skip
    np.testing.assert_allclose(mean, wanted, atol=1e-12)
    turned = np.rot90(plane)
    np.testing.assert_allclose(predict.enlarge(turned, 2, residual, 8), np.rot90(mean), atol=1e-6)
    once = predict.enlarge(plane, 2, residual)
    assert np.abs(predict.enlarge(turned, 2, residual) - np.rot90(once)).max() > 1e-3
    with pytest.raises(DeconvvizError, match="turns is 8, all turns and reflections of the picture, or 1; got 3"):
        predict.apply(plane, turns=3)


def test_a_small_picture_is_turned_and_a_large_one_is_not(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "SMALL", 12 * 10)
    assert predict.apply(photograph(12, 10), weights=run).turns == 8
    assert predict.apply(photograph(12, 11), weights=run).turns == 1
    assert predict.apply(photograph(12, 11), turns=8, weights=run).turns == 8


def test_blocks_that_are_added_change_nothing_at_first(residual: network.Residual, tmp_path: Path) -> None:
    options = {"scale": 2, "upsampler": "transposed", "network": "residual"}
    weights.save_run(tmp_path / weights.RUN_FILE, "super_resolution", "x2", residual, {"options": options})
    deeper = network.make({**options, "blocks": 5, "seed": 3})
    plane = RANDOM.random((1, 7, 8, 1)).astype(np.float32)
    assert np.abs(deeper(plane) - residual(plane)).max() > 0.01
    train._take(deeper, tmp_path)
    np.testing.assert_allclose(deeper(plane), residual(plane), atol=2e-3)  # weights are stored as float16
    assert len(deeper.layers) == 10
    assert deeper.radius == residual.radius + 4
    about = {"options": {**options, "blocks": 5}}
    weights.save_run(tmp_path / weights.RUN_FILE, "super_resolution", "x2", deeper, about)
    with pytest.raises(TrainingError, match="holds a network of 5 blocks, and one of 3 is trained"):
        train._take(network.make(options), tmp_path)


def test_figures_are_those_of_the_loops() -> None:
    found, wanted = RANDOM.random((23, 20)), data.bytewise(RANDOM.random((23, 20)))
    inside = [data.bytewise(plane)[3:-3, 3:-3, None] for plane in (found, wanted)]
    figures = evaluate.figures(found, wanted, 3)
    assert figures["psnr"] == pytest.approx(metric_loops.psnr(*inside), abs=1e-6)
    assert figures["ssim"] == pytest.approx(metric_loops.ssim(*inside), abs=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_small_pictures_are_made_as_the_protocol_says(scale: int) -> None:
    plane = data.bytewise(RANDOM.random((37, 43)))
    small, large = data.pair(plane, scale)
    height, width = (n // scale * scale for n in plane.shape)
    np.testing.assert_array_equal(large, plane[:height, :width])
    expected = super_loops.resize(large, height // scale, width // scale)
    np.testing.assert_allclose(255 * small, np.rint(255 * np.clip(expected, 0, 1)), atol=1e-6)


def test_parts_are_those_of_the_whole_small_picture() -> None:
    plane = data.bytewise(RANDOM.random((60, 60)))
    pairs = data.training_pairs([plane], 3, side=16, batch=1, steps=1, seed=0, sizes=(1.0,))
    (small, large), *_ = pairs.epoch(1)
    assert small.shape == (1, 16, 16, 1)
    turned = [np.rot90(plane, turn)[:: 1 - 2 * flip] for turn in range(4) for flip in range(2)]
    wholes = [data.pair(one, 3) for one in turned]
    fits = [
        np.allclose(s[2:-2, 2:-2], small[0, :, :, 0]) and np.allclose(part[6:-6, 6:-6], large[0, :, :, 0], atol=1e-6)
        for s, part in wholes
    ]
    assert any(fits)


@pytest.mark.deep
def test_a_run_is_repeated_and_resumed_to_the_same_weights(
    pictures: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = load_file(run / weights.RUN_FILE)
    save, calls = train.weights.save_run, []
    epochs = data.Pairs.epoch

    def killed(self: Any, number: int) -> Any:
        if number == 2 and not calls:
            calls.append(number)
            raise KeyboardInterrupt
        return epochs(self, number)

    monkeypatch.setattr(data.Pairs, "epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        train.train(pictures, tmp_path, scale=3, **TOY)
    assert not (tmp_path / weights.RUN_FILE).exists()
    assert save is train.weights.save_run
    train.train(pictures, tmp_path, scale=3, **TOY)
    found = load_file(tmp_path / weights.RUN_FILE)
    assert all((found[name] == wanted[name]).all() for name in wanted)
    with pytest.raises(TrainingError, match="holds a run with another seed"):
        train.train(pictures, tmp_path, scale=3, seed=7, **TOY)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_kernel_of_another_scale_is_the_same_function(scale: int) -> None:
    def triangle(factor: int) -> np.ndarray:
        return interpolation("transposed", factor, 9)

    np.testing.assert_allclose(train._resampled(triangle(3), 3, 3), triangle(3), atol=1e-6)
    np.testing.assert_allclose(train._resampled(triangle(3), 3, scale), triangle(scale), atol=0.03)
    assert np.abs(triangle(3) - triangle(scale)).max() > 0.1


@pytest.mark.deep
def test_another_scale_starts_from_the_body(pictures: Path, run: Path, tmp_path: Path) -> None:
    figures = train.train(pictures, tmp_path, scale=2, start=run, **(TOY | {"learning_rate": 1e-9}))
    assert figures["variant"] == "x2"
    first, second = load_file(run / weights.RUN_FILE), load_file(tmp_path / weights.RUN_FILE)
    same = {name[3:]: bool(np.allclose(first[name], second[f"x2/{name[3:]}"], atol=1e-6)) for name in first}
    assert {name for name, one in same.items() if not one} == {"enlarge.kernel"}
    with pytest.raises(WeightsError, match="enlarge 2 times, not 3"):
        predict.apply(photograph(20, 22), scale=3, weights=tmp_path)


@pytest.mark.slow
def test_evaluate_says_what_the_protocol_gives(pictures: Path, run: Path) -> None:
    found = evaluate.evaluate(pictures, scale=3, weights=run)
    assert found["images"] == 3
    grey = images.load(pictures / "1.png")[..., 0].astype(np.float64)
    height, width = (n // 3 * 3 for n in grey.shape)
    small = data.bytewise(super_loops.resize(grey[:height, :width], height // 3, width // 3))
    large = data.bytewise(super_loops.resize(small, height, width))[3:-3, 3:-3]
    row = found["rows"][1]
    assert row["psnr_bicubic"] == pytest.approx(
        metric_loops.psnr(large[..., None], grey[3 : height - 3, 3 : width - 3, None]), abs=1e-3
    )
    assert found["psnr"] == pytest.approx(np.mean([one["psnr"] for one in found["rows"]]), abs=1e-3)
    stored = predict.variants(run)["x3"]["figures"]
    assert (stored["psnr_turns"], stored["ssim_turns"]) == (found["psnr"], found["ssim"])
    assert {row["turns"] for row in found["rows"]} == {8}
    once = evaluate.evaluate(pictures, scale=3, turns=1, weights=run)
    assert stored["psnr"] == once["psnr"] != found["psnr"]
    card = card_of.card(run / weights.RUN_FILE)
    assert f"| {once['psnr']:.2f} | {once['ssim']:.4f} | {found['psnr']:.2f} | {found['ssim']:.4f} |" in card
    said = f"--data {pictures.name} --out {run.name} --scale 3 --upsampler transposed"
    assert f"deconvviz train super_resolution {said}" in card
    assert "--name" not in card


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I;16", "P"])
def test_every_kind_of_picture_is_enlarged(mode: str, run: Path, tmp_path: Path) -> None:
    picture = Image.fromarray(photograph(13, 17))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture)[..., 0].astype(np.uint16) * 257)
    elif mode != "RGB":
        picture = picture.convert(mode)
    picture.save(tmp_path / "in.png")
    found = predict.apply(tmp_path / "in.png", scale=3, weights=run)
    assert found.picture.shape == (39, 51, 3)
    assert found.picture.dtype == np.float32
    assert (np.ptp(found.picture, axis=-1).max() == 0) == (mode in ("L", "I;16"))
    predict.write(found, tmp_path / "out.png")
    np.testing.assert_array_equal(images.load(tmp_path / "out.png"), np.rint(255 * found.picture) / np.float32(255))


@pytest.mark.slow
def test_brightness_is_the_networks_and_colour_that_of_bicubic(run: Path) -> None:
    picture = images.load(photograph(15, 18))
    found = predict.apply(picture, scale=3, turns=1, weights=run)
    ycc = np.array([[super_loops.ycbcr(tuple(map(float, one))) for one in row] for row in picture]) / 255
    _, module = predict.load(3, run)
    mirrored = np.pad(ycc[..., 0], 8, mode="reflect").astype(np.float32)
    bright = np.asarray(module(mirrored[None, :, :, None]))[0, 24:-24, 24:-24, 0]
    np.testing.assert_allclose(found.brightness, bright, atol=1e-4)
    colour = [super_loops.resize(ycc[..., c], 45, 54) for c in (1, 2)]
    back = from_ycbcr(np.stack([bright, *colour], axis=-1))
    np.testing.assert_allclose(found.picture, back, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3)])
def test_the_smallest_pictures_are_enlarged(size: tuple[int, int], run: Path) -> None:
    assert predict.apply(photograph(*size), scale=3, weights=run).picture.shape[:2] == (
        3 * size[0],
        3 * size[1],
    )


@pytest.mark.slow
def test_the_command_line(run: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "large.png"
    words = ["apply", "super_resolution", "--image", str(pictures / "0.png"), "--out", str(out), "--weights", str(run)]
    answer = CliRunner().invoke(cli.main, [*words, "--scale", "3", "--json"])
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["height"] == 159
    assert images.load(out).shape == (159, 213, 3)
    out.unlink()
    for scale in ("5", "1", "0"):
        answer = CliRunner().invoke(cli.main, [*words, "--scale", scale])
        assert answer.exit_code == 2
        assert f"pictures are enlarged 2, 3 or 4 times; got scale={scale}" in answer.stderr
    assert not out.exists()


def test_what_is_refused(run: Path, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2, 3 or 4 times; got scale=2\.5"):
        predict.apply(photograph(9, 9), scale=2.5, weights=run)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="x3 enlarges 3 times; say --scale 3, not 2"):
        predict.apply(photograph(9, 9), scale=2, variant="x3", weights=run)
    with pytest.raises(WeightsError, match="no 'x3-resiz'"):
        predict.apply(photograph(9, 9), variant="x3-resiz", weights=run)
    with pytest.raises(ImageError, match="4000 x 1000 pixels become 12000 x 3000"):
        predict.apply(np.zeros((4000, 1000, 3), np.uint8), weights=run)
    with pytest.raises(DataError, match="no such folder"):
        evaluate.evaluate(tmp_path / "none", weights=run)
    with pytest.raises(DataError, match="no pictures in"):
        evaluate.evaluate(tmp_path, weights=run)
    Image.fromarray(photograph(12, 40)).save(tmp_path / "thin.png")
    with pytest.raises(DataError, match="12 x 40 is too small to be measured at scale 3"):
        evaluate.evaluate(tmp_path, weights=run)
    with pytest.raises(DataError, match="holds one picture"):
        train.train(tmp_path, tmp_path / "run", **TOY)
    with pytest.raises(DataError, match="parts of 132 x 132 pixels, and every picture is smaller"):
        train.train(pictures, tmp_path / "run", **(TOY | {"side": 40}))
    with pytest.raises(TrainingError, match="fsrcnn has no blocks"):
        train.train(pictures, tmp_path / "run", **TOY, blocks=5)
    with pytest.raises(TrainingError, match="batch must be above 0; got 0"):
        train.train(pictures, tmp_path / "run", **(TOY | {"batch": 0}))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(("scale", "bicubic", "least"), [(2, 33.65, 37.3), (3, 30.39, 33.4), (4, 28.42, 31.15)])
def test_set5(scale: int, bicubic: float, least: float) -> None:
    folder = Path(os.environ["DECONVVIZ_DATA"]) / "restoration" / "Set5"
    found = evaluate.evaluate(folder, scale=scale)
    assert round(found["psnr_bicubic"], 2) == bicubic
    assert found["psnr"] >= least
    assert found["psnr"] == pytest.approx(predict.variants()[f"x{scale}"]["figures"]["psnr_turns"], abs=0.005)
