"""The command check, and networks of one's own in the other commands; tried on examples of other projects."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import deconvviz as dv
from deconvviz import cli
from deconvviz.data import samples

PUBLIC = Path(__file__).resolve().parent / "public_networks"
RULES = ["gradient", "deconvnet", "guided", "linear"]
MODULE = """
import jax
import jax.numpy as jnp
import numpy as np

print("a line that does not belong into the answer")
DRAW = np.random.default_rng(0)
W = jnp.asarray(DRAW.normal(size=(3, 2, 3, 5)), "float32")


def conv(x):
    return jax.lax.conv_general_dilated(x, W, (2, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def net(x):
    return jax.nn.relu(conv(x)).mean((1, 2))


def smooth(x):
    return jax.nn.gelu(jax.nn.relu(conv(x)) - 1).mean((1, 2))


def straight(x):
    return conv(x).mean((1, 2))


def batchwise(x):
    y = conv(x)
    return jax.nn.relu(y - y.mean((0, 1, 2))).mean((1, 2))


def noisy(x):
    return jax.nn.relu(conv(x) + jax.random.normal(jax.random.key(0), (5,))).mean((1, 2))


def keyed(x):
    jax.random.normal(jax.random.key(0), (5,))  # it takes a key, and nothing is drawn with it
    return jax.nn.relu(conv(x)).mean((1, 2))


def infinite(x):
    return jax.nn.relu(conv(x)).mean((1, 2)) / 0


def single(x):
    assert len(x) == 1
    return jax.nn.relu(conv(x)).mean((1, 2))


def nothing(x):
    return x.sum()
"""
INPUT = ["--size", "13", "11", "--channels", "RGB", "--input-range", "0", "1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder with one module, small."""
    (tmp_path / "small.py").write_text(MODULE)
    yield from at(tmp_path, monkeypatch, ["small"])


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder is that of the examples."""
    yield from at(PUBLIC, monkeypatch, [file.stem for file in PUBLIC.glob("*.py")])


def at(folder: Path, monkeypatch: pytest.MonkeyPatch, modules: list[str]) -> Iterator[Path]:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield folder
    for name in modules:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli.main, [*map(str, arguments)])


def checked(*arguments: str, status: int) -> dict[str, Any]:
    """The one JSON line of a check."""
    answer = run("check", *arguments, "--json")
    assert answer.exit_code == status, (answer.exit_code, answer.output, answer.exception)
    assert answer.stdout.count("\n") == 1
    record: dict[str, Any] = json.loads(answer.stdout)
    return record


def refused(*arguments: str | Path) -> str:
    answer = run(*arguments)
    assert answer.exit_code == 2, (answer.exit_code, answer.output, answer.exception)
    assert answer.stdout == ""
    line: str = [line for line in answer.stderr.splitlines() if "does not belong" not in line][-1]
    return line


def by_rule(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    assert [one["rule"] for one in record["rules"]] == RULES
    return {one["rule"]: one for one in record["rules"]}


@pytest.mark.deep
def test_a_network_on_which_everything_works(folder: Path) -> None:
    record = checked("--network", "small:net", *INPUT, status=0)
    assert record["ok"] is True
    assert (record["input"], record["channels"], record["assumed"], record["notes"]) == ([13, 11], "RGB", [], [])
    assert record["kinds"] == {"conv": 1, "relu": 1, "mean": 1}
    assert (record["layers"], record["parameters"], record["output"]) == (3, 3 * 2 * 3 * 5, [5])
    small = importlib.import_module("small")
    image = dv.model_input(dv.Network(small.net, input_spec=dv.InputSpec(size=(13, 11))), samples.load("cat"))
    output = np.asarray(small.net(image))[0]
    assert [entry["index"] for entry in record["top"]] == list(np.argsort(-output)[:3])
    assert record["activation"] == pytest.approx(float(output.max()), rel=1e-5)
    assert record["channel"] == int(output.argmax())
    for one in by_rule(record).values():
        assert (one["applies"], one["obeyed"], one["rectifiers"], one["unsupported"]) == (True, 1, 1, [])
        assert one["agreement"] < 1e-5
        assert one["seconds"] > 0


@pytest.mark.slow
def test_the_answer_for_people_names_everything(folder: Path) -> None:
    answer = run("check", "--network", "small:net", "--size", "13", "11")
    assert answer.exit_code == 0, answer.output
    assert answer.stderr == "a line that does not belong into the answer\n"
    for part in (
        "network   small:net",
        "input     13 x 11, RGB, values from 0 to 1",
        "assumed   3 channels, red first: not given",
        "layers    3: 1 conv, 1 relu, 1 mean; 90 parameters",
        "forward   5 from sample:cat in ",
        "deconvnet  yes      1 of 1 rectifiers obey",
        "All 4 rules apply.",
    ):
        assert part in answer.stdout


@pytest.mark.deep
def test_another_activation_is_named_with_what_to_change(folder: Path) -> None:
    record = checked("--network", "small:smooth", *INPUT, status=1)
    rules = by_rule(record)
    assert rules["gradient"]["applies"]
    for rule in RULES[1:]:
        assert not rules[rule]["applies"]
        assert (rules[rule]["obeyed"], rules[rule]["rectifiers"]) == (1, 2)
        assert "defined at ReLUs only" in rules[rule]["refused"]
    (note,) = record["notes"]
    assert note.startswith(
        "deconvnet, guided, linear are defined at ReLUs only, and the path also passes gelu in tanh1"
    )
    assert re.search(r"Look at \w+ or below, where they apply\.", note)
    assert "With on_unsupported='gradient' 1 of 2 rectifiers obey" in note
    below = checked("--network", "small:smooth", *INPUT, "--layer", "relu1", status=0)
    assert below["layer"] == "relu1"


@pytest.mark.deep
@pytest.mark.parametrize(
    ("name", "status", "note"),
    [
        ("straight", 1, "No rectifier lies on the path, so deconvnet, guided, linear would all be the plain gradient"),
        ("batchwise", 1, "The output for an image depends on the other images of its batch"),
        ("noisy", 1, "The network draws random numbers, as dropout does in training"),
        ("keyed", 0, None),
        ("infinite", 1, "The output holds numbers that are not finite"),
        ("single", 0, None),
    ],
)
def test_what_is_wrong_is_said(folder: Path, name: str, status: int, note: str | None) -> None:
    record = checked("--network", f"small:{name}", *INPUT, status=status)
    if note is None:
        assert record["notes"] == []
    else:
        assert any(said.startswith(note) for said in record["notes"]), record["notes"]
    assert record["finite"] == (name != "infinite")


@pytest.mark.slow
def test_bad_requests_are_one_line_and_exit_2(folder: Path) -> None:
    network = ["--network", "small:net"]
    assert "name a network: --model caltech, or your own with --network package.module:object" in refused("check")
    assert "are two networks: leave one out" in refused("check", *network, "--model", "caltech")
    assert "a network of your own loads its weights itself" in refused("check", *network, "--weights", "a.safetensors")
    assert "caltech knows what it is fed: leave out --size" in refused("layers", "--model", "caltech", *INPUT[:3])
    assert "small has no 'nett'; did you mean net?" in refused("check", "--network", "small:nett")
    assert "'a,b' is not one number" in refused("check", *network, "--mean", "a,b")
    assert "did you mean relu1?" in refused("check", *network, *INPUT, "--layer", "relu11")
    assert "no layer was found in small:nothing" in refused("check", "--network", "small:nothing", *INPUT)
    assert "no.png" in refused("check", *network, *INPUT, "--image", "no.png")
    assert "the function cannot be traced" in refused("check", *network, *INPUT[:3], "--channels", "L")


@pytest.mark.slow
def test_the_other_commands_take_it_too(folder: Path) -> None:
    network = ["--network", "small:net", *INPUT]
    rows = run("layers", *network).stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["name", "conv1", "relu1", "mean1"]
    found = json.loads(run("activations", *network, "--image", "sample:cat", "--layer", "relu1", "--json").stdout)
    assert (found["model"], found["shape"]) == ("small:net", [7, 11, 5])
    unit = ["--layer", "relu1", "--channel", "2"]
    made = run("reconstruct", *network, "--image", "sample:cat", *unit, "--save-recipe", "r.json", "--json")
    assert json.loads(made.stdout)["maps"][0]["obeyed"] == 1
    again = ["reconstruct", "--recipe", "r.json"]
    assert "a module is imported only if you name it: give --network small:net" in refused(*again)
    assert "is of small:net; got --network small:single" in refused(*again, "--network", "small:single")
    answer = json.loads(run(*again, *network, "--out", "map.png", "--json").stdout)
    assert answer["maps"] == json.loads(made.stdout)["maps"]
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_digits_of_flax(public: Path) -> None:
    record = checked("--network", "nnx_digits:model", status=0)
    assert (record["input"], record["channels"]) == ([28, 28], "L")
    assert record["kinds"] == {"relu": 3, "conv": 2, "avg_pool": 2, "dense": 2}
    assert record["parameters"] == 320 + 18496 + (3136 + 1) * 256 + 257 * 10
    for one in by_rule(record).values():
        assert (one["obeyed"], one["rectifiers"]) == (3, 3)
        assert one["agreement"] < 1e-5


@pytest.mark.deep
def test_the_digits_of_equinox(public: Path) -> None:
    pytest.importorskip("equinox")
    record = checked("--network", "equinox_digits:model", status=1)
    assert (record["input"], record["channels"]) == ([28, 28], "L")
    assert record["kinds"]["dense"] == 3
    assert by_rule(record)["gradient"]["applies"]
    (note,) = record["notes"]
    assert "the path also passes sigmoid1" in note
    assert "With on_unsupported='gradient' 2 of 3 rectifiers obey" in note


@pytest.mark.deep
def test_a_residual_network_of_stax(public: Path) -> None:
    assert "stax_resnet:forward takes params, x" in refused("check", "--network", "stax_resnet:forward")
    record = checked("--network", "stax_resnet:predict", "--size", "32", "32", status=1)
    assert (record["kinds"]["conv"], record["kinds"]["relu"], record["kinds"]["add"]) == (9, 7, 3)
    assert by_rule(record)["gradient"]["applies"]
    assert record["notes"][0].startswith("The output for an image depends on the other images of its batch")


@pytest.mark.deep
def test_a_mixer_of_linen(public: Path) -> None:
    assert "the Linen module Mixer, which holds no weights" in refused("check", "--network", "linen_mixer:mixer")
    record = checked("--network", "linen_mixer:net", status=1)
    assert record["kinds"]["conv"] == 5
    assert by_rule(record)["deconvnet"]["rectifiers"] == 5
    assert "gelu in tanh1, gelu in tanh2, gelu in tanh3, gelu in tanh4, ... (5 in all)" in record["notes"][0]


STACK = """
import jax, jax.numpy as jnp
from jax import lax

W = jnp.cos(jnp.arange(3 * 3 * 5 * 4.0)).reshape(3, 3, 5, 4)


def net(x):
    return jax.nn.relu(lax.conv_general_dilated(x, W, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")))
"""


@pytest.fixture
def five(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Options for a network of five channels."""
    (tmp_path / "five.py").write_text(STACK)
    np.save(tmp_path / "stack.npy", np.random.default_rng(2).normal(size=(13, 11, 5)))
    for _ in at(tmp_path, monkeypatch, ["five"]):
        yield ["--network", "five:net", "--size", "13", "11", "--channels", "5", "--image"]


@pytest.mark.deep
def test_a_network_of_five_channels_takes_an_array(five: list[str], tmp_path: Path) -> None:
    record = checked(*five, "stack.npy", status=0)
    assert (record["channels"], [one["obeyed"] for one in record["rules"]]) == (5, [1, 1, 1, 1])
    answer = run("activations", *five, "stack.npy", "--layer", "relu1", "--json")
    x = np.load("stack.npy").astype(np.float32)[None]
    best = np.asarray(sys.modules["five"].net(x))[0].max((0, 1))
    assert json.loads(answer.stdout)["top"][0] == pytest.approx(
        json.loads(answer.stdout)["top"][0] | {"channel": int(best.argmax()), "value": float(best.max())}, rel=1e-5
    )
    unit = ["--layer", "relu1", "--channel", "2", "--rule", "guided", "--rule", "linear"]
    made = run("reconstruct", *five, "stack.npy", *unit, "--out", "map.svg", "--save-recipe", "r.json")
    assert made.exit_code == 0, made.output
    again = run("reconstruct", *five, "stack.npy", "--recipe", "r.json", "--out", "again.svg")
    assert again.exit_code == 0, again.output
    assert Path("map.svg").read_bytes() == Path("again.svg").read_bytes()


def test_what_is_no_array_of_that_many_channels_is_refused(five: list[str]) -> None:
    asked = r"takes 5 channels, which come as an array \(H, W, 5\) in a .npy file"
    np.save("flat.npy", np.zeros((13, 11)))
    np.save("objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save("infinite.npy", np.full((2, 2, 5), np.inf))
    Path("cut.npy").write_bytes(Path("stack.npy").read_bytes()[:300])
    for file, said in (
        ("sample:cat", "got 'sample:cat'"),
        ("missing.npy", "cannot be read"),
        ("flat.npy", r"holds one of shape \(13, 11\)"),
        ("objects.npy", "holds no array of numbers"),
        ("cut.npy", "holds no array of numbers"),
        ("infinite.npy", "finite and real"),
    ):
        line = refused("check", *five, file)
        assert re.search(said, line), line
        assert file == "missing.npy" or re.search(asked, line), line
    assert "neither RGB, BGR or L" in refused("check", "--network", "five:net", "--channels", "0")
