"""Generation: formulas against their slow twins, training that resumes, what comes out, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from flax import nnx
from PIL import Image
from reference import conv_loops, generation_loops

from deconvviz import cli
from deconvviz.data.folder import list_folder
from deconvviz.errors import DataError, DeconvvizError, GeometryError, TrainingError, WeightsError
from deconvviz.tasks.generation import DECODER, DECODERS, TASK, card, model, predict, train
from deconvviz.tasks.generation import data as pictures_of
from deconvviz.tasks.generation import evaluate as measures
from deconvviz.tasks.generation import loss as losses
from deconvviz.tasks.generation.codes import Codes, between
from deconvviz.tasks.generation.nearest import nearest
from deconvviz.tasks.generation.network import Autoencoder
from deconvviz.training import loop

TOY = {"epochs": 2, "batch": 5, "latents": 3}


@pytest.fixture(scope="module")
def two_decoders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two of the four decoders, and programs that are compiled once, for the compiler's sake."""
    every = dict(DECODERS)
    for name in ("transposed3", "resize"):
        del DECODERS[name]
    before = jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("programs")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    yield
    jax.config.update("jax_compilation_cache_dir", before[0])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before[1])
    DECODERS.clear()  # in their order again
    DECODERS.update(every)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight discs and seven bars, wide and high, of random colours."""
    root = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(3)
    for label, count, size in (("bars", 7, (34, 51)), ("discs", 8, (40, 27))):
        (root / label).mkdir()
        for number in range(count):
            picture = np.full((*size, 3), draw.integers(0, 90, 3), np.uint8)
            rows, columns = np.indices(size)
            inside = abs(rows - 17) < 6 if label == "bars" else (rows - 20) ** 2 + (columns - 13) ** 2 < 80
            picture[inside] = draw.integers(150, 255, 3)
            Image.fromarray(picture).save(root / label / f"image_{number:04d}.png")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, trained_once: Any, two_decoders: None) -> tuple[Path, dict[str, Any]]:
    """A toy run and its figures."""
    answer: tuple[Path, dict[str, Any]] = trained_once(
        "generation", lambda out: train.train(folder, out, progress=False, **TOY)
    )
    return answer


@pytest.mark.slow
def test_the_divergence_is_that_of_the_slow_twin_and_of_the_integral() -> None:
    draw = np.random.default_rng(0)
    mean, logs = 2 * draw.normal(size=(4, 5)), draw.normal(size=(4, 5))
    found = np.asarray(losses.kl(jnp.asarray(mean), jnp.asarray(logs)))
    np.testing.assert_allclose(found, generation_loops.kl(mean, logs), rtol=1e-5)
    assert generation_loops.kl_by_integral(0.7, -1.3) == pytest.approx(
        generation_loops.kl(np.array([[0.7]]), np.array([[-1.3]]))[0], rel=1e-6
    )
    assert losses.kl(jnp.zeros(7), jnp.zeros(7)).item() == 0


def test_the_likelihood_is_that_of_the_slow_twin() -> None:
    draw = np.random.default_rng(1)
    found, wanted = draw.random((2, 3, 5, 3)), draw.random((2, 3, 5, 3))
    mine = np.asarray(losses.log_likelihood(jnp.asarray(found), jnp.asarray(wanted), 0.4))
    np.testing.assert_allclose(mine, generation_loops.log_likelihood(found, wanted, 0.4), rtol=1e-5)


def test_the_frechet_distance_is_that_of_the_slow_twin() -> None:
    draw = np.random.default_rng(2)
    one, two = draw.normal(size=(30, 4)) @ draw.normal(size=(4, 4)), 1 + draw.normal(size=(17, 4))
    slow = generation_loops.frechet_distance(one, two)
    assert slow > 1
    assert measures.frechet_distance(one, two) == pytest.approx(slow, rel=1e-8)
    assert measures.frechet_distance(two, one) == pytest.approx(slow, rel=1e-8)
    assert measures.frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_sharpness_and_blends_are_those_of_the_slow_twins() -> None:
    draw = np.random.default_rng(4)
    found, wanted = draw.random((7, 5)), draw.random((7, 5))
    mine = measures.sharpness(found[None, ..., None], wanted[None, ..., None])
    assert mine == pytest.approx(generation_loops.sharpness(found, wanted), rel=1e-12)
    np.testing.assert_allclose(
        between(found[0], wanted[0], 4), generation_loops.blend(found[0], wanted[0], 4), atol=1e-12
    )


def test_the_nearest_photograph_is_that_of_the_slow_twin() -> None:
    draw = np.random.default_rng(8)
    photographs = draw.random((5, 4, 6, 3))
    pictures = np.concatenate([draw.random((2, 4, 6, 3)), photographs[3:4, :, ::-1]])
    rows, far = nearest(pictures, photographs)
    slow = [generation_loops.nearest(picture, photographs) for picture in pictures]
    assert rows.tolist() == [row for row, _ in slow]
    np.testing.assert_allclose(far, [distance for _, distance in slow], atol=1e-7)
    assert (rows[2], far[2] < 1e-7) == (3, True), "a mirror image is a copy"


def test_the_linear_code_of_as_many_numbers_as_pictures_gives_them_back() -> None:
    draw = np.random.default_rng(5)
    known = draw.random((3, 11, 12, 3))
    assert measures.components_psnr(known, known, 3) > 100
    assert measures.components_psnr(known, draw.random((2, 11, 12, 3)), 3) < 20


@pytest.mark.deep
def test_a_transposed_decoder_is_the_adjoint_of_its_convolution() -> None:
    net = Autoencoder(3, 2, rngs=nnx.Rngs(0))
    draw = np.random.default_rng(6)
    for name in ("transposed3", "transposed4"):
        layer = net.decoders[name][3]
        kernel, pad = np.asarray(layer.kernel[...], np.float64), layer.padding
        x = draw.normal(size=(1, 3, 4, kernel.shape[3]))
        found = np.asarray(layer(jnp.asarray(x)))
        size = tuple(2 * (n - 1) + len(kernel) - 2 * pad for n in (3, 4))
        slow = conv_loops.conv_adjoint(x, kernel, (2, 2), ((pad, pad), (pad, pad)), (1, 1), 1, size)
        np.testing.assert_allclose(found, slow[:, :6, :8], atol=1e-5)


@pytest.mark.deep
def test_density_of_a_class_has_the_moments_of_its_codes(run: tuple[Path, dict[str, Any]], folder: Path) -> None:
    made = model.model(run[0])
    part, _ = pictures_of.split(folder, (), 0.1)
    mean, logs = made.encode(pictures_of.read(part))
    for index in range(2):
        rows = part.classes == index
        slow = generation_loops.covariance(mean[rows]) * (rows.sum() - 1) / rows.sum()
        slow += np.diag(np.exp(logs[rows]).mean(axis=0))
        factor = made.codes.factors[index]
        np.testing.assert_allclose(made.codes.means[index], mean[rows].mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(factor @ factor.T, slow, atol=1e-5)


def test_drawn_codes_have_the_moments_of_the_density() -> None:
    factor = np.array([[2.0, 0.0], [1.0, 0.5]])
    codes = Codes(("a",), np.array([[3.0, -1.0]]), factor[None])
    drawn = codes.draw(20000, seed=1, label="A")
    np.testing.assert_allclose(drawn.mean(axis=0), [3, -1], atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), factor @ factor.T, atol=0.12)
    np.testing.assert_array_equal(drawn, codes.draw(20000, seed=1, label="a"))
    assert not np.array_equal(drawn, codes.draw(20000, seed=2, label="a"))
    np.testing.assert_allclose(codes.draw(3, seed=1, label="a", spread=0), [[3, -1]] * 3)
    deviations, vectors = codes.directions[0]
    np.testing.assert_allclose((vectors.T * deviations**2) @ vectors, factor @ factor.T, atol=1e-12)
    assert deviations[0] > deviations[1]


def test_the_last_of_every_class_are_held_out(folder: Path) -> None:
    part, held = pictures_of.split(folder, (), 0.25)
    names = [(path.parent.name, path.name) for path in held.files]
    assert names == [("bars", "image_0005.png"), ("bars", "image_0006.png"), ("discs", "image_0006.png"),
                     ("discs", "image_0007.png")]  # fmt: skip
    assert set(part.files) | set(held.files) == set(list_folder(folder).files)
    assert not set(part.files) & set(held.files)
    only, _ = pictures_of.split(folder, ("discs",), 0.1)
    assert only.labels == ("discs",)


def test_two_parts_of_a_set_are_put_together(folder: Path, tmp_path: Path) -> None:
    for name in ("train30", "extra"):
        (tmp_path / name / "bars").mkdir(parents=True)
    for number, path in enumerate(sorted((folder / "bars").iterdir())):
        (tmp_path / ("train30" if number % 2 else "extra") / "bars" / path.name).write_bytes(path.read_bytes())
    part, held = pictures_of.split(tmp_path, (), 0.1)
    assert [path.name for path in held.files] == ["image_0006.png"]
    assert len(part) == 6


def test_batches_follow_from_seed_and_epoch_and_only_faces_are_mirrored(folder: Path) -> None:
    part, _ = pictures_of.split(folder, (), 0.1)
    source = pictures_of.Source.of(part, 4, 7)
    one, two, other = (np.stack([b[0] for b in source.batches(epoch)]) for epoch in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert one.shape == (3, 4, 64, 64, 3)
    half = np.zeros((40, 60, 3), np.uint8)
    half[:, :30] = 255
    for label, sides in (("bars", {True}), ("Faces", {True, False})):
        folder_of = type(part)((Path("x"),), np.array([0]), (label,))
        seen = pictures_of.Source(folder_of, [half], 1, 0)
        found = {bool(next(seen.batches(epoch))[0][0, 30, 5, 0] > 0.5) for epoch in range(12)}
        assert found == sides


@pytest.mark.deep
def test_training_goes_on_where_it_was_killed(
    run: tuple[Path, dict[str, Any]], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, figures = run
    real, saves = loop.save_state, 0

    def killed(*args: Any) -> None:
        nonlocal saves
        saves += 1
        real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_state", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train(folder, tmp_path / "killed", progress=False, **TOY)
    assert saves == 1
    again = train.train(folder, tmp_path / "killed", progress=False, **TOY)
    assert again == figures
    one, two = (np.asarray(model.model(path).codes.means) for path in (out, tmp_path / "killed"))
    np.testing.assert_array_equal(one, two)
    with pytest.raises(TrainingError, match="another batch"):
        train.train(folder, tmp_path / "killed", progress=False, **(TOY | {"batch": 4}))


@pytest.mark.deep
def test_figures_are_whole(run: tuple[Path, dict[str, Any]], folder: Path) -> None:
    out, trained = run
    found = measures.evaluate(folder, weights=out, part="held_out")
    assert set(TASK.figures) <= found.keys()
    assert found["images"] == trained["images"] == 2
    assert found["psnr"] == pytest.approx(trained["psnr"], abs=1e-6)
    assert found["sample_accuracy"] is None, "the recognition network knows neither bars nor discs"
    assert 0 < found["checkerboard"] < 1
    assert measures.evaluate(folder, weights=out)["images"] == 15
    text = card.card(out / "weights.safetensors")
    assert f"| {DECODER} (default) |" in text
    assert "CC BY 4.0" in text


@pytest.mark.deep
@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGBA", (31, 47), (9, 200, 30, 80)),
        Image.new("L", (47, 31), 90),
        Image.fromarray(np.full((20, 33), 40000, np.uint16)),
        np.random.default_rng(0).random((16, 90, 3)),
    ],
    ids=["RGBA", "grey", "16 bit", "wide"],
)
def test_any_picture_is_rebuilt_at_its_own_size(run: tuple[Path, dict[str, Any]], picture: Any, tmp_path: Path) -> None:
    found = predict.apply(picture, weights=run[0])
    size = picture.shape[:2] if isinstance(picture, np.ndarray) else picture.size[::-1]
    assert found.picture.shape == (*size, 3)
    assert found.kind == "rebuilt"
    with Image.open(predict.write(found, tmp_path / "a.png")) as written:
        assert np.array_equal(np.asarray(written), found.picture)
    assert predict.describe(found)["psnr"] == pytest.approx(found.psnr, abs=1e-3)


@pytest.mark.slow
def test_sheets_and_strips(run: tuple[Path, dict[str, Any]]) -> None:
    one, two = (np.random.default_rng(i).random((40, 60, 3)) for i in (1, 2))
    drawn = [predict.apply(one, sample=7, class_name="Discs", seed=seed, weights=run[0]) for seed in (3, 3, 4)]
    assert np.array_equal(drawn[0].picture, drawn[1].picture)
    assert not np.array_equal(drawn[0].picture, drawn[2].picture)
    assert drawn[0].label == "discs"
    strip = predict.apply(one, interpolate=two, weights=run[0])
    assert len(strip.codes) == predict.STEPS
    made = model.model(run[0])
    for code, picture in ((strip.codes[0], one), (strip.codes[-1], two)):
        alone = made.encode(pictures_of.squeezed(picture)[None])[0]
        np.testing.assert_allclose(code, alone[0], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"image": np.zeros((15, 90, 3))}, DataError, "needs 16 pixels or more a side; got a picture of 15 x 90"),
        ({"sample": -1}, DeconvvizError, "1 to 100; got sample=-1"),
        ({"sample": 101}, DeconvvizError, "1 to 100; got sample=101"),
        ({"sample": 2, "interpolate": np.zeros((20, 20, 3))}, DeconvvizError, "give one of them"),
        ({"sample": 2, "class_name": "disks"}, DataError, "no class 'disks'; did you mean discs"),
        ({"sample": 2, "spread": -1.0}, DeconvvizError, "0 to 5; got spread=-1"),
        ({"decoder": "transposed5"}, DeconvvizError, "did you mean transposed4"),
        ({"variant": "sharp"}, WeightsError, "has no 'sharp'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: tuple[Path, dict[str, Any]], options: dict[str, Any], error: type[Exception], says: str
) -> None:
    given = {"image": np.zeros((40, 40, 3)), "weights": run[0]} | options
    with pytest.raises(error, match=says):
        predict.apply(given.pop("image"), **given)


@pytest.mark.slow
def test_decoders_are_known_by_name() -> None:
    net = Autoencoder(2, 1, rngs=nnx.Rngs(0))
    with pytest.raises(GeometryError, match="there is no decoder 'transposed5'; did you mean transposed4"):
        net.decode(jnp.zeros((1, 2)), "transposed5")


def test_folders_that_do_not_do_are_refused(folder: Path, tmp_path: Path, run: tuple[Path, dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="no such folder"):
        train.train(tmp_path / "nowhere", tmp_path / "run")
    with pytest.raises(DataError, match="holds no class 'disks'; did you mean discs"):
        train.train(folder, tmp_path / "run", classes="disks,bars")
    with pytest.raises(DataError, match="13 pictures to train on, fewer than one batch of 16"):
        train.train(folder, tmp_path / "run")
    with pytest.raises(TrainingError, match="latents is a whole number above 0; got latents=0"):
        train.train(folder, tmp_path / "run", latents=0)
    with pytest.raises(TrainingError, match="perceptual is a weight"):
        train.train(folder, tmp_path / "run", perceptual=-1.0)
    (tmp_path / "few" / "bars").mkdir(parents=True)
    (tmp_path / "few" / "bars" / "a.png").write_bytes((folder / "bars" / "image_0000.png").read_bytes())
    with pytest.raises(DataError, match=r"class 'bars' of .* has 1 pictures; generation needs four"):
        train.train(tmp_path / "few", tmp_path / "run")
    (tmp_path / "few" / "bars").rename(tmp_path / "few" / "stars")
    with pytest.raises(DataError, match="holds none of the classes bars, discs; it holds stars"):
        measures.evaluate(tmp_path / "few", weights=run[0])
    assert not (tmp_path / "run").exists()


@pytest.mark.deep
def test_the_command_line_says_what_it_made(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out = tmp_path / "made.png"
    line = ["apply", "generation", "--image", "sample:motorcycle", "--weights", str(run[0]), "--out", str(out)]
    answer = CliRunner().invoke(cli.main, [*line, "--sample", "3", "--class", "bars", "--json"])
    assert answer.exit_code == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert (said["kind"], said["class"], said["pictures"]) == ("drawn", "bars", 3)
    with Image.open(out) as written:
        assert written.size == (3 * 192 + 4, 128)
    out.unlink()
    Image.new("RGB", (9, 40)).save(tmp_path / "small.png")
    answer = CliRunner().invoke(cli.main, [*line[:3], str(tmp_path / "small.png"), *line[4:]])
    assert answer.exit_code == 2
    assert "got a picture of 40 x 9" in answer.stderr
    assert not out.exists()
