"""Where compiled programs are kept, and that nothing breaks where they cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from deconvviz import compiled, storage


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    """JAX's own setting, as it was."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.mark.parametrize(("platform", "variable"), [("linux", "XDG_CACHE_HOME"), ("win32", "LOCALAPPDATA")])
def test_they_lie_in_the_users_cache_folder(
    platform: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DECONVVIZ_CACHE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(storage.sys, "platform", platform)
    assert tmp_path in compiled.folder().parents
    assert jax.__version__ in compiled.folder().name


def test_a_named_folder_goes_first_and_another_processor_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path))
    mine = compiled.folder()
    assert tmp_path in mine.parents
    monkeypatch.setattr(compiled, "_processor", lambda: "model name: another one")
    assert compiled.folder() != mine


def test_without_a_folder_nothing_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path / "file"))
    assert compiled.keep() is False
    assert jax.config.jax_compilation_cache_dir is None


def test_a_folder_that_jax_was_told_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path / "mine"))
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "jax"))
    assert compiled.keep() is True
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "jax")
    assert not (tmp_path / "mine").exists()


@pytest.mark.slow
def test_programs_are_found_there_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    code = "import jax; from deconvviz import compiled; print(compiled.keep()); jax.jit(lambda x: x * 3 + 1)(2.0)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert answer.stdout == "True\n", answer.stderr
    assert any(path.is_file() for path in compiled.folder().rglob("*"))


def test_a_flag_is_given_to_xla_only_where_xla_knows_it() -> None:
    """It would end the process otherwise; releases differ in their flags."""
    ask = "import conftest; print(*(conftest.xla_knows(flag) for flag in ('', '--xla_no_such_flag=1')))"
    answer = subprocess.run([sys.executable, "-c", ask], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert answer.stdout == "True False\n", answer.stderr
