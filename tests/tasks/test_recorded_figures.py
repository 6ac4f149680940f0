"""Figures that the package keeps: only what a command printed, whole or not at all, and what is made of them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import keep_figures
import pytest

from deconvviz.errors import DataError
from deconvviz.tasks._shared import recorded_figures
from deconvviz.tasks._shared import weights as _weights
from deconvviz.tasks.recognition import ablations, evaluate
from deconvviz.tasks.recognition import card as card_of

#: As `evaluate recognition --what effects` answers: the decoder halves the gap and leaves the gradient as it is.
ROWS = [
    {
        **{"norm": norm, "drop": drop, "decoder": decoder, "loss": 0.125, "held_loss": 0.5, "accuracy": 0.99},
        **{"held_accuracy": 0.875, "gap": 0.2 if decoder else 0.4, "gap_low": 0.1, "gap_high": 0.7},
        **{"conv1": 0.3, "ratio": 1.5},
    }
    for norm in (False, True)
    for drop in (False, True)
    for decoder in (False, True)
]
EFFECTS: dict[str, Any] = {"rows": ROWS, "seeds": 3, "pictures": 150, "epochs": 7, "images": 1797, "seconds": 12.5}


def printed(folder: Path, found: Any = EFFECTS, before: str = "") -> Path:
    """A log of the command: its progress, then its answer."""
    path = folder / "printed.log"
    path.write_text(f"{before}{json.dumps(found)}\n", encoding="utf-8")
    return path


def test_the_last_line_of_a_log_is_kept(tmp_path: Path) -> None:
    assert recorded_figures.figures("recognition", "effects", tmp_path) is None
    path = recorded_figures.keep(
        "recognition", "effects", printed(tmp_path, before="plain seed 0\r 50%|##\n{no\n"), tmp_path
    )
    assert path.name == "recognition_effects.json"
    kept = recorded_figures.figures("recognition", "effects", tmp_path)
    assert kept is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept.pop("stored"))
    assert kept == EFFECTS


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"accuracy": 0.5, "seconds": 1}, r"printed\.log holds no figures that 'evaluate' printed: rows is missing"),
        (EFFECTS | {"rows": []}, "holds 0 rows: there must be some"),
        (EFFECTS | {"rows": [{"a": 1}, {"b": 1}]}, "holds 2 rows: .* all with the same names"),
        (EFFECTS | {"rows": [ROWS[0] | {"gap": float("nan")}]}, "holds nan as gap: every figure must be finite"),
        ([1], r"holds no line of JSON: write there what 'deconvviz evaluate recognition --data DIR --what effects"),
    ],
)
def test_what_no_command_printed_is_refused(found: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        recorded_figures.keep("recognition", "effects", printed(tmp_path, found), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["printed.log"]


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    recorded_figures.located("recognition", "effects", tmp_path).write_text('{"rows": [', encoding="utf-8")
    with pytest.raises(DataError, match=r"recognition_effects\.json holds no figures .*: it is not JSON"):
        recorded_figures.figures("recognition", "effects", tmp_path)
    with pytest.raises(DataError, match=r"nowhere.* holds no figures .*: no such file"):
        recorded_figures.keep("recognition", "effects", tmp_path / "nowhere", tmp_path)


def test_the_card_tells_of_the_effects_once_they_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = Path(shutil.copy(_weights.shipped("recognition"), tmp_path))
    before = card_of.card(weights)
    assert "What the switches change" not in before
    keep_figures.keep("recognition", "effects", printed(tmp_path), tmp_path)
    card = weights.with_suffix(".md").read_text(encoding="utf-8")
    assert card == card_of.card(weights)
    assert "each from 3 seeds, on 150 digits for 7 epochs" in card
    assert card.count("| 0.125 | 0.500 |") == 8
    assert "| on | - | on | 0.125 | 0.500 | 0.200 (0.100 to 0.700) | 87.5 % | 1.50 |" in card
    assert "the decoder: gap -50 %, unseen loss +0 %, gradient +0 %" in card
    assert "no verdict on claim C6" in card
    assert "3 seeds\nare too few" in card
    assert recorded_figures.command("recognition", "effects", "digits") in card
    assert keep_figures.main(["recognition", "nonsense", str(tmp_path / "printed.log")]) == 2
    assert "what='nonsense' is no choice of recognition" in capsys.readouterr().err
    assert keep_figures.main(["nobody"]) == 2
    assert capsys.readouterr().err.startswith("usage: keep_figures.py TASK WHAT FILE; tasks: ")


def test_the_effect_of_a_switch_follows_from_the_rows() -> None:
    steeper = [row | {"gap": 0.4, "ratio": 2.0 if row["decoder"] else 1.0} for row in ROWS]
    assert ablations.effect(steeper, "decoder", "ratio") == pytest.approx(1)
    assert ablations.effect(steeper, "decoder", "gap") == pytest.approx(0)


def test_the_command_says_of_what_the_rows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured over the settings stands beside the rows, so that a card can tell."""
    monkeypatch.setattr(ablations, "effects", lambda data, **how: [how | {"report": None}])
    found = evaluate.evaluate("digits", what="effects", seeds=2, pictures=60, epochs=1)
    assert {name: found[name] for name in ("seeds", "pictures", "epochs")} == {"seeds": 2, "pictures": 60, "epochs": 1}
    assert found["rows"] == [{"seeds": 2, "pictures": 60, "epochs": 1, "report": None}]
    assert set(recorded_figures.NEEDED) <= found.keys()
