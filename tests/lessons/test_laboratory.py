"""The laboratory without a browser: both languages, every layer kind, links good and bad, uploads good and broken."""

from __future__ import annotations

import base64
import gc
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import practice
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from deconvviz import compiled
from deconvviz import recipe as recipes
from deconvviz.data import samples
from lessons._kit.draw import tiles, unit_grid
from lessons._kit.photo import selection
from lessons._kit.reconstruction import maps
from lessons._kit.run import engine, networks, pictures
from lessons.laboratory import choose, export
from lessons.laboratory import unit as unit_module

OpenPage = Callable[..., AppTest]
SCRIPT = """
from lessons import laboratory
from lessons._kit.form import language

language.switch()
laboratory.render()
"""


@pytest.fixture(autouse=True)
def own_compile_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "compiled"))


@pytest.fixture
def laboratory() -> OpenPage:
    """``laboratory(layer="pool1", channel="3")``: the page of a link. pool1 compiles quickly."""

    def open_(**link: str) -> AppTest:
        test = AppTest.from_string(SCRIPT, default_timeout=240)
        for key, value in (link if "unit" in link else {"layer": "pool1"} | link).items():
            test.query_params[key] = value
        test.run()
        assert not test.exception, test.exception[0].value
        return test

    return open_


def html(test: AppTest) -> str:
    """Everything that the page wrote as HTML."""
    return "\n".join(element.proto.body for element in test.get("html"))


def unit(test: AppTest) -> str:
    """The unit of the panels, "layer-channel-row-column"."""
    found = re.search(r'data-unit="([^"]+)"', html(test))
    assert found
    return found[1]


def large(test: AppTest) -> dict[str, Any]:
    """What the divider between photograph and map was given; empty where there is none."""
    given = [json.loads(part.proto.json) for part in test.get("bidi_component") if "-lab-divider-" in part.proto.id]
    return given[0] if given else {}


def panels(test: AppTest) -> list[bytes]:
    """The pictures of the maps as files, the large one first."""
    maps = re.findall(r'<div class="map"><img src="data:image/png;base64,([^"]+)"', html(test))
    hero = large(test)
    first = [hero["sides"][1]["source"].partition("base64,")[2]] if hero and not hero["instead"] else []
    return [base64.b64decode(found) for found in (*first, *maps)]


def pictures_of(test: AppTest) -> list[str]:
    """The same with the photograph: a map at its own scale may not tell two photographs apart."""
    hero = large(test)
    return [*map(repr, panels(test)), hero["sides"][0]["source"] if hero else ""]


def sizes(test: AppTest) -> set[tuple[int, int]]:
    """Rows and columns of all maps."""
    return {Image.open(io.BytesIO(file)).size[::-1] for file in panels(test)}


def texts(test: AppTest) -> str:
    body = re.sub(r"<style>.*?</style>", "", re.sub(r'"data:[^"]+"', "", html(test)), flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", body)


@pytest.mark.slow
def test_it_opens_at_the_strongest_unit_with_four_panels(laboratory: OpenPage) -> None:
    test = laboratory(layer="relu2")
    loaded = networks.load("caltech")
    maps = engine.forward(loaded, pictures.sample("cat")).maps["relu2"]
    row, column, channel = np.unravel_index(maps.argmax(), maps.shape)
    assert unit(test) == f"relu2-{channel}-{row}-{column}"
    assert len(panels(test)) == 4
    assert len(set(panels(test))) == 4
    for words in (
        "Gradient",
        "DeconvNet",
        "Guided backprop",
        "Linear",
        "Each panel on its own scale",
        "passes everything",
    ):
        assert words in texts(test)
    assert "The network says" in texts(test)


@pytest.mark.slow
def test_every_map_is_the_receptive_field_and_fills_its_scale(laboratory: OpenPage) -> None:
    test = laboratory(layer="relu2")
    row, column = (int(part) for part in unit(test).split("-")[2:])
    top, left, bottom, right = networks.load("caltech").network.receptive_box("relu2", row, column)
    assert sizes(test) == {(bottom - top, right - left)}
    assert bottom - top < 128
    for file in panels(test):
        pixels = np.asarray(Image.open(io.BytesIO(file))).astype(int)
        assert abs(pixels - 128).max() >= 127, "the largest value lies at the end of the map's own scale"
    hero = large(test)
    assert hero is not None
    assert hero["size"] == [bottom - top, right - left]
    assert "DeconvNet: relu2" in hero["sides"][1]["alt"]


@pytest.mark.deep
def test_one_scale_for_all_is_a_switch_and_a_weak_map_says_so(laboratory: OpenPage) -> None:
    test = laboratory(layer="relu6")
    own = panels(test)
    assert not test.toggle("scale-shown").value
    test.toggle("scale-shown").set_value(True).run()
    assert test.text_input("scale").value == "shared"
    assert "One scale for all four" in texts(test)
    assert panels(test) != own
    notes = texts(test) + (large(test) or {})["note"]
    assert "of the one scale" in notes or "near zero" in notes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("What did this unit see?", "Choose a unit", "Take away")),
        ("zh", ("这个单元看见了什么？", "选择一个单元", "带走结果")),
    ],
)
def test_it_speaks_both_languages(laboratory: OpenPage, language: str, words: tuple[str, ...]) -> None:
    shown = texts(laboratory(lang=language))
    assert all(word in shown for word in words)
    if language == "zh":
        for english in ("Choose", "activation", "channel ", "scale", "photograph"):
            assert english not in shown


