"""The page about one's own network: its code runs as shown, its report says what is true, and docs show the same."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from streamlit.testing.v1 import AppTest

from deconvviz import checks, cli
from deconvviz.data import samples
from lessons import own_network
from lessons._kit.photo import network
from lessons.own_network import code as own_code
from lessons.own_network import questions, scenes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with mynet.py as the page shows it, its weights, and photo.jpg."""
    (tmp_path / "mynet.py").write_text(own_code.text("relu"), encoding="utf-8")
    Image.fromarray(np.rint(samples.load("cat") * 255).astype(np.uint8)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert own_code.COMMANDS.splitlines()[0] == "python mynet.py"
    runpy.run_path("mynet.py", run_name="__main__")
    yield tmp_path
    sys.modules.pop("mynet", None)
    importlib.invalidate_caches()


@pytest.mark.deep
def test_the_lines_of_python_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(own_code.LIBRARY, names)  # the page's own lines
    assert np.abs(names["seen"].map).max() > 0, "a unit that is silent would show nothing"
    printed = capsys.readouterr().out
    assert printed.startswith("Unit(layer='relu2', channel=1, row=")
    assert "2 of 2 rectifiers obey" in printed
    assert float(printed.split()[-1]) < 1e-5


def test_the_lines_of_the_report_ask_for_that_of_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(checks, "report", lambda *given: asked.append(given) or SimpleNamespace(rules=(), notes=()))
    exec(own_code.REPORT, {})
    ((network, x),) = asked
    assert (network.name, x.shape) == ("mynet", (1, 64, 64, 3))
    assert "lessons" not in own_code.REPORT


@pytest.mark.parametrize("seed", range(4))
def test_the_pictures_of_the_question_are_prepared_as_it_says(seed: int) -> None:
    """The preparation again from its formula: (image * 255 - mean) / std, blue first, shown by its inverse."""
    question = questions.preparation(seed)
    right, asked = (question.choices[number - 1].source.astype(float) / 255 for number in question.answer)
    fault = next(name for name, (words, _) in questions.FAULTS.items() if words == question.fields[1])
    mean, inside = np.array(questions.SPEC.mean)[::-1], (right > 0.01) & (right < 0.99)
    if fault == "colours":
        values = 255 * right[..., ::-1] - mean[::-1] + mean
    elif fault == "mean":
        values = 255 * right + mean
    else:
        values = (255 * right - mean) * questions.SPEC.std[0] + mean
    if fault != "size":
        whole, step = inside.all(axis=-1), questions.SPEC.std[0] if fault == "spread" else 1
        np.testing.assert_allclose(asked[whole], np.clip(values / 255, 0, 1)[whole], atol=1.1 * step / 255)
    assert len(question.mistakes) == 15, "every other answer has its reason"
    assert np.abs(asked - right).mean() > 0.02


@pytest.mark.deep
def test_the_commands_run(folder: Path) -> None:
    for line in own_code.COMMANDS.splitlines()[1:]:
        answer = CliRunner().invoke(cli.main, shlex.split(line)[1:])
        assert answer.exit_code == 0, (line, answer.output, answer.stderr)
    with Image.open(folder / "map.png") as picture:
        assert picture.size == (64, 64)


@pytest.mark.deep
def test_the_audit_runs(folder: Path) -> None:
    """The page's command, with one method on one picture: a report that opens, of that very network."""
    (folder / "photos").mkdir(exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(folder / "photos" / "a.png")
    line = f"{own_code.audit('mynet:net').strip()} --method gradient --limit 1"
    answer = CliRunner().invoke(cli.main, shlex.split(line)[1:])
    assert answer.exit_code == 0, (answer.output, answer.stderr)
    assert "Can the maps of" in (folder / "report.html").read_text("utf-8")
    assert json.loads((folder / "report.json").read_text("utf-8"))["table"].keys() == {"gradient"}


def test_the_weights_come_back_as_they_were(folder: Path) -> None:
    example = own_code.run("relu", folder)
    model = example.MyNet(example.nnx.Rngs(7))
    model.norm1.mean[...] = np.arange(8.0)
    example.save(model, folder / "other.safetensors")
    again = example.load(folder / "other.safetensors")
    kept = example.nnx.to_flat_state(example.nnx.state(model))
    for (place, first), (same, second) in zip(kept, example.nnx.to_flat_state(example.nnx.state(again)), strict=True):
        assert place == same
        np.testing.assert_array_equal(first[...], second[...])
    assert len(list(kept)) == 10


@pytest.mark.deep
@pytest.mark.parametrize(
    ("variant", "refused", "note"),
    [
        ("relu", [], ""),
        ("gelu", ["deconvnet", "guided", "linear"], "the path also passes gelu in tanh1"),
        ("batch", None, "depends on the other images of its batch"),
    ],
)
def test_the_report_of_a_variant(variant: str, refused: list[str] | None, note: str) -> None:
    tried = own_code.tried(variant)
    found = tried.report
    assert list(tried.maps) == [one.rule for one in found.rules if not one.refused]
    assert all(map.shape == tried.image.shape and map.any() for map in tried.maps.values())
    if variant == "gelu":
        assert refused == list(scenes.REFUSED), "what the scene says before it is shown"
    if refused is not None:
        assert [one.rule for one in found.rules if one.refused] == refused
    assert found.applies == (variant == "relu")
    assert note in " ".join(found.notes)
    assert all(check.holds for check in own_network.checks(own_network.State(variant)))


def test_a_variant_differs_in_its_line_only() -> None:
    plain = own_code.text("relu").splitlines()
    for variant in ("gelu", "batch"):
        other = own_code.text(variant).splitlines()
        different = [(a.strip(), b.strip()) for a, b in zip(plain, other, strict=True) if a != b]
        assert different == [own_code.VARIANTS[variant][1:]]


def test_the_document_shows_the_same() -> None:
    document = (ROOT / "docs" / "add-a-model.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```(?:python|sh)\n(.*?)^```", document, re.M | re.S)
    for code in (own_code.text("relu"), own_code.LIBRARY, own_code.COMMANDS, own_code.APP):
        assert code in shown


@pytest.mark.deep
def test_the_page_shows_report_and_code(open_page: Callable[..., AppTest]) -> None:
    test = open_page("your-own-network", variant="gelu")
    assert not test.exception
    shown = "\n".join(element.value for element in test.markdown)
    assert "| DeconvNet | refused | 1 of 2 | – |" in shown
    assert "conv1 (convolution, 32 × 32 × 8)" in shown
    assert "The line that makes this variant: `x = nnx.gelu(self.conv2(x))`" in shown
    code = [element.value for element in test.code]
    for wanted in (own_code.text("gelu"), own_code.LIBRARY, own_code.COMMANDS, own_code.APP):
        assert wanted.strip() in [one.strip() for one in code]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``lab("mynet:net")``: the app as it is started with a network of one's own."""
    return lambda address: monkeypatch.setenv(network.VARIABLE, address)


def html(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


@pytest.mark.deep
def test_the_laboratory_opens_it_beside_the_others(
    folder: Path, lab: Callable[[str], None], open_page: Callable[..., AppTest]
) -> None:
    lab("mynet:net")
    test = open_page("laboratory", unit="relu1:3")
    assert not test.exception
    assert not test.error
    shown = html(test)
    assert "<b>mynet:net</b><span>8 layers" in shown
    assert test.button(key="lab-open-mynet:net").disabled
    assert not test.button(key="lab-open-caltech").disabled
    code = "\n".join(element.value for element in test.code)
    assert 'network = load.load("mynet:net").network' in code
    assert "--network mynet:net --out" in code


@pytest.mark.deep
def test_a_refusal_in_the_laboratory_says_why(
    folder: Path, lab: Callable[[str], None], open_page: Callable[..., AppTest]
) -> None:
    (folder / "mygelu.py").write_text(own_code.text("gelu").replace("mynet", "mygelu"), encoding="utf-8")
    runpy.run_path("mygelu.py", run_name="__main__")
    lab("mygelu:net")
    test = open_page("laboratory", unit="scores:2")
    assert not test.exception
    assert "does not apply: the deconvnet rule is defined at ReLUs only" in html(test)
    sys.modules.pop("mygelu", None)


@pytest.mark.slow
def test_one_that_cannot_be_loaded_is_said_and_the_shipped_one_opens(
    folder: Path, lab: Callable[[str], None], open_page: Callable[..., AppTest]
) -> None:
    lab("mynet:nett")
    test = open_page("laboratory", unit="pool1:3")
    assert not test.exception
    assert "Your network cannot be opened, so caltech is shown: mynet has no 'nett'" in test.error[0].value
    assert "<b>caltech</b>" in html(test)


@pytest.mark.deep
def test_another_address_cannot_come_from_a_link(lab: Callable[[str], None], open_page: Callable[..., AppTest]) -> None:
    lab("")
    test = open_page("laboratory", network="os:getcwd", unit="pool1:3")
    assert not test.exception
    assert "<b>caltech</b>" in html(test)
