"""The story of pooling: one number survives, where it goes back to, whose switches, windows that overlap, ties."""

from __future__ import annotations

import numpy as np

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.pooling import picture
from lessons.pooling.unpool_variants import VARIANTS, Pooling


def in_one_cell() -> Guess:
    """How many of the nine maxima of the hills stand in the cell that is taken for the middle, the first of four."""
    pooling = Pooling(picture.picture("hills", ""), 2, 2, ((0, 0), (0, 0)))
    true, middle = (np.asarray(VARIANTS[way][1](pooling.pooled[0], pooling)) for way in ("true", "centre"))
    right = int(np.count_nonzero((true == middle) & (true > 0)))
    windows = pooling.pooled[0].size
    return Guess(
        prompt=t("Before you look: put each maximum into the first of the four cells. How many of the nine are right?"),
        options={str(n): str(n) for n in (0, right, windows)},
        answer=str(right),
        reasons={
            "0": t("Some maxima do stand there, by luck."),
            str(windows): t("A maximum may stand in any of the four cells of its window."),
            str(right): t("The others stood in another cell of their window, and nothing remembers which."),
        },
    )


def shared() -> Guess:
    """What four windows with the same maximum bring back to its cell."""
    pooling = Pooling(picture.picture("peak", ""), 3, 2, ((0, 0), (0, 0)))
    back = np.asarray(VARIANTS["true"][1](pooling.pooled[0], pooling))
    top, windows = int(pooling.x.max()), int(np.count_nonzero(np.asarray(pooling.pooled[0]) == pooling.x.max()))
    total, lost = str(int(back.max())), t("Then the values of the other windows would be lost.")
    return Guess(
        prompt=t(
            "Before you look: all windows with the peak send {top} to its cell. What does the adjoint put?", top=top
        ),
        options={n: n for n in (str(top), str(2 * top), total)},
        answer=total,
        reasons={
            str(top): lost,
            str(2 * top): t("Count the windows that hold the peak: there are {windows}.", windows=windows),
            total: t("What arrives at one cell adds up: {windows} windows, {top} each.", windows=windows, top=top),
        },
    )


SCENES = (
    Scene(
        title=mark("Four numbers, one survives"),
        text=mark(
            "[[max pooling|Max pooling]] looks through a small window and keeps the largest number that it sees. The "
            "window here is two rows high and two columns wide. Choose a cell of **y** and see its window in **x**. "
            "Choose a cell of **x** to raise it by one (0 follows 9): when does y change?"
        ),
        look=mark("Each arrow starts at the number that survived."),
        parts=("maxima",),
    ),
    Scene(
        title=mark("Can you undo it?"),
        text=mark(
            "Nine numbers are left of forty-two. To go back we need a picture of the old size. The simplest way "
            "fills each window with its maximum. Another picks one cell: the middle of a window, or the first of four "
            "where no cell is in the middle. Neither knows where the maximum stood."
        ),
        look=mark("What comes back, beside the picture above it."),
        values={"way": "nearest"},
        parts=("back",),
        controls=("way",),
        ask=in_one_cell,
        then={"way": "centre"},
    ),
    Scene(
        title=mark("Remember the place"),
        text=mark(
            "The cure is cheap: while pooling, note where each maximum stood. That note is its [[switch]]. Going back, "
            "each value returns to its own place, and all other cells are zero. With the switches held fixed, pooling "
            "only copies cells. That is linear, and [[unpooling]] is its [[adjoint]]."
        ),
        look=mark("A switch is one number, 7 r + c, for row r and column c."),
        parts=("switches", "back"),
    ),
    Scene(
        title=mark("Somebody else's switches"),
        text=mark(
            "Switches belong to one picture. Here the values come from the hills, but the switches from "
            "the same picture turned by 180°. The values are right and the places are not. DeconvNet relies on this: "
            "its maps are drawn where the picture's own maxima stood."
        ),
        look=mark("The arrows end in cells where no maximum was, and the checks fail."),
        values={"way": "other"},
        parts=("back", "checks"),
        controls=("way",),
    ),
    Scene(
        title=mark("Windows that overlap"),
        text=mark(
            "Let the windows overlap. One peak can now be the maximum of several windows, and their values come home "
            "to the same cell. Code that assigns keeps only the last of them. Code that adds keeps all, and only "
            "that passes the dot test of an adjoint."
        ),
        look=mark("The cell at row 2, column 2, and the sum below it."),
        values={"picture": "peak", "window": "3", "cell": "1,1", "way": "overwrite"},
        parts=("back", "checks"),
        controls=("way",),
        ask=shared,
        then={"way": "true"},
    ),
    Scene(
        title=mark("Nothing but ties"),
        text=mark(
            "Every cell is 1, so every window is a tie. The first cell in reading order wins; any rule would do, but "
            "forward and backward have to use the same. Whatever was not a maximum is gone for good: unpooling is no "
            "inverse. It keeps places, not pictures."
        ),
        look=mark("All values sit at the top left of their windows."),
        values={"picture": "flat", "stride": "1", "cell": "0,0", "back": "0,0"},
        parts=("back",),
        controls=("window", "stride"),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Build hills of your own: each click raises a cell by one. Change window, stride and what happens to "
            "windows that hang over the edge. Can you find a picture that unpooling brings back exactly? When does "
            "overwriting pass the checks all the same?"
        ),
        controls=None,
    ),
)
