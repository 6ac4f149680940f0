"""Every figure that the README, the cards and the page of held-out figures quote is the one that a file holds."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deconvviz import storage
from deconvviz.checks import audit
from deconvviz.models import caltech, held_out, inverters
from deconvviz.tasks._shared import weights
from deconvviz.tasks.cutout import evaluate as cutout
from deconvviz.tasks.generation import DECODER
from lessons._kit.photo import header
from lessons._kit.run import networks

ROOT = Path(__file__).resolve().parents[1]
#: What stands where a held-out figure would, if nothing was measured of the shipped weights.
UNMEASURED = "not measured yet"
NUMBER = re.compile(r"-?\d+\.\d+")
HELD = held_out.records()


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(name: str) -> dict[str, tuple[list[str], list[str]]]:
    """First cell of each row of the page -> (validation figures, held-out figures), as they are written."""
    table = [line.strip("| ").split(" | ") for line in read(name).splitlines() if line.startswith("| ")]
    return {
        cells[0]: (NUMBER.findall(cells[2]), NUMBER.findall(cells[4]))
        for cells in table
        if len(cells) == 5 and cells[0] not in ("what", "---")
    }


PAGE = rows("docs/held-out.md")
STREETS = {"segmentation with switches, mean IoU": "unpool", "segmentation without a decoder, mean IoU": "coarse"}


@cache
def of_inverters() -> dict[str, Any]:
    """Layer -> what the file says of its inverter."""
    found: dict[str, Any] = json.loads(storage.read_metadata(inverters.WEIGHTS, ValueError)["inverters"])["layers"]
    return found


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def measured() -> dict[str, tuple[list[str], list[str]]]:
    """Row of the page -> (validation, held out), as the files hold them."""
    streets, large = weights.variants("segmentation"), weights.variants("super_resolution")
    clean = weights.variants("enhancement")["main"]["report"]
    first, figures = cutout.measured_robustness()["rows"][0], {name: one["figures"] for name, one in HELD.items()}
    layers = of_inverters()
    return {
        "recognition of photographs, mean per class": (
            [percent(networks.accuracy(caltech.build().about) or 0)],
            [percent(value) for value in (figures.get("caltech", {}).get("mean_per_class"),) if value],
        ),
        **{
            row: ([percent(streets[name]["figures"]["mean_iou"])], [percent(figures["segmentation"][name])])
            for row, name in STREETS.items()
        },
        "segmentation from ImageNet, with skips, mean IoU": ([percent(streets["skips"]["figures"]["mean_iou"])], []),
        "super-resolution x2, x3, x4": (
            [f"{large[name]['figures']['psnr_turns']:.2f}" for name in ("x2", "x3", "x4")],
            [f"{value:.2f}" for value in figures.get("super_resolution", {}).values()],
        ),
        "enhancement, sigma 15, 25, 50": (
            [f"{clean[f'sigma {sigma}']['psnr']:.2f}" for sigma in (15, 25, 50)],
            [f"{value:.2f}" for value in figures.get("enhancement", {}).values()],
        ),
        # Matting takes no weights: the card quotes what the command printed.
        "matting, trimap given, MSE": (
            re.findall(r"unknown pixels only \| MSE ([\d.]+)", read("docs/cutout.md")),
            [f"{figures['matting']['mse']}"],
        ),
        "cut-out, no trimap, IoU": (
            [f"{first['iou']:.3f}"],
            [f"{figures['cutout']['iou']}"] if "cutout" in figures else [],
        ),
        "Otsu's threshold, IoU": ([f"{first['iou_threshold']:.3f}"], [f"{figures['matting']['iou_threshold']}"]),
        "inverters of relu1 to relu7": (
            [f"{one['figures']['psnr']:.2f}" for one in layers.values()],
            [f"{figures['inverters'][layer]:.2f}" for layer in layers],
        ),
        "a picture of the mean colour": (
            [f"{next(iter(layers.values()))['mean_colour_figures']['psnr']:.2f}"],
            [f"{figures['inverters']['mean colour']:.2f}"],
        ),
    }


@pytest.mark.slow
def test_every_figure_of_the_page_is_that_of_a_file() -> None:
    assert measured() == PAGE


@pytest.mark.parametrize("name", [name for name, one in HELD.items() if one["weights"]])
def test_held_out_figures_are_of_the_weights_that_are_shipped(name: str) -> None:
    file = weights.shipped(name)
    if not file.is_file():
        file = inverters.WEIGHTS if name == "inverters" else caltech.WEIGHTS
    assert held_out.measured(name, file) == HELD[name], (
        "other weights: measure them anew, or drop the figure everywhere"
    )


@pytest.mark.slow
def test_figures_of_other_weights_are_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deconvviz.tasks.enhancement.card import card

    about = weights.variants("enhancement")
    other = tmp_path / "other.safetensors"
    weights._write(other, "enhancement", {"main/bias": np.ones(3, "f4")}, {"main": about["main"]})
    figures = {"sigma 25": 12.34}
    record = {"set": "BSD68", "images": 68, "weights": held_out.fingerprint(other), "variants": [], "figures": figures}
    monkeypatch.setattr(held_out, "records", lambda: {"enhancement": record})
    assert "12.34 dB" in card(other)
    assert "12.34 dB" not in card(weights.shipped("enhancement"))
    assert "not measured on BSD68 yet" in card(weights.shipped("enhancement"))


@pytest.mark.parametrize("name", PAGE)
def test_the_readme_gives_a_held_out_figure_beside_each_validation_figure(name: str) -> None:
    validation, held = PAGE[name]
    paragraphs = [line for line in read("README.md").splitlines() if line.startswith("|")]
    paragraphs += re.split(r"\n\n", read("README.md"))
    if name.startswith("enhancement"):
        validation, held = validation[1:2], held[1:2]
    held = held or [UNMEASURED] * len(validation)
    for seen, unseen in zip(validation, held, strict=True):
        where = [text for text in paragraphs if re.search(rf"(?<![\d.]){re.escape(seen)}(?![\d.])", text)]
        assert where, f"the README does not quote {seen}"
        assert all(unseen in text for text in where), f"the README says {seen} without {unseen}"


def quoted() -> set[str]:
    """Every decimal that a file holds and the README may quote."""
    large, clean = weights.variants("super_resolution"), weights.variants("enhancement")["main"]["report"]
    draws, digits = weights.variants("generation"), weights.variants("recognition")
    made = next(iter(draws.values()))["figures"]
    found = {figure for pair in measured().values() for side in pair for figure in side}
    found |= {f"{large[name]['figures']['psnr_bicubic']:.2f}" for name in ("x2", "x3", "x4")}
    found |= {f"{clean['sigma 25']['psnr_input']:.2f}", f"{made['components_psnr']:.2f}"}
    found |= {f"{made['rebuilt'][DECODER]['psnr']:.2f}"}
    found |= {percent(next(iter(digits.values()))["figures"]["accuracy"])}
    found |= {f"{file.stat().st_size / 1e6:.1f}" for file in (caltech.WEIGHTS, inverters.WEIGHTS)}
    return found


#: Decimals of the README that are no figures of the shipped weights -> what they are.
ELSEWHERE = {
    "3.11", "3.12", "3.13", "127.0", "0.1", "2.0",  # releases, an address, the licence
    "0.66",  # size of SqueezeNet's download
    "29.97",  # BM3D, as published
    "0.79", "0.36", "0.05", "1.5",  # benchmarks/peers.py, a time against another library
    "0.2", "2.2", "1.3",  # benchmarks/first_minute.py
    "1.0", "75.5", "60.3", "39.2",  # the robust twin's card
}  # fmt: skip


def test_every_decimal_of_the_readme_has_a_source() -> None:
    readme = read("README.md")
    table, prose = (re.findall(NUMBER, text) for text in parted(readme))
    assert set(table) <= {figure for row in audited() for figure in re.findall(NUMBER, row)}
    assert set(prose) - quoted() - ELSEWHERE == set()


def parted(readme: str) -> tuple[str, str]:
    """The table of the audit, and the rest."""
    lines = readme.splitlines()
    inside = [line for line in lines if re.search(r"\[-?\d\.\d\d, -?\d\.\d\d\]", line)]
    return "\n".join(inside), "\n".join(line for line in lines if line not in inside)


def audited() -> list[str]:
    """Rows of the README's table, made of the stored audit and of the page that has the planted mark."""
    stored = json.loads((Path(audit.__file__).with_name("shipped.json")).read_text("utf-8"))["table"]
    controls = ("random weights: top layer", "random weights: all layers", "another class")
    page = read("docs/audit.md").split("## A planted truth")[1]
    marks = re.findall(r"^\| ([^|]+) \| (-?[\d.]+ \[[^]]+\]) \| [\d.]+ \[", page, re.M)
    assert len(marks) == len(stored)

    def cell(values: list[float | None]) -> str:
        mean, low, high, *_ = values  # of one picture there is no interval, and of none no mean
        return "-" if mean is None else f"{mean:z.2f}" if low is None else f"{mean:z.2f} [{low:z.2f}, {high:z.2f}]"

    return [
        f"| {name} | " + " | ".join([*(cell(row.get(control, [None] * 3)) for control in controls), mark]) + " |"
        for (name, mark), row in zip(marks, stored.values(), strict=True)
    ]


