"""Terms of art: ``[[adjoint|the adjoint]]`` in a text becomes a word that opens its definition."""

from __future__ import annotations

import html
import itertools
import re
from functools import cache
from urllib.parse import urlencode

import streamlit as st

from lessons._kit.form.i18n import KEY as LANGUAGE
from lessons._kit.form.i18n import catalogue, current_language, mark, t

#: Key -> (term, definition), both marked for the catalogue.
TERMS = {
    "adjoint": (
        mark("adjoint"),
        mark(
            "The map Aᵀ that obeys ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for all x and y. As a matrix: rows and columns swapped. "
            "It carries signals back, but undoes nothing."
        ),
    ),
    "transposed convolution": (
        mark("transposed convolution"),
        mark("A layer that runs the adjoint of a convolution forward. Often called deconvolution, which it is not."),
    ),
    "deconvolution": (
        mark("deconvolution"),
        mark(
            "Five things, from the oldest to the newest: solving for x when w and z are known, in signal "
            "processing; networks that infer sparse maps whose convolutions add up to the picture (2010); the same "
            "with pooling and its switches (2011); DeconvNet, which takes one unit back to the pixels (2014); and "
            "the layer that enlarges maps by a learned transposed convolution (2015). Only the first three solve "
            "an equation; the last two are made of adjoints, and DeconvNet rectifies between them. On these pages "
            "each has its own name."
        ),
    ),
    "kernel": (mark("kernel"), mark("The small array of weights that a convolution slides over its input.")),
    "stride": (mark("stride"), mark("How many rows and columns the window moves from one output cell to the next.")),
    "padding": (mark("padding"), mark("Rows and columns of zeros put around the input before the window slides.")),
    "dilation": (mark("dilation"), mark("The distance between neighbouring taps of the kernel; 1 leaves no gaps.")),
    "stamp": (
        mark("stamp"),
        mark("What one output cell lays down in the adjoint: the kernel times the cell's value, where its window was."),
    ),
    "total variation": (
        mark("total variation"),
        mark("How much a picture changes from pixel to pixel, added up; small for smooth pictures, large for noise."),
    ),
    "frequency": (
        mark("frequency"),
        mark(
            "How often a wave of stripes repeats per pixel. A picture is a sum of such waves; fine detail has "
            "high frequencies."
        ),
    ),
    "null space": (
        mark("null space"),
        mark("All pictures that A turns into zeros; what lies in it leaves no trace in y."),
    ),
    "max pooling": (
        mark("max pooling"),
        mark("Keeps the largest value of each window of a map; the map gets smaller."),
    ),
    "switch": (
        mark("switch"),
        mark("The place of a window's maximum, as one number: W r + c in a map W columns wide."),
    ),
    "unpooling": (
        mark("unpooling"),
        mark("The adjoint of max pooling with its switches held fixed: each value goes back to its switch."),
    ),
    "rectifier": (mark("rectifier"), mark("max(z, 0), the ReLU: keeps what is above zero and makes the rest zero.")),
    "trimap": (
        mark("trimap"),
        mark("A map of seeds: surely object, surely background, and between them the pixels where alpha is unknown."),
    ),
    "matting": (
        mark("matting"),
        mark("Finding alpha, how much of each pixel is the object: I = αF + (1 − α)B, with F and B its two colours."),
    ),
    "receptive field": (
        mark("receptive field"),
        mark("The window of input pixels that can reach a unit; no pixel outside it ever changes the unit."),
    ),
    "convolution": (
        mark("convolution"),
        mark(
            "A layer or map whose every output cell is the sum of a window's numbers, each times a weight; the "
            "weights are the same in every window."
        ),
    ),
    "tap": (mark("tap"), mark("One weight of a kernel, at its row and column.")),
    "feature map": (
        mark("feature map"),
        mark("One channel of a layer's output: a plane with one number for every position."),
    ),
    "channel": (
        mark("channel"),
        mark(
            "One of the planes of a picture or of a layer's output: red, green and blue at the input, one for "
            "each kernel afterwards."
        ),
    ),
    "layer": (mark("layer"), mark("One step of a network: it takes maps, computes new ones and hands them on.")),
    "unit": (mark("unit"), mark("One cell of one channel in one layer: a single number of the network.")),
    "activation": (
        mark("activation"),
        mark("The value of a unit for a given picture, after the rectifier where there is one."),
    ),
    "score": (
        mark("score"),
        mark("The number that a network gives to a class before softmax turns all of them into probabilities."),
    ),
    "bias": (
        mark("bias"),
        mark("A number that a layer adds to every cell of a channel. It does not depend on the picture."),
    ),
    "gradient": (
        mark("gradient"),
        mark(
            "How much a number, such as a score or a loss, changes for a small change of each input: one "
            "derivative for each pixel or weight."
        ),
    ),
    "backpropagation": (
        mark("backpropagation"),
        mark(
            "Computing a gradient from the last layer to the first: at each layer, the adjoint of its derivative "
            "is applied to what arrives."
        ),
    ),
    "guided backpropagation": (
        mark("guided backpropagation"),
        mark(
            "A backward pass whose rectifiers pass a value only if it is positive and the forward value was "
            "positive too."
        ),
    ),
    "DeconvNet": (
        mark("DeconvNet"),
        mark(
            "A backward pass from one unit to the pixels: unpooling by the switches, a rectifier on the signal "
            "itself, and the adjoint of each convolution."
        ),
    ),
    "loss": (
        mark("loss"),
        mark("The number that training makes small: how far the network's answers are from the wanted ones."),
    ),
    "epoch": (mark("epoch"), mark("One pass of training over all training examples.")),
    "overfitting": (
        mark("overfitting"),
        mark(
            "Training goes on and the loss on the training examples falls, but the loss on examples that were "
            "held back rises."
        ),
    ),
    "batch normalization": (
        mark("batch normalization"),
        mark(
            "Shifts and scales each channel to mean 0 and variance 1 over the pictures of a batch, then by two "
            "learned numbers."
        ),
    ),
    "dropout": (
        mark("dropout"),
        mark("Sets a random part of the units to zero in each step of training, and none when the network is used."),
    ),
    "singular value": (
        mark("singular value"),
        mark(
            "How much a linear map stretches one of the directions that stay at right angles to each other. 0 "
            "means that the direction is lost."
        ),
    ),
    "orthonormal": (mark("orthonormal"), mark("Vectors of length 1, each at right angles to all others.")),
    "prior": (
        mark("prior"),
        mark(
            "What is assumed of a picture before anything is measured, for instance that neighbouring pixels are alike."
        ),
    ),
    "PSNR": (
        mark("PSNR"),
        mark(
            "Peak signal-to-noise ratio in decibels: 10 log₁₀(1 / mean squared error) for values from 0 to 1. "
            "Larger is closer."
        ),
    ),
    "IoU": (
        mark("IoU"),
        mark(
            "Intersection over union: the pixels that two regions share, divided by the pixels that lie in either "
            "of them."
        ),
    ),
    "KL divergence": (
        mark("KL divergence"),
        mark(
            "How far one distribution is from another, in nats: the mean under the first of log(first / second). "
            "0 only if they are equal."
        ),
    ),
    "rank correlation": (
        mark("rank correlation"),
        mark(
            "The correlation of two lists after each number is replaced by its rank: 1 means the same order, −1 "
            "the reverse, about 0 no relation."
        ),
    ),
    "Wiener filter": (
        mark("Wiener filter"),
        mark(
            "The linear filter with the smallest mean squared error when blur, noise power and the power of the "
            "picture are known: the less signal a frequency holds, the more it is weakened."
        ),
    ),
    "checkerboard": (
        mark("checkerboard"),
        mark(
            "A regular pattern with the period of the stride: some cells are written to by more taps than their "
            "neighbours, where the stride does not divide the kernel, or by taps with other weights."
        ),
    ),
}

