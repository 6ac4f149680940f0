"""Pages without a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from lessons._kit.form import exercise

SCRIPT = """
from lessons._kit.form import language, page

language.switch()
next(found for found in page.discover() if found.slug == {slug!r}).render()
"""


@pytest.fixture(autouse=True)
def seed_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of a test begin their exercises with the same numbers."""
    monkeypatch.setattr(exercise, "own_seed", lambda: 0)


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """``open_page(slug, lang="zh", stride="2")``: the page of a link, after its first run."""

    def open_(slug: str, **link: str) -> AppTest:
        test = AppTest.from_string(SCRIPT.format(slug=slug), default_timeout=120)
        for key, value in link.items():
            test.query_params[key] = value
        return test.run()

    return open_
