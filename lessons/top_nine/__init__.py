"""Lesson: the nine pictures that excite a channel most, each with its patch and with what the unit saw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from deconvviz.atlas import Atlas, Row, tiles, top
from deconvviz.errors import DeconvvizError
from deconvviz.types import Check
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import number
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.run import networks
from lessons.top_nine import atlas as shown_atlas
from lessons.top_nine import picture, questions


@dataclass(frozen=True)
class State:
    """What the person has chosen; "" is the first there is."""

    layer: str = "relu3"
    channel: str = "44"
    rank: str = "1"
    scale: str = "own"


def rows_of(atlas: Atlas, state: State) -> tuple[Row, ...]:
    """The pictures of a state's channel, strongest first."""
    return atlas.rows(state.layer, int(state.channel))


def measured(state: State) -> tuple[Atlas, networks.Loaded, tuple[Row, ...], shown_atlas.Fresh]:
    """The rows of a state, and the same computed afresh.

    Raises:
      DeconvvizError: the network or a picture of the atlas is not here.
    """
    atlas, _ = shown_atlas.opened()
    loaded, missing = shown_atlas.network_of(atlas)
    if loaded is None:
        raise DeconvvizError(missing)
    return atlas, loaded, rows_of(atlas, state), shown_atlas.fresh(atlas, loaded, state.layer, int(state.channel))


def activation(state: State) -> float:
    """Largest relative distance of a stored activation from the one of a fresh forward pass."""
    _, _, rows, found = measured(state)
    return shown_atlas.activation_gap(rows, found)


def reconstruction(state: State) -> float:
    """How much further the stored reconstructions are from fresh ones than rounding to bytes explains."""
    atlas, _, rows, found = measured(state)
    return shown_atlas.map_excess(atlas, rows, found)


def patches(state: State) -> float:
    """Largest distance of a stored box from the receptive field, or of a stored patch from the picture's pixels."""
    atlas, _, rows, found = measured(state)
    return shown_atlas.box_gap(atlas, rows, found)


def outside(state: State) -> float:
    """Relative change of the chosen unit when everything outside its patch becomes noise."""
    _, loaded, rows, found = measured(state)
    at = int(state.rank) - 1
    return shown_atlas.outside_gap(loaded, rows[at], found.images[at])


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("activations are fresh ones"), activation(state), 1e-5),
        Check(mark("reconstructions within a byte"), reconstruction(state), 1e-5),
        Check(mark("patches are receptive fields"), patches(state), 0.0),
        Check(mark("noise outside changes nothing"), outside(state), 1e-6),
    ]


def call(atlas: Atlas, state: State) -> str:
    """Python that opens the rows of a state."""
    shipped = atlas.folder == shown_atlas.SHIPPED
    return f"""from deconvviz.atlas import {"SHIPPED, " if shipped else ""}Atlas

atlas = Atlas.open({"SHIPPED" if shipped else repr(str(atlas.folder))})
rows = atlas.rows({state.layer!r}, {int(state.channel)})
patches = [atlas.patch(row) for row in rows]
maps = [atlas.map(row) for row in rows]
"""


def chosen(atlas: Atlas) -> State:
    """Draw the controls and read them; what the atlas does not hold becomes its first."""
    names = {layer.name: layer.name for layer in atlas.layers}
    first = State.layer if State.layer in names else atlas.layers[0].name
    state = replace(State(), layer=choice(t("Layer"), names, "layer", default=first))
    known = atlas.layer(state.layer)
    loud = [one for one in known.channels if one not in known.silent] or list(known.channels)
    usual = State.channel if state.layer == State.layer and int(State.channel) in known.channels else str(loud[0])
    state = replace(state, channel=url_value("channel", usual, {str(one): one for one in known.channels}))
    rows = rows_of(atlas, state)
    ranks = {
        str(i + 1): t("number {rank}, activation {value}", rank=i + 1, value=number(row.activation))
        for i, row in enumerate(rows)
    }
    rank = choice(t("One of the nine"), ranks or {"1": t("silent")}, "rank")
    scales = {"own": t("each its own"), "shared": t("one for all")}
    return replace(state, rank=rank, scale=choice(t("Scale of the reconstructions"), scales, "scale", tabs=True))


def formulas(rows: tuple[Row, ...], row: Row) -> None:
    """The order and the place, in symbols and with the current numbers."""
    unit = row.unit
    first, second = st.columns(2)
    peak = coloured("output", r"\max_{i,j}\, a^{(n)}_{ijc}")
    first.latex(rf"a_c(n) = {peak}")
    place = f"{unit.row},{unit.column},{unit.channel}" if unit.row is not None else f"{unit.channel}"
    first.latex(rf"a_{{{unit.channel}}} = {coloured('output', f'a_{{{place}}}')} = {_latex(row.activation)}")
    second.latex(rf"a_c(n_1) \ge a_c(n_2) \ge \dots \ge a_c(n_{len(rows)})")
    ends = [_latex(one.activation) for one in rows]
    second.latex(r" \ge ".join(ends if len(ends) < 4 else [*ends[:2], r"\dots", ends[-1]]))


