"""What the page of cut-outs shows: the cut-out over a ground, class map and alpha, the blend at a pixel, figures."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import numpy as np
import streamlit as st

from deconvviz.data import samples
from deconvviz.data.preprocess import at_most
from deconvviz.figures import files
from deconvviz.tasks.cutout.metrics import intersection_over_union, threshold_mask
from deconvviz.tasks.cutout.predict import Cutout
from lessons._kit.draw import before_after
from lessons._kit.draw.before_after import Side
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, heat_pixels, jpeg, number, png, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import class_name
from lessons.cutout import brush, run
from lessons.cutout.run import Subject

#: What a cut-out is laid over -> its name.
GROUNDS = {"checks": mark("checkered"), "white": mark("white"), "black": mark("black"), "lawn": mark("a lawn")}
#: Side of a check in pixels, and its two greys.
CHECK, GREYS = 12, (0.74, 0.88)
BOX = (1.0, 0.85, 0.0)
#: Plane -> the part of the picture that scenes name.
PARTS = {"p": "photograph", "c": "answer", "m": "map", "s": "seeds", "a": "alpha"}


def ground(name: str, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) in 0..1: what a cut-out is laid over.

    >>> ground("checks", (12, 24))[0, [0, 12], 0].tolist()
    [0.74, 0.88]
    """
    if name == "lawn":
        lawn = samples.load("grass") * np.array((0.75, 1.0, 0.6), np.float32)
        rows, columns = (np.arange(n) * m // n for n, m in zip(size, lawn.shape, strict=False))
        return np.asarray(lawn[np.ix_(rows, columns)])
    if name == "checks":
        odd = (np.indices(size) // CHECK).sum(axis=0) % 2
        return np.repeat(np.where(odd, GREYS[1], GREYS[0])[..., None], 3, axis=-1)
    return np.full((*size, 3), 1.0 if name == "white" else 0.0)


def laid_over(found: Cutout, name: str) -> np.ndarray:
    """(H, W, 3): ``alpha F + (1 - alpha) B`` with a ground of one's choice, and the box drawn around the object."""
    alpha = found.alpha[..., None]
    shown = alpha * (found.rgba[..., :3] / 255) + (1 - alpha) * ground(name, found.alpha.shape)
    top, left, bottom, right = found.box
    frame = np.zeros(found.alpha.shape, bool)
    frame[top:bottom, left:right] = True
    wide = max(2, round(max(found.alpha.shape) / 240))
    frame[top + wide : bottom - wide, left + wide : right - wide] = False
    shown[frame] = BOX
    return np.asarray(shown)


def file(pixels: np.ndarray) -> bytes:
    """A PNG file of (H, W, 4) pixels, transparency kept."""
    return files.png_bytes(pixels)


def compare(subject: Subject, found: Cutout, over: str) -> None:
    """The photograph and the cut-out with a divider."""
    who = t("Seeds by hand")
    if found.probability is not None:
        who = t(
            "{label}, probability {percent} %",
            label=class_name(found.label or ""),
            percent=f"{100 * found.probability:.0f}",
        )
    note = t(
        "{who}. The frame is the box: rows {top} to {bottom}, columns {left} to {right}. {covered} % of the picture is "
        "object.",
        who=who,
        top=found.box[0],
        bottom=found.box[2] - 1,
        left=found.box[1],
        right=found.box[3] - 1,
        covered=f"{100 * float((found.alpha > 0.5).mean()):.0f}",
    )
    before_after.show(
        Side(subject.title, address(jpeg(to_bytes(subject.picture)))),
        Side(t("cut out"), address(jpeg(to_bytes(laid_over(found, over))))),
        (subject.picture.shape[0], subject.picture.shape[1]),
        "cut-compare",
        note=note,
    )


def take_away(found: Cutout) -> None:
    """The cut-out as a file, whole or its box alone."""
    with st.container(horizontal=True, key="cut-take"):
        st.download_button(
            t("PNG with transparency"), file(found.rgba), "cut-out.png", "image/png", key="cut-whole", on_click="ignore"
        )
        st.download_button(
            t("Only the box"), file(found.crop), "cut-out-box.png", "image/png", key="cut-box", on_click="ignore"
        )


def planes(subject: Subject, found: Cutout | str, dots: str, over: str, wanted: str) -> None:
    """Some of the planes between photograph and cut-out, side by side.

    Args:
      subject, found: what is cut out of, and what came out; a sentence where nothing did.
      dots: those of the person.
      over: what the cut-out is laid over, of `GROUNDS`.
      wanted: the planes in their order: p the picture, c it and the cut-out, m the class map, s the seeds, to be drawn
        on, a alpha.
    """
    drawn: dict[str, Callable[[], None]] = {"p": lambda: _photograph(subject)}
    if isinstance(found, str):
        drawn["s"] = lambda: _seeds(subject, None, dots)
    else:
        drawn["s"] = lambda: _seeds(subject, found.trimap, dots)
        drawn["a"] = lambda: _alpha(subject, found)
        drawn["c"] = lambda: compare(subject, found, over)
        if found.map is not None:
            drawn["m"] = lambda: _map(subject, found)
    names = [name for name in wanted if name in drawn]
    for name, column in zip(names, st.columns(max(len(names), 2), gap="medium"), strict=False):
        with column, st.container(key=f"part-{PARTS[name]}"):
            drawn[name]()


def _seeds(subject: Subject, trimap: np.ndarray | None, dots: str) -> None:
    if trimap is None:
        note = t("Set dots on the object and on the background.")
    else:
        note = t(
            "Green: surely object, {ahead} %. Orange: surely background, {behind} %. Alpha is found for the rest.",
            ahead=f"{100 * float((trimap == 1).mean()):.0f}",
            behind=f"{100 * float((trimap == 0).mean()):.0f}",
        )
    brush.show(subject.picture, trimap, dots, note, "cut-brush")


def _photograph(subject: Subject) -> None:
    st.html(_figure(subject.title, "", jpeg(to_bytes(subject.picture)), subject))


def _map(subject: Subject, found: Cutout) -> None:
    assert found.map is not None
    words = t("yellow: strongly connected with the class (0 to {most})", most=number(float(found.map.max())))
    st.html(_figure(t("Class map"), words, png(heat_pixels(found.map)), subject))


def _alpha(subject: Subject, found: Cutout) -> None:
    small = to_bytes(at_most(np.repeat(found.alpha[..., None], 3, axis=-1).astype(np.float32), 480))
    st.html(_figure(t("Alpha"), t("white 1: object; black 0: background"), jpeg(small), subject))


def _figure(title: str, note: str, picture: bytes, subject: Subject) -> str:
    alt = escape(f"{title}: {note}" if note else title)
    rows, columns = subject.picture.shape[:2]
    return (
        f'<figure class="cut-plane"><b>{escape(title)}</b><img src="{address(picture)}" alt="{alt}" '
        f'style="aspect-ratio: {columns} / {rows}"><figcaption>{escape(note)}</figcaption></figure>'
    )


def softest(found: Cutout) -> tuple[int, int]:
    """(row, column) where alpha is nearest to a half."""
    row, column = np.unravel_index(np.abs(found.alpha - 0.5).argmin(), found.alpha.shape)
    return int(row), int(column)


def blend(subject: Subject, found: Cutout) -> str:
    """What alpha means, in symbols and at the pixel where it is nearest to a half."""
    place = softest(found)
    alpha = float(found.alpha[place])
    seen, own = float(subject.picture[place][0]), float(found.rgba[place][0]) / 255
    behind = (seen - alpha * own) / (1 - alpha) if alpha < 1 else 0.0
    i, a, f, b = (
        coloured(colour, s) for colour, s in (("input", "I"), ("kernel", r"\alpha"), ("output", "F"), ("input", "B"))
    )
    one = (
        rf"{coloured('input', f'{seen:.2f}')} = {coloured('kernel', f'{alpha:.2f}')} \cdot "
        rf"{coloured('output', f'{own:.2f}')} + {coloured('kernel', f'{1 - alpha:.2f}')} \cdot "
        rf"{coloured('input', f'({behind:.2f})' if behind < 0 else f'{behind:.2f}')}"
    )
    return rf"\begin{{aligned}} {i} &= {a} {f} + (1 - {a})\, {b} \\ {one.replace('=', '&=', 1)} \end{{aligned}}"


def blend_of(subject: Subject, found: Cutout) -> None:
    """The blend of the pixel that is nearest to half object, half background."""
    row, column = softest(found)
    st.markdown(t("A pixel is a blend. Red at row {row}, column {column}:", row=row, column=column))
    st.latex(blend(subject, found))


def overlap(subject: Subject, found: Cutout) -> None:
    """The share of pixels that are both cut out and object, where the truth is known."""
    if subject.truth is None:
        st.caption(t("Nobody knows the true alpha of this photograph, so nothing can be measured on it."))
        return
    values = run.figures(found, subject.truth)
    st.latex(
        rf"\text{{IoU}} = {_ratio()} = \frac{{{values['inside']:.0f}}}{{{values['either']:.0f}}} = {values['iou']:.2f}"
    )


def _ratio() -> str:
    """Intersection over union in symbols."""
    a, b = coloured("kernel", r"\alpha"), coloured("output", r"\alpha^*")
    return rf"\frac{{|{a} > \frac12 \;\cap\; {b} > \frac12|}}{{|{a} > \frac12 \;\cup\; {b} > \frac12|}}"


def formulas(values: dict[str, float]) -> str:
    """The five figures in symbols, each with its number."""
    a, b = coloured("kernel", r"\alpha"), coloured("output", r"\alpha^*")
    rows = (
        rf"\text{{SAD}} &= \sum_{{p \in U}} |{a}_p - {b}_p| = {1000 * values['sad']:.0f}",
        rf"\text{{MSE}} &= \tfrac{{1}}{{|U|}} \sum_{{p \in U}} ({a}_p - {b}_p)^2 = {values['mse']:.4f}",
        rf"\text{{Grad}} &= \sum_{{p \in U}} (|\nabla {a}_p| - |\nabla {b}_p|)^2 = {1000 * values['grad']:.0f}",
        rf"\text{{Conn}} &= \sum_{{p \in U}} |\varphi({a}_p) - \varphi({b}_p)| = {1000 * values['conn']:.0f}",
        rf"\text{{IoU}} &= {_ratio()}"
        rf" \\ &= \frac{{{values['inside']:.0f}}}{{{values['either']:.0f}}} = {values['iou']:.3f}",
    )
    lines = r" \\ ".join(rows)
    return rf"\begin{{aligned}} {lines} \end{{aligned}}"


def quality(subject: Subject, found: Cutout | str) -> None:
    """The figures of a scene whose truth is known, with the plain threshold's overlap beside it."""
    st.markdown(f"#### {t('How good is it?')}")
    if subject.truth is None or isinstance(found, str):
        st.markdown(
            t(
                "Nobody knows the true alpha of this photograph, so nothing can be measured on it. Choose a drawn "
                "scene under “Cut out from”: its alpha is known."
            )
        )
        return
    values = run.figures(found, subject.truth)
    plain = intersection_over_union(threshold_mask(subject.picture), subject.truth > 0.5)
    st.latex(formulas(values))
    st.markdown(
        t(
            "U: the {unknown} pixels that the seeds leave open, α* the true alpha, φ how far a pixel is joined to the "
            "object. Otsu’s threshold, without any network: IoU {plain}.",
            unknown=f"{values['unknown']:.0f}",
            plain=f"{plain:.3f}",
        )
    )
