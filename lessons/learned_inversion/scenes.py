"""The story of learned inversion: one pass, what is blurred, what is sharp and wrong, a search beside it, both."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.run import shipped

#: The photograph of the story, and the layers that its questions compare.
IMAGE, MIDDLE, LAST, COMPARED = shipped.PICTURE, "relu4", "relu7", "relu6"


def errors(method: str, layer: str) -> tuple[float, float]:
    """(feature error, error in pixels) of a stored picture: by the decoder, "learned", or by the search, "optimize"."""
    feature, pixels = shipped.facts()[f"{method}/{layer}"][:2]
    return feature, pixels


def deeper() -> Guess:
    """How many times as large the error in pixels is from the last map."""
    before, after = errors("learned", MIDDLE)[1], errors("learned", LAST)[1]
    factors = (1, 2, 5, 10)
    reason = t(
        "{before} from {middle}, {after} from {last}: {factor} times as large.",
        before=f"{before:.3f}",
        middle=MIDDLE,
        after=f"{after:.3f}",
        last=LAST,
        factor=f"{after / before:.1f}",
    )
    options = {str(factor): t("about {factor} times", factor=factor) for factor in factors}
    options["1"] = t("about the same")
    return Guess(
        prompt=t("Before you look: the numbers of {last} instead. How large is the error in pixels?", last=LAST),
        options=options,
        answer=str(min(factors, key=lambda factor: abs(factor - after / before))),
        reasons=dict.fromkeys(options, reason),
    )


def against_search() -> Guess:
    """Which of decoder and search has the smaller errors."""
    learned, result = errors("learned", COMPARED), errors("optimize", COMPARED)
    wins = {(True, True): "search", (True, False): "split", (False, True): "other", (False, False): "decoder"}
    reason = t(
        "Feature error: decoder {one}, search {two}. Error in pixels: decoder {three}, search {four}.",
        one=f"{learned[0]:.2f}",
        two=f"{result[0]:.2f}",
        three=f"{learned[1]:.3f}",
        four=f"{result[1]:.3f}",
    )
    options = {
        "decoder": t("the decoder, in both"),
        "search": t("the search, in both"),
        "split": t("the search in features, the decoder in pixels"),
        "other": t("the decoder in features, the search in pixels"),
    }
    return Guess(
        prompt=t("What do you expect from {layer}: whose errors are smaller?", layer=COMPARED),
        options=options,
        answer=wins[result[0] < learned[0], result[1] < learned[1]],
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("A second network answers"),
        text=mark(
            "No search this time. A second network, the decoder, was trained on thousands of photographs to give back "
            "the photograph from the numbers of one [[layer]]. Nothing else goes in. Its maps grow by [[transposed "
            "convolution]], and one pass through it is enough."
        ),
        look=mark("The answer at the right, and below it the sizes on the way."),
        values={"image": IMAGE, "layer": MIDDLE},
        parts=("made", "sizes"),
    ),
    Scene(
        title=mark("Blurred means unknown"),
        text=mark(
            "A decoder cannot bring back what [[max pooling]] and the [[rectifier]] dropped. Where many photographs "
            "have the same numbers, the squared error is smallest at their mean. So the answer is blurred where the "
            "layer leaves things open: blurred means unknown."
        ),
        look=mark("Whiskers and fur, and the error above the picture."),
        values={"image": IMAGE, "layer": MIDDLE},
        parts=("made",),
        controls=("layer",),
        ask=deeper,
        then={"layer": LAST},
    ),
    Scene(
        title=mark("Sharp does not mean true"),
        text=mark(
            "From an early layer the answer is sharp. Sharp means that the training photographs agree there, not that "
            "it is so. Go through the picture block by block, and on most photographs you will find: from an early "
            "layer, the sharpest places are the most wrong."
        ),
        look=mark("Edges and fine lines, left and right."),
        values={"image": IMAGE, "layer": "relu2"},
        parts=("photograph", "made"),
        controls=("layer", "image"),
    ),
    Scene(
        title=mark("Nothing but numbers"),
        text=mark(
            "Change the numbers, and the answer changes. Here the right half of the map comes from another photograph. "
            "The decoder knows nothing of that: it paints one picture from both halves. Its training photographs are "
            "its [[prior]]: with numbers that fit none of them it is at a loss."
        ),
        look=mark("The seam in the middle. Then silence the strongest channels."),
        values={"image": IMAGE, "layer": MIDDLE, "change": "swap"},
        parts=("made",),
        controls=("change",),
    ),
    Scene(
        title=mark("One pass, or 512 steps"),
        text=mark(
            "Feed the answer back into the network: its features differ a lot from those that were given, because it "
            "is blurred. A search of 512 steps matches the features directly, and adds a liking for smooth pictures. "
            "Neither is the photograph; the decoder needs one pass."
        ),
        look=mark("The decoder's answer, and the last line: its feature error."),
        values={"image": IMAGE, "layer": COMPARED},
        parts=("made", "search", "features"),
        controls=("beside",),
        ask=against_search,
        then={"beside": "search"},
    ),
    Scene(
        title=mark("First the guess, then the steps"),
        text=mark(
            "Both together: start at the decoder's answer, and go 160 steps towards the features without moving far. "
            "What the layer knows comes back: from relu2 on, the feature error of most photographs falls to less than "
            "a tenth. What it does not know stays about as the decoder guessed it."
        ),
        look=mark("The third picture: more detail than in the second, and hardly another error in pixels."),
        values={"image": IMAGE, "layer": MIDDLE, "beside": "refined"},
        parts=("made", "refined"),
        controls=("layer", "image"),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a photograph, a layer, and a change of its numbers. Which kinds of photographs does the decoder "
            "give back well, and which not? Where it fails, is the answer blurred, or is it sharp and wrong?"
        ),
        controls=None,
    ),
)