def _latex(value: float) -> str:
    return number(value).replace("−", "-")


def proofs(state: State) -> None:
    """The badges, or why there are none."""
    try:
        with st.spinner(t("Running the nine pictures again; from a new layer it takes some seconds the first time")):
            fresh, back, boxes, noise = checks(state)
    except DeconvvizError as error:
        st.info(str(error))
        return
    proof.badges(
        [
            proof.Proof(
                fresh,
                t("Each picture read and run again: the stored value against its value there, and its largest:"),
                (activation, shown_atlas.activation_gap),
            ),
            proof.Proof(
                back,
                t(
                    "The backward pass from each unit, run again. A byte can be wrong by half a step, $s / 254$ "
                    "with $s$ the tile's scale; what goes beyond that, over $s$:"
                ),
                (reconstruction, shown_atlas.map_excess, tiles.quantized),
            ),
            proof.Proof(
                boxes,
                t("Boxes against the receptive fields in pixels, patches against the pictures in grey levels:"),
                (patches, shown_atlas.box_gap),
            ),
            proof.Proof(
                noise,
                t("Every pixel outside the chosen patch becomes noise; the unit's relative change:"),
                (outside, shown_atlas.outside_gap),
            ),
        ]
    )


def origin(atlas: Atlas) -> None:
    """What the atlas was made of."""
    about = atlas.about
    field = about["images"]
    words = t(
        "{network}, {used} pictures, rule {rule}.",
        network=about["network"]["name"],
        used=field["used"],
        rule=about["rule"],
    )
    more = t("{broken} pictures could not be read.", broken=field["broken"]) if field["broken"] else ""
    own = t("Your own: `deconvviz atlas build`, then `make app ATLAS=DIR`.")
    st.caption(" ".join(filter(None, (words, more, own))))


def close(atlas: Atlas, row: Row) -> None:
    """The whole picture of the chosen patch, or why it cannot be shown."""
    loaded, missing = shown_atlas.network_of(atlas)
    try:
        if loaded is None:
            raise DeconvvizError(missing)
        found = shown_atlas.fresh(atlas, loaded, row.unit.layer, int(row.unit.channel))
        picture.whole(row, found.images[row.rank])
    except DeconvvizError as error:
        st.info(str(error))


def draw(page: frame.Places) -> None:
    """Nine patches beside nine maps, the formulas of the chosen one, and where the pictures come from."""
    atlas, problem = shown_atlas.opened()
    with page.controls:
        state = chosen(atlas)
    layer, rows = atlas.layer(state.layer), rows_of(atlas, state)
    at = int(state.rank) - 1
    height, width = atlas.about["network"]["input"]
    size = picture.cell(layer, (height, width))
    with page.picture:
        if problem:
            st.warning(t("The shipped atlas is shown: {problem}", problem=problem))
        field = t("Channel {channel} of {layer}: a unit sees {rows} x {columns} pixels of {height} x {width}.",
                  channel=state.channel, layer=layer.name, rows=size[0], columns=size[1], height=height,
                  width=width)  # fmt: skip
        st.markdown(field)
        if rows:
            picture.nine(atlas, rows, size, at, state.scale == "shared")
            formulas(rows, rows[at])
            page.later(proofs, state)
        else:
            st.info(t("This channel is silent: no picture of the folder brings it above zero. Choose another one."))
        picture.channels(atlas, layer, int(state.channel), size)
        origin(atlas)
    if rows:
        with page.aside:
            page.later(close, atlas, rows[at])
    page.code((top.of_batch, top.merge, tiles.quantized), call(atlas, state))


LESSON: Lesson = Lesson(
    slug="top-nine",
    title=mark("Top nine"),
    render=lambda: frame.page(LESSON, draw),
    order=16,
    needs=("deconvnet-step-by-step", "receptive-fields"),
    section="network",
    question=mark("What do a unit's favourite pictures share?"),
    goal=mark("You will be able to say what a channel answers to, and how far nine pictures can tell."),
    text=mark(
        "One picture says little about a channel. So show it many and keep the nine that excite it most, each with "
        "the patch in the [[receptive field]] of its strongest unit. What the nine patches **share** is a guess at "
        "what the channel is for; where they differ, it does not care.\n\nThe right half says why: each activation, "
        "sent back to the pixels. The patches may look unlike each other and the reconstructions alike: the same "
        "edge, in a disc, a star or a cup.\n\nBeware. The folder decides: a channel can only choose among the "
        "pictures it is shown, and stripes win if the folder has no faces. Nine pictures are the top of a long list, "
        "not its middle. And a patch at the border is cut where the field leaves the picture: grey."
    ),
    presets=(
        (mark("One direction"), {"layer": "relu2", "channel": "3"}),
        (mark("Crossings, in any material"), {"layer": "relu3", "channel": "67"}),
        (mark("Rings, and an eye"), {"layer": "relu5", "channel": "95", "rank": "6"}),
    ),
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("zeiler2014visualizing", mark("figure 2")),
        ("yosinski2015understanding", ""),
    ),
)
