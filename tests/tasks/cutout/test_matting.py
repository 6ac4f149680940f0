"""Matting, its figures, seeds and cut-outs, against slow twins and known answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from reference import matting_loops

from deconvviz import catalog, cli
from deconvviz.data import samples
from deconvviz.errors import DataError, DeconvvizError, ImageError
from deconvviz.tasks.cutout import TASK, choice, colours, data, evaluate, matting, metrics, predict, robustness, trimap


def soft_disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    """(H, W) alpha of a disc whose edge is five pixels wide."""
    rows, columns = np.indices(size)
    return np.clip((radius - np.hypot(rows - centre[0], columns - centre[1])) / 5 + 0.5, 0, 1)


def scene(size: tuple[int, int] = (44, 57)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(picture, alpha, trimap) of an orange disc on dark blue."""
    alpha = soft_disc(size, (20.0, 26.0), 13.0)
    ahead, behind = np.array([0.9, 0.5, 0.1]), np.array([0.05, 0.1, 0.2])
    picture = (alpha[..., None] * ahead + (1 - alpha[..., None]) * behind).astype(np.float32)
    marks = np.where(alpha == 1, 1.0, np.where(alpha == 0, 0.0, 0.5))
    return picture, alpha, marks


@pytest.mark.parametrize("figure", ["sad", "mse", "grad", "conn"])
def test_figures_equal_their_slow_twins(figure: str) -> None:
    draw = np.random.default_rng(3)
    truth = np.clip(soft_disc((17, 23), (8, 12), 6), 0, 1)
    found = np.clip(truth + draw.normal(0, 0.3, truth.shape), 0, 1)
    unknown = draw.random(truth.shape) < 0.6
    fast = metrics.matting_figures(found, truth, unknown)[figure]
    slow = getattr(matting_loops, figure)(found, truth, unknown)
    assert slow > 0
    assert fast == pytest.approx(slow, rel=1e-10)


def test_figures_are_zero_for_the_truth_itself() -> None:
    truth = soft_disc((17, 23), (8, 12), 6)
    figures = metrics.matting_figures(truth, truth, truth > 0)
    assert figures == {"sad": 0, "mse": 0, "grad": 0, "conn": 0}


@pytest.mark.slow
def test_closed_form_equals_a_dense_solve() -> None:
    draw = np.random.default_rng(4)
    picture = draw.random((9, 11, 3)).astype(np.float32)
    trimap = np.full((9, 11), 0.5)
    trimap[:2], trimap[-3:] = 1, 0
    slow = matting_loops.closed_form(picture.astype(np.float64), trimap, matting.EPSILON)
    fast = matting.closed_form(picture, trimap)
    assert 0.05 < slow[4].mean() < 0.95
    assert np.abs(fast - slow).max() < 1e-8


def test_a_grey_picture_loses_no_digits() -> None:
    """Three equal channels: the closed formula of the inverse would keep three digits (an error of 4e-3 here)."""
    grey = samples.load("coins")[40:51, 60:73]
    assert np.ptp(grey, axis=-1).max() == 0
    trimap = np.full((11, 13), 0.5)
    trimap[0], trimap[-1] = 1, 0
    slow = matting_loops.closed_form(grey.astype(np.float64), trimap, matting.EPSILON)
    assert np.abs(matting.closed_form(grey, trimap) - slow).max() < 1e-8


