"""Terms of art: defined in both languages, linked from their first use, listed with the lessons that use them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from lessons import glossary as listed
from lessons._kit.form import glossary, i18n
from lessons._kit.form.page import Lesson, discover

LESSONS = [page for page in discover() if isinstance(page, Lesson)]


def test_every_term_has_a_definition_in_both_languages() -> None:
    assert len(glossary.TERMS) == 45
    chinese = i18n.catalogue("zh")
    for key, (term, definition) in glossary.TERMS.items():
        assert term == key
        assert definition[-1] in ".)", key
        assert re.search(r"[\u4e00-\u9fff]", chinese[definition]), key
    assert len({chinese.get(term, term) for term, _ in glossary.TERMS.values()}) == 45


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("Two kernels, one kernel.", "Two [[kernel|kernels]], one kernel."),
        ("A [[stride|step]]. A stride.", "A [[stride|step]]. A stride."),
        (
            "A transposed convolution is a convolution",
            "A [[transposed convolution|transposed convolution]] is a [[convolution|convolution]]",
        ),
        ("Biases, switches", "[[bias|Biases]], [[switch|switches]]"),
        ("A layered unity at a loss", "A layered unity at a loss"),
    ],
)
def test_the_first_use_of_a_term_is_linked(text: str, linked: str) -> None:
    assert glossary.with_links(text, "en") == linked
    assert glossary.with_links(linked, "en") == linked


def test_no_line_begins_with_the_punctuation_after_a_term() -> None:
    assert re.search(
        r'<span class="unbroken">“<button [^>]*>step</button>’s.</span>', glossary.to_html("“[[stride|step]]’s. A", "k")
    )
    assert "unbroken" not in glossary.to_html("a [[stride|step]] is", "k")


def test_chinese_terms_are_linked_and_short_ones_are_not() -> None:
    assert glossary.with_links("转置卷积的卷积核，轮廓分两层", "zh") == (
        "[[transposed convolution|转置卷积]]的[[kernel|卷积核]]，轮廓分两层"
    )


def test_a_definition_leads_to_the_page_with_all_terms() -> None:
    shown = glossary.to_html("A kernel.", "k")
    assert 'href="glossary?lang=en&term=kernel"' in shown.replace("&amp;", "&")
    assert shown.count("popovertarget") == 1


def test_a_term_lists_the_lessons_whose_text_has_it() -> None:
    uses = listed.where_used(LESSONS)
    assert LESSONS[0] in [lesson for _, lesson in uses["kernel"]]
    for key, lessons in uses.items():
        for number, lesson in lessons:
            assert LESSONS[number - 1] is lesson
            assert key in glossary.used(listed.words(lesson))
    assert sum(not lessons for lessons in uses.values()) < 12


def test_the_page_shows_all_terms_and_the_wanted_one_on_top(open_page: Callable[..., AppTest]) -> None:
    test = open_page("glossary", term="null space", lang="zh")
    assert not test.exception
    shown = [element.proto.body for element in test.get("html")]
    wanted = next(body for body in shown if 'class="glossary wanted"' in body)
    everything = next(body for body in shown if 'class="glossary"' in body)
    assert wanted.count("<dt>") == 1
    assert "<dt>零空间 · null space</dt>" in wanted
    assert everything.count("<dt>") == 45
