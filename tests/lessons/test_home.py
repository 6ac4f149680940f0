"""The first page: the film of one unit, the cards of the course."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from lessons import home
from lessons._kit.form import page
from lessons._kit.run import engine, networks, pictures


def captions(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.proto.body for element in test.get("html"))


@pytest.mark.slow
def test_the_slider_drags_along_the_way_down(open_page: Callable[..., AppTest]) -> None:
    test = open_page("home")
    slider = test.slider("home-step")
    assert f"Step {int(slider.max)} of {int(slider.max)}: filter of conv1, 128 × 128 × 3" in captions(test)
    slider.set_value(0)
    assert f"Step 0 of {int(slider.max)}: start of" in captions(test.run())


def test_the_unit_is_the_strongest_of_its_layer() -> None:
    loaded, picture = networks.load(home.NETWORK), pictures.sample(home.PICTURE)
    unit = home.strongest(loaded, picture)
    maps = engine.forward(loaded, picture).maps[unit.layer]
    assert maps[:, :, unit.channel].max() == maps.max() > 0


def test_every_lesson_has_a_card_with_its_progress(open_page: Callable[..., AppTest]) -> None:
    test = open_page("home")
    lessons = [found for found in page.discover() if isinstance(found, page.Lesson)]
    links = [element.proto.label for element in test.get("page_link")]
    assert links == [f"**{i} · {lesson.question}**" for i, lesson in enumerate(lessons, 1)]
    first = lessons[0]
    assert "0 of 3 questions solved" in [element.value for element in test.markdown]
    test.session_state["solved"] = {first.slug: set(first.questions)}
    assert "✓ 3 of 3 questions solved" in [element.value for element in test.run().markdown]
