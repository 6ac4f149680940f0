"""What the page of generation shows: rebuilt, walked, blended and drawn pictures, the four decoders, the figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.articles.claims import ENOUGH
from deconvviz.tasks.generation.data import shaped
from deconvviz.tasks.generation.evaluate import DRAWN
from lessons._kit.draw import before_after
from lessons._kit.draw.before_after import Side
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, number, png
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import class_name
from lessons.generation import run
from lessons.generation.run import Coded

#: Decoder -> its name.
DECODERS = {
    "transposed3": mark("transposed, 3 taps: uneven"),
    "transposed4": mark("transposed, 4 taps: even"),
    "subpixel": mark("sub-pixel"),
    "resize": mark("resize, then convolve"),
}
#: The same photographs under two names of the recognition network.
ALIKE = ("Faces_easy", "Faces")


def source(picture: np.ndarray, shape: float, shorter: int = 128) -> str:
    """A squeezed picture in its shape, as a data address."""
    return address(png(shaped(picture, shape, shorter)))


def figures(pictures: Sequence[tuple[str, str, str]], kind: str = "", beside: Sequence[str] = ()) -> None:
    """Pictures beside each other: (source, title, note), all translated; `beside`: a photograph right of each."""
    parts = []
    for i, (where, title, note) in enumerate(pictures):
        words = f"<b>{escape(title)}</b>" if title else ""
        words += f"<span>{escape(note)}</span>" if note else ""
        alt = escape(": ".join(filter(None, (title, note))))
        other = f'<img src="{beside[i]}" alt="{escape(t("nearest training photograph"))}">' if beside else ""
        parts.append(f'<figure><img src="{where}" alt="{alt}">{other}<figcaption>{words}</figcaption></figure>')
    st.html(f'<div class="made {kind}">{"".join(parts)}</div>')


def rebuilt(coded: Coded, decoder: str, key: str) -> None:
    """The photograph and what its code gives, with a divider."""
    result = run.decode(coded.mean[None], decoder)[0]
    size = (1000, round(1000 * coded.shape))
    before = Side(t("as the encoder sees it"), source(coded.square, coded.shape, 256))
    after = Side(t("from {count} numbers", count=len(coded.mean)), source(result, coded.shape, 256))
    error = float(np.mean((result - coded.square) ** 2))
    note = t(
        "{pixels} numbers in, {count} in between; PSNR {psnr} dB",
        pixels=f"{coded.square.size:,}",
        count=len(coded.mean),
        psnr=f"{-10 * np.log10(max(error, 1e-12)):.1f}",
    )
    before_after.show(before, after, size, key, note=note)


def pair(coded: Coded, decoder: str) -> None:
    """The photograph and what its code gives, small and beside each other."""
    result = run.decode(coded.mean[None], decoder)[0]
    named = ((coded.square, t("as the encoder sees it")), (result, t("from {count} numbers", count=len(coded.mean))))
    figures([(source(picture, coded.shape), title, "") for picture, title in named], "two")


def strip_of(label: str, first: int, second: int, decoder: str) -> None:
    """A large picture of the class, and others along the first direction."""
    shape, far = run.shape_of(label), run.FAR
    pictures = run.walk(label, first, second, decoder)
    shares = run.share_of_directions(label)
    note = t(
        "The two directions hold {one} % and {two} % of what differs between codes of {label}.",
        one=f"{100 * shares[0]:.0f}",
        two=f"{100 * shares[1]:.0f}",
        label=class_name(label),
    )
    title = t("{first} and {second} standard deviations from the mean", first=_signed(first), second=_signed(second))
    figures([(source(pictures[0], shape, 256), title, note)], "large")
    steps = range(-far, far + 1)
    figures([(source(p, shape, 64), _signed(s), "") for s, p in zip(steps, pictures[1:], strict=True)], "strip")


def between(one: Coded, other: Coded, decoder: str) -> None:
    """The strip from one picture to the other, its middle between the photographs."""
    pictures = run.decode(run.strip(one, other), decoder)
    middle, last = len(pictures) // 2, len(pictures) - 1
    figures(
        [
            (source(one.square, one.shape), t("first photograph"), ""),
            (source(pictures[middle], one.shape), t("the code half-way"), ""),
            (source(other.square, other.shape), t("second photograph"), ""),
        ]
    )
    named = [f"{100 * i // last} %" for i in range(len(pictures))]
    figures([(source(p, one.shape, 96), name, "") for p, name in zip(pictures, named, strict=True)], "strip")


def drawn(label: str, seed: int, decoder: str) -> None:
    """Twelve pictures of codes that were drawn, and what the recognition network calls them."""
    pictures = run.decode(run.drawn(label, seed), decoder)
    names = run.names(label, seed, decoder)
    shape = run.shape_of(label)
    near = run.nearest(label, seed, decoder)
    apart = [f" · {distance:.2f}" for distance in near.distances] if near else [""] * len(names)
    shown = [
        (source(picture, shape), class_name(name), f"{100 * share:.0f} %{far}")
        for picture, (name, share), far in zip(pictures, names, apart, strict=True)
    ]
    if near:
        figures(shown, "sheet pairs", [source(picture, shape) for picture in near.pictures])
    else:
        figures(shown, "sheet")
    right = sum(name in (ALIKE if label in ALIKE else (label,)) for name, _ in names)
    st.html(f'<p class="facts">{escape(_counted(right, len(names), class_name(label)))}</p>')
    st.caption(_beside(label) if near else t("Beside the first draw (seed 0) stand the nearest training photographs."))


def _beside(label: str) -> str:
    known = run.model().about["figures"]["nearest"][label]
    return t(
        "Right of each: the nearest of {count} training photographs (Caltech-101, CC BY 4.0, 64 × 64 pixels; its "
        "mirror image counts) and the root mean square difference. Its median is {drawn} for {made} drawn pictures, "
        "{unseen} for validation photographs, {rebuilt} for those rebuilt, which are as smooth as drawn ones. A copy "
        "would have 0.",
        count=f"{run.model().about['data']['trained']:,}",
        made=DRAWN,
        drawn=f"{known['drawn'][1]:.2f}",
        unseen=f"{known['unseen'][1]:.2f}",
        rebuilt=f"{known['rebuilt'][1]:.2f}",
    )


def _counted(right: int, count: int, label: str) -> str:
    return t("The recognition network calls {right} of {count} by their class, {label}.", right=right, count=count,
             label=label)  # fmt: skip


def decoders(code: np.ndarray, shape: float, trained: bool) -> None:
    """The same code by the four decoders, trained or with their first weights, and the pattern of period 2 in each."""
    shown = []
    for decoder, name in DECODERS.items():
        picture = run.decode(code[None], decoder, trained)[0]
        share = t("pattern {share} %", share=number(100 * run.pattern(picture)))
        shown.append((source(picture if trained else _stretched(picture), shape if trained else 1.0), t(name), share))
    figures(shown, "four")
    st.caption(
        t("Trained together, on the same pictures, codes and noise.")
        if trained
        else t("First weights, which are random; the contrast of each picture is stretched.")
        + " "
        + t(
            "Pattern: share of the energy of what varies in the picture that lies at period 2, where a checkerboard "
            "lies."
        )
    )


def formula(coded: Coded, decoder: str) -> None:
    """The evidence lower bound, and the same with the numbers of the picture on the page."""
    likelihood, kl = run.bound(coded, decoder)
    x, z = coloured("input", "x"), coloured("output", "z")
    st.latex(
        rf"\begin{{aligned}}\log p({x}) \ge\ & \mathbb{{E}}_q\, \log p({x} \mid {z}) \\"
        rf" & - \mathrm{{KL}}(q({z} \mid {x}) \,\|\, p({z}))\end{{aligned}}"
    )
    noise = run.model().noise
    pixels = coded.square.size
    squares = -2 * noise**2 * (likelihood + pixels * np.log(noise * np.sqrt(2 * np.pi)))
    st.latex(
        rf"\begin{{aligned}}\log p({x} \mid m) =\ & -\frac{{{squares:.1f}}}{{2 \cdot {noise:g}^2}} \\"
        rf" & - {pixels} \log({noise:g}\sqrt{{2\pi}}) \\ =\ & {likelihood:.0f}\end{{aligned}}"
    )
    total = run.kl_by_hand(coded)
    st.latex(
        rf"\begin{{aligned}}\mathrm{{KL}} & = \tfrac12 \sum_i (m_i^2 + v_i - 1 - \log v_i) \\"
        rf" & = {total:.1f}\end{{aligned}}"
    )
    st.latex(rf"{likelihood:.0f} - {kl:.1f} = {likelihood - kl:.0f}\ \text{{nats}}")
    st.caption(t("The first term is taken at the code's mean m; the expectation over q is a little lower."))


def measured(decoder: str) -> None:
    """The figures of the four decoders, as measured on pictures that none of them was trained on."""
    about = run.model().about
    rows = [_row(name, about["figures"]) for name in DECODERS]
    heads = (
        t("upsampler"), t("PSNR, dB"), "SSIM", t("drawn: recognized, %"), t("distance of features"),
        t("pattern, % (first)"), t("pattern, % (trained)"),
    )  # fmt: skip
    best = (max, max, max, min, min, min)
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in heads)
    body = []
    for name, cells in zip(DECODERS, rows, strict=True):
        shown = "".join(
            f'<td class="{"best" if value == choose(row[i] for row in rows) else ""}">{_short(value)}</td>'
            for i, (value, choose) in enumerate(zip(cells, best, strict=True))
        )
        here = ' class="here"' if name == decoder else ""
        body.append(f'<tr{here}><th scope="row">{escape(t(DECODERS[name]))}</th>{shown}</tr>')
    held = about["data"]["held_out"]
    caption = t("Measured on {count} validation photographs", count=held)
    table = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>"
    around = f'<div class="table-wrap" tabindex="0" role="region" aria-label="{escape(caption)}">'
    st.html(f'{around}<table class="figures">{table}</table></div>')


def claim() -> None:
    """What the articles say of generation, and what the four decoders measure."""
    st.markdown(f"#### {t('Better pictures by transposed convolution?')}")
    st.markdown(
        t(
            "A popular article: “in image generation, deconvolution helps us generate pictures of higher quality”; "
            "another names generation too. Neither gives a number or a comparison, and the code of neither runs."
        )
    )
    st.markdown(
        t(
            "**One run, no verdict**: each decoder was trained once; {enough} runs are needed. A transposed "
            "convolution with even overlap rebuilds {count} validation pictures at {transposed} dB; the best "
            "upsampler without one at {other} dB. Of its drawn pictures {named} % are recognized; of the other’s "
            "{other_named} %.",
            enough=ENOUGH,
            count=run.model().about["data"]["held_out"],
            **_facts(),
        )
    )


def _best(figures: dict[str, Any]) -> str:
    return max(("subpixel", "resize"), key=lambda name: figures["rebuilt"][name]["psnr"])


def _facts() -> dict[str, str]:
    result = run.model().about["figures"]
    other = _best(result)
    return {
        "transposed": f"{result['rebuilt']['transposed4']['psnr']:.2f}",
        "other": f"{result['rebuilt'][other]['psnr']:.2f}",
        "named": f"{100 * result['drawn']['transposed4']['accuracy']:.0f}",
        "other_named": f"{100 * result['drawn'][other]['accuracy']:.0f}",
    }


def _row(name: str, result: dict[str, Any]) -> tuple[float, ...]:
    rebuilt, drawn, pattern = (result[part][name] for part in ("rebuilt", "drawn", "pattern"))
    shares = (100 * pattern["before"], 100 * pattern["after"])
    return (rebuilt["psnr"], rebuilt["ssim"], 100 * drawn["accuracy"], drawn["distance"], *shares)


def _short(value: float) -> str:
    return f"{value:.1f}" if value >= 100 else f"{value:.3g}"


def _signed(value: int) -> str:
    return f"+{value}" if value > 0 else f"−{-value}" if value < 0 else "0"


def _stretched(picture: np.ndarray) -> np.ndarray:
    """Three standard deviations around the mean become 0..1."""
    return np.clip(0.5 + (picture - picture.mean()) / (6 * (picture.std() or 1)), 0, 1)
