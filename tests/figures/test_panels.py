"""The figure of a reconstruction: what is drawn where, in which colours and words, with every alphabet."""

from __future__ import annotations

import io
import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from figure_cases import BOX, COLUMNS, PICTURE, ROWS, made
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from deconvviz.errors import DeconvvizError
from deconvviz.figures import panels, style
from deconvviz.figures.panels import Texts, reconstruction_figure, reconstruction_png, reconstruction_svg
from deconvviz.figures.scale import colour_rgb, diverging_rgb, signed_limit, to_plane
from deconvviz.types import Unit

CHINESE = Texts(title="这个单元看到了什么？", picture="照片", all_zero="全部为零：这个单元对这张图片没有反应")


def drawn(figure: Figure) -> list[np.ndarray]:
    """The pixels of every picture on the figure, in order of drawing."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def on_page(figure: Figure) -> list[tuple[float, float, float, float]]:
    return [axes.get_position().extents for axes in figure.axes]


def test_picture_maps_crops_and_scale_are_the_real_pixels():
    recs = [made("gradient", 1.0), made("deconvnet", 3.0, seed=1)]
    limit = max(np.abs(rec.map).max() for rec in recs)
    figure = reconstruction_figure(PICTURE, recs)
    top, left, bottom, right = BOX
    photo = np.rint(PICTURE * 255).astype(np.uint8)
    expected = [photo, photo[top:bottom, left:right]]
    for rec in recs:
        rgb = colour_rgb(rec.map, limit)
        expected += [rgb, rgb[top:bottom, left:right]]
    shown = drawn(figure)
    assert len(shown) == 7
    for picture, want in zip(shown, expected, strict=False):
        assert np.array_equal(picture, want)
    assert shown[-1][0, 127].tolist() == [128, 128, 128]


@pytest.mark.slow
def test_plane_mode_draws_the_channel_sum():
    rec = made()
    plane = to_plane(rec.map)
    shown = drawn(reconstruction_figure(PICTURE, rec, mode="plane"))
    assert np.array_equal(shown[2], diverging_rgb(plane, np.abs(plane).max()))
    assert shown[-1][0, 127].tolist() == diverging_rgb(np.zeros((1, 1)), 1.0)[0, 0].tolist()


def test_one_scale_for_all_or_one_each_and_the_numbers_say_so():
    recs = [made("gradient", 1.0), made("deconvnet", 3.0, seed=1)]
    limits = [float(np.abs(rec.map).max()) for rec in recs]
    shared, own = reconstruction_figure(PICTURE, recs), reconstruction_figure(PICTURE, recs, shared=False)
    assert np.array_equal(drawn(shared)[2], colour_rgb(recs[0].map, max(limits)))
    assert np.array_equal(drawn(own)[2], colour_rgb(recs[0].map, limits[0]))
    assert words(shared).count(f"{max(limits):.3g}") == words(shared).count(f"−{max(limits):.3g}") == 1
    assert words(shared).count("one scale for all panels") == 1
    assert words(own).count("own scale") == 2
    assert all(f"{limit:.3g}" in words(own) for limit in limits)


def test_a_given_limit_is_the_shared_one_and_the_ends_tell_what_lies_beyond():
    figure = reconstruction_figure(PICTURE, [made(), made("guided")], limit=8.0)
    assert np.array_equal(drawn(figure)[2], colour_rgb(made().map, 8.0))
    assert {"8", "−8"} <= set(words(figure))
    assert {"≥ 0.5", "≤ −0.5"} <= set(words(reconstruction_figure(PICTURE, made(), limit=0.5)))


@pytest.mark.slow
def test_a_percentile_keeps_peaks_from_fading_the_rest():
    recs = [made("gradient", 1.0), made("deconvnet", 3.0, seed=1)]
    recs[1].map[7, 11] = 1000
    common = signed_limit([rec.map for rec in recs], 90)
    shared = reconstruction_figure(PICTURE, recs, percentile=90)
    assert np.array_equal(drawn(shared)[2], colour_rgb(recs[0].map, common))
    assert f"≥ {common:.3g}" in words(shared)
    own = reconstruction_figure(PICTURE, recs, percentile=90, shared=False)
    assert np.array_equal(drawn(own)[2], colour_rgb(recs[0].map, signed_limit(recs[0].map, 90)))


def test_receptive_field_is_framed_at_the_edges_of_its_pixels():
    figure = reconstruction_figure(PICTURE, made())
    frames = [p for p in figure.axes[0].patches if to_rgb(p.get_edgecolor()) == to_rgb(style.FRAME)]
    assert [(f.get_xy(), f.get_width(), f.get_height()) for f in frames] == [((8.5, 4.5), 11, 12)]
    assert "receptive field: rows 5 to 16," in " ".join(words(figure))
    assert "columns 9 to 19" in " ".join(words(figure))


def test_captions_tell_rule_unit_activation_range_and_agreement():
    rec = made()
    text = words(reconstruction_figure(PICTURE, rec, texts=Texts(title="Seen", rules={"deconvnet": "DeconvNet"})))
    low, high = f"{rec.map.min():.3g}".replace("-", "−"), f"{rec.map.max():.3g}"
    for line in (
        "Seen",
        "picture",
        "DeconvNet",
        "activation 1.23",
        f"range {low} to {high}",
        "two computations agree to 3e−07",
    ):
        assert line in text
    assert "relu3, channel 7, row 3, column 4" in " ".join(text)


def test_one_road_only_and_the_whole_map():
    rec = made(agreement=None, unit=Unit("relu3", 7, "all", "all"))
    text = " ".join(words(reconstruction_figure(PICTURE, rec)))
    assert "agree" not in text
    assert "relu3, channel 7, whole map" in text


def test_a_dead_map_is_flat_and_says_so():
    dead = made("guided", 0.0)
    figure = reconstruction_figure(PICTURE, [made(), dead], texts=Texts(all_zero="all zero here"))
    assert words(figure).count("all zero here") == 1
    assert (drawn(figure)[4] == 128).all()
    alone = reconstruction_figure(PICTURE, dead, mode="plane")
    assert words(alone).count("all zero") == 1
    assert words(alone).count("0") == 1
    assert (drawn(alone)[2] == diverging_rgb(np.zeros((1, 1)), 0.0)).all()


def test_channels_that_cancel_are_no_dead_map_in_colour_but_in_the_plane():
    values = np.zeros((ROWS, COLUMNS, 3), np.float32)
    values[6, 10] = 1, -1, 0
    rec = made(map=values)
    assert "all zero" not in words(reconstruction_figure(PICTURE, rec))
    assert "all zero" in words(reconstruction_figure(PICTURE, rec, mode="plane"))


@pytest.mark.parametrize("image", [PICTURE, None])
@pytest.mark.parametrize("count", [1, 4])
def test_nothing_overlaps_or_leaves_the_page(image, count):
    recs = [made(rule) for rule in ("gradient", "deconvnet", "guided", "linear")[:count]]
    figure = reconstruction_figure(image, recs, texts=CHINESE)
    boxes = on_page(figure)
    assert len(boxes) == 2 * (count + (image is not None)) + 1
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        assert 0 < x0 < x1 < 1
        assert 0 < y0 < y1 < 1
        assert all(x1 <= a or c <= x0 or y1 <= b or d <= y0 for a, b, c, d in boxes[:i])


def test_texts_stay_on_the_page_and_off_each_other():
    rec = made(unit=Unit("features.block_3.conv_with_a_very_long_name_indeed_and_more", 107, 3, 4))
    figure = reconstruction_figure(PICTURE, [rec, made("guided", 0.0)], shared=False, texts=CHINESE)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts]
    page = figure.bbox
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert page.y0 <= box.y0 < box.y1 <= page.y1
        for other, text in zip(boxes[:i], figure.texts, strict=False):
            inner = box.padded(-1.5)
            assert not inner.overlaps(other.padded(-1.5)), (figure.texts[i].get_text(), text.get_text())


@pytest.mark.parametrize("shape", [(90, 7), (7, 90), (1, 1)])
def test_long_and_tiny_maps_keep_square_pixels(shape):
    rec = made(map=np.ones((*shape, 3), np.float32), receptive_field=(0, 0, *shape))
    figure = reconstruction_figure(np.zeros((*shape, 3), np.float32), rec)
    width, height = figure.get_size_inches()
    for axes in figure.axes[:4]:
        box = axes.get_position()
        assert box.height * height / shape[0] == pytest.approx(box.width * width / shape[1], rel=1e-6)


def test_an_empty_receptive_field_draws_no_crop():
    figure = reconstruction_figure(PICTURE, made(receptive_field=(5, 5, 5, 9)))
    assert len(figure.axes) == 3


@pytest.mark.slow
def test_every_alphabet_is_drawn_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = reconstruction_png(PICTURE, made("guided", 0.0), texts=CHINESE)
        reconstruction_png(PICTURE, made(), texts=Texts(title="\U00013000 \U0001f600 $x_1 → ∂$"))
    assert Image.open(io.BytesIO(data)).size[0] > 500


def test_characters_without_a_font_become_squares(monkeypatch):
    monkeypatch.setattr(style, "_codes", lambda: frozenset(map(ord, "·±")))
    assert style.drawable("a·±猫\nb") == "a·±□\nb"


def test_dollars_are_dollars():
    assert "$5 or $6" in words(reconstruction_figure(PICTURE, made(), texts=Texts(title="$5 or $6")))
    assert not any(text.get_parse_math() for text in reconstruction_figure(PICTURE, made()).texts)


@pytest.mark.slow
def test_settings_of_the_process_are_neither_used_nor_changed():
    before = dict(matplotlib.rcParams)
    plain = reconstruction_png(PICTURE, made())
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"font.family": "DejaVu Serif", "text.color": "red", "savefig.dpi": 30}):
        assert reconstruction_png(PICTURE, made()) == plain


@pytest.mark.deep
def test_bytes_repeat_and_carry_the_recipe():
    recipe = {"layer": "层3", "channel": 7}
    texts = Texts(title="Seen & kept")
    for make in (reconstruction_png, reconstruction_svg):
        assert make(PICTURE, made(), recipe=recipe, texts=texts) == make(PICTURE, made(), recipe=recipe, texts=texts)
    text = Image.open(io.BytesIO(reconstruction_png(PICTURE, made(), recipe=recipe))).text
    assert json.loads(text["recipe"]) == recipe
    assert text["Software"] == "deconvviz"
    root = ElementTree.fromstring(reconstruction_svg(PICTURE, made(), recipe=recipe, texts=texts))
    dublin = "{http://purl.org/dc/elements/1.1/}"
    assert json.loads(next(root.iter(f"{dublin}source")).text) == recipe
    assert list(root.iter(f"{dublin}date")) == []
    assert next(root.iter("{http://www.w3.org/2000/svg}title")).text == "Seen & kept"


def test_an_svg_without_a_title_is_named_after_its_unit():
    root = ElementTree.fromstring(reconstruction_svg(PICTURE, made()))
    assert next(root.iter("{http://www.w3.org/2000/svg}title")).text == "relu3, channel 7, row 3, column 4"


def test_an_svg_refers_only_to_what_it_holds():
    root = ElementTree.fromstring(reconstruction_svg(PICTURE, [made(), made("guided")], texts=CHINESE))
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(names)) == len(names)
    used = [v[1:] for e in root.iter() for k, v in e.attrib.items() if k.endswith("href") and v.startswith("#")]
    used += [v[5:-1] for e in root.iter() for k, v in e.attrib.items() if k == "clip-path"]
    assert used
    assert set(used) <= set(names)


@pytest.mark.deep
def test_threads_draw_their_own_figures():
    recs = [made(seed=seed) for seed in range(3)]
    alone = [(reconstruction_png(PICTURE, rec), reconstruction_svg(PICTURE, rec)) for rec in recs]

    def draw(number: int) -> bool:
        rec = recs[number % 3]
        return (reconstruction_png(PICTURE, rec), reconstruction_svg(PICTURE, rec)) == alone[number % 3]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(draw, range(9)))


@pytest.mark.parametrize(
    ("call", "phrases"),
    [
        (lambda: reconstruction_figure(PICTURE, []), ["nothing to draw"]),
        (lambda: reconstruction_figure(PICTURE, made(), mode="jet"), ["mode='jet'", "'plane'"]),
        (lambda: reconstruction_figure(PICTURE[1:], made()), ["(23, 31, 3)", "(24, 31, 3)", "fit_image"]),
        (lambda: reconstruction_figure(None, [made(), made(map=np.zeros((4, 5, 3)))]), ["(4, 5, 3)", "one size"]),
        (lambda: reconstruction_figure(None, made(map=np.full((4, 5, 3), np.nan))), ["60 of 60", "NaN"]),
        (lambda: reconstruction_figure(None, made(), limit=-1.0), ["limit=-1.0"]),
        (lambda: panels.map_rgb(made(), "jet"), ["mode='jet'"]),
    ],
)
def test_refusals_name_what_came(call, phrases):
    with pytest.raises(DeconvvizError) as caught:
        call()
    for phrase in phrases:
        assert phrase in str(caught.value)
