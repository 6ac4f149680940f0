"""The README, the cards and the page of held-out figures quote the same numbers, each under its own name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deconvviz.tasks._shared import weights
from deconvviz.tasks.cutout import evaluate as cutout

ROOT = Path(__file__).resolve().parents[1]
NUMBER = re.compile(r"\d+\.\d+")


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(name: str) -> dict[str, tuple[list[str], list[str]]]:
    """First cell of each row of the page -> (validation figures, held-out figures), as they are written."""
    table = [line.strip("| ").split(" | ") for line in read(name).splitlines() if line.startswith("| ")]
    return {cells[0]: (NUMBER.findall(cells[2]), NUMBER.findall(cells[4])) for cells in table if len(cells) == 5}


PAGE = rows("docs/held-out.md")


def test_validation_figures_of_the_page_are_those_of_the_files() -> None:
    streets = weights.variants("segmentation")
    large = weights.variants("super_resolution")
    clean = weights.variants("enhancement")["main"]["report"]
    measured = {
        "segmentation with switches, mean IoU": [f"{100 * streets['unpool']['figures']['mean_iou']:.1f}"],
        "segmentation without a decoder, mean IoU": [f"{100 * streets['coarse']['figures']['mean_iou']:.1f}"],
        "enhancement, sigma 15, 25, 50": [f"{clean[f'sigma {sigma}']['psnr']:.2f}" for sigma in (15, 25, 50)],
        "cut-out, no trimap, IoU": [f"{cutout.measured_robustness()['rows'][0]['iou']:.3f}"],
        "Otsu's threshold, IoU": [f"{cutout.measured_robustness()['rows'][0]['iou_threshold']:.3f}"],
    }
    assert {name: PAGE[name][0] for name in measured} == measured
    assert set(large) >= {"x2", "x3", "x4"}
    card = read("deconvviz/tasks/weights/super_resolution.md")
    assert PAGE["super-resolution x2, x3, x4"][0] == re.findall(r"\| x\d \| [\d,]+ \| [\d.]+ \| ([\d.]+)", card)
    assert PAGE["recognition of photographs, mean per class"][0] == re.findall(
        r"mean per class (\S+)%", read("deconvviz/models/weights/caltech.md").split("validation |")[1].splitlines()[0]
    )


@pytest.mark.parametrize("name", PAGE)
def test_the_readme_gives_a_held_out_figure_beside_each_validation_figure(name: str) -> None:
    if name == "what":
        return
    validation, held = PAGE[name]
    readme = read("README.md")
    lines = readme.splitlines()
    if name.startswith("enhancement"):
        validation, held = validation[1:2], held[1:2]
    for seen, unseen in zip(validation, held, strict=True):
        where = [line for line in lines if re.search(rf"(?<![\d.]){re.escape(seen)}(?![\d.])", line)]
        assert where, f"the README does not quote {seen}"
        assert all(unseen in line for line in where), f"the README says {seen} without {unseen}"


def test_the_lesson_says_how_far_held_out_figures_lie_below() -> None:
    page = read("lessons/segmentation/table.py")
    for name in ("segmentation with switches, mean IoU", "segmentation without a decoder, mean IoU"):
        (seen,), (unseen,) = PAGE[name]
        assert round(float(seen) - float(unseen)) == 11
    assert "about 11 points less" in page


def test_cards_name_their_figures_as_validation_figures() -> None:
    for card, name in (
        ("deconvviz/models/weights/caltech.md", "recognition of photographs, mean per class"),
        ("deconvviz/tasks/weights/segmentation.md", "segmentation with switches, mean IoU"),
        ("deconvviz/tasks/weights/segmentation.md", "segmentation without a decoder, mean IoU"),
    ):
        text = read(card)
        assert "validation figures" in text
        assert PAGE[name][1][0] in text
    assert {*PAGE["matting, trimap given, MSE"][1], *PAGE["cut-out, no trimap, IoU"][1]} <= set(
        NUMBER.findall(read("docs/cutout.md"))
    )
