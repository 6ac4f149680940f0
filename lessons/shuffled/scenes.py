"""The story of the randomization test: a map, its network shuffled from the top down, and what the test cannot say."""

from __future__ import annotations

import numpy as np

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.shuffled import picture, run

FIRST = "cat"
#: The rule whose map of the cat changes least with the top layer: what the second scene then shows.
STEADIEST = "guided"


def least_changed() -> Guess:
    """Which rule's map of the cat changes least when the top layer is shuffled."""
    after = {rule: run.similarity(FIRST, rule)[1] for rule in run.RULES}
    return Guess(
        prompt=t("Before you look: the top layer is shuffled. Whose map of the cat changes least?"),
        options={rule: t(picture.NAMES[rule]) for rule in run.RULES},
        answer=max(after, key=after.__getitem__),
        reasons={
            rule: t("Its rank correlation with the map before is {value}.", value=f"{value:.2f}")
            for rule, value in after.items()
        },
    )


def best_in_the_test() -> Guess:
    """Whose maps are least like the first, over all steps: noise, which explains nothing."""
    options = ("gradient", "guided", run.NOISE)
    mean = {rule: float(np.mean(np.abs(run.similarity(FIRST, rule)[1:]))) for rule in options}
    return Guess(
        prompt=t("Before you look: whose maps change most, so that the test finds nothing to blame?"),
        options={rule: t(picture.NAMES[rule]) for rule in options},
        answer=min(mean, key=mean.__getitem__),
        reasons={
            rule: t(
                "Over the eight steps its rank correlation is {value} on average, sign apart.", value=f"{value:.2f}"
            )
            for rule, value in mean.items()
        },
    )


SCENES = (
    Scene(
        title=mark("A map, and a doubt"),
        text=mark(
            "The network names a class, and a map shows the pixels that a backward pass connects with the "
            "[[score]] of that class. It looks convincing: there is the cat. But does it show what the network has "
            "learned, or only what is in the photograph?"
        ),
        look=mark("The map in the middle. The one on the right is still the same."),
        values={"steps": "0", "rule": "guided"},
        parts=("maps",),
        controls=("rule",),
    ),
    Scene(
        title=mark("Destroy what was learned"),
        text=mark(
            "Here is a test. Shuffle the weights of the top layer: the same numbers, each in a wrong place. The scores "
            "now mean nothing. A map that explains them has to become another map. How much it changes is measured by "
            "the [[rank correlation]]: 1 is the same order of pixels, 0 no relation."
        ),
        look=mark("The dotted line: one layer is shuffled."),
        values={"steps": "1", "rule": "gradient"},
        parts=("curves",),
        ask=least_changed,
        then={"rule": STEADIEST},
    ),
    Scene(
        title=mark("Further down"),
        text=mark(
            "Shuffle layer after layer, from the top down. The gradient forgets the map at once. DeconvNet's fades "
            "step by step. Guided backpropagation hardly notices the upper half: its map of a network that can no "
            "longer tell anything still shows the cat. What it shows there is not what the upper layers have learned."
        ),
        look=mark("The map on the right while you move the slider, and its curve."),
        values={"steps": "4", "rule": "guided"},
        parts=("maps", "curves"),
        controls=("steps", "rule"),
    ),
    Scene(
        title=mark("Down to the first layer"),
        text=mark(
            "With all eight layers shuffled, the first one too, nothing is left of DeconvNet's map, and the guided one "
            "is closer to the opposite order. So they are no mere edge filter that would work without a network: they "
            "rest on the lower layers, which find edges and textures. That much of the network they do show."
        ),
        look=mark("The last points: DeconvNet's near 0, that of guided backpropagation below it."),
        values={"steps": "8", "rule": "deconvnet"},
        parts=("curves",),
        controls=("steps", "rule"),
    ),
    Scene(
        title=mark("One photograph is an anecdote"),
        text=mark(
            "A single picture may be an exception. So measure eleven photographs, shuffled by five seeds in turn. The "
            "bars are 95 % intervals of the mean: draw eleven of these photographs with replacement, a thousand times, "
            "and 95 of 100 means lie inside. After one layer the three rules stay apart."
        ),
        look=mark("After one layer the intervals of the three rules do not overlap."),
        values={"steps": "1", "rule": "guided", "over": "all"},
        parts=("curves",),
        controls=("over",),
    ),
    Scene(
        title=mark("What a passed test is worth"),
        text=mark(
            "A map that stays the same fails: it cannot show what was destroyed. Does a map that changes pass? Take "
            "noise that is drawn anew at every step. It knows nothing of picture or network. The test can refute a "
            "map; it cannot show one to be right."
        ),
        look=mark("The curve of the noise."),
        values={"steps": "1", "rule": "gradient"},
        parts=("curves",),
        ask=best_in_the_test,
        then={"rule": run.NOISE},
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose photograph, rule and depth. Find a photograph on which guided backpropagation is still above 0.85 "
            "with half of the layers shuffled. Which layer, once shuffled, makes the guided map fall? What does that "
            "say about where its picture comes from?"
        ),
        controls=None,
    ),
)