def test_the_table_of_the_audit_is_the_stored_one() -> None:
    assert parted(read("README.md"))[0].splitlines() == audited()


def test_the_lesson_says_how_far_held_out_figures_lie_below() -> None:
    page = read("lessons/segmentation/table.py")
    for name in STREETS:
        (seen,), (unseen,) = PAGE[name]
        assert round(float(seen) - float(unseen)) == 11
    assert "about 11 points less" in page


def test_the_laboratory_names_both_figures() -> None:
    (seen,), unseen = PAGE["recognition of photographs, mean per class"]
    said = header.accuracy_text(networks.load("caltech"))
    held = [f"{figure} % on held-out ones" for figure in unseen]
    assert said == ", ".join([f"{seen} % right on validation pictures", *held])


def test_cards_name_their_figures_and_have_the_held_out_ones() -> None:
    for card, name in (
        ("deconvviz/models/weights/caltech.md", "recognition of photographs, mean per class"),
        ("deconvviz/tasks/weights/segmentation.md", "segmentation with switches, mean IoU"),
        ("deconvviz/tasks/weights/segmentation.md", "segmentation without a decoder, mean IoU"),
        ("deconvviz/tasks/weights/super_resolution.md", "super-resolution x2, x3, x4"),
        ("deconvviz/tasks/weights/enhancement.md", "enhancement, sigma 15, 25, 50"),
    ):
        text = " ".join(read(card).split())
        after = text[re.search("[Hh]eld.out", text).start() :]  # type: ignore[union-attr]
        assert all(figure in after for figure in PAGE[name][1] or ["not measured on"]), card
    assert "were kept for validation" in " ".join(read("deconvviz/tasks/weights/generation.md").split())
    cut = set(NUMBER.findall(read("docs/cutout.md")))
    assert {f"{value}" for name in {"matting", "cutout"} & set(HELD) for value in HELD[name]["figures"].values()} <= cut


def test_the_page_says_what_was_chosen_on_each_validation_set() -> None:
    page = " ".join(read("docs/held-out.md").split())
    for said in ("one thing was chosen: decoders", "Set5 was measured after each run", "on Set12 nothing was chosen",
                 "That the end of it is shipped was decided on these 204 pictures",
                 "weights of 8 epochs of generation gave way to those of 40"):  # fmt: skip
        assert said in page
