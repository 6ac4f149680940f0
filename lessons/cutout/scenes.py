"""The story of cutting out: an object by its name, the map and its seeds, matting, a wall taken for a sign, a hand."""

from __future__ import annotations

from deconvviz.tasks.cutout import evaluate
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.cutout import run

#: What goes wrong: the picture, the map and the shares of the scene that shows it.
WRONG = ("stop", run.Choice("", "gradient", 10, 20))
#: Dots on and around the stop sign.
DOTS = (
    "ocljfonri0oi0cyoi0pwo7xjfoc8eeopwn1oi0jfon1doodbohoi0g7oi0moo5yjfou8jfb2j77"
    "b2jjfbxgjfbi026bi0y6b904bbwewebss4bb3mweb3m26bxg90"
)


def sure() -> Guess:
    """What overlap comes out where the network is surest of the class."""
    subject = run.drawn(WRONG[0])
    found = run.cut(subject, WRONG[1])
    assert not isinstance(found, str)
    assert subject.truth is not None
    overlap, off = run.figures(found, subject.truth)["iou"], run.astray(found, subject.truth)
    options = {"high": t("above 0.8"), "half": t("0.4 to 0.8"), "low": t("below 0.4")}
    reason = t(
        "The IoU is {overlap}: {off} % of the object’s seeds lie on the wall. A sure name is not a sure place.",
        overlap=f"{overlap:.2f}",
        off=f"{100 * off:.0f}",
    )
    answer = "high" if overlap > 0.8 else "half" if overlap > 0.4 else "low"
    return Guess(
        prompt=t(
            "Before you look: the network is {sure} % sure of the stop sign. What is the IoU of its cut-out?",
            sure=f"{100 * (found.probability or 0.0):.0f}",
        ),
        options=options,
        answer=answer,
        reasons=dict.fromkeys(options, reason),
    )


def better() -> Guess:
    """Whether cutting out by a class beats a threshold that knows nothing."""
    row = evaluate.measured_robustness()["rows"][0]
    options = {
        "cut": t("the cut-out, by far"),
        "close": t("they are close: less than 0.1 apart"),
        "plain": t("the threshold, by far"),
    }
    ahead = row["iou"] - row["iou_threshold"]
    reason = t(
        "Mean IoU is {mine} for the cut-out and {plain} for the threshold.",
        mine=f"{row['iou']:.2f}",
        plain=f"{row['iou_threshold']:.2f}",
    )
    return Guess(
        prompt=t("Before you look at the table: whose mean overlap is larger on the photographs as they are?"),
        options=options,
        answer="close" if abs(ahead) < 0.1 else "cut" if ahead > 0 else "plain",
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("A name, and no outline"),
        text=mark(
            "A network learned 102 names from photographs. Nobody ever showed it an outline. Here it is asked for one "
            "of the names, yin and yang, and the object comes out with a soft edge. The scene is drawn, so the truth "
            "is known: of all pixels that are cut out or should be, 89 % are both."
        ),
        look=mark("Drag the divider. That share is the IoU, intersection over union."),
        values={"view": "answer"},
        parts=("answer",),
        controls=("ground",),
    ),
    Scene(
        title=mark("From a map to seeds"),
        text=mark(
            "Sent back from the [[score]] of the class, a signal marks the pixels that the score is connected with "
            "most. The strongest tenth becomes seeds of the object, the weakest 40 % seeds of the background, and the "
            "rest stays open: a [[trimap]]. The map knows where, but it knows no edge."
        ),
        look=mark("Green seeds on the object, orange on the lawn: only few are on the wrong side."),
        values={"view": "seeds"},
        parts=("seeds", "map"),
        controls=("map", "shares"),
    ),
    Scene(
        title=mark("Colour finds the edge"),
        text=mark(
            "[[matting|Matting]] fills the rest. Every pixel is a blend of object and background, and alpha is the "
            "share of the object. In each window of 3 × 3 pixels alpha should be as close as possible to a linear "
            "function of colour: so it spreads over even surfaces and stops at edges. One system of equations gives "
            "it everywhere."
        ),
        look=mark("Alpha fills the disc that the seeds only touch. Below, the blend of one pixel of the edge."),
        values={"view": "matte"},
        parts=("alpha", "blend"),
        controls=("shares",),
    ),
    Scene(
        title=mark("Sure, and wrong"),
        text=mark(
            "A stop sign before a wall: the network is surer than before, 98 % instead of 88 %. But its score rests on "
            "whatever tells this class from the others, and the map of its [[gradient]] lights up where the bricks "
            "are. Matting believes every seed. It cannot know that a seed is wrong."
        ),
        look=mark("The class map; after your answer, what is cut out, and the seeds that did it."),
        values={"source": "stop", "map": "gradient", "shares": "10-80", "view": "map"},
        parts=("map", "answer", "seeds"),
        ask=sure,
        then={"view": "wrong"},
    ),
    Scene(
        title=mark("25 dots of a hand"),
        text=mark(
            "The same wall without any network: 25 dots on the sign and around it are the only seeds. The overlap "
            "rises to 0.99. So matting was never the weak part; the seeds were. Rub some of the dots out, and see "
            "which of them matter."
        ),
        look=mark("The dots, and alpha beside them: white as far as the sign reaches."),
        values={"source": "stop", "map": "hand", "dots": DOTS, "view": "matte"},
        parts=("seeds", "alpha"),
    ),
    Scene(
        title=mark("Against a threshold"),
        text=mark(
            "How good is it really? It needs a rival that knows no class: a threshold of brightness, chosen by Otsu’s "
            "rule. Fourteen photographs with true mattes decide, as they are, with noise, and in other light. On this "
            "motorbike nobody knows the truth, but one sees that tank and fork are lost."
        ),
        look=mark("The motorbike; after your answer, the table: the better number of each row is bold."),
        values={"source": "photo", "map": "gradient", "shares": "10-80", "view": "answer"},
        parts=("answer", "table"),
        ask=better,
        then={"view": "table"},
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Bring a photograph, choose a class and a map, and set dots where the seeds are wrong. How few dots does "
            "your object need? Try a class that is not in the picture: something is cut out all the same. What does "
            "that tell you of the first scene?"
        ),
        controls=None,
    ),
)
