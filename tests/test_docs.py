"""What the documents show is run: the library and command line examples of the README, the files of the how-tos."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
import types
from pathlib import Path

import jax
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import deconvviz as dv
from deconvviz import catalog, cli, ops
from deconvviz.data import samples

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def blocks(document: Path, language: str) -> list[str]:
    """The code blocks of a document in one language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", document.read_text(encoding="utf-8"), re.M | re.S)
    return [re.sub(rf"^{indent}", "", code, flags=re.M) for indent, code in found]


@pytest.fixture
def beside_a_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that holds photo.jpg."""
    pixels = np.rint(samples.load("cat") * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_library_example_runs(beside_a_photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(ROOT / "README.md", "python")
    names: dict[str, object] = {}
    exec(example, names)  # the README's own lines
    printed = capsys.readouterr().out
    assert printed.startswith("Unit(layer='relu5', channel=7, row=")
    assert "5 of 5 rectifiers obey" in printed
    seen = names["result"]
    assert seen.map.shape == (128, 128, 3)  # type: ignore[attr-defined]
    assert float(printed.split()[-1]) < 1e-5


def test_the_command_line_example_runs(beside_a_photo: Path) -> None:
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith(("deconvviz layers", "deconvviz reconstruct"))]
    assert len(commands) == 2
    for command in commands:
        answer = CliRunner().invoke(cli.main, command[1:])
        assert answer.exit_code == 0, answer.stderr
    with Image.open(beside_a_photo / "map.png") as picture:
        assert picture.size == (128, 128)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_are_named_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make ([a-z-]+)", text):
        if re.search(rf"[`\n]make {target}", text):
            assert re.search(rf"^{target}:", makefile, re.M), f"{document.name} names make {target}"
    known = cli.main.list_commands(cli.click.Context(cli.main))
    for name in re.findall(r"^(?:\S*/)?deconvviz ([a-z]+)", text, re.M):
        assert name in known, f"{document.name} names deconvviz {name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_model_of_the_how_to_is_a_model() -> None:
    (code,) = [code for code in blocks(ROOT / "docs" / "add-a-model.md", "python") if "MODEL =" in code]
    module = types.ModuleType("squares")
    exec(code, module.__dict__)
    entry = module.MODEL
    assert isinstance(entry, catalog.ModelEntry)
    net = entry.build(None)
    assert [(layer.name, layer.shape) for layer in net.layers][:2] == [("conv1", (12, 10, 4)), ("relu1", (12, 10, 4))]
    assert net.labels == ("a", "b", "c", "d")


@pytest.mark.deep
@pytest.mark.peers
def test_the_pytorch_network_of_the_how_to_runs(
    beside_a_photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, use = [code for code in blocks(ROOT / "docs" / "add-a-model.md", "python") if "torch" in code]
    (beside_a_photo / "torchnet.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(str(beside_a_photo))
    exec(use, {})  # the document's own lines
    assert capsys.readouterr().out == (
        "['0', '1/conv1', '1/bn1', '1/relu', '1/conv2', '1/add1', '1/relu1', '2', '4'] 1 of 1 rectifiers obey\n"
    )
    for options in (["--torch", "torchnet:model", "--size", "64", "64"], ["--network", "torchnet:net"]):
        answer = CliRunner().invoke(cli.main, ["layers", *options])
        assert answer.exit_code == 0, answer.stderr
        assert "1/bn1" in answer.stdout
    refused = CliRunner().invoke(cli.main, ["layers", "--torch", "jax.nn:relu"])
    assert refused.exit_code == 2
    assert "jax.nn:relu is no PyTorch module" in refused.stderr
    sys.modules.pop("torchnet")


@pytest.mark.slow
def test_the_method_of_the_how_to_is_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is all that there is to do: the rule runs forward and backward, both computations of it agree."""
    code, _ = blocks(ROOT / "docs" / "add-a-method.md", "python")
    module = types.ModuleType("leaky")
    exec(code, module.__dict__)
    rule = module.RULE
    assert rule.name not in (*ops.RULES, *dv.RULES)
    importlib.import_module("deconvviz.api")  # what is loaded while there are five rules would keep them
    keys = re.findall(r"^@\w+\{([^,]+),", (ROOT / "docs" / "references.bib").read_text(encoding="utf-8"), re.M)
    assert set(rule.sources) <= set(keys)
    rectify = importlib.import_module("deconvviz.ops.rectify")
    monkeypatch.setattr(rectify, "RECTIFIER_RULES", (*rectify.RECTIFIER_RULES, rule))
    monkeypatch.setattr(rectify, "RULES", (*rectify.RULES, rule.name))
    draw, size = np.random.default_rng(1), (9, 7)
    first, second = (draw.standard_normal(shape).astype(np.float32) for shape in ((3, 3, 3, 4), (3, 3, 4, 2)))
    net = dv.Network(
        lambda x: jax.nn.relu(dv.conv(jax.nn.relu(dv.conv(x, first)), second)), input_spec=dv.InputSpec(size=size)
    )
    image = draw.random((*size, 3)).astype(np.float32)
    result = dv.reconstruct(net, image, ("relu2", 1, 2, 1), rule="leaky", start="one")
    assert result.agreement is not None
    assert result.agreement < 1e-5
    steep, linear = (dv.reconstruct(net, image, ("relu2", 1, 2, 1), rule, "one").map for rule in ("gradient", "linear"))
    assert all(np.abs(result.map - other).max() > 1e-3 for other in (0, steep, linear))


@pytest.mark.deep
def test_the_other_method_of_the_how_to_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options, its map, and its place among the others."""
    _, code = blocks(ROOT / "docs" / "add-a-method.md", "python")
    module = types.ModuleType("steepness")
    exec(code, module.__dict__)
    known = catalog.methods() | {module.METHOD.name: module.METHOD}
    monkeypatch.setattr(catalog, "methods", lambda: known)
    net = dv.Network(lambda x: (x * x).sum((1, 2)), input_spec=dv.InputSpec(size=(4, 5)))
    image = np.random.default_rng(1).random((4, 5, 3))
    found = dv.attribute(net, image, (net.layers[-1].name, 1), "steepness", power=2)
    wanted = np.zeros((4, 5, 3))
    wanted[..., 1] = (2 * image[..., 1]) ** 2
    np.testing.assert_allclose(found.map, wanted, rtol=1e-5)


def test_the_task_of_the_how_to_is_a_task(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "docs" / "add-a-task.md", "python")
    module = types.ModuleType("negative")
    exec(code, module.__dict__)
    task = module.TASK
    assert isinstance(task, catalog.Task)
    assert task.name not in catalog.tasks()
    result = task.apply(np.zeros((5, 7), np.uint8), share=0.75)
    with Image.open(task.write(result, tmp_path / "out.png")) as picture:
        assert picture.size == (7, 5)
        assert picture.getpixel((6, 4)) == (191, 191, 191)
    assert task.describe(result) == {"mean": 0.75}