def test_blocks_give_what_one_factor_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture with more unknown pixels than are factored together."""
    picture, _, marks = scene()
    picture = picture + np.random.default_rng(8).normal(0, 0.02, picture.shape).astype(np.float32)
    whole = matting.closed_form(picture, marks)
    monkeypatch.setattr(matting, "BLOCK", 100)
    assert int((marks == 0.5).sum()) > 300
    np.testing.assert_allclose(matting.closed_form(picture, marks), whole, atol=1e-6)


def test_the_laplacian_is_that_of_the_windows() -> None:
    picture = np.random.default_rng(6).random((6, 5, 3))
    matrix = matting.laplacian(picture).toarray()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-9)
    alpha = picture @ np.array([0.2, 0.3, 0.4]) + 0.05  # linear in the colours: nothing is left
    assert alpha.ravel() @ matrix @ alpha.ravel() < 1e-4 * np.square(alpha).sum()


def test_two_colours_are_parted_exactly() -> None:
    picture, alpha, marks = scene()
    assert np.abs(matting.closed_form(picture, marks) - alpha).max() < 0.02


def test_upsampling_keeps_the_edge_of_the_large_picture() -> None:
    large, alpha, _ = scene((132, 171))
    size = (44, 57)
    small = np.stack([matting.resized(large[..., c], size) for c in range(3)], axis=-1).astype(np.float32)
    found = matting.upsample(matting.resized(alpha, size), small, large)
    plain = matting.resized(matting.resized(alpha, size), (132, 171))
    assert found.shape == (132, 171)
    assert np.abs(found - alpha).mean() < 0.5 * np.abs(plain - alpha).mean()


def test_the_old_background_does_not_shine_through() -> None:
    picture, alpha, _ = scene()
    edge = (alpha > 0.2) & (alpha < 0.8)
    colours = matting.foreground(picture, alpha)
    wanted = np.array([0.9, 0.5, 0.1])
    assert np.abs(colours[edge] - wanted).max() < 0.1 < np.abs(picture[edge] - wanted).max()


def test_a_trimap_cuts_out_the_object_at_its_own_size(tmp_path: Path) -> None:
    picture, alpha, marks = scene()
    file = tmp_path / "marks.png"
    Image.fromarray(np.rint(marks * 255).astype(np.uint8)).save(file)
    found = predict.apply(picture, trimap=file)
    assert found.rgba.shape == (44, 57, 4)
    assert 0 <= found.alpha.min() <= found.alpha.max() <= 1
    assert found.label is found.map is None
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    assert np.abs(np.subtract(found.box, (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1))).max() <= 1
    written = predict.write(found, tmp_path / "cut.png")
    with Image.open(written) as read:
        assert read.mode == "RGBA"
        assert np.array_equal(np.asarray(read), found.rgba)
    assert found.crop.shape[:2] == (found.box[2] - found.box[0], found.box[3] - found.box[1])


def test_seeds_of_ones_own_move_the_border() -> None:
    picture, _, marks = scene()
    ahead, behind = np.zeros(marks.shape, bool), np.zeros(marks.shape, bool)
    behind[12:28, 18:34] = True
    with pytest.raises(DataError, match="foreground and background seed at once"):
        predict.apply(picture, trimap=marks, strokes=(behind, behind))
    before = predict.apply(picture, trimap=marks)
    after = predict.apply(picture, trimap=marks, strokes=(ahead, behind))
    assert before.alpha[20, 26] == 1
    assert after.alpha[20, 26] == 0


def painted(size: tuple[int, int] = (44, 57)) -> np.ndarray:
    """Strokes on a transparent layer: the disc's middle is background now, a corner is object."""
    strokes = np.zeros((*size, 4), np.uint8)
    strokes[12:28, 18:34] = 255, 0, 0, 255
    strokes[:4, :5] = 0, 255, 0, 255
    return strokes


def test_strokes_are_the_masks_that_they_show(tmp_path: Path) -> None:
    picture, _, marks = scene()
    file = tmp_path / "strokes.png"
    Image.fromarray(painted()).save(file)
    ahead, behind = data.read_strokes(file, (44, 57))
    assert np.array_equal(ahead, painted()[..., 1] > 0)
    assert np.array_equal(behind, painted()[..., 0] > 0)
    by_file, by_masks = (predict.apply(picture, trimap=marks, strokes=one) for one in (file, (ahead, behind)))
    assert np.array_equal(by_file.alpha, by_masks.alpha)
    assert by_file.alpha[:4, :5].min() == 1
    assert by_file.alpha[12:28, 18:34].max() == 0


def test_strokes_over_the_photograph_are_told_from_its_colours() -> None:
    picture, _, _ = scene()
    over = np.rint(picture * 255).astype(np.uint8)
    over[3:6, 40:50] = 0, 255, 0
    ahead, behind = data.read_strokes(over, (44, 57))
    assert np.argwhere(ahead).tolist() == [[r, c] for r in range(3, 6) for c in range(40, 50)]
    assert not behind.any()


@pytest.mark.parametrize(
    ("strokes", "reason"),
    [
        (np.full((44, 57), 255, np.uint8), r"no stroke: paint the object pure green \(0, 255, 0\)"),
        (np.zeros((57, 44), np.uint8), "the seeds are 57 x 44 and the picture 44 x 57"),
    ],
)
def test_strokes_that_say_nothing_are_refused(strokes: np.ndarray, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        predict.apply(scene()[0], trimap=scene()[2], strokes=strokes)


def files(folder: Path, **pictures: np.ndarray) -> dict[str, str]:
    """Each picture as a PNG file in a folder; name -> path."""
    for name, values in pictures.items():
        if values.dtype != np.uint8:
            values = np.rint(values * 255).astype(np.uint8)
        Image.fromarray(values).save(folder / f"{name}.png")
    return {name: str(folder / f"{name}.png") for name in pictures}


def test_the_command_writes_the_box_or_the_whole(tmp_path: Path) -> None:
    picture, _, marks = scene()
    given = files(tmp_path, picture=picture, marks=marks)
    line = ["apply", "cutout", "--image", given["picture"], "--trimap", given["marks"], "--json"]
    said = {}
    for name, more in (("whole", []), ("box", ["--crop"])):
        answer = CliRunner().invoke(cli.main, [*line, "--out", str(tmp_path / f"{name}.png"), *more])
        assert answer.exit_code == 0, answer.stderr
        said[name] = json.loads(answer.stdout)
    top, left, bottom, right = said["box"]["box"]
    whole, box = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("whole", "box"))
    assert whole.shape == (44, 57, 4)
    assert np.array_equal(box, whole[top:bottom, left:right])
    assert said["whole"]["box"] == said["box"]["box"]


