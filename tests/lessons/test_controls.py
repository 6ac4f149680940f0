"""Choices in the URL: what was chosen just before a run was interrupted is not lost."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def two_choices() -> None:
    """A page that may be interrupted before it has drawn its controls, as a click during a run does."""
    import streamlit as st

    from lessons._kit.form import controls

    controls.begin_run()
    if st.session_state.get("interrupted"):
        st.stop()
    for key in ("fault", "shown_by"):
        controls.choice(key, {"": "-", "mark": "mark", "ground": "ground"}, key)


def values(page: AppTest) -> tuple[str, ...]:
    """What stands in the URL, and what the controls show."""
    assert not page.exception
    return tuple(str(page.session_state[key]) for key in ("fault", "shown_by", "fault-shown", "shown_by-shown"))


def test_a_choice_outlives_the_run_that_was_to_draw_it() -> None:
    page = AppTest.from_function(two_choices).run()
    page.session_state["interrupted"] = True
    page.selectbox("fault-shown").set_value("mark").run()
    assert page.session_state["fault"] == "mark"
    page.session_state["interrupted"] = False
    page.session_state["fault"] = ""  # as the browser has it, which was told of nothing
    assert values(page.run()) == ("mark", "", "mark", "")
    page.selectbox("shown_by-shown").set_value("ground").run()
    assert values(page) == ("mark", "ground", "mark", "ground")


def test_going_back_is_followed() -> None:
    page = AppTest.from_function(two_choices).run()
    page.selectbox("fault-shown").set_value("mark").run()
    page.text_input("fault").set_value("").run()
    assert values(page) == ("", "", "", "")
