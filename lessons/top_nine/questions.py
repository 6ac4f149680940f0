"""Questions about the top nine; right answers come from the library's own selection, fields and tiles."""

from __future__ import annotations

import numpy as np

from deconvviz.atlas import SHIPPED, Atlas, contact, tiles, top
from lessons._kit.draw import image_row, planes
from lessons._kit.form.design import Design
from lessons._kit.form.exercise import Answer, Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.run import networks

#: Pictures in the first question, and (rows, columns) of their maps.
PICTURES, SIZE = 4, (3, 4)
#: Layers whose fields the second question asks for.
LAYERS = ("relu2", "relu3", "relu4", "relu5", "relu6")
#: Layers whose patches the looking question shows, how many of a channel, and the grey columns between two.
SHOWN, STRIP, GAP = ("relu3", "relu4"), 3, 2


def strip(layer: str, channel: int, kind: str) -> np.ndarray:
    """The first tiles of a channel of the shipped atlas side by side, "patches" or "maps", (h, w, 3) uint8."""
    atlas = Atlas.open(SHIPPED)
    field = atlas.layer(layer).receptive_field
    assert field is not None
    cells = [contact.in_cell(atlas.tile(row, kind), row, field) for row in atlas.rows(layer, channel)[:STRIP]]
    gap = np.full((field[0], GAP, 3), tiles.ZERO, np.uint8)
    return np.concatenate([part for cell in cells for part in (gap, cell)][1:], axis=1)


def whose(seed: int) -> Question:
    """Which patches belong to two channels, of which the reconstructions are shown?"""
    random = np.random.default_rng(16_700 + seed)
    layer = str(random.choice(SHOWN))
    offered = [int(one) for one in random.choice(Atlas.open(SHIPPED).layer(layer).channels, 4, replace=False)]
    asked = [int(i) for i in random.permutation(len(offered))[:2]]
    labels = tuple(t("reconstructions {name}", name=name) for name in "AB")
    facts = []
    for number, channel in enumerate(offered, 1):
        place = asked.index(number - 1) if number - 1 in asked else len(asked)
        whose_are = (t("it is A"), t("it is B"), t("it is neither A nor B"))[place]
        facts.append(
            t("Patches {number} are those of channel {channel}: {whose}.", number=number, channel=channel,
              whose=whose_are)
        )  # fmt: skip
    return by_looking(
        prompt=t(
            "Two channels of {layer}, A and B: what their units saw on the three pictures that excite each most. "
            "Below, the patches of four channels. **Which patches belong to A, and which to B?**",
            layer=layer,
        ),
        choices=[strip(layer, channel, "patches") for channel in offered],
        names=[str(channel) for channel in offered],
        facts=facts,
        fields=labels,
        answer=(asked[0] + 1, asked[1] + 1),
        hint=t("A reconstruction holds the lines of its patch that excited the unit: direction, spacing, curves."),
        given=[
            image_row.Picture(strip(layer, offered[i], "maps"), label, alt=label)
            for i, label in zip(asked, labels, strict=True)
        ],
    )


def maps(seed: int) -> np.ndarray:
    """One channel's map of each picture, (4, 3, 4), whole numbers; peaks, sums and counts lead to different orders."""
    draw = np.random.default_rng(16_000 + seed)
    while True:
        result = np.maximum(draw.integers(-6, 5, (PICTURES, *SIZE)), 0)
        result[np.arange(PICTURES), draw.integers(0, SIZE[0], PICTURES), draw.integers(0, SIZE[1], PICTURES)] = (
            draw.permutation(np.arange(5, 5 + PICTURES))
        )
        peaks, sums, counts = (_order(score) for score in _scores(result))
        if len({peaks[:2], sums[:2], counts[:2]}) == 3 and peaks[0] != sums[0]:
            return result


