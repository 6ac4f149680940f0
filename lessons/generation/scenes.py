"""The story of generation: faces from 48 numbers, motorbikes and their name, a lost photograph, four decoders."""

from __future__ import annotations

from deconvviz.tasks.generation.evaluate import DRAWN
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.generation import run
from lessons.generation.picture import DECODERS


def named() -> Guess:
    """How many of the drawn motorbikes are called motorbikes."""
    opinion = run.model().about["figures"]["opinions"]["caltech"]
    share, rebuilt = (opinion[part]["Motorbikes"] for part in ("drawn", "rebuilt"))
    answer = "none" if share < 0.05 else "half" if share < 0.75 else "most"
    reason = t(
        "It called {right} of {count} drawn motorbikes a motorbike, and {percent} % of validation photographs that "
        "were rebuilt from their own codes.",
        count=DRAWN,
        right=round(DRAWN * share),
        percent=f"{100 * rebuilt:.0f}",
    )
    return Guess(
        prompt=t("Before you look: how many of the drawn motorbikes will it call motorbikes?"),
        options={"most": t("nearly all"), "half": t("about half"), "none": t("none, or nearly none")},
        answer=answer,
        reasons=dict.fromkeys(("most", "half", "none"), reason),
    )


def strongest_pattern() -> Guess:
    """Which decoder has most of a pattern of period 2 with its first weights."""
    result = run.model().about["figures"]["pattern"]
    shares = {name: result[name]["before"] for name in DECODERS}
    return Guess(
        prompt=t("Before you look: with first weights, whose picture shows the strongest checkerboard?"),
        options={name: t(title) for name, title in DECODERS.items()},
        answer=max(shares, key=shares.__getitem__),
        reasons={
            name: t(
                "In {count} drawn pictures {percent} % of the energy of what varies lies at period 2, where a "
                "checkerboard lies.",
                count=DRAWN * len(run.model().labels),
                percent=f"{100 * share:.2g}",
            )
            for name, share in shares.items()
        },
    )


SCENES = (
    Scene(
        title=mark("A face that nobody photographed"),
        text=mark(
            "Forty-eight numbers go into a network, the decoder, and a picture comes out. The 48 numbers are called a "
            "code. This decoder has learned from photographs of faces, motorbikes and airplanes. Move the upper "
            "slider: the code moves along the direction in which the codes of faces differ most."
        ),
        look=mark("The small pictures: seven codes on a line, seven faces."),
        parts=("made",),
        controls=("first", "second"),
    ),
    Scene(
        title=mark("Twelve new faces"),
        text=mark(
            "Where does a new code come from? After training, a normal density was fitted to the codes of each class. "
            "Forty-eight numbers drawn from it give a new face. Another network, trained to name photographs, says "
            "what it takes each picture for. It took 120 of 120 drawn faces for faces. Are they copies?"
        ),
        look=mark(
            "Twelve new faces, right of each the training photograph nearest to it; below, what the network calls the "
            "new one and how sure it is."
        ),
        values={"view": "draw"},
        parts=("made",),
        controls=("seed",),
    ),
    Scene(
        title=mark("Motorbikes, and their name"),
        text=mark(
            "To the eye these are motorbikes. The same network is asked again. It named every validation photograph of "
            "a motorbike rightly, at the same 64 × 64 pixels. What will it say of motorbikes that are drawn?"
        ),
        look=mark("The motorbikes, and what they are called once you have answered."),
        values={"view": "walk", "wanted": "Motorbikes"},
        parts=("made",),
        controls=("seed",),
        ask=named,
        then={"view": "draw"},
    ),
    Scene(
        title=mark("A photograph goes in"),
        text=mark(
            "The code of a photograph comes from an encoder, trained together with the decoder: 12,288 numbers in, 48 "
            "out. Drag the divider: of this motorbike a smear comes back. Validation photographs of the three "
            "classes come back with a PSNR of 18.2 dB on average."
        ),
        look=mark("What comes back, right of the divider, and the PSNR below."),
        values={"view": "rebuild"},
        parts=("made",),
    ),
    Scene(
        title=mark("What a code costs"),
        text=mark(
            "Training weighs a squared error against the price of the code: how far it strays from a standard normal "
            "density, in nats. Where the code leaves the picture open, the mean has the smallest squared error: a "
            "blur. So the decoders learned on beside a critic, which tells drawn pictures from photographs. The detail "
            "that it asks for is made up."
        ),
        look=mark("The price of this code: the KL divergence, a sum over 48 numbers."),
        values={"view": "bound"},
        parts=("bound",),
    ),
    Scene(
        title=mark("What enlarging adds"),
        text=mark(
            "A decoder grows small maps into a picture. Four decoders share the code and differ in how they enlarge: "
            "by [[transposed convolution]] with 3 or 4 taps at [[stride]] 2, by sub-pixel convolution, or by resizing "
            "first. Trained, they look alike. With the random weights they began with, they did not."
        ),
        look=mark("One code, four pictures, and the share of a checkerboard in each."),
        values={"view": "upsamplers"},
        parts=("made",),
        ask=strongest_pattern,
        then={"weights": "first"},
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Walk through another class, draw from it, blend one photograph into another, or bring your own. It knows "
            "faces, motorbikes and airplanes alone: what does it make of anything else? Which photograph comes back "
            "with the highest PSNR, and is that the one you would recognize?"
        ),
        controls=None,
    ),
)
