"""The app with a network of one's own in a real Chromium: it is listed, opens, and its units can be clicked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from looking import as_for_users
from open_app import ROOT, served
from test_laboratory_browser import first_map, opened, option, query, still, unit

from deconvviz._cli.app import with_network

Take = Callable[..., Path]


def started(address: str, folder: Path) -> Iterator[str]:
    with served(environment=with_network(as_for_users(), address, folder)) as url:
        yield url


@pytest.fixture(scope="module")
def own_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as ``make app NETWORK=mynet:net`` starts it, with the file that the page shows."""
    from lessons.own_network import code as own_code

    folder = tmp_path_factory.mktemp("own")
    (folder / "mynet.py").write_text(own_code.text("relu"), encoding="utf-8")
    subprocess.run([sys.executable, "mynet.py"], cwd=folder, env={"PYTHONPATH": str(ROOT)}, check=True)
    yield from started("mynet:net", folder)


@pytest.fixture(scope="module")
def wrong_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with an address under which there is nothing."""
    yield from started("mynett:net", tmp_path_factory.mktemp("nothing"))


@pytest.mark.deep
def test_ones_own_network_opens_and_a_unit_is_clicked(page: Any, own_url: str, screenshot: Take) -> None:
    opened(page, own_url + "/laboratory")
    chip = page.locator(".st-key-lab-network .lab-chip")
    assert "mynet:net" in chip.inner_text()
    assert "8 layers" in chip.inner_text()
    page.locator('.tiles [data-id="conv2"]').click()
    page.locator('.lab-panels[data-unit^="conv2-"]').wait_for()
    still(page)
    before, picture = unit(page), first_map(page)
    option(page, 5).locator("canvas").click()
    page.wait_for_function("(was) => document.querySelector('.lab-panels').dataset.unit !== was", arg=before)
    still(page)
    assert unit(page).startswith("conv2-")
    assert first_map(page) != picture
    assert "network" not in query(page)
    code = page.locator(".stMain").inner_text()
    assert 'own.load("mynet:net").network' in code
    assert "--network mynet:net" in code
    screenshot(page, "own-network-laboratory")


@pytest.mark.deep
def test_it_stands_beside_the_built_in_ones(page: Any, own_url: str) -> None:
    opened(page, own_url + "/laboratory")
    page.get_by_role("button", name="Change network").click()
    choice = page.locator(".st-key-lab-networks")
    choice.get_by_text("mynet:net").wait_for()
    assert [part.split(" · ")[0] for part in choice.locator(".lab-note b").all_inner_texts()][:2] == [
        "mynet:net",
        "caltech",
    ]
    page.locator(".st-key-lab-open-caltech button").click()
    page.locator(".lab-chip b", has_text="caltech").wait_for()
    page.locator(".lab-panels").wait_for()
    still(page)
    assert query(page)["network"] == "caltech"


@pytest.mark.deep
def test_a_wrong_address_is_said_and_the_shipped_network_stays(page: Any, wrong_url: str) -> None:
    opened(page, wrong_url + "/laboratory?layer=pool1")
    said = page.get_by_role("alert").first.inner_text()
    assert "Your network cannot be opened, so caltech is shown: there is no module 'mynett'" in said
    assert "caltech" in page.locator(".st-key-lab-network .lab-chip").inner_text()
