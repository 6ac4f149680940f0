"""Exercise of the lesson on DeconvNet: where a value lands, what size comes next, what a rectifier leaves."""

from __future__ import annotations

from functools import lru_cache

import jax
import numpy as np

from deconvviz.ops import ConvGeometry, conv_adjoint, max_pool, max_unpool
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Answer, Maker, Question, by_clicking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.numbers.toy_arrays import plane
from lessons.deconvnet import trace
from lessons.deconvnet.trace import Stage

PICTURES = ("cat", "rocket", "motorcycle", "astronaut")
#: The layer that questions start from, and how many of its strongest channels they take.
LAYER, CHANNELS = "relu5", 3


@lru_cache(maxsize=16)
def _stages(picture: str, place: int) -> tuple[Stage, ...]:
    strengths = trace.maps(picture, LAYER).max(axis=(0, 1))
    channel = int(np.argsort(-strengths, kind="stable")[place])
    return trace.scene(picture, LAYER, channel).stages


def _of(seed: int, kind: str) -> list[Stage]:
    """The stages of a kind, for the picture and channel of a seed."""
    stages = _stages(PICTURES[seed % len(PICTURES)], seed // len(PICTURES) % CHANNELS)
    return [stage for stage in stages if stage.kind == kind]


def _pick(seed: int, stage: Stage) -> tuple[int, int, int]:
    """A cell of a step that signal leaves from, another one for every seed."""
    cells = np.argwhere(stage.above != 0)
    row, column, channel = cells[np.random.default_rng(seed).integers(len(cells))]
    return int(row), int(column), int(channel)


def landing(seed: int) -> Question:
    """At which cell does a value land when it is unpooled?"""
    pools = _of(seed, "unpool")
    stage = pools[seed % 2]
    u, v, channel = _pick(7000 + seed, stage)
    assert stage.switches is not None
    switch, width, pooled = int(stage.switches[u, v, channel]), stage.below.shape[1], stage.above.shape[1]
    answer = row, column = divmod(switch, width)
    return question(
        prompt=t(
            "The signal stands at row {u}, column {v} of {pool}, channel {channel}. The switch there is {switch}; "
            "{layer} is {height} × {width}. **At which row and column of {layer} does it land?** "
            "Counting starts at 0.",
            u=u,
            v=v,
            pool=stage.name,
            channel=channel,
            switch=switch,
            layer=stage.on,
            height=stage.below.shape[0],
            width=width,
        ),
        fields=(t("row"), t("column")),
        answer=answer,
        wrong=[
            (
                divmod(switch, pooled),
                t("That divides by {w}, the width of the pooled map. A switch counts in the larger one.", w=pooled),
            ),
            ((column, row), t("Row and column are swapped.")),
            ((row + 1, column + 1), t("Counting starts at 0.")),
            ((2 * u, 2 * v), t("That is the first cell of the window. The switch says which of its four cells it is.")),
            ((u, v), t("That is the place in the pooled map; the larger map has twice as many rows and columns.")),
            (
                (2 * u + 1, 2 * v + 1),
                t("That is the last cell of the window. The switch says which of its four cells it is."),
            ),
        ],
        hint=t("A switch is W r + c, with W the width of the map below. Divide by W: quotient and remainder."),
        worked=rf"{switch} = {width} \cdot {row} + {column}",
    )


def size(seed: int) -> Question:
    """What size has the signal after the next filter?"""
    random = np.random.default_rng(7500 + seed)
    k, s = int(random.choice([3, 5, 7])), int(random.integers(1, 3))
    p, height = k // 2, int(random.integers(4, 33))
    channels, out = (int(n) for n in random.choice([3, 16, 32, 48, 64, 96], 2, replace=False))
    below = s * (height - 1) + k - 2 * p
    back = jax.eval_shape(
        lambda g, w: conv_adjoint(g, w, ConvGeometry(s, p), (below, below)),
        jax.ShapeDtypeStruct((1, height, height, out), np.float32),
        jax.ShapeDtypeStruct((k, k, channels, out), np.float32),
    )
    answer = (back.shape[1], back.shape[3])
    return question(
        prompt=t(
            "The signal lies on the output of a convolution: {height} × {height} × {out}. In the forward pass it "
            "had kernels of {k} × {k}, stride {s}, padding {p}, left no row unread, and read {channels} channels. "
            "**How many rows and channels does the signal have after the transposed filter?**",
            height=height,
            out=out,
            k=k,
            s=s,
            p=p,
            channels=channels,
        ),
        fields=(t("rows"), t("channels")),
        answer=answer,
        wrong=[
            (
                (below, out),
                t(
                    "The rows are right. A transposed filter also turns the channels back: from {out} to {channels}.",
                    out=out,
                    channels=channels,
                ),
            ),
            (
                (s * (height - 1) + k, channels),
                t("The padding of the forward pass is cut off again: {p} rows above and {p} below.", p=p),
            ),
            ((s * (height - 1) + k, out), t("The padding is cut off again, and the channels are those below.")),
            *_by_stride(s, height, channels),
        ],
        hint=t("Each row lays down {k} rows, {s} apart; then the padding is cut off.", k=k, s=s),
        worked=rf"{s} \cdot ({height} - 1) + {k} - 2 \cdot {p} = {below}, \qquad {out} \to {channels}",
    )


def _by_stride(stride: int, height: int, channels: int) -> list[tuple[Answer, str]]:
    """Wrong sizes of someone who takes the stride for another one."""
    if stride == 1:
        return [
            (
                (2 * height, channels),
                t("This filter had stride 1 in the forward pass: rows stay. Unpooling doubles them."),
            )
        ]
    larger = t("The stride of the forward pass makes the map larger in the backward pass.")
    return [((height // stride, channels), larger), ((height, channels), larger)]


def planted(seed: int) -> Question:
    """Which cell of an unpooled and rectified signal is wrong?"""
    random = np.random.default_rng(7700 + seed)
    x = random.permutation(24).reshape(4, 6)
    _, switches = max_pool(x[None, :, :, None].astype(np.float32), 2, 2)
    g = random.permutation([-4, -3, -2, 2, 3, 4, 5, 6])[:6].reshape(2, 3)
    g[tuple(random.integers(0, 2, 2))] = -abs(int(random.integers(2, 7)))
    unpooled = plane(max_unpool(g[None, :, :, None].astype(np.float32), switches, (4, 6)))
    right = np.maximum(unpooled, 0)
    negative = np.argwhere(unpooled < 0)
    positive = np.argwhere(unpooled > 0)
    made, kind = right.copy(), seed % 2
    cell = tuple(int(n) for n in (negative, positive)[kind][random.integers(len((negative, positive)[kind]))])
    made[cell] = (unpooled[cell], float(x[cell]) if x[cell] != unpooled[cell] else 9)[kind]
    place = cell[0], cell[1]

    def why(given: planes.Cell) -> str:
        value = planes.number(unpooled[given])
        if unpooled[given] > 0:
            return t("That is right: the switch points there, and {value} is above zero.", value=value)
        if unpooled[given] < 0:
            return t("That is right: {value} landed there, and the rectifier makes it 0.", value=value)
        return t("That is right: no switch points there.")

    shown = (
        planes.Plane(t("signal g"), g, "output"),
        planes.Plane(t("forward input x"), x, "input"),
        planes.Plane(t("unpooled, then rectified"), made, "kernel", pick=CLICK),
    )
    return by_clicking(
        prompt=t(
            "x was pooled by windows of 2 × 2, stride 2. g is unpooled by the switches, then rectified; in one cell of "
            "the result a fault was planted. **Click it.**"
        ),
        picture=(planes.Row("", shown, ("", "→")),),
        answer=place,
        why=why,
        hint=t("In each window only the cell of the maximum of x may hold something: g, or 0 where g is negative."),
        worked=rf"({place[0]},\; {place[1]}): \quad \max({int(unpooled[place])},\, 0) = {int(right[place])}",
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "bug": (mark("Find the fault"), planted),
    "landing": (mark("Landing"), landing),
    "size": (mark("Size"), size),
}
