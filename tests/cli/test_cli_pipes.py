"""A pipe at every option of every command that names a file or folder: refused before anything else, and it stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from deconvviz import cli
from deconvviz._cli._common import FilePath

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes on this system")
#: Options that hold more than the name of a file; who reads them looks.
LATER = {("train caltech", "start"), ("train caltech", "teachers")}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command by its words."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from leaves(below, (*path, name))
    else:
        yield " ".join(path), command


def names_a_file(parameter: click.Parameter) -> bool:
    """Whether the value of an option or argument is a path."""
    said = parameter.metavar or ""
    return isinstance(parameter.type, click.Path) or "FILE" in said or "DIR" in said


ALL = [(name, one) for name, command in leaves(cli.main) for one in command.params]
CASES = [(name, one) for name, one in ALL if isinstance(one.type, FilePath)]


def refused(arguments: list[str], pipe: Path) -> str:
    """What a command says to a pipe."""
    result = CliRunner().invoke(cli.main, [*arguments])
    assert result.exit_code == 2, result.output
    assert pipe.is_fifo()
    return result.output


def test_every_option_that_names_a_file_is_of_that_type() -> None:
    others = {(name, one.name) for name, one in ALL if names_a_file(one) and not isinstance(one.type, FilePath)}
    assert others <= LATER <= {(name, one.name) for name, one in ALL}
    assert len(CASES) > 90


@pytest.mark.parametrize(("name", "asked"), CASES, ids=lambda part: part if isinstance(part, str) else part.name)
def test_a_pipe_is_refused(name: str, asked: click.Parameter, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    value = [asked.opts[0], str(pipe)] if isinstance(asked, click.Option) else [str(pipe)]
    said = refused([*name.replace("LAYER", "relu4").split(), *value], pipe)
    assert f"'{pipe}' is a device or pipe, not a file" in said


@pytest.mark.slow
@pytest.mark.parametrize("option", sorted(option for _, option in LATER))
def test_a_pipe_in_a_list_of_files_is_refused(option: str, tmp_path: Path) -> None:
    for number in range(12):
        for kind in ("a", "b"):
            (tmp_path / "data" / kind).mkdir(parents=True, exist_ok=True)
            grey = Image.fromarray(np.full((40, 44), 20 * number, np.uint8))
            grey.save(tmp_path / "data" / kind / f"{number}.png")
    pipe, out = tmp_path / "pipe", tmp_path / "out"
    os.mkfifo(pipe)
    said = refused(
        ["train", "caltech", "--data", str(tmp_path / "data"), "--out", str(out), f"--{option}", str(pipe)], pipe
    )
    assert str(pipe) in said
