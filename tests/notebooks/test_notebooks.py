"""The notebooks: they run as they are, right solutions pass their checks, wrong ones do not."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
each = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def given() -> Any:
    """The module of solutions, from the file beside this one."""
    spec = importlib.util.spec_from_file_location("notebook_solutions", Path(__file__).with_name("solutions.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tasks(notebook: Path) -> list[str]:
    """Names of the functions that are to be written."""
    return re.findall(
        r"^def (\w+)\([^\n]*\n    \"{3}[^\n]*\n    raise NotImplementedError", notebook.read_text("utf-8"), re.M
    )


def run(notebook: Path, written: dict[str, Any], deconvnet: Any = None) -> None:
    """Run the cells one after the other; what is written takes the place of what is to be written."""
    names: dict[str, Any] = {"__name__": "notebook"}
    for cell in re.split(r"^# %%.*$", notebook.read_text("utf-8"), flags=re.M):
        exec(compile(cell, notebook.name, "exec"), names)
        names.update({name: one for name, one in written.items() if name in names})
        if deconvnet is not None and "w2" in names:
            names["my_deconvnet"] = deconvnet(names)


def test_there_are_eight_with_two_tasks_each() -> None:
    assert len(NOTEBOOKS) == 8
    assert all(len(tasks(notebook)) == 2 for notebook in NOTEBOOKS)
    solutions = given()
    assert {name for notebook in NOTEBOOKS for name in tasks(notebook)} == solutions.WRONG.keys()


@pytest.mark.sampled(1)
@pytest.mark.slow
@each
def test_a_notebook_runs_and_tells_right_from_wrong(notebook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solutions = given()
    run(notebook, {})
    assert capsys.readouterr().out.count("not written yet") == 2
    right = {name: getattr(solutions, name) for name in tasks(notebook)}
    run(notebook, right, solutions.deconvnet_in if "my_deconvnet" in right else None)
    said = capsys.readouterr().out
    assert said.count(": solved (error") == 2, said
    run(notebook, {name: solutions.WRONG[name] for name in tasks(notebook)})
    said = capsys.readouterr().out
    assert said.count(": solved") == 0, said
    assert len(re.findall(r"task \d: (not yet|stops with)", said)) == 2, said


def test_they_become_notebooks(tmp_path: Path) -> None:
    pytest.importorskip("jupytext", reason="the notebooks extra is not installed: pip install -e '.[notebooks]'")
    out = tmp_path / "a.ipynb"
    command = [sys.executable, "-m", "jupytext", "--to", "ipynb", "--output", str(out), str(NOTEBOOKS[0])]
    subprocess.run(command, check=True, capture_output=True)
    cells = json.loads(out.read_text("utf-8"))["cells"]
    assert {cell["cell_type"] for cell in cells} == {"code", "markdown"}
