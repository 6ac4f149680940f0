"""The story of segmentation: a street with names, walls called signs, sixteen values, three ways up, what they add."""

from __future__ import annotations

from deconvviz.tasks.segmentation import DECODERS, drawn, predict
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.segmentation import run
from lessons.segmentation.picture import TITLES, WORDS

#: What the scenes show: the decoder, classes to choose among, and the piece that is looked at closely.
DECODER, OFFERED, SPOT = "transposed", ("car", "pedestrian", "sign", "tree"), "car"


def hardest() -> Guess:
    """Which class of the drawn street has the smallest IoU."""
    subject = run.street()
    said = run.answer(subject, DECODER).classes
    result = {}
    for name in OFFERED:
        both, either = run.counts(said, drawn.street().labels, name)
        result[name] = both / either
    return Guess(
        prompt=t("Decide by eye: which of these classes has the smallest IoU here?"),
        options={name: t(WORDS[name]) for name in OFFERED},
        answer=min(result, key=result.__getitem__),
        reasons={name: t("Its IoU is {value}.", value=f"{value:.2f}") for name, value in result.items()},
    )


def best_in_piece() -> Guess:
    """Which decoder has most pixels of the piece right."""
    subject = run.street()
    shares = {name: run.right_in(subject, name, drawn.SPOTS[SPOT]) or 0.0 for name in run.DECODERS}
    return Guess(
        prompt=t("Before you look: whose answer has most pixels of this piece right?"),
        options={name: t(TITLES[name]) for name in run.DECODERS},
        answer=max(shares, key=shares.__getitem__),
        reasons={
            name: t("It has {percent} % of them right.", percent=f"{100 * share:.1f}") for name, share in shares.items()
        },
    )


def gain() -> Guess:
    """How many points of mean IoU the best decoder adds."""
    result = predict.variants()
    figures = {
        name: 100 * about["figures"]["mean_iou"]
        for name, about in result.items()
        if about["options"]["decoder"] in DECODERS
    }
    points = max(figures.values()) - figures["coarse"]
    options = {"1": t("less than one"), "5": t("one to five"), "more": t("more than five")}
    reason = t(
        "Mean IoU is {coarse} % without a decoder and at most {best} % with one.",
        coarse=f"{figures['coarse']:.1f}",
        best=f"{max(figures.values()):.1f}",
    )
    return Guess(
        prompt=t("Before you look: by how many points does the best decoder raise mean IoU?"),
        options=options,
        answer="1" if points < 1 else "5" if points < 5 else "more",
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("A name for every pixel"),
        text=mark(
            "A network names every pixel of a street as a driver sees it: road, sky, car, and eight classes more. This "
            "street is drawn, so the true class of every pixel is known. Of all pixels that are road or are called "
            "road, 91 % are both: that share is the IoU, intersection over union."
        ),
        look=mark("Drag the divider: road and sky are found almost whole."),
        values={"view": "answer"},
        parts=("answer",),
        controls=("wanted",),
    ),
    Scene(
        title=mark("Walls called signs"),
        text=mark(
            "It learned from photographs of one town, never from drawings. Large parts of the brick walls are signs to "
            "it, and the middle of the red car is road. Still 72 % of all pixels are right: the large classes carry "
            "that number. So the field counts by class: mean IoU is 45 % here."
        ),
        look=mark("Walls, car, tree and signs under the divider, each with its colour below."),
        values={"view": "answer", "wanted": "building"},
        parts=("answer",),
        controls=("wanted",),
        ask=hardest,
        then={"wanted": "sign"},
    ),
    Scene(
        title=mark("Sixteen values"),
        text=mark(
            "The encoder gives up place for meaning: at an eighth of the rows and columns it knows that there is a "
            "car, but hardly where it ends. A decoder enlarges again. [[unpooling|Unpooling]] puts each value at its "
            "[[switch]], bilinear enlargement takes means, [[transposed convolution]] lays down a learned kernel for "
            "every value."
        ),
        look=mark("Sixteen values, unpooled, bilinear, and how many of them a transposed convolution adds up."),
        values={"view": "steps"},
        parts=("steps",),
        controls=("spot",),
    ),
    Scene(
        title=mark("Three ways up"),
        text=mark(
            "Three decoders share one finished encoder, which stays as it is, and add detail to its coarse answer. "
            "They were trained alike, once each; what differs is how they enlarge. Only one of them is told by the "
            "encoder where the maxima were. Does that show in this piece of the drawing?"
        ),
        look=mark("The back of the red car; after your answer, what each decoder makes of it."),
        values={"view": "steps"},
        parts=("close",),
        ask=best_in_piece,
        then={"view": "close"},
    ),
    Scene(
        title=mark("How much it adds"),
        text=mark(
            "One piece of one drawing says little. On 101 validation pictures of CamVid the encoder alone, enlarged "
            "bilinearly, is the baseline. Every decoder was trained once, and never together with its encoder: no "
            "verdict on decoders, only a look at how much there was to gain here."
        ),
        look=mark("The table: the best number of each column is bold."),
        values={"view": "close"},
        parts=("close", "table"),
        ask=gain,
        then={"view": "table"},
    ),
    Scene(
        title=mark("Not a street at all"),
        text=mark(
            "Eleven names, and no word for “I do not know”. Shown a motorbike in a workshop, the network gives every "
            "pixel one of its names all the same. Nothing in its answer warns you: only you can see that this is not a "
            "street."
        ),
        look=mark("The names below the picture, and how much of it each covers."),
        values={"view": "answer", "source": "photo", "wanted": "car"},
        parts=("answer",),
        controls=("decoder",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Bring a photograph of a street, taken from the height of a car, or go through the drawing piece by piece. "
            "Which class depends most on the decoder? Look for the thin post: does any way up find it? Where do the "
            "three decoders differ most, and which one is right there?"
        ),
        controls=None,
    ),
)
