"""What stands around the package: requirements, Make targets, finding a Python, opening the app."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import open_app
import pytest
import requirements

from deconvviz._cli import app as opener

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command's outcome, run in the project's folder."""
    merged = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        [*map(str, command)], cwd=ROOT, env={**merged, **environment}, capture_output=True, text=True, timeout=120
    )


def test_requirements_are_those_of_pyproject() -> None:
    written = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert written == requirements.text(), "pyproject.toml has changed: make requirements"


def test_a_requirement_without_lower_bound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname="x"\ndependencies=["numpy>=2.0", "click"]\n[project.optional-dependencies]\ndev=[]\n'
    )
    with pytest.raises(ValueError, match=r"tested lower bound.*got 'click'"):
        requirements.lowest(tmp_path)


def test_lowest_are_exact_pins_of_everything() -> None:
    pins = requirements.lowest().split()
    declared = requirements.declared() + requirements.declared(extra="dev")
    assert len(pins) == len(declared) > 12
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+", pin) for pin in pins), pins


def test_what_is_installed_satisfies_the_bounds() -> None:
    for line in requirements.declared():
        name, _, bound = line.partition(">=")
        numbers = [int(part) for part in re.findall(r"\d+", metadata.version(name))[:3]]
        assert numbers >= [int(part) for part in bound.split(".")], line


