"""The story of inversion: a picture searched for from a layer's numbers alone, and what the search had to add."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.run import shipped

#: What the question compares.
EARLY, DEEP = "relu4", "relu7"


def deeper() -> Guess:
    """How the two errors of the picture from a deep layer compare with those from an earlier one."""
    (feature, pixels), (feature_deep, pixels_deep) = (shipped.facts()[f"optimize/{one}"][:2] for one in (EARLY, DEEP))
    both = {(True, True): "larger", (False, True): "pixels", (True, False): "feature", (False, False): "smaller"}
    reason = t(
        "Feature error {feature} at {early} and {feature_deep} at {deep}; error in pixels {pixels} and {pixels_deep}.",
        early=EARLY,
        deep=DEEP,
        feature=f"{feature:.4f}",
        feature_deep=f"{feature_deep:.4f}",
        pixels=f"{pixels:.3f}",
        pixels_deep=f"{pixels_deep:.3f}",
    )
    options = {
        "larger": t("both are larger"),
        "pixels": t("only the error in pixels is larger"),
        "feature": t("only the feature error is larger"),
    }
    return Guess(
        prompt=t("Before you look: how do the errors of {deep} compare with those of {early}?", deep=DEEP, early=EARLY),
        options=options,
        answer=both[feature_deep > feature, pixels_deep > pixels],
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("Begin with noise"),
        text=mark(
            "Only the numbers of one layer are given. Begin with noise, run it through the network, compare the "
            "layer's numbers with those of the photograph, and change the picture so that the [[loss]] falls. "
            "Nothing is sent back from one unit: the whole layer is matched."
        ),
        look=mark("The picture on the right was noise at step 0, and knows only relu4."),
        parts=("made",),
    ),
    Scene(
        title=mark("Near the pixels"),
        text=mark(
            "The feature error is the squared distance between the two answers of the layer, over the squared length "
            "of the photograph's. From the first rectifier the search comes very close: feature error and error in "
            "pixels are both below 0.0004. Nearly everything is still there."
        ),
        look=mark("The two errors above the picture, and how many numbers relu1 has."),
        values={"layer": "relu1"},
        parts=("made", "facts"),
    ),
    Scene(
        title=mark("Far from the pixels"),
        text=mark(
            "The last map says 3 072 numbers about the 49 152 of the picture. A search can match them well all the "
            "same, with a picture that differs from the photograph. Where the feature error is small and the pixels "
            "differ, the layer hardly tells the two pictures apart."
        ),
        look=mark("What is left of eyes, nose and colours."),
        values={"layer": "relu4"},
        parts=("made",),
        controls=("layer",),
        ask=deeper,
        then={"layer": "relu7"},
    ),
    Scene(
        title=mark("What the search adds"),
        text=mark(
            "Many pictures match equally well, so the search has to prefer some: those with little [[total "
            "variation]], whose neighbouring pixels agree, and with no colour too strong. This preference, the prior, "
            "is ours, not the network's. Take it away, press the button, and see what it did."
        ),
        look=mark("Fine patterns: with the prior, and without it."),
        values={"layer": "relu4"},
        parts=("made",),
        controls=("prior",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose layer, photograph, seed. The steps may move pixels, or waves of every [[frequency]]: the same "
            "pictures can be reached, by another path. Which parts of the picture from relu7 stay when the seed "
            "changes? What changes was made up by the search."
        ),
        controls=None,
    ),
)
