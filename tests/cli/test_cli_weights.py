"""`deconvviz weights`, and `deconvviz evaluate` for networks with public weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from deconvviz import cli
from deconvviz.models import public_weights


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path / "own"))
    monkeypatch.delenv("DECONVVIZ_WEIGHTS", raising=False)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli.main, [*arguments])


def refused(*arguments: str) -> str:
    """The one line that the command complains in."""
    answer = run(*arguments)
    assert answer.exit_code == 2, answer.output
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""
    return answer.stderr


def test_list_says_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vgg16.safetensors").write_bytes(b"x")
    monkeypatch.setenv("DECONVVIZ_WEIGHTS", str(tmp_path))
    record = json.loads(run("weights", "list", "--json").stdout)
    by_name = {one["name"]: one for one in record["weights"]}
    assert len(by_name) == 13
    assert by_name["vgg16"]["path"] == str(tmp_path / "vgg16.safetensors")
    assert by_name["vgg19"]["path"] is None
    assert by_name["squeezenet"]["fetched"] is True
    assert record["folder"] == str(tmp_path)
    lines = run("weights", "list").stdout
    assert "deconvviz weights fetch squeezenet" in lines
    assert "get https://huggingface.co/timm/vgg19_bn.tv_in1k" in lines


def test_path_and_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("weights", "path").stdout.strip() == str(tmp_path / "own" / "weights")
    assert "run 'deconvviz weights fetch squeezenet'" in refused("weights", "path", "squeezenet")
    assert "timm/resnet50.tv_in1k" in refused("weights", "path", "resnet50")
    file = tmp_path / "resnet50.safetensors"
    file.write_bytes(b"1234567")
    monkeypatch.setenv("DECONVVIZ_WEIGHTS", str(tmp_path))
    assert json.loads(run("weights", "path", "resnet50", "--json").stdout) == {"name": "resnet50", "path": str(file)}
    monkeypatch.setattr(public_weights, "fetch", lambda entry, out: file)
    answer = json.loads(run("weights", "fetch", "squeezenet", "--out", "x", "--json").stdout)
    assert answer == {"name": "squeezenet", "path": str(file), "bytes": 7}


@pytest.mark.slow
def test_bad_input_is_one_line() -> None:
    assert "no connection" in refused("weights", "fetch", "squeezenet")
    assert "did you mean squeezenet" in refused("weights", "fetch", "squeeznet")
    assert "comes without weights" in refused("weights", "fetch", "alexnet")
    assert "come with deconvviz" in refused("weights", "path", "caltech")
    assert "did you mean vgg" in refused("evaluate", "vgg17", "--data", "x")
    assert "has no labels" in refused("evaluate", "squeezenet1_1", "--weights", "random", "--data", "x")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures named by their class, as the samples of ImageNet are."""
    folder = tmp_path / "samples"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for name in ("n01440764_tench.jpg", "n01443537_goldfish.JPEG", "n15075141_toilet_tissue.png"):
        Image.fromarray(rng.integers(0, 256, (61, 83, 3), np.uint8)).save(folder / name)
    return folder


@pytest.mark.deep
def test_any_classifier_can_be_measured(pictures: Path, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    from deconvviz import catalog
    from deconvviz.models import _stored

    arrays = _stored.random_arrays(catalog.model("squeezenet1_1"), 3)
    arrays["classifier.1.weight"][:] = 0  # every score is the bias: class 1, then 0, then the last
    arrays["classifier.1.bias"][[1, 0, 999]] = 9, 8, 7
    save_file(arrays, tmp_path / "w.safetensors")
    answer = run(
        "evaluate", "squeezenet1_1", "--data", str(pictures), "--weights", str(tmp_path / "w.safetensors"), "--json"
    )
    assert answer.exit_code == 0, answer.stderr
    record = json.loads(answer.stdout)
    assert record.keys() == {"top1", "top5", "mean_per_class", "images", "seconds"}
    assert (record["images"], record["top5"]) == (3, 1.0)
    assert record["top1"] == record["mean_per_class"] == pytest.approx(1 / 3)
    (pictures / "n00000000_nothing.jpg").write_bytes(b"")
    weights = ("--weights", str(tmp_path / "w.safetensors"))
    assert "does not say its class" in refused("evaluate", "squeezenet1_1", "--data", str(pictures), *weights)
