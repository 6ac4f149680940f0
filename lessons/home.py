"""The first page: the question, a live picture that answers it, the course, and the way to the laboratory."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from deconvviz.types import Unit
from lessons._kit.draw import pixels as screen
from lessons._kit.form import exercise, progress
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import HOME, LABORATORY, SECTIONS, Lesson, Page, discover, entry, named, turn_to
from lessons._kit.photo import selection
from lessons._kit.reconstruction import trace
from lessons._kit.run import engine, networks, pictures, warm_up

NETWORK = "caltech"
PICTURE = "cat"
RULE = "deconvnet"


def render() -> None:
    """Draw the page; what needs the network comes last, the rest is there at once."""
    st.title(t("What does a network see, run backwards?"), anchor=False)
    st.markdown(
        t(
            "A network turns a picture into numbers. Here you take one number and run the network backwards, layer "
            "by layer, down to the pixels that it is connected to. Every picture comes with its formula and its "
            "checks."
        )
    )
    pages = discover()
    lessons = [page for page in pages if isinstance(page, Lesson)]
    with st.container(horizontal=True):
        _start(lessons)
        _button(t("Open the laboratory"), named(pages, LABORATORY))
    live = st.container(key="home-live")
    st.header(t("The course"), anchor=False)
    for column, section in zip(st.columns(len(SECTIONS)), SECTIONS, strict=True):
        members = [lesson for lesson in lessons if lesson.section == section]
        if members:
            with column:
                st.subheader(t(SECTIONS[section]), anchor=False)
                for lesson in members:
                    card(lessons.index(lesson) + 1, lesson)
    progress.keep(with_buttons=True)
    with live:
        film()


def _start(lessons: list[Lesson]) -> None:
    """The way into the course: its first lesson, or the one that was open last."""
    before = [lesson for lesson in lessons if lesson.slug == progress.last()]
    if before:
        number = lessons.index(before[0]) + 1
        _button(
            t("Continue: lesson {number}, {title}", number=number, title=t(before[0].title)), before[0], primary=True
        )
    else:
        _button(t("Start the course"), lessons[0], primary=True)


def _button(label: str, page: Page, primary: bool = False) -> None:
    if st.button(label, type="primary" if primary else "secondary", key=f"open-{page.slug}"):
        turn_to(page)


def card(number: int, lesson: Lesson) -> None:
    """A lesson: its number in the course, question, what it is about, and how much of its exercise is solved."""
    done, total = len(exercise.solved(lesson.slug)), len(lesson.questions)
    with st.container(border=True, gap="small", key=f"card-{lesson.slug}"):
        st.page_link(entry(lesson), label=f"**{number} · {t(lesson.question)}**")
        st.markdown(t(lesson.title))
        tick = "✓ " if done == total else ""
        st.markdown(tick + t("{done} of {total} questions solved", done=done, total=total))


@st.fragment
def film() -> None:
    """The photograph, and the signal of one strong unit in the backward pass; the slider drags along the film."""
    with st.spinner(t("Loading the network, about two seconds the first time")):
        loaded, picture = networks.load(NETWORK), pictures.sample(PICTURE)
        unit = strongest(loaded, picture)
        frames = engine.backward_trace(loaded, picture, unit, RULE)
    if not frames:
        return
    last = len(frames) - 1
    at = st.slider(t("Drag: from the unit down to the picture"), 0, last, last, key="home-step")
    step, pixels = frames[at], trace.pixels_of(frames[at].signal, at == last)
    photo = screen.jpeg(screen.to_bytes(pictures.fitted(loaded, picture).screen))
    found = t("Channel {channel} of {layer} answers to this photograph.", channel=unit.channel, layer=unit.layer)
    size = " × ".join(str(n) for n in step.signal.shape)
    here = t(
        "Step {at} of {last}: {step} of {layer}, {size}",
        at=at,
        last=last,
        step=_name(step.kind),
        layer=step.name,
        size=size,
    )
    strip = "".join(_thumb(trace.pixels_of(frame.signal, i == last), i == at) for i, frame in enumerate(frames))
    st.html(
        f'<div class="film">{strip}</div><div class="pair">{_figure(photo, picture.alt, found)}'
        f"{_figure(screen.png(pixels), here, here)}</div>"
    )
    if networks.is_served():
        warm_up.start(NETWORK, picture, unit.layer)


def strongest(loaded: networks.Loaded, picture: pictures.Picture) -> Unit:
    """The strongest unit of the layer that the laboratory opens with."""
    layers = loaded.network.layers
    layer = selection.first_layer(layers)
    maps = engine.forward(loaded, picture).maps[layer]
    return Unit(layer, int(maps.max(axis=(0, 1)).argmax()))


def _name(kind: str) -> str:
    return t(trace.KINDS[kind])


def _thumb(pixels: np.ndarray, here: bool) -> str:
    mark_here = ' class="here"' if here else ""
    return f'<img src="{screen.address(screen.png(pixels))}" alt=""{mark_here}>'


def _figure(file: bytes, alt: str, caption: str) -> str:
    return (
        f'<figure><img src="{screen.address(file)}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


PAGE = Page(slug=HOME, title=mark("Home"), render=render)