@pytest.mark.slow
def test_a_link_opens_its_unit_picture_look_and_step(laboratory: OpenPage) -> None:
    maps = engine.forward(networks.load("caltech"), pictures.sample("coffee")).maps["pool1"]
    row, column = np.argwhere(maps[..., 5] > 0)[0]
    look = {"mode": "plane", "scale": "own", "sort": "number", "rule": "guided", "step": "1"}
    test = laboratory(image="coffee", channel="5", row=str(row), column=str(column), **look)
    assert unit(test) == f"pool1-5-{row}-{column}"
    shown = texts(test)
    assert "Coffee" in shown
    assert "Each panel on its own scale" in shown
    line = f'samples.load("coffee"), dv.Unit("pool1", 5, {row}, {column}), rule="guided"'
    assert line in " ".join(c.value for c in test.code)
    assert any("unpool · pool1" in m.value for m in test.markdown)


@pytest.mark.slow
def test_another_picture_keeps_the_channel_and_finds_its_strongest_place(laboratory: OpenPage) -> None:
    test = laboratory(channel="5", image="rocket")
    maps = engine.forward(networks.load("caltech"), pictures.sample("rocket")).maps["pool1"][..., 5]
    row, column = np.unravel_index(maps.argmax(), maps.shape)
    assert unit(test) == f"pool1-5-{row}-{column}"


@pytest.mark.slow
def test_numbers_can_be_typed_and_emptied(laboratory: OpenPage) -> None:
    test = laboratory(channel="5")
    strongest = unit(test)
    test.number_input("row-shown").set_value(4).run()
    assert unit(test).startswith("pool1-5-4-")
    test.number_input("column-shown").set_value(6).run()
    assert unit(test) == "pool1-5-4-6"
    test.number_input("row-shown").set_value(None).run()
    test.number_input("column-shown").set_value(None).run()
    assert unit(test) == strongest


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    "link",
    [
        pytest.param(
            {"image": "nobody", "layer": "conv99", "channel": "-4", "row": "abc", "column": "1e9"},
            marks=pytest.mark.slow,
        ),
        {
            "channel": "99999",
            "row": "32",
            "mode": "3d",
            "scale": "",
            "sort": "?",
            "rule": "magic",
            "step": "x",
            "page": "77",
        },
        {"unit": "pool1:3,4,5,6,7:8"},
        pytest.param({"unit": "nothing:1,2,3"}, marks=pytest.mark.slow),
        {"unit": "pool1:١,٢,٣"},
        {"layer": "pool1", "channel": "27", "row": "31", "column": "31", "lang": "xx", "page": "-1"},
    ],
)
def test_a_bad_link_falls_back(laboratory: OpenPage, link: dict[str, str]) -> None:
    test = laboratory(**link)
    assert len(panels(test)) == 4
    if link.get("layer") == "conv99" or "nothing" in link.get("unit", ""):
        assert unit(test).split("-")[0] == selection.first_layer(networks.load("caltech").network.layers)


