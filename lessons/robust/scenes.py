"""The story of the robust network: how it was trained, its gradient, what it withstands, and the price."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.photo.twins import NAMES as TRAINED
from lessons._kit.run.pictures import PHOTOS
from lessons.robust import run

FIRST = "cat"
_SHORT, _LONG = (str(radius) for radius in run.RADII)


def whose() -> Guess:
    """Which of the two gradients is the robust network's?"""
    said = t("The right one is the robust network's: the face is drawn. The other is grain.")
    return Guess(
        prompt=t("Before you see the names: which gradient is that of the network that was attacked?"),
        options={"left": t("the left one"), "right": t("the right one"), "neither": t("I see no difference")},
        answer="right",  # the maps stand in the order of `TRAINED`
        reasons=dict.fromkeys(("left", "right", "neither"), said),
    )


def turned_although_robust() -> Guess:
    """On how many photographs the shorter change turns the class of the network that was attacked in training."""
    plain, robust = (len(PHOTOS) - run.kept(training, run.RADII[0]) for training in TRAINED)
    said = t("Of {count} photographs {robust} turn; the plain network's class turns on {plain}.", count=len(PHOTOS),
             robust=robust, plain=plain)  # fmt: skip
    return Guess(
        prompt=t("Before you look: on how many photographs does the shorter change turn the robust network's class?"),
        options={"few": t("on three or fewer"), "some": t("on four to eight"), "most": t("on more than eight")},
        answer="few" if robust <= 3 else "some" if robust <= 8 else "most",
        reasons=dict.fromkeys(("few", "some", "most"), said),
    )


SCENES = (
    Scene(
        title=mark("Moved against it"),
        text=mark(
            "A change that the eye hardly sees turns the plain network's answer. The robust network's training went on "
            "from the plain one's weights: every photograph was first moved one step against the network, at most as "
            "far as the longer change here, and the network learned to name it all the same."
        ),
        look=mark("The change in the middle, and the names left and right."),
        values={"training": "plain", "radius": _LONG},
        parts=("photographs",),
        controls=("training",),
    ),
    Scene(
        title=mark("Two gradients"),
        text=mark(
            "Both networks have the same shape, and both see the same unchanged cat. The gradient says how the score "
            "of the class changes with each pixel. In training each photograph was moved along "
            "such a gradient; what turned answers there, the network had reason to rely on less."
        ),
        look=mark("Where you can find the cat's eyes and its muzzle."),
        values={"rule": "gradient", "names": "hidden"},
        parts=("maps",),
        ask=whose,
        then={"names": "shown"},
    ),
    Scene(
        title=mark("Clearer. And truer?"),
        text=mark(
            "The robust gradient has less than half as much grain. But a map that people can read need not say what "
            "counts. So cover squares with grey and see how far the score falls. The robust gradient does not rank "
            "the squares better: on eleven photographs its mean is not above the plain one's, and the intervals "
            "overlap."
        ),
        look=mark("Both pairs of bars and their 95 % intervals."),
        values={"rule": "gradient", "figures": "follows"},
        parts=("bars",),
        without=("photographs",),
        controls=("image",),
    ),
    Scene(
        title=mark("What still turns it"),
        text=mark(
            "Robust does not mean safe. A change was made for each network in ten steps, on eleven photographs. The "
            "robust one turns less often, but it turns. Of the 204 validation photographs, moved by the longer "
            "change, it names 60.3 percent, the plain one 39.2."
        ),
        look=mark("After your answer: the bars of both lengths."),
        values={"training": "robust", "radius": _SHORT, "figures": "follows"},
        parts=("bars",),
        without=("maps",),
        controls=("image",),
        ask=turned_although_robust,
        then={"figures": "turned"},
    ),
    Scene(
        title=mark("The price"),
        text=mark(
            "Of 204 validation photographs the robust network names 75.5 percent, the plain one 77.0: three "
            "photographs fewer, within the error of such a count. These are two networks from one training run each. "
            "They show what can happen; they give no verdict on such training in general."
        ),
        look=mark("The two bars are almost as long."),
        values={"figures": "price"},
        parts=("bars",),
        without=("photographs",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose photograph, network and rule. On which photographs does the robust gradient draw the thing, and "
            "where does it draw nothing that you can name? Do DeconvNet's and the guided maps differ as much between "
            "the networks as the gradients do?"
        ),
        controls=None,
    ),
)
