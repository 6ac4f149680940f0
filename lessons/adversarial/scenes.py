"""The story of small changes: an answer that turns while the map stays, noise, and a map that is turned."""

from __future__ import annotations

from lessons._kit.draw.pixels import hundredths
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.run.pictures import PHOTOS
from lessons.adversarial import picture, run

FIRST = "cat"
#: The rule whose map of the cat changes least with the answer: what the third scene then shows.
STEADIEST = "guided"
_SHORT, _LONG = (str(radius) for radius in run.RADII)


def turned_by_noise() -> Guess:
    """On how many photographs noise turns the class, as long as the change that turned them."""
    noise, made = (run.turned(kind, run.RADII[0]) for kind in ("noise", "class"))
    said = t("Noise turns {noise} of {count}, the change that was made for it {made}.", noise=noise, count=len(PHOTOS),
             made=made)  # fmt: skip
    return Guess(
        prompt=t("Before you look: noise of the same length on each photograph. On how many is the class another?"),
        options={"few": t("on none or one"), "some": t("on two to six"), "most": t("on more than six")},
        answer="few" if noise <= 1 else "some" if noise <= 6 else "most",
        reasons=dict.fromkeys(("few", "some", "most"), said),
    )


def changes_least() -> Guess:
    """Whose map of the cat changes least when the class does."""
    similarities = {rule: run.similarity(FIRST, "class", run.RADII[0], rule) for rule in run.RULES}
    return Guess(
        prompt=t("Before you look: the answer is another one. Whose map of the cat changes least?"),
        options={rule: t(picture.NAMES[rule]) for rule in run.RULES},
        answer=max(similarities, key=similarities.__getitem__),
        reasons={
            rule: t("Its rank correlation with the map before is {value}.", value=hundredths(value))
            for rule, value in similarities.items()
        },
    )


SCENES = (
    Scene(
        title=mark("Two pictures, two answers"),
        text=mark(
            "The eye can hardly tell these two photographs apart: they differ by 0.6 levels of 255 (root mean "
            "square). The network gives them two names. The change between them, shown in the middle, was made for "
            "that. A map of the answer should tell the two apart. Does it?"
        ),
        look=mark("The names under the two photographs."),
        values={"kind": "class", "radius": _SHORT},
        parts=("photographs",),
        controls=("image",),
    ),
    Scene(
        title=mark("Uphill, and back into reach"),
        text=mark(
            "The gradient of a score says which way each pixel raises it. Take a step along the gradient of the second "
            "class's score less the first's; where the change has become too long, shorten it. Ten such steps are "
            "projected gradient ascent. One step is the fast gradient method."
        ),
        look=mark("The change in the middle, and the name on the right."),
        values={"kind": "class", "radius": _SHORT},
        parts=("photographs",),
        ask=turned_by_noise,
        then={"kind": "noise"},
    ),
    Scene(
        title=mark("The answer turned. And the map?"),
        text=mark(
            "On the left is the map of the first answer, on the right that of the second. The [[rank correlation]] "
            "says how alike they are: 1 is the same order of pixels, 0 no relation. A map that shows why the network "
            "answers as it does should change when the answer does."
        ),
        look=mark("The two maps, and the number under the right one."),
        values={"kind": "class", "radius": _SHORT, "rule": "gradient"},
        parts=("maps",),
        ask=changes_least,
        then={"rule": STEADIEST},
    ),
    Scene(
        title=mark("Eleven photographs"),
        text=mark(
            "One cat is an anecdote. Of eleven photographs the change turns ten, and the gradient's map is another "
            "one. DeconvNet's and the guided map stay alike: their intervals lie above the gradient's. Such a map "
            "looks almost the same under a wrong answer as under the right one."
        ),
        look=mark("The first three bars, with their 95 % intervals."),
        values={"kind": "class", "radius": _SHORT, "rule": "guided", "over": "all"},
        parts=("bars",),
        without=("photographs",),
        controls=("over",),
    ),
    Scene(
        title=mark("Or does it change with anything?"),
        text=mark(
            "A map that changed with every faint noise would change here too, and that would mean nothing. So compare: "
            "under noise of the same length all three kinds of map stay alike. The gradient's map went with the "
            "answer. That speaks for it; it does not yet say that the map is right."
        ),
        look=mark("The bars of noise, and below them those of the change that turns the class."),
        values={"kind": "noise", "radius": _SHORT, "rule": "gradient", "over": "all"},
        parts=("bars",),
        without=("photographs",),
        controls=("kind",),
    ),
    Scene(
        title=mark("The reverse"),
        text=mark(
            "Now leave the answer and turn the map: climb so that the values of the last rectifier change most, while "
            "the first class keeps its lead. The class is the same on all photographs, and yet the gradient's map "
            "changes more than by noise of that length. DeconvNet's and the guided map move less."
        ),
        look=mark("The first three bars; the class changes on none."),
        values={"kind": "map", "radius": _LONG, "rule": "gradient", "over": "all"},
        parts=("bars",),
        without=("photographs",),
        controls=("radius",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose photograph, change and rule. Find a photograph whose guided map stays above 0.9 although its class "
            "has turned. Which is worse for a reader: a map that stays when the answer turns, or one that turns when "
            "the answer stays?"
        ),
        controls=None,
    ),
)