@pytest.mark.deep
def test_a_number_that_another_layer_does_not_have_is_forgotten(laboratory: OpenPage) -> None:
    test = laboratory(layer="conv1", row="63", column="60", channel="30")
    assert unit(test) == "conv1-30-63-60"
    test.session_state["unit"] = "pool1:30,63,60"
    test.run()
    assert not test.exception
    assert unit(test).startswith("pool1-30-")
    assert int(unit(test).split("-")[2]) < 32


@pytest.mark.slow
def test_a_layer_without_rectifiers_below_shows_why_three_rules_refuse(laboratory: OpenPage) -> None:
    test = laboratory(layer="conv1")
    assert len(panels(test)) == 1
    assert texts(test).count("does not apply: no rectifier lies between the picture and conv1") == 3


@pytest.mark.deep
def test_the_class_scores_are_units_too(laboratory: OpenPage) -> None:
    test = laboratory(layer="logits")
    assert re.fullmatch(r"logits-\d+-None-None", unit(test))
    assert test.number_input("row-shown").disabled
    assert test.number_input("column-shown").disabled


@pytest.mark.deep
def test_a_silent_unit_says_so_and_offers_the_strongest(laboratory: OpenPage) -> None:
    maps = engine.forward(networks.load("caltech"), pictures.sample("black")).maps["pool1"]
    row, column, channel = np.argwhere(maps == 0)[0]
    test = laboratory(image="black", channel=str(channel), row=str(row), column=str(column))
    silent = "all zero: this unit is silent on this picture"
    assert texts(test).count(silent) >= 3, "three rules, and each map of a twin that is silent, too"
    assert large(test)["instead"] == "all zero: this unit is silent on this picture"
    assert "All zero: this unit is silent on this picture." in texts(test)
    next(button for button in test.button if button.label.startswith("Go to the")).click().run()
    assert not test.exception
    assert "this unit is silent" not in texts(test)


def file_of(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    pixels = np.random.default_rng(5).integers(0, 256, (90, 140, 3), np.uint8)
    picture = Image.fromarray(pixels)
    if mode == "I;16":
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    elif mode != "RGB":
        picture = picture.convert(mode)
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def bring(test: AppTest, name: str, data: bytes) -> AppTest:
    return test.file_uploader[0].set_value((name, data, "image/" + name.rsplit(".", 1)[1])).run()


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [("a.jpg", "JPEG", "RGB"), ("b.png", "PNG", "RGBA"), ("c.webp", "WEBP", "RGB"), ("d.gif", "GIF", "P"),
     ("e.png", "PNG", "L"), ("f.png", "PNG", "I;16")],
)  # fmt: skip
def test_an_upload_of_every_kind_is_shown(laboratory: OpenPage, name: str, kind: str, mode: str) -> None:
    test = laboratory()
    before = pictures_of(test)
    bring(test, name, file_of(kind, mode))
    assert not test.exception
    assert not test.error
    assert name in texts(test)
    assert pictures_of(test) != before
    assert '"FILE"' in " ".join(c.value for c in test.code)
    assert "--image FILE" in " ".join(c.value for c in test.code)


@pytest.mark.slow
def test_a_broken_upload_says_why_and_the_picture_before_stays(laboratory: OpenPage) -> None:
    test = laboratory()
    before = pictures_of(test)
    bring(test, "broken.png", file_of("PNG")[:300])
    assert not test.exception
    assert "broken.png" in test.error[0].value
    assert "The picture before stays." in test.error[0].value
    assert pictures_of(test) == before
    good = bring(test, "good.png", file_of("PNG"))
    assert not good.error
    assert pictures_of(good) != before
    kept = pictures_of(good)
    again = bring(good, "text.png", b"this is no picture at all")
    assert "text.png" in again.error[0].value
    assert pictures_of(again) == kept


def test_the_name_of_an_upload_is_text_and_nothing_else(laboratory: OpenPage) -> None:
    test = laboratory()
    bring(test, "<img src=x onerror=alert(1)>.png", file_of("PNG"))
    assert "<img src=x" not in html(test)
    assert "&lt;img src=x" in html(test)