@pytest.mark.parametrize(("newest", "checks"), [("3.11", ""), ("3.13", "make check PYTHON={0}/newest\n")])
def test_ci_tests_and_then_checks_with_the_newest_python(newest: str, checks: str, tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    for folder, name, text in (
        ("scripts", "find-python", f"echo {tmp_path}/newest"),
        (".venv/bin", "python", "echo 3.11"),
        (".", "newest", f"echo {newest}"),
        ("bin", "make", 'echo make "$@"'),
    ):
        command = tmp_path / folder / name
        command.parent.mkdir(parents=True, exist_ok=True)
        command.write_text(f"#!/bin/sh\n{text}\n")
        command.chmod(0o755)
    told = run(tmp_path / ".ci" / "run", PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert told.returncode == 0, told.stderr
    assert told.stdout == "make test PEERS=1\n" + checks.format(tmp_path)


def test_make_lists_its_targets() -> None:
    listed = run("make").stdout
    for target in ("app", "test", "check", "train", "bench", "clean", "help"):
        assert f"make {target} " in listed, listed


def test_make_train_without_data_says_what_it_needs() -> None:
    told = run("make", "-o", ".venv/.app", "train", "VENV=.venv", "DATA=")
    assert told.returncode == 2
    assert "make train needs the pictures, one folder a class: make train DATA=" in told.stderr


def fake_python(folder: Path, name: str, version: str, has_venv: bool = True) -> None:
    """A command that answers like a Python of that version."""
    script = folder / name
    outcome = "exit 0" if has_venv else "exit 1"
    script.write_text(f'#!/bin/sh\ncase "$2" in *version_info*) echo {version} ;; *) {outcome} ;; esac\n')
    script.chmod(0o755)


def find_python(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """scripts/find-python where only ``folder`` is on PATH, and pyenv has what lies in its folder "pyenv"."""
    shell = shutil.which("sh")
    assert shell
    there = {"PYTHON": "", "PATH": str(folder), "PYENV_ROOT": str(folder / "pyenv")} | environment
    newest = ["--newest"] if there.pop("NEWEST", "") else []
    return run(shell, ROOT / "scripts" / "find-python", *newest, **there)


def fake_pyenv(folder: Path, version: str) -> Path:
    """A Python that pyenv has installed and not put on PATH."""
    home = folder / "pyenv" / "versions" / version / "bin"
    home.mkdir(parents=True)
    fake_python(home, "python", version.rpartition(".")[0])
    return home / "python"


def test_the_first_python_that_fits_is_taken(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "3.10")
    fake_python(tmp_path, "python3.13", "3.13", has_venv=False)
    fake_python(tmp_path, "python3.12", "3.12")
    fake_python(tmp_path, "python3.11", "3.11")
    assert find_python(tmp_path).stdout.strip() == str(tmp_path / "python3.12")


def test_no_python_is_said_clearly(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "3.14")
    told = find_python(tmp_path)
    assert told.returncode == 1
    assert told.stdout == ""
    assert (
        "No Python 3.11, 3.12 or 3.13 was found (looked for: python3 python3.13 python3.12 python3.11)" in told.stderr
    )


def test_a_python_without_venv_is_said_clearly(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "3.12", has_venv=False)
    told = find_python(tmp_path)
    assert told.returncode == 1
    assert "python3 (Python 3.12) has no venv module" in told.stderr
    assert "apt-get install python3-venv" in told.stderr


def test_a_named_python_is_taken(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "3.12")
    fake_python(tmp_path, "mine", "3.11")
    assert find_python(tmp_path, PYTHON="mine").stdout.strip() == str(tmp_path / "mine")


def test_pyenv_is_asked_where_path_has_none(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "3.10")
    older, newer = fake_pyenv(tmp_path, "3.11.7"), fake_pyenv(tmp_path, "3.12.1")
    fake_pyenv(tmp_path, "3.10.2")
    assert find_python(tmp_path).stdout.strip() == str(newer)
    fake_python(tmp_path, "python3.11", "3.11")
    assert find_python(tmp_path).stdout.strip() == str(tmp_path / "python3.11")
    assert find_python(tmp_path, NEWEST="1").stdout.strip() == str(newer)
    assert find_python(tmp_path, PYTHON=str(older)).stdout.strip() == str(older)


@pytest.mark.parametrize("name", ["3.12", "python3.12", "3.12.1"])
def test_a_version_names_a_python(name: str, tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "3.13")
    wanted = fake_pyenv(tmp_path, "3.12.1")
    assert find_python(tmp_path, PYTHON=name).stdout.strip() == str(wanted)


@pytest.mark.parametrize("name", ["3.14", "python3.10", "/no/such/python"])
def test_a_named_python_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "3.13")
    fake_python(tmp_path, "python3.10", "3.10")
    told = find_python(tmp_path, PYTHON=name)
    assert told.returncode == 1
    assert f"(looked for: {name})" in told.stderr


def test_another_python_gets_an_environment_of_its_own(tmp_path: Path) -> None:
    fake_python(tmp_path, "mine", "3.12")
    plan = run("make", "-n", "check", f"PYTHON={tmp_path}/mine").stdout
    assert ".venv-3.12/bin/python -m pytest" in plan
    assert ".venv/" not in plan
    assert ".venv/bin/python -m pytest" in run("make", "-n", "check", PYTHON="").stdout
    refused = run("make", "-n", "check", f"PYTHON={tmp_path}/yours")
    assert refused.returncode == 2
    assert "no Python for PYTHON=" in refused.stderr


def test_a_busy_port_is_one_line_and_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = run(sys.executable, "-m", "deconvviz", "app", "--port", str(port))
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert f"Port {port} is taken" in told.stderr
    assert "make app PORT=8600" in told.stderr


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "http", "٣"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert opener.trouble_with_port(port) == f"A port is a number from 1 to 65535; got PORT={port!r}."


def test_the_app_listens_on_this_machine_only_asks_nothing_and_tells_nobody() -> None:
    command = opener.command("8600", headless=True)
    options = dict(zip(command[5::2], command[6::2], strict=True))
    assert options == {
        "--server.address": "127.0.0.1",
        "--server.port": "8600",
        "--server.headless": "true",
        "--server.showEmailPrompt": "false",
        "--browser.gatherUsageStats": "false",
    }


def test_the_public_names_are_those_listed() -> None:
    import ast
    import importlib

    import deconvviz as dv

    listed = ast.parse((ROOT / "deconvviz" / "__init__.pyi").read_text()).body[1:-1]
    assert all(isinstance(node, ast.ImportFrom) and len(node.names) == 1 for node in listed)
    where = {node.names[0].name: (node.module, node.names[0].asname) for node in listed}  # type: ignore[attr-defined]
    assert sorted(where) == sorted(dv.__all__)
    assert all(name == alias for name, (_, alias) in where.items()), "a stub exports what is imported as itself"
    for name, (module, _) in where.items():
        assert getattr(dv, name) is getattr(importlib.import_module(f"deconvviz.{module}"), name)
    assert set(dv.__all__) <= set(dir(dv))
    with pytest.raises(AttributeError, match="No deconvviz attribute deconvolve"):
        _ = dv.deconvolve  # type: ignore[attr-defined]


def test_every_file_that_is_no_python_is_packaged() -> None:
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    for package, patterns in declared.items():
        folder = ROOT / package
        found = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc", ".po")}
        packaged = {path for pattern in patterns for path in folder.glob(pattern)}
        assert found, package
        assert found <= packaged, f"add to package-data in pyproject.toml: {sorted(map(str, found - packaged))}"


def test_an_app_that_does_not_start_says_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "print('a package is missing'); raise SystemExit(3)"]
    monkeypatch.setattr(open_app, "command", lambda *_, **__: failing)
    with pytest.raises(RuntimeError, match="a package is missing"), open_app.served():
        pass


def test_tests_cannot_reach_the_network() -> None:
    with pytest.raises(ConnectionError, match="tests run without a network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


@pytest.mark.slow
def test_the_app_starts_from_a_wheel_in_any_folder(tmp_path: Path) -> None:
    """What the wheel holds, without the project: unpacked, it opens the pages by the command that it brings."""
    import zipfile

    copy = tmp_path / "project"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "artifacts")
    for folder in ("deconvviz", "lessons"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    build = f"from setuptools import build_meta as b; print(b.build_wheel(r'{tmp_path}'))"
    made = subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr[-2000:]
    inside = tmp_path / "site"
    zipfile.ZipFile(tmp_path / made.stdout.split()[-1]).extractall(inside)
    shutil.rmtree(copy)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import deconvviz, sys; from pathlib import Path; from deconvviz._cli import app; "
        "assert app.script().is_relative_to(Path(sys.argv[1])), app.script(); "
        "from streamlit.testing.v1 import AppTest; start = app.script().with_name('start.py'); "
        "test = AppTest.from_file(str(start), default_timeout=120); "
        "test.run(); assert not test.exception, test.exception; print(test.title[0].value)"
    )
    environment = {**os.environ, "PYTHONPATH": str(inside)}
    opened = subprocess.run(
        [sys.executable, "-c", code, str(inside)],
        cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert opened.returncode == 0, opened.stderr[-2000:]
    assert opened.stdout.strip().splitlines()[-1] == "What does a network see, run backwards?"
    asked = subprocess.run(
        [sys.executable, "-m", "deconvviz", "app", "--help"],
        cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert all(option in asked.stdout for option in ("--port", "--network", "--atlas"))
