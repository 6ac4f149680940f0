"""A lesson told in scenes over one picture: each sets a state, says what to look at, and offers what matters now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lessons._kit.draw import component
from lessons._kit.form import controls, glossary
from lessons._kit.form.i18n import t

#: Name of the scene in the URL, where scenes are counted from 1.
KEY = "scene"
#: In the session: the lesson and the scene that its address opens where it names none.
_HOME = "scene-home"


@dataclass(frozen=True, eq=False)
class Guess:
    """What a person predicts before the picture shows it.

    Attributes:
      prompt: translated.
      options: name -> translated text.
      answer: the name of the right one, read from the arrays.
      reasons: name -> translated: why it is right, or why it is not.
    """

    prompt: str
    options: Mapping[str, str]
    answer: str
    reasons: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Scene:
    """One step of the story; texts are marked for the catalogue.

    Attributes:
      title: a few words.
      text: one paragraph of at most 60 words, terms of art as ``[[term]]``.
      look: one sentence: what to look at in the picture.
      values: what the controls stand at in this scene; the others stand where the lesson's own state has them.
      parts: names of the parts of the picture that are framed: ``data-part`` of an element, or ``KEY`` of a container
        made with ``st.container(key="part-KEY")``.
      without: names of parts that it does not tell of, and that would push what it frames off the first screen.
      controls: names of the controls that are offered; None offers all.
      ask: makes a question to answer before one looks.
      then: what else the controls stand at once it is answered.
    """

    title: str
    text: str
    look: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    controls: tuple[str, ...] | None = ()
    ask: Callable[[], Guess] | None = None
    then: Mapping[str, str] = field(default_factory=dict)


class Story(Protocol):
    """What is needed of a lesson: its path, its scenes, a state whose fields are named as the controls."""

    @property
    def slug(self) -> str: ...
    @property
    def scenes(self) -> tuple[Scene, ...]: ...
    @property
    def example(self) -> Any: ...


def begin(lesson: Story) -> int:
    """Set the controls to what the scene of the address asks for; done before any control is drawn.

    An address that names controls but no scene is one of before there were scenes, or of somebody who plays freely: it
    opens the last scene, in which the controls stand at first where the lesson's own state has them.

    Returns:
      the scene, counted from 0.
    """
    if not lesson.scenes:
        controls.stage()
        return 0
    last = len(lesson.scenes) - 1
    numbers = {str(i + 1): i for i in range(last + 1)}
    chosen = any(st.query_params.get(name) or st.session_state.get(name) for name in _names(lesson))
    slug, home = st.session_state.get(_HOME, ("", 0))
    if slug != lesson.slug:
        home = last if chosen else 0
        st.session_state[_HOME] = lesson.slug, home
    elif chosen and home == 0 and not st.session_state.get(KEY):
        st.session_state[KEY] = "1"
    controls.stage()
    here = numbers[controls.url_value(KEY, str(home + 1), numbers)]
    scene = lesson.scenes[here]
    answered = scene.ask is not None and st.session_state.get(_guess_key(lesson, here)) is not None
    controls.stage({**scene.values, **(scene.then if answered else {})}, scene.controls)
    return here


def show(lesson: Story, here: int) -> DeltaGenerator:
    """Title, paragraph, question and the way on; what is framed in the picture.

    Args:
      lesson: the record.
      here: of `begin`.

    Returns:
      where the controls of the scene belong.
    """
    scene, count = lesson.scenes[here], len(lesson.scenes)
    with st.container(key="story", gap="small"):
        place = t("Scene {number} of {count}", number=here + 1, count=count)
        st.html(f'<p class="scene-place">{place}</p>')
        st.subheader(t(scene.title), anchor=False)
        glossary.prose(t(scene.text), f"{lesson.slug}-scene")
        if scene.look:
            st.html(f'<p class="scene-look">{t(scene.look)}</p>')
        if scene.ask is not None:
            _ask(scene.ask(), _guess_key(lesson, here))
        container = st.container(gap="small")
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            _turn(lesson, t("Back"), here - 1, "Left", disabled=here == 0)
            dots = "".join(f"<span{' class=here' if i == here else ''}></span>" for i in range(count))
            st.html(f'<p class="scene-dots" aria-hidden="true">{dots}</p>', width="content")
            _turn(lesson, t("Next"), here + 1, "Right", disabled=here == count - 1)
        selectors = _selectors(scene.parts)
        rules = [f"{selectors} {{ outline: 2px solid var(--look); outline-offset: 4px; }}"] if scene.parts else []
        if scene.without:
            rules.append(f"{_selectors(scene.without)} {{ display: none; }}")
        if rules:
            st.html(f"<style>{' '.join(rules)}</style>")
        component.mount(__file__, f"{lesson.slug}-look", {"scene": here, "parts": selectors})
    return container


def _selectors(parts: tuple[str, ...]) -> str:
    """Those of the picture alone: the exercise below may have parts of the same names."""
    wanted = ", ".join(f'[data-part="{part}"], .st-key-part-{part}' for part in parts)
    return f"[data-testid=stHorizontalBlock]:has(.st-key-story) :is({wanted})" if parts else ""


def _names(lesson: Story) -> list[str]:
    """Names of the controls of a lesson in the URL."""
    return [field.name for field in fields(lesson.example)]


def _guess_key(lesson: Story, here: int) -> str:
    return f"{lesson.slug}-guess-{here}"


def _turn(lesson: Story, label: str, to: int, side: str, *, disabled: bool) -> None:
    """A button to another scene, which begins as it was designed; the arrow key presses it (progress.js)."""
    values = {**dict.fromkeys(_names(lesson), ""), KEY: str(to + 1)}
    kind: Literal["primary", "secondary"] = "primary" if side == "Right" else "secondary"
    with st.container(key=f"scene-{side}", width="content"):
        st.button(
            label, key=f"turn-scene-{side}", type=kind, disabled=disabled, on_click=controls.set_values, args=(values,)
        )


def _ask(guess: Guess, key: str) -> None:
    """The question of a scene: one choice, and what is to be said to it."""
    answer = st.pills(guess.prompt, list(guess.options), format_func=lambda name: guess.options[name], key=key)
    if answer == guess.answer:
        st.success(f"{t('Yes.')} {guess.reasons[answer]}")
    elif answer is not None:
        st.error(f"{t('No.')} {guess.reasons[answer]}")
