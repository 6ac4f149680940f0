"""Lesson: convolution and its adjoint."""

import streamlit as st

from lessons._kit.i18n import mark, t
from lessons._kit.page import Lesson


def render() -> None:
    """Draw the page."""
    st.title(t(LESSON.question))
    st.write(t(LESSON.goal))


LESSON = Lesson(
    slug="convolution-and-its-adjoint",
    title=mark("Convolution and its adjoint"),
    render=render,
    order=3,
    question=mark("Is the transposed convolution an inverse?"),
    goal=mark("You will be able to run a convolution backwards by hand, and say what comes back and what does not."),
)
