"""The language of a session: translation, fallback, and the switch."""

import pytest

from lessons._kit import i18n


def test_outside_a_session_texts_stay_english():
    assert i18n.current_language() == "en"
    assert i18n.t("anything {x} at all", x=3) == "anything 3 at all"


def test_braces_stay_without_values():
    assert i18n.t("w_{ij}") == "w_{ij}"


def test_an_unknown_language_is_refused():
    with pytest.raises(FileNotFoundError):
        i18n.catalogue("xx")
