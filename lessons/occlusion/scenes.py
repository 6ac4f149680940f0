"""The story of occlusion: cover a square, cover every square, compare with maps, and doubt the cover."""

from __future__ import annotations

from deconvviz.checks.randomization import rank_correlation
from lessons._kit.draw.pixels import hundredths
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.run.pictures import PHOTOS
from lessons.occlusion import picture, run

FIRST = "cat"
#: The method whose map of the cat agrees most with occlusion: what the third scene then shows.
NEAREST = "gradient_x_input"


def rising() -> Guess:
    """In how many of the 64 squares covering raises the score of the cat's class."""
    count = int((run.falls(FIRST, "grey", 16) < 0).sum())
    said = t("In {count} of 64 squares: what is there spoke against the class, or grey speaks for it.", count=count)
    return Guess(
        prompt=t("Before you look: in how many of the 64 squares does the score rise when the square is covered?"),
        options={"none": t("in none"), "few": t("in one to ten"), "many": t("in more than ten")},
        answer="none" if count == 0 else "few" if count <= 10 else "many",
        reasons=dict.fromkeys(("none", "few", "many"), said),
    )


def nearest() -> Guess:
    """Whose map of the cat orders the squares most as occlusion does."""
    result = {method: run.agreement(FIRST, method, "grey", 16) for method in run.METHODS}
    return Guess(
        prompt=t("Before you look: whose map puts the squares most into occlusion's order?"),
        options={method: t(picture.NAMES[method]) for method in run.METHODS},
        answer=max(result, key=result.__getitem__),
        reasons={
            method: t("Its rank correlation with occlusion is {value}.", value=hundredths(value))
            for method, value in result.items()
        },
    )


def same_again() -> Guess:
    """How like the falls are when the cover is the blurred photograph in place of grey."""
    result = rank_correlation(run.falls(FIRST, "grey", 16), run.falls(FIRST, "blur", 16))
    said = t("The rank correlation of the two tables is {value}.", value=hundredths(result))
    return Guess(
        prompt=t(
            "Before you look: cover with the blurred photograph instead. How similar is the table to the one before?"
        ),
        options={
            "same": t("almost the same: above 0.9"),
            "half": t("in part: 0.3 to 0.9"),
            "other": t("hardly: below 0.3"),
        },
        answer="same" if result > 0.9 else "half" if result >= 0.3 else "other",
        reasons=dict.fromkeys(("same", "half", "other"), said),
    )


def agreement_of_all() -> Guess:
    """The range in which all methods' mean agreement over the photographs lies."""
    top = max(run.over_all(method, "grey", 16).mean for method in run.METHODS)
    said = t("The largest mean over {count} photographs is {value}.", count=len(PHOTOS), value=f"{top:.2f}")
    return Guess(
        prompt=t("Before you look: over all photographs, how large is the best method's mean agreement?"),
        options={"high": t("above 0.7"), "middle": t("0.4 to 0.7"), "low": t("below 0.4")},
        answer="high" if top > 0.7 else "middle" if top >= 0.4 else "low",
        reasons=dict.fromkeys(("high", "middle", "low"), said),
    )


SCENES = (
    Scene(
        title=mark("Ask the network itself"),
        text=mark(
            "Cover a square of the photograph with grey and ask again: how large is the [[score]] of the class now? No "
            "derivative, no rule at any rectifier, nothing but the network's own answer. So occlusion can testify for "
            "or against a map. Choose squares in the table."
        ),
        look=mark("The covered square, and the score before and after."),
        values={"cell": "3,4"},
        parts=("photographs",),
    ),
    Scene(
        title=mark("Every square in turn"),
        text=mark(
            "Sixty-four squares, sixty-four questions: the falls of the score are a map. It is as coarse as its "
            "square, and it costs as many forward passes as there are squares. In return its numbers mean something: "
            "each is a change of the score that did happen."
        ),
        look=mark("The table: a number below zero is a score that rose."),
        values={"cell": "0,0"},
        parts=("falls",),
        ask=rising,
        then={"cell": "2,5"},
    ),
    Scene(
        title=mark("Compare with maps"),
        text=mark(
            "Now average a map in each of the squares, and ask whether it puts them into the same order. Where its "
            "values speak for and against, the signs count; elsewhere the strengths are compared. A map that "
            "explains the score should find the squares that the score rests on."
        ),
        look=mark("The bars: 1 would be the same order, 0 none."),
        values={"method": "guided"},
        parts=("bars",),
        controls=("method",),
        ask=nearest,
        then={"method": NEAREST},
    ),
    Scene(
        title=mark("Grey is a thing, too"),
        text=mark(
            "A grey square is nothing to us. To the network it is a thing like any other: it brings edges of its own, "
            "and grey may speak for a class. Cover with the blurred photograph instead, and the table changes. So "
            "every number here answers one question: compared with what?"
        ),
        look=mark("The table changes with the cover."),
        parts=("falls",),
        controls=("cover",),
        ask=same_again,
        then={"cover": "blur"},
    ),
    Scene(
        title=mark("How large a square?"),
        text=mark(
            "Two eyes may do the same work: cover one, and the other still speaks. A small square then shows nothing "
            "where a larger one shows much. The squares are now four times as large, and there are sixteen. Do the "
            "falls of four small squares add up to that of the large one?"
        ),
        look=mark("The larger squares, and their falls."),
        values={"patch": "32", "cell": "1,1"},
        parts=("falls",),
        controls=("patch", "cover"),
    ),
    Scene(
        title=mark("Eleven photographs"),
        text=mark(
            "One cat is no evidence. The bars are now means over eleven photographs, each explained for the class that "
            "the network finds in it, with 95 % intervals. None reaches below zero: every method agrees with occlusion "
            "more than chance would. None does so by much, and none stands out: each interval holds the means of all "
            "others."
        ),
        look=mark("How long the longest bar is, and how far the intervals overlap."),
        values={"method": "gradient_x_input"},
        parts=("bars",),
        controls=("over", "patch"),
        ask=agreement_of_all,
        then={"over": "all"},
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose photograph, cover, size and method. Find a photograph where a map and occlusion agree, and one "
            "where they do not. Which do you believe there, and what would you have to measure to decide?"
        ),
        controls=None,
    ),
)
