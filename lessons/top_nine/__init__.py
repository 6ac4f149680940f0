"""Lesson: the nine pictures that excite a channel most, each with its patch and with what the unit saw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from deconvviz.atlas import SHIPPED, Atlas, Row, tiles, top
from deconvviz.data.preprocess import fit_image
from deconvviz.errors import DeconvvizError
from deconvviz.types import Check
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import number
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, is_offered, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Lesson
from lessons._kit.run import networks
from lessons.top_nine import atlas as shown_atlas
from lessons.top_nine import picture, questions, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen; "" is the first there is."""

    layer: str = "relu3"
    channel: str = scenes.EDGES[1]
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
    _, _, rows, result = measured(state)
    return shown_atlas.activation_gap(rows, result)


def reconstruction(state: State) -> float:
    """How much further the stored reconstructions are from fresh ones than rounding to bytes explains."""
    atlas, _, rows, result = measured(state)
    return shown_atlas.map_excess(atlas, rows, result)


def patches(state: State) -> float:
    """Largest distance of a stored box from the receptive field, or of a stored patch from the picture's pixels."""
    atlas, _, rows, result = measured(state)
    return shown_atlas.box_gap(atlas, rows, result)


def outside(state: State) -> float:
    """Relative change of the chosen unit when everything outside its patch becomes noise."""
    _, loaded, rows, result = measured(state)
    at = int(state.rank) - 1
    return shown_atlas.outside_gap(loaded, rows[at], result.images[at])


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
    shipped = atlas.folder == SHIPPED
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


def proofs(page: frame.Places, state: State) -> None:
    """The checks, or why there are none."""
    try:
        with st.spinner(t("Running the nine pictures again; from a new layer it takes some seconds the first time")):
            measured_now = checks(state)
    except DeconvvizError as error:
        st.info(said(error))
        return
    meanings = (
        t("Each picture read and run again: the stored value against its value there, and its largest:"),
        t(
            "The backward pass from each unit, run again. A byte can be wrong by half a step, $s / 254$ "
            "with $s$ the tile's scale; what goes beyond that, over $s$:"
        ),
        t("Boxes against the receptive fields in pixels, patches against the pictures in grey levels:"),
        t("Every pixel outside the chosen patch becomes noise; the unit's relative change:"),
    )
    codes: tuple[proof.Code, ...] = (
        (activation, shown_atlas.activation_gap),
        (reconstruction, shown_atlas.map_excess, tiles.quantized),
        (patches, shown_atlas.box_gap),
        (outside, shown_atlas.outside_gap),
    )
    page.checks(measured_now, meanings, codes)


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
        picture.whole(row, fit_image(shown_atlas.load(atlas, row), loaded.network.input_spec))
    except DeconvvizError as error:
        st.info(said(error))


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
        if rows:
            picture.nine(atlas, rows, size, at, state.scale == "shared")
            field = t("Channel {channel} of {layer}: a unit sees {rows} × {columns} pixels of {height} × {width}.",
                      channel=state.channel, layer=layer.name, rows=size[0], columns=size[1], height=height,
                      width=width)  # fmt: skip
            beside = st.container()
            if is_offered("rank"):
                whole, beside = st.columns([1, 3], gap="medium")
                with whole:
                    close(atlas, rows[at])
            with beside:
                st.markdown(field)
                formulas(rows, rows[at])
        else:
            st.info(t("This channel is silent: no picture of the folder brings it above zero. Choose another one."))
        if is_offered("channel"):
            picture.channels(atlas, layer, int(state.channel), size)
        origin(atlas)
    if rows:
        with page.wide:
            page.later(proofs, page, state)
    page.code((top.of_batch, top.merge, tiles.quantized), call(atlas, state))


def render() -> None:
    """The page; the story is about the shipped atlas, and of one's own only its last scene is shown."""
    atlas, _ = shown_atlas.opened()
    frame.page(LESSON if atlas.folder == SHIPPED else replace(LESSON, scenes=scenes.SCENES[-1:]), draw)


LESSON: Lesson = Lesson(
    slug="top-nine",
    title=mark("Top nine"),
    render=render,
    order=16,
    needs=("deconvnet-step-by-step", "receptive-fields"),
    section="network",
    question=mark("What do a unit's favourite pictures share?"),
    goal=mark("You will be able to say what a channel answers to, and how far nine pictures can tell."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    design=questions.DESIGN,
    sources=(
        ("zeiler2014visualizing", mark("figure 2")),
        ("yosinski2015understanding", ""),
    ),
)