def _scores(result: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return result.max(axis=(1, 2)), result.sum(axis=(1, 2)), (result > 0).sum(axis=(1, 2))


def _order(score: np.ndarray) -> tuple[int, ...]:
    """Pictures from the largest score on, numbered from 1."""
    return tuple(int(i) + 1 for i in np.argsort(-score, kind="stable"))


def strongest(result: np.ndarray) -> tuple[int, ...]:
    """The order by the library's selection, numbered from 1."""
    flat = result.reshape(len(result), -1, 1)
    batch = top.of_batch(flat.max(axis=1), flat.argmax(axis=1), np.arange(len(result)))
    merged = top.merge(top.empty(1, len(result)), batch, len(result))
    return tuple(int(number) + 1 for number in merged.pictures[0])


def leading(seed: int) -> Question:
    """Which two pictures lead?"""
    result = maps(seed)
    answer = strongest(result)[:2]
    _, sums, counts = (_order(score) for score in _scores(result))
    shown = [planes.Plane(t("picture {number}", number=i + 1), values, "output") for i, values in enumerate(result)]
    peaks = ", ".join(str(int(values.max())) for values in result)
    return question(
        prompt=t("The same channel's map for four pictures. **Which two pictures come first in its top nine?**"),
        fields=(t("first"), t("second")),
        answer=answer,
        wrong=[
            (
                sums[:2],
                t("That is the order of the sums. One strong place is enough; many weak ones do not add up to it."),
            ),
            (counts[:2], t("That counts the places that are not zero. Only the strongest place of a picture counts.")),
            (answer[::-1], t("The right two, in the wrong order: strongest first.")),
            (strongest(result)[:1:-1], t("Those are the weakest two.")),
        ],
        hint=t("Each picture counts once, with its largest value."),
        worked=rf"\max = {peaks} \;\Rightarrow\; {answer[0]}, {answer[1]}",
        picture=[planes.Row("", shown)],
    )


def patch(seed: int) -> Question:
    """How many rows does a patch at the border have?"""
    random = np.random.default_rng(16_200 + seed)
    network, name = networks.load("caltech").network, str(random.choice(LAYERS))
    layer = network.layer(name)
    assert layer.receptive_field is not None
    assert layer.stride is not None
    size, step, rows = layer.receptive_field[0], layer.stride[0], network.input_spec.size[0]
    halfway = layer.shape[0] // 2
    middle = network.receptive_box(name, halfway, halfway)[0] - halfway * step
    cut = [u for u in range(layer.shape[0]) if (u * step + middle < 0) != (u * step + middle + size > rows)]
    unit = int(random.choice(cut))
    box = network.receptive_box(name, unit, halfway)
    first = unit * step + middle
    answer = (box[2] - box[0],)
    wrong: list[tuple[Answer, str]] = [
        ((size,), t("That is the whole field. Here it hangs over the picture; a patch holds pixels only.")),
        ((size - answer[0],), t("That is the part that hangs over the picture.")),
        ((step,), t("That is the step from one unit to the next, not what a unit sees.")),
        ((answer[0] - 1,), t("First and last row both belong to the patch: last − first + 1.")),
        ((rows - box[0] if first >= 0 else size + 2 * first,), t("It hangs over the picture at one side only.")),
    ]
    merged = [(given, reason) for given, reason in wrong if given[0] > 0]
    return question(
        prompt=t(
            "Units of {layer} see {size} rows. The field of unit 0 begins at row {first}, the next one {step} rows "
            "further down; the picture has rows 0 to {last}. **How many rows does the patch of unit {unit} have?**",
            layer=name, size=size, first=middle, step=step, last=rows - 1, unit=unit,
        ),
        fields=(t("rows"),),
        answer=answer,
        wrong=merged,
        hint=t("Where does its field begin and end? Leave out what is above row 0 or below row {last}.", last=rows - 1),
        worked=rf"\min({first + size}, {rows}) - \max({first}, 0) = {answer[0]}",
    )  # fmt: skip


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "whose": (mark("Whose patches"), whose),
    "leading": (mark("Who leads"), leading),
    "patch": (mark("The patch"), patch),
}

#: Is it the wheel?
DESIGN = Design(
    prompt=mark(
        "The nine pictures that excite a unit most all show wheels. Somebody writes: “This unit detects wheels.” "
        "**Design an experiment that tells whether it is the wheel that excites the unit.** Name another explanation "
        "that the nine pictures leave open, the pictures that you would show, a control, and the result with which "
        "you would give the claim up."
    ),
    model=mark(
        "The nine were picked because they excite the unit, so they cannot test it: new pictures are needed. Other "
        "explanations fit the nine as well: any ring will do; it is the asphalt under the wheel; it is the whole "
        "vehicle.\n\n"
        "Show the unit four groups of thirty pictures: vehicles with their wheels; the same vehicles with the wheels "
        "covered; the same with patches of equal size elsewhere, as a control, because a patch alone may disturb the "
        "unit; and rings that are no wheels, such as plates and clocks. Record the largest activation of the unit in "
        "each picture, and decide beforehand which difference counts.\n\n"
        "The claim stands if covering the wheels lowers the activation by clearly more than the control does, and if "
        "rings stay clearly below wheels. It falls if rings excite the unit as much, for then it detects rings, or if "
        "covering the wheels does no more than the control: then it is something else in the picture."
    ),
    rubric=(
        mark("New pictures, not those that were picked because they excite the unit."),
        mark("Another explanation that fits the nine pictures too: a ring, the ground, the whole vehicle."),
        mark("The wheel alone is changed, and there is a control: a patch of equal size elsewhere."),
        mark("The activation is measured on many pictures of each group, and it is said beforehand what counts."),
        mark("A result with which the claim falls, and what one would say instead."),
    ),
)