@pytest.mark.deep
def test_what_is_taken_away_is_the_picture_of_the_page() -> None:
    loaded, picture = networks.load("caltech"), pictures.sample("cat")
    layer = loaded.network.layer("pool1")
    maps = engine.forward(loaded, picture).maps["pool1"]
    chosen = selection.resolve(layer, maps, 5, 7, 9)
    seen = engine.reconstruct(loaded, picture, chosen.unit)
    look = export.Look(summed=True, shared=False)
    made = export.recipe(loaded, picture, chosen, seen, look)
    record = json.loads(made.to_json())
    assert (record["image"], record["mode"], record["scale"]) == ("cat", "plane", "own")
    assert record["rules"] == ["gradient", "deconvnet", "guided", "linear"]
    again = recipes.Recipe.from_json(made.to_json())
    for kind in ("png", "npz"):
        file = export._maker(loaded, picture, chosen, seen, look, kind)()
        assert file == recipes.render(again, loaded.network, samples.load("cat"), kind)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layer", "channel"), [("caltech", "pool1", 5), ("jax.nn:relu", "relu1", 2)])
def test_the_lines_make_the_same_map(name: str, layer: str, channel: int) -> None:
    loaded, picture = networks.load(name), pictures.sample("cat")
    maps = engine.forward(loaded, picture).maps[layer]
    chosen = selection.resolve(loaded.network.layer(layer), maps, channel, 7, 9)
    names: dict[str, Any] = {}
    exec(export.python_lines(loaded, picture, chosen, "guided"), names)
    wanted = engine.reconstruct(loaded, picture, chosen.unit).by_rule["guided"]
    assert np.array_equal(names["seen"].map, wanted.map)
    assert names["seen"].unit == wanted.unit


class Session(dict[str, Any]):
    """A session's state without a session."""


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    state = Session()
    monkeypatch.setattr("streamlit.session_state", state)
    return state


def test_a_click_on_a_map_takes_channel_and_position(session: Session) -> None:
    session["unit"] = "pool1:4"
    session[choose.GRID] = {"pick": {"channel": 7, "row": 2, "column": 3, "count": 1, "time": 5}}
    choose._picked()
    assert session["unit"] == "pool1:7,2,3"


def test_an_answered_click_is_taken_unless_another_layer_was_chosen_since(session: Session) -> None:
    session[unit_module.FOLLOW] = {"pick": {"layer": "pool1", "channel": 7, "row": 2, "column": 3, "count": 1}}
    for before, after in (("pool1:4", "pool1:7,2,3"), ("", ":7,2,3"), ("relu3", "relu3")):
        session["unit"] = before
        unit_module._picked()
        assert session["unit"] == after


def test_one_value_of_the_link_holds_the_whole_unit(session: Session) -> None:
    selection.choose_unit(34, 6, 5)
    assert session["unit"] == ":34,6,5"  # no layer: the first one
    selection.choose_layer("relu3")
    assert session["unit"] == "relu3"
    selection.choose_number("row", 4)
    assert session["unit"] == "relu3:,4"
    selection.choose_number("channel", 8)
    assert session["unit"] == "relu3:8,4"
    selection.choose_number("column", 2)
    selection.choose_number("row", None)
    assert session["unit"] == "relu3:8,,2"
    selection.forget_position()
    assert session["unit"] == "relu3:8"
    selection.choose_number("channel", None)
    assert session["unit"] == "relu3"
    selection.choose_unit(1, 2, 3)
    selection.forget_unit()
    assert session["unit"] == "relu3"


def test_turning_the_page_by_keyboard_stops_at_the_first(session: Session) -> None:
    for by, page in ((1, 2), (1, 3), (-1, 2), (-1, 1), (-1, 1)):
        session[choose.GRID] = {"turn": {"by": by, "count": 1}}
        choose._turned()
        assert session["page"] == page


@pytest.mark.slow
def test_the_selection_travels_only_when_the_browser_does_not_show_it(session: Session) -> None:
    def send(unit: tuple[int, int, int], version: str = "v1") -> tuple[tuple[int, ...], str]:
        selected, token = unit_grid._selection_to_send("maps", unit, version)
        return tuple(selected.values()), token

    first = send((1, 2, 3))
    assert first[0] == (1, 2, 3)
    session["maps"] = {"pick": {"channel": 4, "row": 5, "column": 6, "count": 1}}
    assert send((4, 5, 6)) == first  # the browser shows its own pick: nothing new to send
    typed = send((4, 0, 6))
    assert typed[0] == (4, 0, 6)
    assert typed[1] != first[1]
    back = send((4, 5, 6))  # typed again, not picked again
    assert back[0] == (4, 5, 6)
    assert back[1] not in (first[1], typed[1])
    assert send((4, 5, 6), "v2")[1] != back[1]


