"""The card of the weights of recognition: written from what the file says of itself, and the effects beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deconvviz.data import digits
from deconvviz.tasks._shared import recorded_figures, weights
from deconvviz.tasks.recognition.ablations import effect
from deconvviz.tasks.recognition.data import BUILT_IN
from deconvviz.tasks.recognition.network import folded, make
from deconvviz.training import cards

_TEMPLATE = cards.Template(Path(__file__).with_name("card.md"))

TASK = "recognition"
#: Switches as the card names them.
SWITCHES = {"norm": "batch normalization", "drop": "regularization", "decoder": "the decoder"}
_SWITCHED = {
    "norm": "batch normalization, ",
    "drop": " with dropout",
    "decoder": " beside a decoder of transposed convolutions",
}
_SHIPPED = """Trained on {shown} of scikit-learn's {all} digits (UCI, CC BY 4.0: `deconvviz/data/digits.txt`)"""
_VERDICT = """What each switch changes, geometric mean with the others both ways: {parts}.

That is no verdict on claim C6, that transposed convolutions lessen overfitting and vanishing gradients: {seeds} seeds
are too few, and the gap alone is no measure of overfitting, since the loss on unseen digits can fall while it grows.
"""


def card(path: str | Path) -> str:
    """Markdown about a file of weights.

    Raises:
      WeightsError: a file that cannot be read, or of another task.
      DataError: figures of the effects beside it that no command printed.
    """
    path = Path(path)
    known = weights.variants(TASK, path)
    parts = ["# Recognition: handwritten digits\n"]
    for name, about in known.items():
        parts += [_network(path, name, about), _figures(name, about, first=name == next(iter(known)))]
    result = recorded_figures.figures(TASK, "effects", path.parent)
    if result is not None:
        parts.append(_effects(result))
    return "\n".join([*parts, _TEMPLATE.fill("foot", all=len(digits.load()[1]), small=digits.SMALL)])


def _network(path: Path, name: str, about: Mapping[str, Any]) -> str:
    options, held_out, data = about["options"], about["figures"]["held_back"], _data(about)
    params = folded(weights.load(TASK, name, make, path))
    rows, columns, _, first = params["conv1.kernel"].shape
    total = len(digits.load()[1])
    source = f"Trained on {options['pictures'] or 'all'} pictures of {data} that are not held back"
    if data == BUILT_IN:
        source = _SHIPPED.format(shown=options["pictures"] or total - held_out, all=total)
    switched = {name: words if options[name] else "" for name, words in _SWITCHED.items()}
    return _TEMPLATE.fill(
        "network", rows=rows, columns=columns, first=first, second=params["conv2.kernel"].shape[-1],
        units=params["dense.kernel"].shape[-1], classes=params["logits.kernel"].shape[-1], **switched, data=source,
        held=held_out, numbers=sum(array.size for array in params.values()), command=about["command"],
        large=digits.LARGE, inner=digits.INNER, small=digits.SMALL,
    )  # fmt: skip


def _figures(name: str, about: Mapping[str, Any], *, first: bool) -> str:
    figures = about["figures"]
    ask = f"deconvviz evaluate recognition --data {_data(about)}{'' if first else f' --variant {name}'} --json"
    rows = [
        [f"on the {figures['held_back']} held back", "figure", "command"],
        ["right", f"{100 * figures['accuracy']:.1f} %", f"`{ask}`"],
        ["cross-entropy", f"{figures['cross_entropy']:.4f}", "the same"],
    ]
    return f"{cards.table(rows)}\n\nOne seed ({about['options']['seed']}).\n"


def _data(about: Mapping[str, Any]) -> str:
    result = re.search(r"--data (\S+)", about["command"])
    return result.group(1) if result else BUILT_IN


def _effects(effects: Mapping[str, Any]) -> str:
    rows = effects["rows"]
    head = _TEMPLATE.fill(
        "effects",
        **{name: effects[name] for name in ("seeds", "pictures", "epochs")},
        held=len(digits.split(digits.load()[1])[1]),
        command=recorded_figures.command(TASK, "effects", BUILT_IN),
    )
    table: list[list[str]] = [
        [*SWITCHES.values(), "loss, seen", "loss, unseen", "gap", "right, unseen", "gradient, first over last"]
    ]
    for row in rows:
        gap = f"{row['gap']:.3f} ({row['gap_low']:.3f} to {row['gap_high']:.3f})"
        table.append([
            *("on" if row[name] else "-" for name in SWITCHES), f"{row['loss']:.3f}", f"{row['held_loss']:.3f}", gap,
            f"{100 * row['held_accuracy']:.1f} %", f"{row['ratio']:.2f}",
        ])  # fmt: skip
    figures = (("gap", "gap"), ("unseen loss", "held_loss"), ("gradient", "ratio"))
    parts = "; ".join(
        f"{title}: " + ", ".join(f"{word} {100 * effect(rows, name, key):+.0f} %" for word, key in figures)
        for name, title in SWITCHES.items()
    )
    return "\n".join([head, cards.table(table), "", _VERDICT.format(parts=parts, seeds=effects["seeds"])])