_LINK = re.compile(r"\[\[([A-Za-z ]+)(?:\|([^\]]+))?\]\]")
#: A link and the punctuation at it: a line may break at a button, but must not begin with a full stop.
_TIED = re.compile(r"([“(]*)(<button .*?</button>)((?:['’]s)?[.,;:!?)”，。；：！？）、]*)")
#: Everyday words too: only an author knows which is meant, so that a link to them is always written.
_WRITTEN = ("loss", "score")
#: In the address of the page with all terms: the one that stands on top.
KEY = "term"


def prose(text: str, key: str) -> None:
    """Show a translated text: paragraphs between empty lines, ``**strong**``, ``[[term]]`` or ``[[term|as shown]]``.

    The first use of a term that has no such link gets one.

    Args:
      text: already translated.
      key: unique on the page; names the definitions.

    Raises:
      KeyError: the text names a term that is not in `TERMS`.
    """
    st.html(to_html(text, key))


def to_html(text: str, key: str) -> str:
    """The HTML that `prose` shows.

    >>> print(to_html("a **b** & [[stride|step]]", "k"))  # doctest: +ELLIPSIS
    <div class="prose"><p>a <strong>b</strong> &amp; <button class="term" popovertarget="k-0">step</button></p>...</div>
    """
    counter = itertools.count()
    definitions = []

    def link(match: re.Match[str]) -> str:
        term, definition = TERMS[match[1]]
        name = f"{key}-{next(counter)}"
        page = f'<a href="{address(match[1])}" target="_blank">{t("All terms")}</a>'
        definitions.append(
            f'<div class="definition" popover id="{name}"><strong>{t(term)}</strong> {t(definition)} {page}</div>'
        )
        return f'<button class="term" popovertarget="{name}">{match[2] or t(term)}</button>'

    escaped = html.escape(with_links(text, current_language()), quote=False)
    linked = _TIED.sub(_tied, _LINK.sub(link, escaped))
    body = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", linked)
    paragraphs = "".join(f"<p>{part}</p>" for part in body.split("\n\n"))
    return f'<div class="prose">{paragraphs}{"".join(definitions)}</div>'


