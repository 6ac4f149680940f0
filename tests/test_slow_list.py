"""The list of slow tests: how it is made, and that it names tests that are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import slow_list

ROOT = Path(__file__).resolve().parent.parent


def test_every_listed_test_is_there() -> None:
    names = slow_list.listed()
    assert names
    for name in names:
        file, *_, last = name.split("::")
        assert re.search(rf"\bdef {last.split('.')[-1]}\(", (ROOT / file).read_text("utf-8")), name


def test_a_list_is_read_without_its_comments(tmp_path: Path) -> None:
    (tmp_path / "slow.txt").write_text("# what\na.py::test_b\n\n")
    assert slow_list.listed(tmp_path / "slow.txt") == {"a.py::test_b"}
    assert slow_list.listed(tmp_path / "none.txt") == frozenset()


def report(name: str, seconds: float, when: str = "call", *marks: str) -> pytest.TestReport:
    """What a process says of a phase of a test."""
    noted = [("processor", seconds / 2), ("other", 9.0), ("processor", seconds / 2)]
    keywords = dict.fromkeys(marks, 1)
    return pytest.TestReport(name, (name, 1, name), keywords, "passed", None, when, user_properties=noted)  # type: ignore[arg-type]


def test_parameters_count_together_and_what_is_left_out_anyway_does_not(tmp_path: Path) -> None:
    seconds = slow_list.measured([
        report("a.py::test_long[0]", 0.5), report("a.py::test_long[1]", 0.5), report("a.py::test_short[x]", 0.5),
        report("a.py::test_long[0]", 0.5, "teardown"), report("b.py::test_page", 5.0, "call", "browser"),
    ])  # fmt: skip
    assert seconds == {"a.py::test_long": 1.0, "a.py::test_short": 0.5}
    slow_list.write(seconds, tmp_path / "slow.txt")
    assert slow_list.listed(tmp_path / "slow.txt") == {"a.py::test_long"}


def test_a_listed_test_is_not_among_the_quick_ones() -> None:
    name = min(name for name in slow_list.listed() if name.startswith("tests/"))
    ask = [sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider", name.split("::")[0]]
    for extra, there in (([], True), (["-m", "not slow"], False)):
        answer = subprocess.run([*ask, *extra], cwd=ROOT, capture_output=True, text=True, check=False)
        assert any(slow_list.function(line) == name for line in answer.stdout.splitlines()) == there


def test_a_test_is_measured(request: pytest.FixtureRequest) -> None:
    assert [name for name, _ in request.node.user_properties] == ["processor"]  # of its setup; the call is under way
