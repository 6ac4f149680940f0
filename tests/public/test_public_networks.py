"""Networks of other people: the page about them, and (make test-zoo) each of them against backward rules by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from definitions import DEFINITIONS
from measure import HEAD, each, row, verdict

PAGE = Path(__file__).resolve().parents[2] / "docs" / "networks.md"
PACKAGES = list(dict.fromkeys(one.package for one in DEFINITIONS))


def test_the_page_says_of_every_network_what_its_test_holds() -> None:
    lines = PAGE.read_text("utf-8").partition(HEAD)[2].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    said = [(f"refuses: {', '.join(one.refused)}" if one.refused else "works") for one in DEFINITIONS]
    assert [line[:3] for line in cells] == [
        [one.name, one.package, says] for one, says in zip(DEFINITIONS, said, strict=True)
    ]
    assert len(cells) >= 25
    assert all(float(line[4]) < 2e-4 and float(line[6]) > 0 and int(line[8]) > 0 for line in cells)


def test_a_map_that_differs_or_a_rectifier_too_few_is_told() -> None:
    one = next(d for d in DEFINITIONS if not d.refused)
    right = {
        "gaps": {"guided": 1e-7}, "unsupported": [], "obeyed": 3, "calls": 3, "size": [8, 6], "first": 1.0,
        "again": 0.1, "peak": 9, "nothing": False,
    }  # fmt: skip
    assert verdict(one, right) == ""
    assert row(one, right).split(" | ")[3] == "3"
    assert "2 of 3 rectifiers" in verdict(one, right | {"obeyed": 2})
    assert "differ" in verdict(one, right | {"gaps": {"guided": float("nan")}})
    assert "nothing comes down" in verdict(one, right | {"nothing": True})
    refusing = next(d for d in DEFINITIONS if d.refused)
    assert "not objected to" in verdict(refusing, right | {"refusal": ""})


@pytest.mark.slow
@pytest.mark.zoo
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("package", PACKAGES)
def test_public_networks_have_the_maps_of_rules_by_hand(package: str) -> None:
    chosen = [one for one in DEFINITIONS if one.package == package]
    if not chosen[0].installed:
        pytest.skip(f"{package} is not installed: make test-zoo")
    wrong = {one.name: said for one, found in each(chosen) if (said := verdict(one, found))}
    assert not wrong
