"""The story of features that grow: one network at eight points of its training, and which layers settle first."""

from __future__ import annotations

import math
from itertools import pairwise

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.growth import measure, network
from lessons.growth.measure import CONVS, EPOCHS

#: What the scenes show; it comes with the package.
IMAGE, LAYER = "cat", "relu3"
#: Epochs of the scenes: the fourth, fifth and sixth snapshot of eight.
FAR, MIDDLE, NEAR = map(str, EPOCHS[3:6])


def distances() -> tuple[float, ...]:
    """Mean distance of the channels on screen from what they become, after every epoch."""
    return tuple(network.grown(IMAGE, LAYER, epoch).mean for epoch in EPOCHS)


def when_halfway() -> Guess:
    """Between which epochs the maps on screen have made half of their way."""
    result = distances()
    half = measure.halfway(EPOCHS, result)
    spans = list(pairwise(EPOCHS))[2:6]
    (answer,) = (str(a) for a, b in spans if a < half <= b)
    reasons = {
        str(a): t(
            "The mean distance is {first} after epoch {a} and {second} after epoch {b}; half of the first one is "
            "{half}.",
            a=a,
            b=b,
            first=f"{result[EPOCHS.index(a)]:.2f}",
            second=f"{result[EPOCHS.index(b)]:.2f}",
            half=f"{result[0] / 2:.2f}",
        )
        for a, b in spans
    }
    return Guess(
        prompt=t("Before you look: between which epochs do the eight maps come closer than half of their start?"),
        options={str(a): t("{a} and {b}", a=a, b=b) for a, b in spans},
        answer=answer,
        reasons=reasons,
    )


def last_halfway() -> Guess:
    """Which layer's filters are halfway last."""
    result = {name: measure.halfway(EPOCHS, values) for name, values in measure.kernels().items()}
    assert all(map(math.isfinite, result.values()))
    offered = (CONVS[0], CONVS[3], CONVS[5], CONVS[6])
    return Guess(
        prompt=t("Before you look: the filters of which layer are halfway last?"),
        options={name: name for name in offered},
        answer=max(offered, key=result.__getitem__),
        reasons={
            name: t("Its filters are halfway after epoch {epoch}.", epoch=f"{result[name]:.1f}") for name in offered
        },
    )


SCENES = (
    Scene(
        title=mark("One network, eight times"),
        text=mark(
            "The network was saved at eight points of its training; an epoch is one pass over the photographs. Eight "
            "channels of its third [[rectifier]] are followed, those that are strongest in the end. Each map shows "
            "what the strongest position of the channel sees, as wide as its [[receptive field]]. Press Play."
        ),
        look=mark("The eight maps on their way from the first epoch to the last."),
        values={"view": "maps", "epoch": "1"},
        parts=("maps",),
        controls=("epoch",),
    ),
    Scene(
        title=mark("Brighter is not new"),
        text=mark(
            "A map that only grows brighter shows nothing new. So the distance looks at direction alone: 1 minus the "
            "cosine between a map and that of the last epoch. It is 0 for the same direction, and 1 where two maps "
            "share no pixel: then another position was the strongest."
        ),
        look=mark("The distance under each channel: some of them are 1.00."),
        values={"view": "maps", "epoch": FAR},
        parts=("maps",),
        controls=("epoch",),
    ),
    Scene(
        title=mark("Halfway"),
        text=mark(
            "When is a layer halfway? Layers start at different distances, so each is measured by its own start: it "
            "is halfway once its distance has fallen to half of the first one and stays below. The dots on the "
            "curves mark these moments."
        ),
        look=mark("The curve of the maps: it is the mean of the eight distances."),
        values={"view": "maps", "epoch": FAR},
        parts=("curves",),
        controls=("epoch",),
        ask=when_halfway,
        then={"epoch": NEAR},
    ),
    Scene(
        title=mark("Do lower layers come first?"),
        text=mark(
            "Lower layers converge first: that is what Zeiler and Fergus saw. Filters can be compared without any "
            "photograph. Here the distance is that of the filters from the last ones, for all seven layers. In how "
            "many pairs of layers was the lower one halfway first? The bars will tell."
        ),
        look=mark("The dots on the left curves: there the filters of each layer are halfway."),
        values={"view": "maps", "epoch": MIDDLE},
        parts=("curves",),
        ask=last_halfway,
        then={"view": "order"},
    ),
    Scene(
        title=mark("Right answers, unfinished maps"),
        text=mark(
            "After epoch 63 of 268 the network names 67 of 100 validation photographs rightly; in the end it names 77. "
            "Its maps on this picture have made little more than half of their way. This is one network, one run and "
            "one picture: another seed may differ."
        ),
        look=mark("The dashed lines: accuracy and distance at the same epoch."),
        values={"view": "maps", "epoch": NEAR},
        parts=("curves",),
        controls=("epoch",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose another layer or another photograph: its maps are then made here, which takes some seconds. Find "
            "a channel whose distance after epoch 63 is below 0.3, and one where it is above 0.5. In which layer are "
            "more of them still far away?"
        ),
        controls=None,
    ),
)
