"""The story of feature visualization: a picture climbs out of noise, regularized and not, and what it is worth."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.visualization import run as visualization_run

#: What the scenes show: layer, channel and objective; a class.
UNIT = ("relu4", 4, "channel")
CLASS = "3"


def value(way: str) -> float:
    """What the objective says of the picture that was made this way."""
    stored = visualization_run.beforehand(visualization_run.of(*UNIT, way, "noise"))
    assert stored is not None, "it comes with the package"
    return stored.activation


def without_help() -> Guess:
    """How the value reached without regularizers compares with the one reached with them."""
    helped, bare = value("waves"), value("pixels-bare")
    ratio = bare / helped
    answer = "higher" if ratio > 1.1 else "lower" if ratio < 1 / 1.1 else "same"
    reason = t("{bare} without regularizers, {helped} with them.", bare=f"{bare:.2f}", helped=f"{helped:.2f}")
    options = {"higher": t("it is larger"), "same": t("it is about the same"), "lower": t("it is smaller")}
    return Guess(
        prompt=t("Before you look: the help is switched off. How does the value that is reached change?"),
        options=options,
        answer=answer,
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("Uphill from noise"),
        text=mark(
            "No photograph goes in. Begin with grey noise and ask the [[gradient]] how each number of the picture "
            "changes the unit's value. Change the picture a little that way, and again, 256 times. The unit is a "
            "whole [[channel]] here: its value is the mean over all positions."
        ),
        look=mark("The value above the made picture, and that of the strongest built-in one."),
        parts=("made",),
    ),
    Scene(
        title=mark("Left alone, it climbs into noise"),
        text=mark(
            "That picture had help. Without any, and with single pixels that move, the climb finds a pattern too fine "
            "to mean anything to us. Strides and pools pass it on strongly, but only where it is: moved by three "
            "pixels, it loses two thirds of its value."
        ),
        look=mark("The sentence under the pictures: how fine it is, and what a small move leaves."),
        parts=("made", "facts"),
        ask=without_help,
        then={"way": "pixels-bare"},
    ),
    Scene(
        title=mark("Two regularizers"),
        text=mark(
            "First, at every step the network sees the picture shifted, turned and zoomed a little, so only what "
            "survives that pays. Second, rough pictures cost [[total variation]]. Both are ours, not the network's: "
            "they choose among the pictures that excite it."
        ),
        look=mark("What a move by three pixels leaves now."),
        values={"way": "pixels"},
        parts=("made", "facts"),
        controls=("way",),
    ),
    Scene(
        title=mark("Waves instead of pixels"),
        text=mark(
            "Steps may change waves instead of pixels. Every picture can still be reached, but by another path: low "
            "[[frequency|frequencies]] come first, along uncorrelated colours. Here both paths end in rows of arches, "
            "and the pixels reach a little more. Where one begins and how one steps is a part of every such picture."
        ),
        look=mark("The arches. Switch back to pixels to compare."),
        values={"way": "waves"},
        parts=("made",),
        controls=("way",),
    ),
    Scene(
        title=mark("More than any photograph"),
        text=mark(
            "The same works for the [[score]] of a class, here the leopard. Spotted fur grows out of noise. Its score "
            "is more than twenty times that of any built-in picture; but no leopard is among those. A "
            "made picture says what raises the score, not what the network usually sees."
        ),
        look=mark("Both scores: of the made picture, and of the best built-in one."),
        values={"layer": "logits", "unit": CLASS},
        parts=("made", "photograph"),
    ),
    Scene(
        title=mark("Several faces"),
        text=mark(
            "One channel may answer several patterns, and a single climb finds one of them. So make four pictures at "
            "once and charge them for being alike: one of these four is a net of scales, at three fifths of the value "
            "that one picture reaches. Left alone, four climbs from different noise all end in rows of arches."
        ),
        look=mark("The four values, and what the pictures have in common."),
        values={"begin": "four"},
        parts=("made",),
        controls=("begin",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a layer and a unit, or a tile of the sheet below. Begin with the cat: what does the climb keep of "
            "it, and what does it add? Compare an early layer with a late one: where do patterns turn into parts of "
            "things?"
        ),
        controls=None,
    ),
)
