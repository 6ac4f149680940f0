"""The story of the programs: run as printed, followed by their shapes, silent faults, and mended."""

from __future__ import annotations

from deconvviz.articles.programs import PROGRAMS, attempt, shapes_of
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene


def rows_of_scores() -> Guess:
    """How many rows the scores have for 256 rows of labels."""
    program = PROGRAMS["000"]
    result = shapes_of(program)
    rows, out = int(result[0][1][0]), int(result[-1][1][0])
    options = {str(n): str(n) for n in sorted({rows // 2, rows, 2 * rows, out})}
    chain = " → ".join(str(shape[0]) for _, shape in result)
    return Guess(
        prompt=t(
            "Before you look: {rows} rows, a 3 × 3 convolution without padding, one pooling by 2, three decoders that "
            "double. How many rows come out?",
            rows=rows,
        ),
        options=options,
        answer=str(out),
        reasons=dict.fromkeys(options, t("Rows, layer by layer: {chain}.", chain=chain)),
    )


def loss_of_one_channel() -> Guess:
    """What the loss of one channel is, whatever the weights are."""
    fault = next(one for one in PROGRAMS["001"].faults if one.shows)
    value = attempt(fault).value or 0.0
    options = {"0": "0", "0.69": "0.69 = ln 2", "1": "1"}
    return Guess(
        prompt=t("Before you look: a softmax over one single channel, then the cross-entropy. What is the loss?"),
        options=options,
        answer=min(options, key=lambda name: abs(float(name) - value)),
        reasons=dict.fromkeys(options, t("One channel shares its probability with nobody: it is 1, and −ln 1 is 0.")),
    )


SCENES = (
    Scene(
        title=mark("Printed, and run"),
        text=mark(
            "Five popular articles print a program each, and none of them runs. The lines that fail are run here as "
            "printed; layers of Keras and PyTorch are computed by this project's operators, so neither has to be "
            "installed. This program cuts out an object. It never reads a picture."
        ),
        look=mark("In the red frame: what Python says to the printed line."),
        values={"program": "003", "view": "printed"},
        parts=("fault",),
    ),
    Scene(
        title=mark("Write the shape beside every layer"),
        text=mark(
            "Most faults are one: nobody followed the sizes. A 3 × 3 convolution without [[padding]] takes two rows "
            "away, pooling halves, a [[transposed convolution]] with [[stride]] 2 doubles, and the result needs the "
            "size of what it is compared with. This program names every pixel of 256 rows."
        ),
        look=mark("The last two lines: what comes out, and what is needed."),
        values={"program": "000", "view": "layers"},
        parts=("shapes",),
        ask=rows_of_scores,
        then={"view": "shapes"},
    ),
    Scene(
        title=mark("A fault without an error"),
        text=mark(
            "A program that runs is not yet right. Once every pixel has its label, this one runs: the scores have one "
            "channel, and a softmax makes them probabilities. Training begins, the loss is printed epoch by epoch, and "
            "no line complains. Nothing is ever learned."
        ),
        look=mark("After your answer, in yellow: the number that the loss is, whatever the weights are."),
        values={"program": "001", "view": "shapes"},
        parts=("fault",),
        ask=loss_of_one_channel,
        then={"view": "printed"},
    ),
    Scene(
        title=mark("The right size of the wrong thing"),
        text=mark(
            "This one promises the picture back. Without the unknown argument it runs, and makes a map of 32 channels "
            "with new random weights. It enlarges last instead of first, and without [[switch|switches]]. A size that "
            "fits says nothing about what stands in it."
        ),
        look=mark("In yellow: how many channels the “picture” has."),
        values={"program": "002", "view": "printed"},
        parts=("fault",),
    ),
    Scene(
        title=mark("Mended, with a number that could be bad"),
        text=mark(
            "The program that names pixels again: padding keeps the rows, one decoder answers one pooling, and a "
            "softmax replaces three sigmoids. It ends with a number that could have been bad, beside that of an answer "
            "that knows nothing, and with a check."
        ),
        look=mark("The two bars: the mended program, and all pixels called ground."),
        values={"program": "000", "view": "mended"},
        parts=("result",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a program, find where it stops, and write its shapes down before you look. Then compare your "
            "repair with ours: the whole mended program stands in the evidence, and it runs."
        ),
        controls=None,
    ),
)
