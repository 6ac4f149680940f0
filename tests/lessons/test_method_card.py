"""What a method assumes and cannot show stands where it is chosen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.checks.audit import card
from lessons._kit.form import method_card

#: Page -> a method that is chosen there, and its link.
CHOSEN = {
    "does-the-map-know-the-network": ("guided", {"rule": "guided"}),
    "cover-and-see": ("grad_cam", {"method": "grad_cam"}),
    "delete-insert-and-chance": ("gradient_x_input", {"order": "gradient_x_input"}),
}


def test_what_is_no_method_has_no_card() -> None:
    assert method_card.about("noise") == ""
    about = method_card.about("guided")
    assert card("guided").limits in about
    assert all(said in about for said in card("guided").measured)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("slug", CHOSEN)
def test_the_choice_of_a_method_explains_it(slug: str, open_page: Callable[..., AppTest]) -> None:
    method, link = CHOSEN[slug]
    page = open_page(slug, scene="free", **link)
    assert not page.exception
    assert method_card.about(method) in [box.help for box in page.selectbox]
