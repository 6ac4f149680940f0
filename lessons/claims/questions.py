"""Questions about printed formulas: what they give if they are taken at their word, computed by running them."""

from __future__ import annotations

import numpy as np

from deconvviz.articles.claim_measures import article_sizes
from deconvviz.articles.formulas import FORMULAS
from deconvviz.ops import ConvGeometry, conv, conv_adjoint
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Maker, Question, by_clicking, question
from lessons._kit.form.i18n import mark, t


def constant(seed: int) -> Question:
    """F001.1 as printed, at one place."""
    random = np.random.default_rng((71, seed))
    x = random.permutation(12).reshape(3, 4).astype(float) + 1
    w = random.permutation(np.arange(1, 7))[:4].reshape(2, 2).astype(float)
    r, c = int(random.integers(1, 2)), int(random.integers(1, 3))
    out = np.asarray(FORMULAS["F001.1"].printed(x[:, :, None], w[:, :, None, None]))
    answer = (int(out[r, c]),)
    patches = {(a, b): x[a : a + 2, b : b + 2] for a in range(2) for b in range(3)}
    terms = " + ".join(rf"{int(w[i, j])} \cdot {int(x[i, j])}" for i in range(2) for j in range(2))
    return question(
        prompt=t(
            "Take the article’s formula of deconvolution at its word: y(x) = Σ w(i,j) · x(i−1, j−1), i and j from 1 to "
            "2, one kernel. **What is the output at row {r}, column {c}?** Rows and columns count from 0.",
            r=r,
            c=c,
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (
                int((w * patches[r, c]).sum()),
                t("That is the window at row {r}, column {c}. Look for r or c on the right side.", r=r, c=c),
            ),
            (int((w[::-1, ::-1] * patches[0, 0]).sum()), t("Right window, but the kernel is not flipped here.")),
            (int(w.sum() * x[0, 0]), t("The indices i and j move through the image too, not only through w.")),
            (int(patches[0, 0].sum()), t("The weights are missing.")),
            *(
                ((int((w * p).sum()),), t("That is the window at row {r}, column {c}.", r=a, c=b))
                for (a, b), p in patches.items()
            ),
        ],
        hint=t("Does the right side mention the place for which it is asked?"),
        worked=rf"{terms} = {answer[0]}",
        picture=(
            planes.Row("", (planes.Plane(t("input x"), x, "input"), planes.Plane(t("kernel w"), w, "kernel")), ("∗",)),
        ),
    )


def window(seed: int) -> Question:
    """F003.2 as printed, at one place."""
    random = np.random.default_rng((72, seed))
    y = random.permutation(30).reshape(5, 6).astype(float) + 1
    i, j = int(random.integers(1, 3)), int(random.integers(1, 4))
    out = np.asarray(FORMULAS["F003.2"].printed(y, 2, 2))
    answer = (int(out[i, j]),)
    inside = ", ".join(str(int(v)) for v in y[i : i + 3, j : j + 3].ravel())
    return question(
        prompt=t(
            "Take the article’s formula of pooling at its word: p(i,j) is the largest y with i ≤ row ≤ i + 2 and "
            "j ≤ column ≤ j + 2. **What is p at i = {i}, j = {j}?** Rows and columns count from 0.",
            i=i,
            j=j,
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (
                int(y[i : i + 2, j : j + 2].max()),
                t("That is the window of 2 × 2. From i to i + 2, both included, are three rows."),
            ),
            (int(y[i, j]), t("That is the value at the place itself, not the largest of the window.")),
            (
                int(y[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()) if 2 * j < 6 else 0,
                t("That would be pooling with stride 2; the formula has no stride."),
            ),
            (int(y.max()), t("That is the largest of the whole map.")),
            (int(y[i : i + 3, j : j + 3].min()), t("That is the smallest.")),
        ],
        hint=t("Write down which rows the bounds allow. Count them."),
        worked=rf"\max\{{{inside}\}} = {answer[0]}",
        picture=(planes.Row("", (planes.Plane(t("map y"), y, "output"),)),),
    )


def network_size(seed: int) -> Question:
    """The rows that come out of article 000's network."""
    rows = 2 * int(np.random.default_rng((73, seed)).integers(12, 70))
    sizes = article_sizes(rows)
    answer = (sizes[-1],)
    chain = r" \to ".join(str(n) for n in sizes)
    return question(
        prompt=t(
            "The network that an article on segmentation prints: convolution 3 × 3 without padding, pooling by 2, then "
            "three transposed convolutions that double. The picture has {rows} rows. **How many rows come out?**",
            rows=rows,
        ),
        fields=(t("rows"),),
        answer=answer,
        wrong=[
            (rows, t("That is the input. One pooling halves, but three decoders double.")),
            (rows * 4, t("The first convolution has no padding: 3 taps take 2 rows away.")),
            (sizes[-2], t("There are three decoders, not two.")),
            (sizes[-3], t("There are three decoders, not one.")),
            (sizes[1] * 8, t("The pooling was left out.")),
            (sizes[2] * 6, t("Doubling three times is times 8, not 6.")),
        ],
        hint=t("Go layer by layer and write every size down."),
        worked=chain,
    )


def missed(seed: int) -> Question:
    """Where is the adjoint furthest from bringing x back?"""
    random = np.random.default_rng((74, seed))
    answer = 1 + (3 * seed + int(random.integers(2))) % 10
    while True:
        row, taps = random.integers(0, 10, 12), random.integers(-1, 3, 3)
        off = np.abs(np.convolve(np.correlate(row, taps), taps) - row)
        if taps[0] and taps[2] and answer == off.argmax() and (off == off.max()).sum() == 1:
            break
    w = taps.astype(np.float32)[:, None, None, None]
    forward = conv(row.astype(np.float32)[None, :, None, None], w)
    back = np.asarray(conv_adjoint(forward, w, ConvGeometry(), (12, 1)))[0, :, 0, 0]
    off = np.abs(back - row)
    shown = (
        planes.Plane(t("x"), row[None].astype(float), "input", pick=CLICK),
        planes.Plane(t("kernel w"), taps[None].astype(float), "kernel"),
        planes.Plane(t("A x"), np.asarray(forward)[0, :, :, 0].T, "output"),
    )
    return by_clicking(
        prompt=t(
            "“Deconvolution brings the input back”, so Aᵀ(A x) should be x. **Click the cell of x that Aᵀ(A x) misses "
            "by most.** Each number of A x is laid back with the kernel, as it is, over the cells it was made from."
        ),
        picture=[planes.Row("", shown, ("", "", ""))],
        answer=(0, int(off.argmax())),
        why=lambda cell: t(
            "There x is {x} and Aᵀ(A x) is {back}, {off} away; another cell is further away.",
            x=f"{row[cell[1]]:g}",
            back=f"{back[cell[1]]:g}",
            off=f"{off[cell[1]]:g}",
        ),
        hint=t("A cell inside gets back from three numbers of A x, one at the end from one alone."),
        worked=rf"(0, {answer}):\; A^\top A x = {back[answer]:g}, \quad x = {row[answer]:g}",
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "missed": (mark("Brought back?"), missed),
    "constant": (mark("At its word"), constant),
    "window": (mark("Both bounds"), window),
    "network": (mark("A network that does not fit"), network_size),
}
