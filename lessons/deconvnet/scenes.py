"""The story of DeconvNet: one number, spread, put back, rectified; the sum of one cell; the pixels."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.deconvnet import trace

#: What the scenes are about: the strongest unit of this layer on this picture, and its steps.
PICTURE, LAYER, FILTER, UNPOOL, RECTIFY = "cat", "relu5", 2, 3, 6


def in_each_window() -> Guess:
    """In how many cells of a pooling window unpooling puts something, at most."""
    stage = trace.scene(PICTURE, LAYER, None).stages[UNPOOL]
    height, width, channels = stage.below.shape
    windows = (stage.below != 0).reshape(height // 2, 2, width // 2, 2, channels)
    most = str(int(windows.sum(axis=(1, 3)).max()))
    return Guess(
        prompt=t("Before you look: a window has four cells. Into how many of them does unpooling put something?"),
        options={n: n for n in ("1", "2", "4")},
        answer=most,
        reasons={
            "1": t("A window had one maximum in each channel, and its value goes back there. The rest is zero."),
            "2": t("A tie would go to the first cell alone."),
            "4": t("That is enlarging, which fills the window. Unpooling places."),
        },
    )


def let_through() -> Guess:
    """How much of the signal the rectifier lets through that drops most."""
    passed = trace.scene(PICTURE, LAYER, None).stages[RECTIFY].passed
    assert passed is not None
    share = f"{100 * passed:.0f}"
    whole, little = "100", "5"
    return Guess(
        prompt=t("Before you look: how many percent of the signal does the rectifier of relu3 let through here?"),
        options={n: f"{n} %" for n in (little, share, whole)},
        answer=share,
        reasons={
            little: t("Positive and negative values are not that unevenly spread."),
            share: t("By the sum of magnitudes: most of what arrives here is negative."),
            whole: t("Filters have negative weights too, so a part of what arrives is negative."),
        },
    )


def step(number: int, view: str = "maps") -> dict[str, str]:
    """The controls at a step."""
    return {"step": str(number), "view": view}


SCENES = (
    Scene(
        title=mark("One number"),
        text=mark(
            "The network has looked at a photograph. Take one number of a deep layer, its strongest [[activation]], "
            "and set all others to zero. Which pixels is it connected to, and how strongly? For this the signal passes "
            "the layers once more, from above: three kinds of step, repeated."
        ),
        look=mark("All activations of the layer, and the one that is left."),
        values=step(0),
        parts=("maps",),
        controls=("picture",),
    ),
    Scene(
        title=mark("Filter: each value spreads"),
        text=mark(
            "In the forward pass the [[unit]] was computed from a patch of the layer below. Now its value spreads "
            "over that very patch, through the very same kernels. This is the [[adjoint]] of the filter: nothing new "
            "is learned, nothing is inverted, and the size is that of the forward pass."
        ),
        look=mark("One cell on the left, and the patch that it spreads over on the right."),
        values=step(FILTER),
        parts=("maps",),
        controls=("picture",),
    ),
    Scene(
        title=mark("Unpool: back to the switch"),
        text=mark(
            "Pooling kept the maximum of each window and noted its place, the [[switch]]. Going back, each value "
            "returns to that place. So the photograph decides where the signal may go. With the switches held fixed, "
            "pooling is linear, and this step is its adjoint."
        ),
        look=mark("The map is twice as high and wide, and most of it is still zero."),
        values=step(UNPOOL),
        parts=("maps",),
        controls=("picture",),
        ask=in_each_window,
    ),
    Scene(
        title=mark("Rectify: the method's own choice"),
        text=mark(
            "What is negative becomes zero. That is not linear, so it is no adjoint of anything. It looks at the "
            "signal alone, not at what this [[rectifier]] was given in the forward pass. What it drops appears in no "
            "picture: a choice of the method, not a property of the network."
        ),
        look=mark("How much of the signal passes."),
        values=step(4),
        parts=("share",),
        ask=let_through,
        then=step(RECTIFY),
    ),
    Scene(
        title=mark("One cell is a sum"),
        text=mark(
            "There is no magic in it. Every cell below a filter is a sum of products, a weight times a value of the "
            "signal above. The largest are listed, the others are added up. Choose a spot in a map and check its sum."
        ),
        look=mark("The products that meet, their sum, and the signal's own cell."),
        values=step(5, "cell"),
        parts=("zoom",),
        controls=("step",),
    ),
    Scene(
        title=mark("Down to the pixels"),
        text=mark(
            "Three channels are left: a picture. The photograph entered in two places, the value at the start and the "
            "switches. Biases shift the forward pass and play no part here. The picture is no inverse: what pooling "
            "and rectifiers dropped does not return."
        ),
        look=mark("What the unit sees, and what came down, computed in two ways."),
        values=step(13, "end"),
        parts=("end",),
        controls=("picture", "layer"),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Take another picture, layer and channel, and follow the signal. From relu7 it is 18 steps to the pixels. "
            "Channel 46 of relu7 is silent on the cat: what comes down? And does the black picture bring anything "
            "down?"
        ),
        controls=None,
    ),
)
