"""The laboratory's choice of a network: one click, a download where weights are missing, and a clear word offline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest

from deconvviz import catalog
from deconvviz.models import _stored, public_weights
from lessons._kit.photo import network, selection
from lessons._kit.run import networks
from lessons.laboratory import layers as layer_tiles

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("DECONVVIZ_WEIGHTS", str(folder))
    monkeypatch.setattr(selection, "first_layer", lambda layers: "pool1")  # a layer that compiles quickly
    networks.load.clear()
    return folder


def put(folder: Path) -> Path:
    """SqueezeNet's weights, untrained ones, in torchvision's form."""
    save_file(_stored.random_arrays(catalog.model("squeezenet"), 3), folder / "squeezenet.safetensors")
    return folder / "squeezenet.safetensors"


def html(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


@pytest.mark.deep
def test_one_click_opens_the_other_network(open_page: OpenPage, weights: Path) -> None:
    put(weights)
    test = open_page("laboratory", unit="pool1:3")
    assert not test.exception
    assert "<b>caltech</b>" in html(test)
    assert test.button(key="lab-open-caltech").disabled
    test.button(key="lab-open-squeezenet").click().run()
    assert not test.exception
    shown = html(test)
    assert "<b>squeezenet</b><span>64 layers" in shown
    assert test.session_state["network"] == "squeezenet"
    assert test.button(key="lab-open-squeezenet").disabled
    test.button(key="lab-open-caltech").click().run()
    assert "<b>caltech</b>" in html(test)
    assert test.session_state["network"] == ""


@pytest.mark.slow
def test_a_link_without_weights_says_so_and_offers_them(open_page: OpenPage) -> None:
    test = open_page("laboratory", network="squeezenet", unit="pool1:3")
    assert not test.exception
    assert "<b>caltech</b>" in html(test)
    assert "The weights of squeezenet are not on this machine, so caltech is shown" in test.info[0].value
    assert "0.68 MB, BSD licence) come from github.com/songhan" in html(test)
    assert test.button(key="lab-fetch-squeezenet").label == "Download 0.68 MB and open"


@pytest.mark.slow
def test_offline_the_button_says_what_to_do(open_page: OpenPage) -> None:
    test = open_page("laboratory", unit="pool1:3")
    test.button(key="lab-fetch-squeezenet").click().run()
    assert not test.exception
    said = test.error[0].value
    assert said.startswith("The network cannot be opened: the weights of squeezenet")
    for part in ("no connection", "DECONVVIZ_WEIGHTS", "deconvviz weights fetch squeezenet"):
        assert part in said
    assert "<b>caltech</b>" in html(test)
    assert not test.run().error, "said once"


@pytest.mark.deep
def test_the_button_downloads_and_opens(open_page: OpenPage, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_weights, "fetch", lambda entry, progress: put(weights))
    test = open_page("laboratory", unit="pool1:3")
    test.button(key="lab-fetch-squeezenet").click().run()
    assert not test.exception
    assert "<b>squeezenet</b>" in html(test)


@pytest.mark.slow
def test_damaged_weights_are_said_and_the_shipped_network_stays(open_page: OpenPage, weights: Path) -> None:
    (weights / "compressed_SqueezeNet.net").write_bytes(b"short")
    test = open_page("laboratory", network="squeezenet", unit="pool1:3")
    assert not test.exception
    assert "is truncated: 5 of 675,763 bytes" in test.error[0].value
    assert "<b>caltech</b>" in html(test)


@pytest.mark.slow
def test_the_road_shows_the_insides_of_the_chosen_block_only(weights: Path) -> None:
    put(weights)
    layers = networks.load("squeezenet").network.layers
    named = {layer.name: layer for layer in layers}
    whole = [name for name in named if "." not in name]
    assert len(whole) == 16
    assert [layer.name for layer in layer_tiles.visible(layers, named["pool4"])] == whole
    inside = [layer.name for layer in layer_tiles.visible(layers, named["fire3.expand3x3"])]
    assert len(inside) == 22
    assert inside.index("fire3.squeeze1x1") == inside.index("fire2") + 1


def test_every_network_of_the_choice_is_in_the_catalogue() -> None:
    assert set(network.NETWORKS) <= set(catalog.models())
    assert network.FIRST in network.NETWORKS