def _tied(match: re.Match[str]) -> str:
    return f'<span class="unbroken">{match[0]}</span>' if match[1] or match[3] else match[0]


def address(term: str) -> str:
    """The page with all terms, with one of them on top."""
    return "glossary?" + urlencode({LANGUAGE: current_language(), KEY: term})


def with_links(text: str, language: str) -> str:
    """The text with a link at the first use of every term that it does not link itself.

    >>> with_links("A [[kernel]] has channels. Each channel has a kernel.", "en")
    'A [[kernel]] has [[channel|channels]]. Each channel has a kernel.'
    """
    linked = {match[1] for match in _LINK.finditer(text)}
    keys, words = _words(language)

    def link(match: re.Match[str]) -> str:
        key = keys.get(match[1].lower(), "") if match[1] else ""
        if not key or key in linked:
            return match[0]
        linked.add(key)
        return f"[[{key}|{match[0]}]]"

    return words.sub(link, text)


def used(text: str) -> set[str]:
    """The terms that an English text uses, linked or not."""
    return {match[1] for match in _LINK.finditer(with_links(text, "en"))}


@cache
def _words(language: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """Each term as a text of that language writes it -> its key, and what finds them, the longest first.

    A Chinese term of one character is left to the author: 层 and 轮 stand in many other words.
    """
    names = catalogue(language)
    keys = {
        re.sub(r" \(.*", "", names.get(term, term)).lower(): key
        for key, (term, _) in TERMS.items()
        if key not in _WRITTEN
    }
    if language == "en":
        alternatives = "|".join(rf"\b{re.escape(word)}" for word in sorted(keys, key=len, reverse=True))
        pattern = rf"\[\[.*?\]\]|({alternatives})(?:e?s)?\b"
    else:
        keys = {word: key for word, key in keys.items() if len(word) > 1}
        pattern = r"\[\[.*?\]\]|(" + "|".join(map(re.escape, sorted(keys, key=len, reverse=True))) + ")"
    return keys, re.compile(pattern, re.IGNORECASE)