@pytest.fixture
def view() -> unit_module.View:
    """The view of a session that looks at pool1."""
    loaded, picture = networks.load("caltech"), pictures.sample("cat")
    made = unit_module.View()
    unit_module._VIEWS[made.token] = made
    layer = loaded.network.layer("pool1")
    forward = engine.forward(loaded, picture)
    made.look = unit_module.Look(loaded, picture, forward, layer, maps.Look(summed=False, shared=False), "en")
    return made


def asked(view: unit_module.View, count: int = 1, **other: Any) -> dict[str, Any]:
    return {"token": view.token, "layer": "pool1", "channel": 4, "row": 8, "column": 9, "count": count} | other


def test_the_answer_to_a_click_is_what_the_page_draws(view: unit_module.View, laboratory: OpenPage) -> None:
    answered = unit_module.answer(asked(view))
    assert answered is not None
    shown = [element.proto.body for element in laboratory(unit="pool1:4,8,9").get("html")]
    assert answered["rest"] in shown
    (photo,) = (body for body in shown if '"lab-photo"' in body)
    assert f'<span style="{answered["frame"]}">' in photo
    assert escape(answered["alt"]) in photo
    assert escape(answered["caption"]) in photo
    assert answered["large"]["note"].startswith("pool1 · channel 4 · row 8 · column 9 · activation")
    assert json.loads(json.dumps(answered)) == answered


def test_a_click_is_answered_in_the_language_of_its_page(view: unit_module.View) -> None:
    assert view.look is not None
    view.look = replace(view.look, language="zh")
    answered = unit_module.answer(asked(view))
    assert answered is not None
    assert "通道 4" in answered["large"]["note"]
    assert "channel" not in answered["large"]["note"]


def test_a_click_that_a_later_one_has_overtaken_is_not_computed(view: unit_module.View) -> None:
    assert unit_module.answer(asked(view, 7)) is not None
    assert unit_module.answer(asked(view, 6)) is None


@pytest.mark.parametrize("other", [{"token": "made up"}, {"token": None}, {"layer": "relu2"}])
def test_nobody_else_is_answered(view: unit_module.View, other: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        unit_module.answer(asked(view, **other))


@pytest.mark.parametrize(
    "other",
    [
        {"channel": 32},
        {"row": -1},
        {"column": 1.5},
        {"row": None},
        {"channel": True},
        {"count": "1"},
        {"column": 10**30},
    ],
)
def test_a_unit_that_the_layer_does_not_have_is_refused(view: unit_module.View, other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no unit of pool1"):
        unit_module.answer(asked(view, **other))


def test_a_view_ends_with_its_session(view: unit_module.View) -> None:
    ends = unit_module.View()
    unit_module._VIEWS[ends.token] = ends
    token = ends.token
    del ends
    gc.collect()
    with pytest.raises(LookupError):
        unit_module.answer(asked(view, token=token))


@pytest.mark.deep
def test_a_tile_that_was_picked_is_read_back(session: Session) -> None:
    assert tiles.picked("road") is None
    session["road"] = {"pick": {"id": "relu3", "count": 2}}
    assert tiles.picked("road") == "relu3"


@pytest.mark.deep
def test_the_proofs_of_a_large_network_wait_for_a_button(laboratory: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(networks.load("caltech").network.layers) <= engine.CHECKED_AHEAD
    monkeypatch.setattr(engine, "CHECKED_AHEAD", 3)
    monkeypatch.setattr(compiled, "_COMPILED", set())
    test = laboratory(layer="relu1")
    assert "two computations agree" not in str(practice.verdicts(test))
    test.button(key="lab-prove").click().run()
    assert not test.exception
    assert "two computations agree" in str(practice.verdicts(test))
    test.run()
    assert "lab-prove" not in [button.key for button in test.button], "a compiled proof needs no button"
