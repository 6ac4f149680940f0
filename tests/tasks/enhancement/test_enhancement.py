"""Enhancement: the network is that of the loops, damage and figures follow the protocol, training can be repeated."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from reference import enhancement_loops, inverse_loops, metric_loops, super_loops
from safetensors.numpy import load_file

from deconvviz import cli
from deconvviz.data import samples
from deconvviz.errors import DataError, DeconvvizError, ImageError, NetworkError, TrainingError, WeightsError
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.enhancement import (
    FUSIONS,
    VARIANTS,
    WAYS,
    ablations,
    card,
    evaluate,
    loss,
    network,
    predict,
    train,
    untrained,
)
from deconvviz.tasks.enhancement import data as data_of
from deconvviz.training.patches import Patches

RANDOM = np.random.default_rng(12)
#: A network of every part, small.
TINY: dict[str, Any] = {"width": 3, "depth": 2, "inner": 5, "blocks": 1}


def folder(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """Grey pictures: smooth hills."""
    path.mkdir(exist_ok=True)
    for number, (height, width) in enumerate(sizes):
        rows, columns = np.mgrid[:height, :width]
        values = 128 + 90 * np.sin(rows / (5 + number)) * np.cos(columns / 7)
        Image.fromarray(values.astype(np.uint8)).save(path / f"{number}.png")
    return path


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("options", [TINY, {"width": 4, "depth": 2, "norm": True}])
def test_the_network_is_that_of_the_loops(fusion: str, options: dict[str, Any]) -> None:
    options = options | {"fusion": fusion}
    module = network.Enhancer(options, seed=3)
    x = RANDOM.random((1, 8, 12, 1)).astype(np.float32)
    if options.get("norm"):
        module(jnp.asarray(x))  # moves the running statistics
    if fusion == "weighted":
        module.weights[...] = jnp.array([0.7, -0.4])
    module.eval()
    arrays = {name: np.asarray(value, float) for name, value in stored.stored_arrays(module).items()}
    wanted = enhancement_loops.enhanced(arrays, x[0], 2, options.get("blocks", 0), fusion)
    np.testing.assert_allclose(stored.rounded(module)(jnp.asarray(x))[0], wanted, atol=2e-4)


@pytest.mark.deep
def test_networks_that_differ_in_one_thing_begin_alike() -> None:
    first = [stored.stored_arrays(network.Enhancer(options, 7)) for options in ablations.TRIALS.values()]
    shared = [name for name in first[0] if name.startswith(("encode", "body"))]
    assert len(shared) == 2 + 2 * 8
    for other in first[1:]:
        assert all(np.array_equal(first[0][name], other[name]) for name in shared)


def test_names_are_those_of_the_networks() -> None:
    assert ("main", *ablations.TRIALS) == VARIANTS
    with pytest.raises(NetworkError, match="no fusion 'ad'; did you mean add"):
        network.Enhancer({"width": 2, "depth": 1, "fusion": "ad"})


@pytest.mark.slow
def test_no_pixel_beyond_the_reach_moves_an_output() -> None:
    module = network.Enhancer(TINY, seed=1)
    reach, side = network.reach(module), 128
    x = RANDOM.random((1, side, side, 1)).astype(np.float32)
    changed = np.array(x)
    changed[0, 63, 62] += 5
    moved = np.argwhere(np.asarray(module(jnp.asarray(x)) != module(jnp.asarray(changed)))[0, ..., 0])
    assert np.abs(moved - [63, 62]).max() <= reach
    assert reach < 3 * np.abs(moved - [63, 62]).max()


@pytest.mark.slow
def test_a_large_picture_is_cleaned_in_tiles_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    module = network.Enhancer(TINY, seed=2)
    module.eval()
    plane = RANDOM.random((75, 91)).astype(np.float32)
    whole = predict.cleaned_plane(module, plane)
    monkeypatch.setattr(predict, "TILE", 32)
    np.testing.assert_allclose(predict.cleaned_plane(module, plane), whole, atol=1e-5)


def test_noise_is_that_of_its_seed_and_strength() -> None:
    picture = np.full((90, 110, 3), 0.5, np.float32)
    one = data_of.noisy(picture, 25, seed=4)
    np.testing.assert_array_equal(one, data_of.noisy(picture, 25, seed=4))
    assert not np.array_equal(one, data_of.noisy(picture, 25, seed=5))
    error = one - picture
    assert float(error.std() * 255) == pytest.approx(25, rel=0.02)
    assert abs(float(error.mean() * 255)) < 0.5
    assert abs(float((error[:, 1:] * error[:, :-1]).mean())) < 0.02 * float(error.var())
    assert metric_loops.psnr(one, picture) == pytest.approx(20.17, abs=0.1)


def test_jpeg_is_worse_with_less_quality() -> None:
    picture = samples.load("cat")[:80, :96]
    errors = [float(np.abs(data_of.jpeg(picture, q) - picture).mean()) for q in (90, 40, 10)]
    assert errors == sorted(errors)
    assert data_of.jpeg(picture[..., 0], 30).shape == (80, 96)


@pytest.mark.parametrize("make", [data_of.blind, data_of.fixed])
def test_batches_are_those_of_their_epoch(make: Any) -> None:
    pictures = [RANDOM.random((30, 40, 2 if make is data_of.fixed else 1)).astype(np.float32)]
    parts = Patches(pictures, 16, 8, 2, seed=1)
    one, again, other = (list(make(parts, number)) for number in (1, 1, 2))
    for first, second in zip(one, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(one[0][0], other[0][0])
    damaged, clean = one[0]
    assert damaged.shape == clean.shape == (8, 16, 16, 1)
    assert damaged.dtype == clean.dtype == np.float32


def test_a_share_of_each_batch_is_jpeg_and_the_rest_noise() -> None:
    flat = [np.full((40, 40, 1), 0.5, np.float32)]
    damaged, clean = next(data_of.blind(Patches(flat, 16, 8, 1, seed=0), 1))
    spread = (damaged - clean).std((1, 2, 3)) * 255
    assert (spread[:2] < 1).all()
    assert (spread[2:] > 0).all()
    assert (spread < data_of.MOST_NOISE * 1.2).all()


def test_the_way_without_training_is_that_of_the_loops() -> None:
    picture, kernel = RANDOM.random((5, 7)), RANDOM.random((3, 3)) / 9
    matrix = inverse_loops.matrix(kernel, (5, 7))
    back, fused = untrained.there_and_back(picture, kernel)
    np.testing.assert_allclose(back.ravel(), matrix.T @ matrix @ picture.ravel(), atol=1e-12)
    np.testing.assert_allclose(fused, (picture + back) / 2)
    colours = RANDOM.random((5, 7, 3))
    np.testing.assert_allclose(
        untrained.there_and_back(colours)[0][..., 1], untrained.there_and_back(colours[..., 1])[0]
    )


def test_figures_are_those_of_the_loops() -> None:
    picture = samples.load("cat")[40:62, 50:77, :1]
    found = evaluate.before_and_after(
        lambda x: 0.9 * np.clip(x, 0, 1), [picture], sigma=15, seed=2, others={"grey": lambda x: np.full_like(x, 0.5)}
    )
    given = data_of.noisy(picture, 15, 2)
    shown = np.clip(given, 0, 1)
    assert found["psnr_input"] == pytest.approx(metric_loops.psnr(given, picture), abs=1e-5)
    assert found["psnr"] == pytest.approx(metric_loops.psnr(0.9 * shown, picture), abs=1e-5)
    assert found["psnr_grey"] == pytest.approx(metric_loops.psnr(np.full_like(picture, 0.5), picture), abs=1e-5)
    assert found["ssim_input"] == pytest.approx(metric_loops.ssim(shown, picture), abs=1e-5)
    assert found["ssim"] == pytest.approx(metric_loops.ssim(0.9 * shown, picture), abs=1e-5)


@pytest.mark.slow
@pytest.mark.sampled(check=1)
@pytest.mark.parametrize("way", WAYS)
def test_a_network_that_changes_nothing_gives_every_colour_back(way: str) -> None:
    module = network.Enhancer(TINY, seed=0)
    module.decode.kernel[...] *= 0
    module.eval()
    picture = samples.load("cat")[:21, :33]
    found = predict.cleaned(module, picture, way)
    luma = data_of.luma
    np.testing.assert_allclose(luma(found), luma(picture), atol=1e-5)
    halved = 0.03 if way == "colours" else 1e-5  # fine differences of colour are lost
    np.testing.assert_allclose(found, picture, atol=halved)
    np.testing.assert_allclose(data_of.luma(picture)[..., 0], picture @ [0.299, 0.587, 0.114], atol=1e-6)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures to train on."""
    return folder(tmp_path_factory.mktemp("grey"), [(70, 83), (66, 64), (80, 71)])


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of seconds."""
    monkeypatch.setattr(train, "MAIN", TINY | {"fusion": "add"})
    monkeypatch.setattr(train, "STEPS", 2)
    monkeypatch.setattr(train, "BATCH", 4)
    monkeypatch.setattr(ablations, "STEPS", 2)
    monkeypatch.setattr(ablations, "SEEDS", 2)


@pytest.mark.deep
@pytest.mark.usefixtures("toy")
def test_same_seed_same_weights_and_a_killed_run_ends_in_them(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights(name: str) -> dict[str, np.ndarray]:
        return dict(load_file(tmp_path / name / stored.RUN_FILE))

    figures = train.train(data, tmp_path / "whole", seed=5, epochs=2)
    assert figures["psnr_sigma_25"] > 10
    validate = train.held_back

    def killed(*_: Any, **__: Any) -> float:
        raise KeyboardInterrupt

    train.train(data, tmp_path / "killed", seed=5, epochs=2, until=1)
    assert stored.variants("enhancement", tmp_path / "killed")["main"]["command"].endswith("--epochs 2 --until 1")
    assert not np.array_equal(weights("killed")["main/encode.kernel"], weights("whole")["main/encode.kernel"])
    (tmp_path / "killed" / stored.RUN_FILE).unlink()
    monkeypatch.setattr(train, "held_back", killed)
    with pytest.raises(KeyboardInterrupt):
        train.train(data, tmp_path / "killed", seed=5, epochs=2)
    assert not (tmp_path / "killed" / stored.RUN_FILE).exists()
    monkeypatch.setattr(train, "held_back", validate)
    again = train.train(data, tmp_path / "killed", seed=5, epochs=2, report=data)
    assert again["psnr_sigma_25"] == figures["psnr_sigma_25"]
    whole, resumed = weights("whole"), weights("killed")
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)
    about = stored.variants("enhancement", tmp_path / "killed")["main"]
    assert about["report"]["data"] == data.name
    assert about["report"]["sigma 25"]["psnr_input"] == pytest.approx(20.17, abs=0.3)
    assert f"On {data.name}, by which nothing was chosen" in card.card(tmp_path / "killed" / stored.RUN_FILE)
    with pytest.raises(TrainingError, match="holds a run with another seed"):
        train.train(data, tmp_path / "killed", seed=6, epochs=2)


@pytest.mark.deep
@pytest.mark.usefixtures("toy")
def test_a_small_network_is_measured_from_every_seed(data: Path, tmp_path: Path) -> None:
    figures = train.train(data, tmp_path / "run", variant="weighted-norm", epochs=1)
    (name,) = ablations.trials(tmp_path / "run")
    about = ablations.trials(tmp_path / "run")[name]
    assert name == "weighted-norm"
    assert [row["seed"] for row in about["seeds"]] == [0, 1]
    assert figures["gap"] == pytest.approx(np.mean([row["psnr_seen"] - row["psnr"] for row in about["seeds"]]))
    assert all(len(row["gradients_first"]) == 8 for row in about["seeds"])
    assert about["seeds"][0]["gradients_first"] != about["seeds"][1]["gradients_first"]
    assert "| weighted-norm |" in card.card(tmp_path / "run" / stored.RUN_FILE)
    found = predict.apply(data / "0.png", variant=name, weights=tmp_path / "run")
    assert found.picture.shape == (70, 83, 3)


@pytest.mark.deep
def test_gradient_lengths_are_those_of_differences() -> None:
    module = network.Enhancer({"width": 2, "depth": 3}, seed=4)
    clean = RANDOM.random((2, 6, 8, 1)).astype(np.float32)
    batch = data_of.noisy(clean, 30), clean
    norms = ablations.gradient_norms(module, batch)
    kernel, slopes = np.asarray(module.body[1].kernel[...]), []
    for place in np.ndindex(*kernel.shape):
        ends = []
        for step in (1e-2, -1e-2):
            moved = np.array(kernel)
            moved[place] += step
            module.body[1].kernel[...] = jnp.asarray(moved)
            ends.append(float(loss.decibels(module, batch, None)[0]))  # type: ignore[arg-type]
        slopes.append((ends[0] - ends[1]) / 2e-2)
    assert norms[1] == pytest.approx(float(np.linalg.norm(slopes)), rel=0.05)
    assert ablations.depth_ratio(norms) == norms[0] / norms[2]


def test_pictures_held_back_are_not_shown(tmp_path: Path) -> None:
    shown, held = data_of.split(folder(tmp_path / "many", [(64, 64 + i) for i in range(33)]), 64)
    assert [p.shape[1] for p in held] != []
    widths = sorted(p.shape[1] for p in [*shown, *held])
    assert widths == list(range(64, 97))
    assert len(held) == 2


def run(*arguments: str) -> Any:
    """What the command line answers."""
    return CliRunner().invoke(cli.main, [*arguments])


KINDS = {
    "grey": lambda p: p.convert("L"),
    "colour": lambda p: p,
    "transparent": lambda p: p.convert("RGBA"),
    "deep": lambda p: Image.fromarray(np.asarray(p.convert("L"), np.uint16) * 257),
    "row": lambda p: p.crop((0, 0, 9, 1)),
}


@pytest.mark.deep
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_is_cleaned(kind: str, tmp_path: Path) -> None:
    values = Image.fromarray((samples.load("cat")[:37, :50] * 255).astype(np.uint8))
    given = KINDS[kind](values)
    given.save(tmp_path / "in.png")
    answer = run(
        "apply", "enhancement", "--image", str(tmp_path / "in.png"), "--out", str(tmp_path / "out.png"), "--json"
    )
    assert answer.exit_code == 0, answer.stderr
    with Image.open(tmp_path / "out.png") as found:
        assert found.size == given.size
        assert found.mode == ("L" if kind in ("grey", "deep") else "RGB")
    assert json.loads(answer.stdout)["grey"] == (kind in ("grey", "deep"))


@pytest.mark.deep
def test_noise_goes_and_the_picture_stays() -> None:
    picture = samples.load("cat")[:120, :150]
    for sigma in (15, 50):
        given = data_of.damaged(picture, sigma=sigma)
        found = predict.apply(given).picture
        assert metric_loops.psnr(found, picture) > metric_loops.psnr(given, picture) + 4
    assert metric_loops.psnr(predict.apply(picture).picture, picture) > 33


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (lambda p: evaluate.evaluate(p / "no"), DataError, "no such folder"),
        (lambda p: evaluate.evaluate(p), DataError, "no pictures in"),
        (lambda p: evaluate.evaluate(folder(p, [(9, 20)])), DataError, "is 9 x 20; at least 11 x 11"),
        (lambda p: train.train(folder(p, [(70, 70), (47, 80)]), p / "r"), DataError, "is 47 x 80; at least 48"),
        (lambda p: evaluate.evaluate(p, sigma=-1), DeconvvizError, "0 to 255; got -1"),
        (lambda p: evaluate.evaluate(p, sigma=float("nan")), DeconvvizError, "0 to 255; got nan"),
        (lambda p: evaluate.evaluate(p, sigma=0), DeconvvizError, "nothing would be damaged"),
        (lambda p: evaluate.evaluate(p, quality=101), DeconvvizError, "1 to 100; got 101"),
        (lambda p: train.train(p, p / "r", epochs=0), DeconvvizError, "got epochs=0"),
        (lambda p: train.train(p, p / "r", variant="addd"), DeconvvizError, "did you mean add"),
        (lambda p: predict.apply(np.full((4, 4, 3), 0.5), variant="nun"), WeightsError, "has no 'nun'"),
        (lambda p: predict.apply(np.full((4, 4, 3), 0.5), way="color"), DeconvvizError, "did you mean colours"),
        (lambda p: predict.apply(p / "no.png"), ImageError, "no such file"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: type[Exception], reason: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=reason):
        call(tmp_path)
    assert not (tmp_path / "r").exists()


def test_a_grey_picture_is_damaged_and_stays_grey() -> None:
    grey = np.random.default_rng(0).random((20, 30, 1)).repeat(3, axis=2)
    for damage in ({"sigma": 25.0}, {"quality": 10}):
        found = data_of.damaged(grey, **damage)
        assert np.ptp(found, axis=2).max() == 0
        assert abs(found - grey).mean() > 0.01


@pytest.mark.slow
def test_differences_of_colour_are_cleaned_at_half_the_size() -> None:
    module = predict.load("main")
    picture = np.random.default_rng(1).random((21, 34, 3)).astype(np.float32)
    planes = picture @ data_of.TO_COLOURS.T + predict.MIDDLE
    small = np.pad(planes, ((0, 1), (0, 0), (0, 0)), mode="edge").reshape(11, 2, 17, 2, 3).mean(axis=(1, 3))
    clean = [predict.cleaned_plane(module, planes[..., 0])]
    tiny = [predict.cleaned_plane(module, small[..., c]) for c in (1, 2)]
    clean += [super_loops.resize(plane, 22, 34)[:21] for plane in tiny]
    wanted = np.clip((np.stack(clean, axis=-1) - predict.MIDDLE) @ predict.FROM_COLOURS.T, 0, 1)
    np.testing.assert_allclose(predict.cleaned(module, picture), wanted, atol=1e-5)


@pytest.mark.deep
@pytest.mark.data
def test_the_protocol_on_set12() -> None:
    root = Path(os.environ["DECONVVIZ_DATA"]) / "restoration" / "Set12"
    strong = evaluate.evaluate(root, sigma=25)
    assert strong["images"] == 12
    assert strong["psnr_input"] == pytest.approx(20.17, abs=0.03)
    assert strong["psnr"] > 29.3
    assert strong["psnr_untrained"] < 27
    blocks = evaluate.evaluate(root, quality=10)
    assert blocks["psnr"] > blocks["psnr_input"]


def test_pictures_that_hold_a_part_held_back_are_held_back(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    for number in range(20):
        whole = random.integers(0, 256, (30, 41), np.uint8)
        Image.fromarray(whole).save(tmp_path / "whole" / f"{'abcdefghijklmnopqrst'[-number - 1]}.png")
        Image.fromarray(whole[4:24, 9:31]).save(tmp_path / "parts" / f"{number:02}.png")
    shown, held = data_of.split(tmp_path / "whole", 16, tmp_path / "parts")
    assert (len(shown), len(held)) == (19, 1)
    part = data_of.split(tmp_path / "parts", 16)[1][0]
    assert np.array_equal(held[0][4:24, 9:31], part)
    with pytest.raises(DataError, match=r"no picture of .* holds a part that is held back"):
        data_of.split(tmp_path / "parts", 16, tmp_path / "whole")


def test_the_mean_over_turns_turns_with_the_picture_and_is_that_of_the_loops() -> None:
    module, plane = network.Enhancer(TINY, seed=4), RANDOM.random((21, 34)).astype(np.float32)
    answer, once = predict.cleaned_plane(module, plane, 8), predict.cleaned_plane(module, plane)
    wanted = np.zeros(plane.shape)
    for mirrored in (False, True):
        for quarter in range(4):
            turned = np.rot90(plane[:, ::-1] if mirrored else plane, quarter)
            back = np.rot90(predict.cleaned_plane(module, turned), -quarter)
            wanted += (back[:, ::-1] if mirrored else back) / 8
    np.testing.assert_allclose(answer, wanted, atol=1e-6)
    turned = np.rot90(plane)
    np.testing.assert_allclose(predict.cleaned_plane(module, turned, 8), np.rot90(answer), atol=1e-6)
    assert np.abs(predict.cleaned_plane(module, turned) - np.rot90(once)).max() > 1e-4
    with pytest.raises(DeconvvizError, match="turns is 8, all turns and reflections of the picture, or 1; got 3"):
        predict.apply(np.full((20, 30, 3), 0.5), turns=3)
