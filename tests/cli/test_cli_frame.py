"""The command line as such: help, one line on bad input, interrupts, files that are whole or not there."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from deconvviz import cli
from deconvviz._cli import _common
from deconvviz.errors import DeconvvizError

OUT_OF_MEMORY = "deconvviz: memory ran out; close other programs, or ask for less at once\n"
COMMANDS = ["activations", "data", "evaluate", "layers", "reconstruct", "train"]


def run(*arguments: str) -> Any:
    """What the command line answers."""
    return CliRunner().invoke(cli.main, [*arguments])


def failing_with(error: BaseException) -> Callable[..., None]:
    """A command's function that fails."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.slow
def test_the_commands_are_found_by_scanning() -> None:
    context = click.Context(cli.main)
    assert set(COMMANDS) <= set(cli.main.list_commands(context))
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        assert command is not None
        assert command.name == name


@pytest.mark.sampled(check=11)
@pytest.mark.parametrize("name", cli.main.list_commands(click.Context(cli.main)))
def test_every_command_has_help_with_an_example(name: str) -> None:
    arguments = [name, *{"data": ["fetch"], "weights": ["fetch"], "atlas": ["build"]}.get(name, [])]
    answer = run(*arguments, "--help")
    assert answer.exit_code == 0
    assert "Example" in answer.output
    assert f"deconvviz {' '.join(arguments)} " in answer.output
    assert "--json" in answer.output or name in ("app", "grade"), "pages are no records"


@pytest.mark.slow
def test_without_a_command_there_is_help() -> None:
    answer = run()
    assert answer.exit_code == 0
    assert answer.stdout.startswith("Usage: deconvviz")
    assert all(name in answer.stdout for name in COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['deconvviz', '--help']\n"
        "from deconvviz.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('jax', 'numpy', 'matplotlib', 'flax') if name in sys.modules], file=sys.stderr)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240)
    assert answer.stdout.startswith("Usage: deconvviz")
    assert answer.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layer"], "deconvviz: no command 'layer'; did you mean layers? (see: deconvviz --help)"),
        (["layers"], "deconvviz: name a network: --model caltech, or your own with --network package.module:object"),
        (["layers", "--modle", "x"], "deconvviz: No such option"),
        (["activations", "--top", "0"], "deconvviz: Invalid value for '--top': 0 is not in the range x>=1."),
        (
            ["train", "caltec", "--data", "d", "--out", "o"],
            "nothing to train is called 'caltec'; did you mean caltech?",
        ),
        (["evaluate", "x", "--data", "d"], "nothing to evaluate is called 'x'; known: alexnet, caltech"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    answer = run(*arguments)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert said in answer.stderr


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DeconvvizError("two\n  lines become one"), 2, "deconvviz: two lines become one\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "map.png"),
            2,
            "deconvviz: No space left on device: map.png\n",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), 2, "deconvviz: Permission denied: /a\n"),
        (MemoryError(), 2, OUT_OF_MEMORY),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"), 2, OUT_OF_MEMORY),
        (KeyboardInterrupt(), 130, "deconvviz: stopped by Ctrl-C; nothing half-written was left behind\n"),
    ],
)
def test_failures_are_one_line(monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, said: str) -> None:
    from deconvviz._cli import layers

    monkeypatch.setattr(layers, "load_chosen", failing_with(error))
    answer = run("layers", "--model", "caltech")
    assert answer.exit_code == status
    assert answer.stdout == ""
    assert answer.stderr.strip("\n") == said.strip("\n")


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-W", "default")])
def test_warnings_of_libraries_are_no_lines_of_a_command(options: tuple[str, ...]) -> None:
    program = (
        "import warnings\n"
        "from deconvviz import cli\n"
        "from deconvviz._cli import layers\n"
        "from deconvviz.errors import DeconvvizError\n"
        "def fail(*_):\n"
        "    warnings.warn('some library has changed')\n"
        "    raise DeconvvizError('no')\n"
        "layers.load_chosen = fail\n"
        "cli.main(['layers', '--model', 'caltech'])\n"
    )
    command = [sys.executable, *options, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert answer.returncode == 2
    assert answer.stderr.endswith("deconvviz: no\n")
    assert ("some library has changed" in answer.stderr) is bool(options), "shown to who asks for it"
    assert options or answer.stderr.count("\n") == 1


@pytest.mark.parametrize("bug", [ZeroDivisionError("a bug"), RuntimeError("a bug")])
def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch, bug: Exception) -> None:
    from deconvviz._cli import layers

    monkeypatch.setattr(layers, "load_chosen", failing_with(bug))
    assert run("layers", "--model", "caltech").exception is bug


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m deconvviz --help | true"
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=240)
    assert answer.stderr == ""


@pytest.mark.slow
def test_a_closed_stdout_is_no_error() -> None:
    """Nobody reads the answer: nothing to say, and no traceback."""
    command = f"{sys.executable} -m deconvviz layers --model caltech >&-"
    answer = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=240)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_stdout_is_said() -> None:
    command = f"{sys.executable} -m deconvviz --version > /dev/full"
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=240)
    assert answer.returncode == 2
    assert answer.stderr == "deconvviz: No space left on device\n"


def test_json_is_one_line_of_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    record = {"a": np.float32(0.5), "b": (np.arange(2), None), "c": Path("x.png"), "d": float("nan"), "e": "猫"}
    _common.answer(record, True, ["not this"])
    printed = capsys.readouterr().out
    assert printed == '{"a": 0.5, "b": [[0, 1], null], "c": "x.png", "d": null, "e": "\\u732b"}\n'
    assert json.loads(printed)["b"] == [[0, 1], None]


def test_where_nothing_can_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DeconvvizError, match=r"--out a.gif does not say which format: end it with .png or .svg"):
        _common.check_out(Path("a.gif"), (".png", ".svg"))
    with pytest.raises(DeconvvizError, match=r"folder\.png is a folder: name a file in it"):
        _common.check_out(tmp_path / "folder.png", (".png",))
    with pytest.raises(DeconvvizError, match=r"the folder .*nowhere does not exist; make it first"):
        _common.check_out(tmp_path / "nowhere" / "a.png", (".png",))
    monkey = pytest.MonkeyPatch()
    monkey.setattr(_common.os, "access", lambda *_: False)
    with pytest.raises(DeconvvizError, match=r"may not be written to; name another one"):
        _common.check_out(tmp_path / "a.png", (".png",))
    monkey.undo()


def test_numbers_that_no_array_holds_are_refused() -> None:
    """A seed of twenty digits is no traceback; every whole number of a command has such a bound."""

    def numbers(command: click.Command) -> Iterator[click.Parameter]:
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                below = command.get_command(click.Context(command), name)
                assert below is not None
                yield from numbers(below)
        else:
            yield from (one for one in command.params if isinstance(one.type, click.IntRange))

    assert {type(one.type) for one in numbers(cli.main)} == {_common.Whole}
    result = run("invert", "--image", "sample:cat", "--layer", "relu1", "--seed", str(2**63))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "9223372036854775808 is not below 2^63" in result.output
