"""The story of the ladder: three pictures from the numbers of every layer, and what each of them adds by itself."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.run import shipped
from lessons.ladder.picture import NAMES

#: The layer whose three pictures are compared in pixels.
EARLY = "relu2"


def nearest_in_pixels() -> Guess:
    """Which of the three pictures of an early layer is nearest to the photograph."""
    result = {method: shipped.facts()[f"{method}/{EARLY}"][1] for method in NAMES}
    return Guess(
        prompt=t("Decide by eye: which picture from {layer} is nearest to the photograph?", layer=EARLY),
        options={method: t(name) for method, name in NAMES.items()},
        answer=min(result, key=result.__getitem__),
        reasons={
            method: t("Its error in pixels is {value}.", value=f"{value:.3f}") for method, value in result.items()
        },
    )


SCENES = (
    Scene(
        title=mark("From one layer alone"),
        text=mark(
            "A layer holds numbers, not a picture. Each column starts from the numbers of one layer and makes three "
            "pictures from them, in three ways. Under each stand two errors: of its features, that is, how "
            "differently the layer responds to it, and of its pixels."
        ),
        look=mark("The framed column: relu4 and its three pictures."),
        parts=("relu4",),
    ),
    Scene(
        title=mark("Sent backward"),
        text=mark(
            "**DeconvNet** sends all units of the layer backward at once, through [[switch|switches]] and "
            "[[rectifier|rectifiers]]. Its map finds the edges, but was never meant to be the photograph: for its "
            "errors, grey and contrast are fitted in its favour. From relu2 on, its error in pixels stays between 0.10 "
            "and 0.12."
        ),
        look=mark("The upper row: edges at every depth, hardly any colour."),
        parts=("deconvnet",),
        controls=("shown",),
    ),
    Scene(
        title=mark("Searched for"),
        text=mark(
            "**Search** looks for a picture to which the layer responds alike. What the layer does not say, a "
            "preference for smooth pictures fills in. Its feature error is at most 0.021 at every layer, but the "
            "pixels get worse from layer to layer: the layer responds alike to pictures ever less like the "
            "photograph."
        ),
        look=mark("The middle row, and the second number under each picture."),
        parts=("optimize",),
    ),
    Scene(
        title=mark("Learned"),
        text=mark(
            "The **learned decoder** is a network of its own, trained on pairs of layer and photograph. What the "
            "layer does not say, it fills in with what photographs usually have there. From relu2 and relu3 its "
            "picture is nearer in pixels than the searched one; from the other layers it is not."
        ),
        look=mark("The lower row: blurred where the layer leaves the picture open."),
        parts=("learned",),
        ask=nearest_in_pixels,
    ),
    Scene(
        title=mark("Two errors, two orders"),
        text=mark(
            "A layer full of zeros would have a feature error of 1. At relu6 the pictures of DeconvNet and of the "
            "decoder are above that, and only the searched one is far below. That does not make it true: it was "
            "searched for just this number. No single number says which picture is right."
        ),
        look=mark("At relu6: three feature errors, and three errors in pixels."),
        parts=("curves",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a photograph, or bring your own, and climb. The button starts seven searches and says how long "
            "they take. Does another seed of the search give the same picture from relu7? Does the network that was "
            "trained on attacked photographs give back more of the cat?"
        ),
        controls=None,
    ),
)
