"""The commands audit and attribute, and the hints of check, on a small network of one's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from deconvviz import cli
from deconvviz._cli import audit
from deconvviz.data import samples
from deconvviz.errors import DeconvvizError

MODULE = """
import jax
import jax.numpy as jnp
import numpy as np

DRAW = np.random.default_rng(0)
W = jnp.asarray(DRAW.normal(size=(3, 2, 3, 5)), "float32")
TOP = jnp.asarray(DRAW.normal(size=(5, 4)), "float32")


def net(x):
    y = jax.lax.conv_general_dilated(x, W, (2, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(y - jnp.asarray([0, 99, 0, 0, 0])).mean((1, 2)) @ TOP
"""
NETWORK = ["--network", "audited:net", "--size", "13", "12", "--channels", "RGB", "--input-range", "0", "1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder with a module and a folder of two pictures and a file that is none."""
    (tmp_path / "audited.py").write_text(MODULE)
    (tmp_path / "pictures").mkdir()
    for number in range(2):
        values = np.random.default_rng(number).integers(0, 256, (14, 15, 3), np.uint8)
        Image.fromarray(values).save(tmp_path / "pictures" / f"{number}.png")
    (tmp_path / "pictures" / "2.png").write_bytes(b"none")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("audited", None)


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(cli.main, [str(one) for one in arguments])


@pytest.mark.slow
def test_audit_writes_a_report_and_its_numbers(folder: Path) -> None:
    answer = run("audit", *NETWORK, "--images", "pictures", "--out", "a.html", "--method", "gradient", "--json")
    assert answer.exit_code == 0, answer.output
    record = json.loads(answer.stdout)
    assert (record["images"], record["unreadable"], record["methods"]) == (2, 1, ["gradient"])
    assert "3 pictures, about" in answer.stderr
    assert "2 of 3 pictures" in answer.stderr
    assert (folder / "a.html").read_text("utf-8").startswith('<!doctype html><html lang="en">')
    numbers = json.loads((folder / "a.json").read_text("utf-8"))
    assert numbers["table"]["gradient"]["noise"]["count"] == 2
    assert "2.png" in numbers["unreadable"]
    assert sorted(path.name for path in folder.glob("a.*")) == ["a.html", "a.json"]


@pytest.mark.deep
def test_attribute_draws_a_map(folder: Path) -> None:
    answer = run("attribute", *NETWORK, "--image", "pictures/0.png", "--method", "grad_cam", "--out", "m.png", "--json")
    assert answer.exit_code == 0, answer.output
    record = json.loads(answer.stdout)
    assert record["limits"].startswith("As coarse as the layer")
    assert len(record["measured"]) > 1
    assert (record["method"], record["options"]) == ("grad_cam", {"layer": None})
    with Image.open(folder / "m.png") as drawn:
        assert drawn.size == (12, 13)
    chosen = run("attribute", *NETWORK, "--image", "pictures/0.png", "--layer", "relu1", "--channel", 1, "--json")
    assert json.loads(chosen.stdout)["note"].startswith("the map is zero everywhere; the unit's value is 0")


@pytest.mark.deep
def test_check_says_which_channels_are_dead(folder: Path) -> None:
    (folder / "pictures" / "2.png").unlink()
    answer = run("check", *NETWORK, "--image", "pictures/0.png", "--images", "pictures", "--json")
    (hint,) = [one for one in json.loads(answer.stdout)["hints"] if "of relu1" in one]
    assert "channels of relu1 are 0 everywhere on 2 pictures" in hint
    assert "Worth knowing:\n- " in run("check", *NETWORK, "--image", "pictures/0.png", "--images", "pictures").stdout


def test_the_built_in_photographs_stand_for_a_folder() -> None:
    assert list(audit.built_in(2)) == ["cat", "astronaut"]
    assert len(audit.built_in(None)) == sum(one.kind == "photo" for one in samples.SAMPLES.values())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["audit", *NETWORK, "--images", "pictures", "--out", "a.pdf"], "does not say which format: end it with .html"),
        (["audit", *NETWORK, "--images", "none", "--out", "a.html"], "no such folder: none"),
        (["audit", "--images", "pictures", "--out", "a.html"], "name a network"),
        (["audit", *NETWORK, "--images", "pictures", "--out", "a.html", "--layer", "x"], "--layer and --channel go"),
        (["attribute", *NETWORK, "--image", "pictures/0.png", "--method", "cam"], "there is no method 'cam'"),
        (["attribute", *NETWORK, "--image", "pictures/0.png", "--channel", "1"], "--channel 1 is of a layer"),
    ],
)
def test_wrong_usage_says_why(folder: Path, arguments: list[str], complaint: str) -> None:
    answer = run(*arguments)
    said = str(answer.exception) if isinstance(answer.exception, DeconvvizError) else answer.stderr
    assert answer.exit_code
    assert complaint in said
    assert not (folder / "a.html").exists()
