"""The contract, over every task that is found: records, signatures, options, and the commands made from them."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from deconvviz import catalog, cli
from deconvviz.errors import DeconvvizError
from deconvviz.tasks._shared import weights

ROOT = Path(__file__).resolve().parent.parent.parent
TASKS = sorted(catalog.tasks())
#: Tasks whose weights come with the package; the card of super-resolution looks at ripples of eight networks.
SHIPPED = [
    pytest.param(name, marks=pytest.mark.slow) if name == "super_resolution" else name
    for name in TASKS
    if weights.shipped(name).is_file()
]
#: What the contract itself hands to each function, beside the options that a task declares.
CONTRACT = {
    "train": {"data", "out", "seed", "resume", "progress"},
    "evaluate": {"data", "progress"},
    "apply": {"image"},
}


def test_every_folder_is_a_task() -> None:
    folders = {path.parent.name for path in (ROOT / "deconvviz" / "tasks").glob("[!_]*/__init__.py")}
    assert folders == set(TASKS)
    assert "cutout" in folders


def test_the_records_are_read_without_what_they_name() -> None:
    """`deconvviz apply --help` lists the tasks: none of their modules is imported for that."""
    code = (
        "import sys\nfrom deconvviz import catalog\nlist(catalog.tasks())\n"
        "print([name for name in sys.modules if name.startswith('deconvviz.tasks.') and name.count('.') > 2])\n"
        "print([name for name in ('jax', 'flax', 'scipy', 'PIL') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240)
    assert answer.stdout.split() == ["[]", "[]"]


@pytest.mark.parametrize("name", TASKS)
def test_the_record_is_whole(name: str) -> None:
    task = catalog.tasks()[name]
    assert task.title[0].isupper()
    assert not task.title.endswith(".")
    assert task.figures
    assert all(suffix.startswith(".") for suffix in task.suffixes)
    keys = re.findall(r"^@\w+\{([^,]+),", (ROOT / "docs" / "references.bib").read_text(encoding="utf-8"), re.M)
    assert task.sources
    assert set(task.sources) <= set(keys)
    for option in task.options:
        assert option.help.endswith(".")
        assert set(option.of) <= {*CONTRACT, "write"}
        if "write" in option.of:
            assert inspect.signature(task.write).parameters[option.key].kind is inspect.Parameter.KEYWORD_ONLY
            assert option.of == ("write",), "one command line holds apply's options and write's"


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("function", sorted(CONTRACT))
def test_every_declared_option_is_taken(name: str, function: str) -> None:
    task = catalog.tasks()[name]
    call = getattr(task, function)
    if call is None:
        assert not task.options_of(function)
        return
    parameters = inspect.signature(call).parameters
    assert CONTRACT[function] <= parameters.keys()
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        for option in task.options_of(function):
            assert parameters[option.key].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("function", sorted(CONTRACT))
def test_an_unknown_option_is_refused_with_the_nearest_name(name: str, function: str) -> None:
    task = catalog.tasks()[name]
    with pytest.raises(DeconvvizError, match=f"{function} {name} has no option 'nowhere'"):
        task.check(function, {"nowhere": 1})
    for option in task.options_of(function):
        wrong = option.key + "x"
        with pytest.raises(DeconvvizError, match=f"did you mean .*{option.key}"):
            task.check(function, {wrong: 1})
        task.check(function, {option.key: option.choices[0] if option.choices else 1})


@pytest.mark.sampled(check=15)
@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("function", sorted(CONTRACT))
def test_the_command_lists_the_options(name: str, function: str) -> None:
    task = catalog.tasks()[name]
    answer = CliRunner().invoke(cli.main, [function, name, "--help"])
    if getattr(task, function) is None:
        assert answer.exit_code == 2
        assert f"{name} has nothing to train" in answer.stderr
        return
    assert answer.exit_code == 0, answer.stderr
    for option in (*task.options_of(function), *(task.options_of("write") if function == "apply" else ())):
        assert f"--{option.name.replace('_', '-')}" in answer.stdout


@pytest.mark.parametrize("name", TASKS)
def test_an_unknown_option_on_the_command_line_is_one_line(name: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{catalog.tasks()[name].suffixes[0]}"
    answer = CliRunner().invoke(cli.main, ["apply", name, "--image", "sample:cat", "--out", str(out), "--imagine", "x"])
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    assert "--imagine" in answer.stderr
    assert "--image" in answer.stderr.replace("--imagine", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", TASKS)
def test_a_folder_without_data_is_one_line(name: str, tmp_path: Path) -> None:
    answer = CliRunner().invoke(cli.main, ["evaluate", name, "--data", str(tmp_path), "--json"])
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    assert str(tmp_path) in answer.stderr


@pytest.mark.parametrize("name", TASKS)
def test_what_is_trained_has_weights_and_a_card(name: str) -> None:
    task, path = catalog.tasks()[name], weights.shipped(name)
    assert (task.train is None) == (task.card is None)
    assert (task.train is not None) == path.is_file() == path.with_suffix(".md").is_file()


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_is_what_the_weights_say(name: str) -> None:
    path = weights.shipped(name)
    card = catalog.tasks()[name].card
    assert card is not None
    assert path.with_suffix(".md").read_text(encoding="utf-8") == card(path), "the card is older than the weights"


def test_an_unknown_task_offers_the_nearest() -> None:
    answer = CliRunner().invoke(cli.main, ["apply", "cutuot"])
    assert answer.exit_code == 2
    assert "there is no task 'cutuot'; did you mean cutout?" in answer.stderr
