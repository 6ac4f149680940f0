"""The story of the capstone: four networks, three faults, a hypothesis from maps, tests that decide, a report."""

from __future__ import annotations

from deconvviz.models import planted
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.capstone import run

#: The case that the story is told on; the last scene opens another.
DEMO = 7


def exposes_none() -> Guess:
    """Which figure tells the four networks least apart: the one on their own training pictures."""
    spread = {
        "own": max(map(run.own, planted.FAULTS)) - min(map(run.own, planted.FAULTS)),
        **{test: (max(result.values()) - min(result.values())) / run.PICTURES
           for test in ("new", "mark") for result in [run.counts(DEMO, test)]},
    }  # fmt: skip
    said = {
        name: t("The best and the worst of the four are {points} points of a hundred apart.", points=round(100 * value))
        for name, value in spread.items()
    }
    return Guess(
        prompt=t("Before you look: which figure tells these four networks least apart?"),
        options={
            "own": t("right answers where each was trained"),
            "new": t("right answers on new pictures"),
            "mark": t("answers that change with the mark"),
        },
        answer=min(spread, key=spread.__getitem__),
        reasons=said,
    )


def moved_by_the_mark() -> Guess:
    """How many of 24 answers the mark changes in the network that rests on it."""
    letter = next(letter for letter, fault in run.order(DEMO).items() if fault == "watermark")
    count = run.count(DEMO, letter, "mark")
    said = t("{count} of 24 in this case.", count=count)
    return Guess(
        prompt=t(
            "Before you look: one network rests on the mark. How many of its 24 answers change with the mark alone?"
        ),
        options={"few": t("fewer than 8"), "half": t("8 to 16"), "most": t("more than 16")},
        answer="few" if count < 8 else "half" if count <= 16 else "most",
        reasons=dict.fromkeys(("few", "half", "most"), said),
    )


SCENES = (
    Scene(
        title=mark("Four networks, one task"),
        text=mark(
            "Networks A to D tell a handwritten 3 from an 8 on a photograph. They have the same layers, and each is "
            "nearly always right on the pictures that it was trained on. The small square pattern is a mark, as a "
            "camera might leave one; the ground is warm or cool. Which of the four would you trust?"
        ),
        look=mark("The picture, and what the chosen network says."),
        values={"case": str(DEMO), "test": "map"},
        parts=("pictures",),
        controls=("picture", "network"),
    ),
    Scene(
        title=mark("One is honest, three are not"),
        text=mark(
            "One learned from good pictures. In one network's pictures every 8 had the mark and no 3. In another's, "
            "every 8 stood on a cool ground. The labels of the last were shuffled, and it learned them by heart. On "
            "new pictures digit, mark and ground have nothing to do with each other."
        ),
        look=mark("Once you have answered: right answers on 24 new pictures. 12 would be chance."),
        values={"case": str(DEMO), "test": "map"},
        parts=("figures",),
        controls=("network",),
        ask=exposes_none,
        then={"test": "new"},
    ),
    Scene(
        title=mark("A map gives a hypothesis"),
        text=mark(
            "Where does the map of each network lie: on the digit, on the mark, or on the ground? Look at several "
            "pictures, with the mark and without. Write down what you expect of each network before you test it. A "
            "map is where a hypothesis comes from. It decides nothing."
        ),
        look=mark("The map, and its shares on the parts of the picture."),
        values={"case": str(DEMO), "test": "map"},
        parts=("pictures", "figures"),
        controls=("network", "picture"),
    ),
    Scene(
        title=mark("A test changes one thing"),
        text=mark(
            "If a network rests on the mark, its answers move with the mark and with nothing else. So put the mark on "
            "where it is missing, take it off where it is, and leave every other pixel as it was. Count the answers "
            "that change."
        ),
        look=mark("All four networks in one figure."),
        values={"case": str(DEMO), "test": "mark"},
        parts=("figures",),
        controls=("network", "picture"),
        ask=moved_by_the_mark,
    ),
    Scene(
        title=mark("A figure alone says nothing"),
        text=mark(
            "Eight changed answers: many or few? Only the other networks beside it tell. And a fault that no test "
            "moves shows nowhere by itself: shuffled labels are found where a network fails on new pictures, and "
            "neither the mark nor the ground explains it."
        ),
        look=mark("Which network stands out in which test?"),
        values={"case": str(DEMO), "test": "ground"},
        parts=("figures",),
        controls=("test",),
    ),
    Scene(
        title=mark("Yours: the audit"),
        text=mark(
            "The case is a new one now, its networks in another order. State your hypothesis, test it, and give each "
            "network a verdict with the test that shows it. The exercise below tells you whether the verdicts are "
            "right, and then the rubric whether your evidence can carry them. Keep the report."
        ),
        controls=None,
    ),
)
