"""The first page: the photograph that dissolves, and the cards of the course."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from lessons._kit.form import page, shell
from lessons._kit.run import networks
from lessons.home import course_map, hero

LESSONS = [found for found in page.discover() if isinstance(found, page.Lesson)]


def test_the_first_picture_shows_every_layer_by_three_methods_and_none_of_them_is_flat() -> None:
    rows = hero.data()["rows"]
    assert [row["name"] for row in rows] == ["DeconvNet", "Search", "Learned"]
    assert [sum(map(bool, row["pictures"])) for row in rows] == [8, 8, 8]
    for row in rows:
        made = [one for one in row["pictures"] if one]
        assert len(set(made)) == len(made)
        for address in made:
            pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2]))))
            assert pixels.std() > 10, row["name"]


@pytest.mark.slow
def test_it_waits_for_no_network(open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"the first page loads {name}")

    monkeypatch.setattr(networks, "load", refuse)
    test = open_page("home")
    assert not test.exception
    shown = [json.loads(part.proto.json) for part in test.get("bidi_component") if "home-hero" in part.proto.id]
    assert len(shown) == 1


def test_every_lesson_has_a_card_with_its_progress(open_page: Callable[..., AppTest]) -> None:
    test = open_page("home")
    links = [element.proto.label for element in test.get("page_link")]
    beside = [page.find_page(page.discover(), slug).title for slug in shell.BESIDE]
    assert links == [f"**{i} · {lesson.question}**" for i, lesson in enumerate(LESSONS, 1)] + beside
    first = LESSONS[0]
    assert first.title in [element.value for element in test.caption]
    test.session_state["solved"] = {first.slug: set(first.questions)}
    assert f"{first.title} · ✓ 3 of 3 questions solved" in [element.value for element in test.run().caption]


def test_who_was_here_before_goes_on_where_they_were(open_page: Callable[..., AppTest]) -> None:
    test = open_page("home")
    assert "Start the course" in [button.label for button in test.button]
    test.session_state["last-lesson"] = "ladder"
    title = page.find_page(page.discover(), "ladder").title
    assert any(button.label.endswith(f", {title}") for button in test.run().button)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_of_cards_are_of_one_size_and_show_something(theme: str) -> None:
    pictures = [file for lesson in LESSONS if (file := course_map.thumbnail(lesson, theme)).exists()]
    assert pictures, "python scripts/thumbnails.py makes them"
    for file in pictures:
        with Image.open(file) as image:
            assert image.size == course_map.SIZE, file
            assert np.asarray(image.convert("L"), np.float64).std() > 8, f"{file} is nearly of one grey"


@pytest.mark.release
def test_every_card_has_its_pictures() -> None:
    lacking = [x.slug for x in LESSONS for theme in ("light", "dark") if not course_map.thumbnail(x, theme).exists()]
    assert not lacking, "python scripts/thumbnails.py makes them"
