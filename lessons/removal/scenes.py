"""The story of deletion and insertion: cover what counts, compare with chance, change the cover, and turn it round."""

from __future__ import annotations

from deconvviz.checks.audit import controls
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.removal import picture, run

FIRST = "cat"
#: Whose order of the cat's pixels has the smallest area of the four that are asked about: the second scene shows it.
SMALLEST = "deconvnet"
ASKED = (controls.RANDOM, controls.EDGES, "deconvnet", "guided")


def fastest() -> Guess:
    """Which of four orders makes the probability of the cat's class fall fastest."""
    result = {order: run.area(FIRST, order, "deletion", "grey") for order in ASKED}
    return Guess(
        prompt=t("Before you look: of these four orders, which has the smallest area, so that the class goes first?"),
        options={order: t(picture.NAMES[order]) for order in ASKED},
        answer=min(result, key=result.__getitem__),
        reasons={
            order: t("The area under its curve is {value}.", value=f"{area:.3f}") for order, area in result.items()
        },
    )


def place_of_chance() -> Guess:
    """The place of the random order among the six over all photographs, with the blurred photograph as cover."""
    before, after = (run.ranking("deletion", cover).index(controls.RANDOM) + 1 for cover in run.COVERS)
    said = t("With grey it has place {before}, with the blurred photograph place {after}.", before=before, after=after)
    return Guess(
        prompt=t(
            "Before you look: with grey the random order has place {before} of {count} over all photographs. And with "
            "the blurred photograph as cover?",
            before=before,
            count=len(run.ORDERS),
        ),
        options={"better": t("a better place"), "same": t("the same place"), "worse": t("a worse place")},
        answer="better" if after < before else "same" if after == before else "worse",
        reasons=dict.fromkeys(("better", "same", "worse"), said),
    )


SCENES = (
    Scene(
        title=mark("Delete what counts"),
        text=mark(
            "A map calls some pixels important. If it is right, the class should go when they go. So exchange them for "
            "grey, an eighth of all pixels at a time, the most important first, and read the probability of the "
            "class after every step."
        ),
        look=mark("The picture on the right, and the number below it, while you move the slider."),
        values={"order": "guided", "steps": "1"},
        parts=("maps",),
        controls=("steps",),
    ),
    Scene(
        title=mark("Compared with chance"),
        text=mark(
            "The area under the curve is the verdict: the smaller, the sooner the class goes. What is a good number? "
            "Two more orders know nothing of the network: pixels drawn at random, and those that an edge detector "
            "finds strongest. A map that explains the network should beat both."
        ),
        look=mark("The dotted curve, and its place in the table."),
        values={"order": "guided", "steps": "1"},
        parts=("curves", "areas"),
        without=("maps",),
        ask=fastest,
        then={"order": SMALLEST},
    ),
    Scene(
        title=mark("Eleven photographs"),
        text=mark(
            "Perhaps the cat is an exception. So take means over eleven photographs. For the gradient, DeconvNet and "
            "guided backpropagation the interval of what they gain over chance holds 0: deletion cannot tell them from "
            "it. Only gradient × input does better than chance; edges do worse."
        ),
        look=mark("The intervals in the table, and how close four of the curves lie."),
        values={"order": "guided", "steps": "2", "over": "all"},
        parts=("curves", "areas"),
        without=("maps",),
        controls=("over",),
    ),
    Scene(
        title=mark("Another cover, another verdict"),
        text=mark(
            "Scattered grey specks are a thing that no photograph shows: with three random eighths of the pixels grey, "
            "the cat's class is nearly gone. The blurred photograph is a milder cover. The maps stay as they are; "
            "should their ranking not stay too?"
        ),
        look=mark("The order of the rows in the table."),
        values={"order": "random", "steps": "3", "over": "all"},
        parts=("maps", "areas"),
        without=("curves",),
        ask=place_of_chance,
        then={"cover": "blur"},
    ),
    Scene(
        title=mark("Insert instead"),
        text=mark(
            "Turn it round: begin with the blurred photograph and bring in the most important pixels. Now a large area "
            "is good. DeconvNet beats chance here, as it did in deletion with this cover. But so does the edge "
            "detector, which knows nothing of the network, and its mean is above DeconvNet's."
        ),
        look=mark("The intervals again, and the place of the edge detector."),
        values={"order": "edges", "kind": "insertion", "cover": "blur", "steps": "4", "over": "all"},
        parts=("curves", "areas"),
        without=("maps",),
        controls=("kind",),
    ),
    Scene(
        title=mark("More than the whole"),
        text=mark(
            "Gradient × input wins, but look how. With the last eighth of the pixels still blurred the probability is "
            "more than three times that of the whole photograph: what speaks against the class is left out. The metric "
            "rewards an order that drives the probability up, on pictures that no camera takes."
        ),
        look=mark("The thick curve just before its end."),
        values={"order": "gradient_x_input", "kind": "insertion", "cover": "blur", "steps": "7"},
        parts=("maps", "curves"),
        controls=("steps",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose photograph, order and cover. Find a photograph where deleting at random is the best of the six, "
            "and one where the edge detector is. What would you have to report beside an area, so that others can "
            "judge it?"
        ),
        controls=None,
    ),
)
