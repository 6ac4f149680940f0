"""The story of super-resolution: two enlargements, sixteen cells, what is added, lost waves, four times, grass."""

from __future__ import annotations

import numpy as np

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.restoration import run
from lessons._kit.run import pictures

#: The photograph of the scenes, and by how much it is enlarged.
IMAGE, SCALE = "astronaut", 3


def places() -> tuple[float, float]:
    """Mean size of what the network adds, in steps of 255: in the tenth of pixels where bicubic is steepest, elsewhere.

    How steep the picture is at a pixel is the length of the gradient of brightness.
    """
    planes = run.shown(pictures.sample(IMAGE), SCALE, True).planes
    steps = 255 * np.abs(planes["network"] - planes["bicubic"])
    steep = np.hypot(*np.gradient(planes["bicubic"]))
    edges = steep > np.quantile(steep, 0.9)
    return float(steps[edges].mean()), float(steps[~edges].mean())


def where_most() -> Guess:
    """Where the network adds most."""
    edges, rest = places()
    reason = t(
        "Where the picture is steepest, in a tenth of it, {edges} steps of 255 are added or taken away on average; "
        "everywhere else {rest}.",
        edges=f"{edges:.1f}",
        rest=f"{rest:.1f}",
    )
    options = {"edges": t("along edges"), "smooth": t("on smooth surfaces"), "alike": t("everywhere alike")}
    return Guess(
        prompt=t("Before you look: where does the network change most?"),
        options=options,
        answer="edges" if edges > 1.5 * rest else "smooth" if rest > 1.5 * edges else "alike",
        reasons=dict.fromkeys(options, reason),
    )


def restored() -> Guess:
    """What share of the lost waves the network restores."""
    result = run.waves(run.shown(pictures.sample(IMAGE), SCALE, True))
    net, by, back = (100 * max(0.0, result[name].right) for name in ("network", "bicubic", "adjoint"))
    reason = t(
        "The network restores {net} %, bicubic {by} %, the adjoint {back} %.",
        net=f"{net:.0f}",
        by=f"{by:.0f}",
        back=f"{back:.0f}",
    )
    options = {"few": t("less than 10 %"), "some": t("10 to 50 %"), "most": t("more than 50 %")}
    return Guess(
        prompt=t("Before you look: what share of the lost waves does the network restore?"),
        options=options,
        answer="few" if net < 10 else "some" if net <= 50 else "most",
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("Nine pixels, one cell"),
        text=mark(
            "This photograph was made three times smaller: nine pixels became one cell. Then it was enlarged again in "
            "two ways, left of the divider by bicubic interpolation, right of it by a trained network. PSNR says how "
            "near each comes to the photograph: 30.1 and 33.3 dB. Three decibels more mean about half the squared "
            "error."
        ),
        look=mark("Drag the divider over the face and over the badges."),
        values={"view": "compare"},
        parts=("compare",),
    ),
    Scene(
        title=mark("Sixteen cells, fixed weights"),
        text=mark(
            "Bicubic interpolation makes each new pixel a weighted sum of the 4 × 4 cells around it. The weights "
            "depend on distance alone, whatever the picture shows: an edge is treated like a cloud. The result has no "
            "steps, and it is blurred wherever the photograph was sharp."
        ),
        look=mark("One window: what came in, bicubic, and the truth."),
        values={"view": "cells"},
        parts=("close",),
        controls=("window",),
    ),
    Scene(
        title=mark("What the network adds"),
        text=mark(
            "The network computes only what has to be added to bicubic interpolation. Fifteen small convolutions run "
            "on the small picture; its last layer, a [[transposed convolution]] whose [[stride]] is the scale, makes "
            "their result large. So it costs nine times less than working on the large picture."
        ),
        look=mark("Both enlargements; after your answer, their difference right of the divider."),
        values={"view": "compare"},
        parts=("compare", "added"),
        ask=where_most,
        then={"view": "added"},
    ),
    Scene(
        title=mark("Waves that did not fit"),
        text=mark(
            "Waves shorter than six pixels did not fit into the small picture: they lie above its Nyquist "
            "[[frequency]]. Bicubic puts hardly any there, and the [[adjoint]] of the shrinking only spreads out what "
            "is left. The network was shown 460 photographs with their small copies and learned which fine waves go "
            "with an edge."
        ),
        look=mark("Sharp edges; after your answer, how much of the lost waves each method restores."),
        values={"view": "compare"},
        parts=("compare", "waves"),
        ask=restored,
        then={"view": "waves"},
    ),
    Scene(
        title=mark("Four times"),
        text=mark(
            "Now sixteen pixels became one cell. More photographs fit the same small picture, and the network can "
            "only answer with something like their mean. Of the waves that were lost it restores 29 %; at three times "
            "it was 34 %, at two 42 %. Change the factor and watch what becomes of an edge."
        ),
        look=mark("The network’s answer beside the truth."),
        values={"view": "close", "scale": "4"},
        parts=("close",),
        controls=("scale", "window"),
    ),
    Scene(
        title=mark("Grass"),
        text=mark(
            "Where an edge runs, the small picture still says. Where a blade of grass stands it does not: a cell holds "
            "several. Here the network restores 8 % of the lost waves, bicubic 5 %, and the lawn turns soft. Detail "
            "that does not follow from what came in does not come back."
        ),
        look=mark("Blades in the truth that no enlargement has."),
        values={"view": "close", "image": "grass", "window": "middle"},
        parts=("close",),
        controls=("window",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Enlarge a photograph of your own. Made small first, it is scored; enlarged as it is, nobody knows the "
            "truth, and only your eye can judge. Where does the network gain most over bicubic, where least? Does it "
            "ever draw an edge that is not there?"
        ),
        controls=None,
    ),
)