def test_the_command_takes_strokes(tmp_path: Path) -> None:
    picture, _, marks = scene()
    given = files(tmp_path, picture=picture, marks=marks, strokes=painted())
    out = tmp_path / "cut.png"
    line = ["apply", "cutout", "--image", given["picture"], "--trimap", given["marks"], "--out", str(out)]
    answer = CliRunner().invoke(cli.main, [*line, "--seeds", given["strokes"]])
    assert answer.exit_code == 0, answer.stderr
    alpha = np.asarray(Image.open(out))[..., 3]
    assert alpha[12:28, 18:34].max() == 0
    assert alpha[:4, :5].min() == 255


def test_an_empty_alpha_leaves_no_file(tmp_path: Path) -> None:
    picture, _, marks = scene()
    faint = np.where(marks == 1, 0.5, marks)
    faint[0, 0] = 1
    strokes = np.zeros((44, 57, 4), np.uint8)
    strokes[:2, :2] = 255, 0, 0, 255
    given = files(tmp_path, picture=picture, marks=np.where(faint == 0.5, 128 / 255, faint), strokes=strokes)
    out = tmp_path / "cut.png"
    line = ["apply", "cutout", "--image", given["picture"], "--trimap", given["marks"], "--out", str(out)]
    answer = CliRunner().invoke(cli.main, [*line, "--seeds", given["strokes"]])
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    assert "no foreground: mark at least one pixel white" in answer.stderr
    assert not out.exists()


