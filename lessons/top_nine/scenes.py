"""The story of the top nine: patches, what their units saw, one scale, deeper channels, and what nine cannot tell."""

from __future__ import annotations

from deconvviz.atlas import SHIPPED, Atlas
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene

#: What the scenes show, of the shipped atlas.
EDGES, CROSSINGS, EYES = ("relu3", "96"), ("relu3", "59"), ("relu5", "95")
#: Ranks, from 1, of a piece of a photograph among the edges, and of an eye.
RIM, EYE = "9", "9"


def on_one_scale() -> Guess:
    """What one scale for all does to the ninth reconstruction."""
    layer, channel = EDGES
    first, *_, last = (row.scale for row in Atlas.open(SHIPPED).rows(layer, int(channel)))
    share = last / first
    answer = "paler" if share < 0.9 else "stronger" if share > 1 / 0.9 else "same"
    reason = t(
        "The largest value of number 9 is {last}, that of number 1 is {first}: {share} % of it.",
        last=f"{last:.2f}",
        first=f"{first:.2f}",
        share=round(100 * share),
    )
    options = {"paler": t("it grows paler"), "same": t("it stays the same"), "stronger": t("it grows stronger")}
    return Guess(
        prompt=t("Before you look: all nine get the scale of the strongest. What happens to number 9?"),
        options=options,
        answer=answer,
        reasons=dict.fromkeys(options, reason),
    )


def drop() -> Guess:
    """By how much the ninth activation of a channel is below its first."""
    layer, channel = CROSSINGS
    first, *_, last = (row.activation for row in Atlas.open(SHIPPED).rows(layer, int(channel)))
    shares = {"5": 0.05, "30": 0.3, "80": 0.8}
    reason = t(
        "Number 1 has {first}, number 9 {last}: {share} % less.",
        first=f"{first:.2f}",
        last=f"{last:.2f}",
        share=round(100 * (1 - last / first)),
    )
    return Guess(
        prompt=t("Before you look at the numbers: how far is number 9 below number 1?"),
        options={name: t("about {share} %", share=name) for name in shares},
        answer=min(shares, key=lambda name: abs(shares[name] - (1 - last / first))),
        reasons=dict.fromkeys(shares, reason),
    )


SCENES = (
    Scene(
        title=mark("Nine instead of one"),
        text=mark(
            "One picture says little about a [[channel]]. So show it many, here 310, and keep the nine that excite it "
            "most. Each is cut to the [[receptive field]] of the [[unit]] that was strongest. What the nine share is "
            "a guess at what the channel is for; where they differ, it does not care."
        ),
        look=mark("Discs, diamonds, the rim of a cup. What do all nine have in the same place?"),
        parts=("patches",),
    ),
    Scene(
        title=mark("Back to the pixels"),
        text=mark(
            "On the right each activation was sent back to the pixels by [[DeconvNet]]. The patches look unlike each "
            "other, the reconstructions alike: near the middle an edge, bright above and dark below, straight or bent. "
            "The rest of the disc or the cup plays no part."
        ),
        look=mark("Nearly the same stroke nine times."),
        parts=("maps",),
    ),
    Scene(
        title=mark("Where a patch comes from"),
        text=mark(
            "Number 9 is a piece of a photograph, the rim of a cup. The small picture shows it all, with number 9 in a "
            "frame. Put noise everywhere outside the frame, and the unit's value does not change: "
            "nothing out there reaches it. One of the checks in the evidence measures that."
        ),
        look=mark("The frame in the whole picture, and number 9 on both sides."),
        values={"rank": RIM},
        parts=("whole",),
        controls=("rank",),
    ),
    Scene(
        title=mark("One scale for all"),
        text=mark(
            "Each reconstruction had a scale of its own, so that all of them can be seen. That hides which is strong. "
            "On one scale for all they can be compared, and the weak ones may hardly be seen: neither scale is wrong, "
            "but it has to be said which one is used."
        ),
        look=mark("Number 1 and number 9, and the scale under each."),
        parts=("maps",),
        controls=("scale",),
        ask=on_one_scale,
        then={"scale": "shared"},
    ),
    Scene(
        title=mark("Wheels, and an eye"),
        text=mark(
            "Deeper units see more: 92 of the 128 rows here, instead of 36. Wheels, a coin, a disc, a cat's eyes: this "
            "channel seems to like something round. But a checkerboard comes first among its nine, so the guess is "
            "unsure. Try other channels."
        ),
        look=mark("Number 9, the eye, and what its unit saw."),
        values={"layer": EYES[0], "channel": EYES[1], "rank": EYE},
        parts=("patches", "maps"),
        controls=("channel",),
    ),
    Scene(
        title=mark("What nine cannot tell"),
        text=mark(
            "A channel can choose only among the pictures it is shown, and more than half of these were drawn: "
            "checkers, stripes, dots. Where there are no faces, stripes win. And nine is the top of a long list: it "
            "says nothing about the middle. At a border the field leaves the picture, and its patch is cut: grey."
        ),
        look=mark("Crossing lines, and the numbers under the patches."),
        values={"layer": CROSSINGS[0], "channel": CROSSINGS[1]},
        parts=("patches",),
        ask=drop,
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a layer, and below the pictures a channel. Say in a few words what its nine patches share, and "
            "then look at the reconstructions: do they agree with you? An atlas of your own pictures opens here too."
        ),
        controls=None,
    ),
)
