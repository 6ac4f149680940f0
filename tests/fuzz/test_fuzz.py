"""The fuzzers for some seconds each, in processes with limits; ten thousand rounds of each in `make test-deep`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.targets import FUZZERS

TESTS = Path(__file__).resolve().parent.parent
#: Rounds that take a second or two.
QUICK = {"pictures": 500, "weights": 50, "recipes": 1300, "atlases": 50, "states": 300, "addresses": 100}
DEEP = 10_000


def fuzz(name: str, first: int, rounds: int) -> None:
    """Rounds of a fuzzer in a process of its own."""
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "ignore", "-m", "fuzz.targets", name, str(first), str(rounds)]
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert found.returncode == 0, found.stderr[-4000:]
    assert found.stdout == f"{rounds} rounds of {name}\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", FUZZERS)
def test_fuzz(name: str) -> None:
    fuzz(name, 0, QUICK[name])


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", FUZZERS)
def test_fuzz_deep(name: str) -> None:
    fuzz(name, QUICK[name], DEEP)


def test_a_find_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from fuzz import targets

    def broken(number: int, folder: Path) -> None:
        if number == 3:
            raise KeyError("a traceback")

    monkeypatch.setitem(targets.FUZZERS, "broken", broken)
    monkeypatch.setattr(targets, "_limit", lambda: None)
    monkeypatch.setattr(targets.faulthandler, "dump_traceback_later", lambda *_, **__: None)
    with pytest.raises(KeyError):
        targets.main("broken", "0", "5")
    assert "round 3 of broken" in capsys.readouterr().err