def test_grey_and_16_bit_and_transparent_pictures() -> None:
    picture, alpha, marks = scene()
    grey = np.rint(picture[..., 0] * 65535).astype(np.uint16)
    clear = np.concatenate([picture, np.ones_like(picture[..., :1])], axis=-1)
    for image in (grey, Image.fromarray(np.rint(picture[..., 0] * 255).astype(np.uint8)), clear):
        found = predict.apply(image, trimap=marks)
        assert metrics.intersection_over_union(found.alpha > 0.5, alpha > 0.5) > 0.95


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"trimap": np.full((44, 57), 0.5)}, DataError, "no foreground: mark at least one pixel white"),
        ({"trimap": np.ones((44, 57))}, DataError, "no background: mark at least one pixel black"),
        ({"trimap": np.ones((3, 57))}, DataError, "the trimap is 3 x 57 and the picture 44 x 57"),
        ({"map": "guidde"}, DeconvvizError, "map='guidde' is no choice of cutout; did you mean guided"),
        ({"work": 7}, DeconvvizError, "got work=7"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        predict.apply(scene()[0], **options)


def test_seeds_that_make_no_sense_are_refused() -> None:
    found = np.arange(12.0).reshape(3, 4)
    for shares, reason in (((0.0, 0.4), "foreground=0"), ((0.6, 0.4), "leave something unknown")):
        with pytest.raises(DeconvvizError, match=reason):
            trimap.trimap_of(found, (3, 4), *shares)
    with pytest.raises(DataError, match="too flat"):
        trimap.trimap_of(np.ones((3, 4)), (5, 7), 0.1, 0.4)
    with pytest.raises(DataError, match=r"alpha is empty: nowhere above 0.5, at most 0.25"):
        predict.box_of(np.full((3, 4), 0.25))


def test_a_picture_below_the_stride_is_refused() -> None:
    with pytest.raises(ImageError, match="20 x 90 pixels, smaller than the stride 32 of caltech"):
        predict.apply(np.full((20, 90, 3), 0.5))


def planted(root: Path) -> Path:
    """A folder with one scene."""
    picture, alpha, marks = scene()
    for folder, values in (
        ("images", picture),
        ("alpha", alpha),
        ("trimap1", np.where(marks == 0.5, 128 / 255, marks)),
    ):
        (root / folder).mkdir()
        Image.fromarray(np.rint(values * 255).astype(np.uint8)).save(root / folder / "one.png")
    return root


@pytest.mark.deep
def test_a_folder_is_measured(tmp_path: Path) -> None:
    figures = evaluate.evaluate(planted(tmp_path), work=32)
    assert set(TASK.figures) <= figures.keys()
    assert figures["images"] == 1
    assert figures["mse"] < 1e-3
    assert figures["iou_threshold"] > 0.9


def test_a_folder_without_partner_or_with_an_empty_alpha(tmp_path: Path) -> None:
    root = planted(tmp_path)
    Image.fromarray(np.zeros((44, 57), np.uint8)).save(root / "alpha" / "one.png")
    with pytest.raises(DataError, match=r"one.png is empty: nowhere above 0.5"):
        evaluate.evaluate(root)
    (root / "trimap1" / "one.png").unlink()
    with pytest.raises(DataError, match=r"one.png has no partner .*trimap1.one.png; add it"):
        evaluate.evaluate(root)


@pytest.mark.slow
def test_the_sweep_has_a_row_for_every_change(tmp_path: Path) -> None:
    rows = robustness.sweep(planted(tmp_path), noise=(0.5,), brightness=(0.5,), work=32, draws=2)
    assert [(row["change"], row["level"]) for row in rows] == [("none", 0.0), ("noise", 0.5), ("brightness", 0.5)]
    assert rows[0]["iou_threshold"] > rows[1]["iou_threshold"]
    assert all(row["iou"] == np.mean(row["each"]) for row in rows)
    assert len(rows[1]["each_threshold"]) == len(data.pairs(tmp_path))


def test_the_one_that_is_left_out_has_no_say() -> None:
    table = np.array([[0.9, 0.2, 0.1], [0.1, 0.6, 0.5], [0.1, 0.4, 0.6]])
    assert choice.left_out(table).tolist() == [2, 0, 0]  # alone with the first, the second and third tie
    for i, wanted in enumerate(choice.left_out(table)):
        others = np.delete(table, i, axis=0).mean(axis=0)
        assert others[wanted] == others.max()
    with pytest.raises(DeconvvizError, match="two or more are needed, got 1"):
        choice.left_out(table[:1])


@pytest.mark.slow
def test_settings_are_measured_as_the_task_applies_them(tmp_path: Path) -> None:
    root = planted(tmp_path)
    grid = [choice.Setting("gradient", 0.2, 0.1, 0.0), choice.Setting("guided", 0.1, 0.4, 0.05)]
    table = choice.overlaps(root, grid=grid, work=32)
    _, truth, _ = data.read(data.pairs(root)[0])
    picture = data.read(data.pairs(root)[0])[0]
    for value, setting in zip(table[0], grid, strict=True):
        mask = predict.apply(picture, work=32, **setting._asdict()).alpha > 0.5
        assert value == metrics.intersection_over_union(mask, truth > 0.5)
    assert table.shape == (1, 2)


def test_first_guesses_are_sorted_and_the_first_is_the_map_s_class() -> None:
    net = catalog.model("caltech").build(None)
    picture = samples.load("motorcycle")
    found = trimap.guesses(net, picture, 3)
    assert len(found) == 3
    assert found[0][0] == "Motorbikes" == trimap.class_map(net, picture).label
    assert found[0][1] > found[1][1] > found[2][1] > 0
    assert found[0][1] == pytest.approx(trimap.class_map(net, picture).probability, rel=1e-6)


def test_likeness_is_the_ridge_regression_of_the_loops() -> None:
    random = np.random.default_rng(8)
    picture, where = random.random((6, 9, 3)).astype(np.float32), random.random((6, 9))
    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    x = np.array([[*p, *(p[i] * p[j] for i, j in pairs)] for p in picture.reshape(-1, 3).astype(float)])
    x = (x - x.mean(0)) / x.std(0)
    wanted = where.copy()
    wanted[0], wanted[:, 0], wanted[:, -1] = 0, 0, 0  # a strip of a sixth of the shorter side
    y = wanted.ravel() - wanted.mean()
    ridge = np.sqrt(colours.RIDGE * len(x)) * np.eye(9)
    weights = np.linalg.lstsq(np.vstack([x, ridge]), np.append(y, np.zeros(9)), rcond=None)[0]
    found = colours.likeness(picture, where, 1 / 6)
    np.testing.assert_allclose(found.ravel(), x @ weights, atol=1e-6)


def test_without_a_class_colours_decide_and_a_class_is_looked_for_by_its_map() -> None:
    picture = samples.load("motorcycle")
    of_any, of_class = predict.apply(picture, work=96), predict.apply(picture, class_name="Motorbikes", work=96)
    assert np.array_equal(of_any.alpha, predict.apply(picture, map="activity", work=96).alpha)
    again = predict.apply(picture, class_name="Motorbikes", map="gradient", work=96)
    assert np.array_equal(of_class.alpha, again.alpha)
    assert np.abs(of_any.alpha - of_class.alpha).mean() > 0.05
    assert predict.apply(picture, map="nothing", work=96).alpha.max() > 0.5
