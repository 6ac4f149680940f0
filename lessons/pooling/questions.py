"""Questions about switches and unpooling; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deconvviz.ops import max_pool, max_unpool
from deconvviz.ops.unpool_variants import overwrite_unpool
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Maker, Question, by_clicking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.numbers.toy_arrays import plane


def _pooled(x: np.ndarray, window: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Maxima and switches of a plane, each (H', W')."""
    y, switches = max_pool(x[None, :, :, None].astype(np.float32), window, stride)
    return plane(y), plane(switches)


def _unpooled(g: np.ndarray, switches: np.ndarray, size: tuple[int, int], overwrite: bool = False) -> np.ndarray:
    """A signal on the pooled plane taken back, (H, W)."""
    way = overwrite_unpool if overwrite else max_unpool
    return plane(way(g[None, :, :, None].astype(np.float32), switches[None, :, :, None], size))


def _pictures(seed: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Random pictures of whole numbers from 0 to 7."""
    random = np.random.default_rng(seed)
    while True:
        yield random.integers(0, 8, size)


def _ties(part: np.ndarray) -> int:
    """How often the largest number stands there."""
    return int((part == part.max()).sum())


def landing(seed: int) -> Question:
    """Where does the value of a window land?"""
    size, window = (4, 6), ((0, 1), (0, 2), (1, 0), (1, 1), (1, 2))[seed % 5]
    corner = 2 * window[0], 2 * window[1]

    def fits(x: np.ndarray) -> bool:
        inside = x[corner[0] : corner[0] + 2, corner[1] : corner[1] + 2]
        return len(np.unique(inside)) == 4 and _pooled(x, 2, 2)[1][window] % 6 != corner[1]

    x = next(x for x in _pictures(4000 + seed, size) if fits(x))
    y, switches = _pooled(x, 2, 2)
    alone = np.zeros_like(y)
    alone[window] = y[window]
    back = _unpooled(alone, switches, size)
    row, column = (int(i) for i in np.unravel_index(back.argmax(), size))
    answer = (row, column)
    inside = row - corner[0], column - corner[1]

    def why(given: planes.Cell) -> str:
        if (given[0] // 2, given[1] // 2) != window:
            return t("That cell lies in the window of row {i}, column {j} of y.", i=given[0] // 2, j=given[1] // 2)
        return t("That cell holds {value}; the maximum is larger.", value=int(x[given]))

    return by_clicking(
        prompt=t(
            "x was pooled by windows of 2 × 2, stride 2. Only the framed value goes back. **Click the cell of x in "
            "which it lands.**"
        ),
        picture=(
            planes.Row(
                "",
                (
                    planes.Plane(t("signal g"), alone, "output", frame=[window]),
                    planes.Plane(t("input x"), x, "input", pick=CLICK),
                ),
                ("→",),
            ),
        ),
        answer=answer,
        why=why,
        hint=t("Find the four cells of that window in x, then the largest of them."),
        worked=rf"({corner[0]} + {inside[0]},\; {corner[1]} + {inside[1]}) = ({row},\; {column})",
    )


def tie(seed: int) -> Question:
    """Which cell is the switch of a tie?"""
    size = (3, 5 + seed % 6)
    wide = size[1]
    x = next(x for x in _pictures(5000 + seed, size) if _ties(x[:, :3]) == 2 and x[:, :3].argmax() > 2)
    _, switches = _pooled(x, 3, 3)
    first, last = (tuple(int(i) for i in place) for place in np.argwhere(x[:, :3] == x[:, :3].max()))
    flat = int(switches[0, 0])
    return question(
        prompt=t(
            "A window of 3 × 3 lies on the first three columns of x, which is 3 × {w}. Its maximum occurs there "
            "twice. **What is the switch, the flat index W r + c?** Counting starts at 0.",
            w=wide,
        ),
        fields=(t("switch"),),
        answer=flat,
        wrong=[
            (wide * last[0] + last[1], t("That is the other cell of the tie; the first in reading order wins.")),
            (
                3 * first[0] + first[1],
                t("Counted in rows of the window, 3 wide. A switch counts in rows of x, {w} wide.", w=wide),
            ),
            (3 * first[1] + first[0], t("Counted down the columns; a switch counts along the rows.")),
            (flat + 1, t("Counting starts at 0.")),
            (wide * first[1] + first[0], t("Row and column are swapped.")),
            (int(x[first]), t("That is the maximum itself, not where it stands.")),
        ],
        hint=t("At a tie the first cell in reading order wins: row by row, left to right. W is the width of x."),
        worked=rf"{wide} \cdot {first[0]} + {first[1]} = {flat}",
        picture=(
            planes.Row(
                "", (planes.Plane(t("input x"), x, "input", frame=[(r, c) for r in range(3) for c in range(3)]),)
            ),
        ),
    )


def shared(seed: int) -> Question:
    """What comes back at a maximum that windows share?"""
    size, random = (3, 5), np.random.default_rng(6000 + seed)
    x = random.integers(0, 5, size)
    x[int(random.integers(0, 3)), 2] = 9
    _, switches = _pooled(x, 3, 2)
    g = random.permutation(np.arange(1, 9))[:2].reshape(1, 2)
    back, assigned = _unpooled(g, switches, size), _unpooled(g, switches, size, overwrite=True)
    row, column = (int(i) for i in np.unravel_index(back.argmax(), size))
    answer = (int(back[row, column]),)
    a, b = int(g[0, 0]), int(g[0, 1])
    return question(
        prompt=t(
            "Windows of 3 × 3, stride 2, on x: there are two, and both hold the 9. The signal g goes back to the "
            "switches. **What comes back at row {r}, column {c}?**",
            r=row,
            c=column,
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (int(assigned[row, column]), t("That is what assigning leaves: the last value. Unpooling adds.")),
            (a, t("That is the first window's value alone; the second one has its maximum there too.")),
            (9 * (a + b), t("The maximum itself is not multiplied in: unpooling moves the signal g, not x.")),
            (9, t("That is the maximum in x. What comes back is the signal g.")),
            (max(a, b), t("Where values meet they add; no maximum is taken in the adjoint.")),
            (9 + a + b, t("The picture itself does not come back, only the signal.")),
            (0, t("Both windows have their maximum there, so something arrives.")),
        ],
        hint=t("Two arrows end in that cell. Unpooling adds what they bring."),
        worked=rf"{a} + {b} = {answer[0]}",
        picture=(
            planes.Row("", (planes.Plane(t("input x"), x, "input"), planes.Plane(t("signal g"), g, "output")), ("",)),
        ),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "landing": (mark("Landing"), landing),
    "tie": (mark("Tie"), tie),
    "shared": (mark("Sum"), shared),
}
