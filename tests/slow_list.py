"""Which tests `make check` leaves out: those that tests/slow.txt names, written by a run that measured them all.

`make slow` runs all tests and writes the list anew. A test counts with all its parameters: processor seconds of setup
and call, those of programs that it starts included.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("slow.txt")
#: Processor seconds from which a test is slow.
LIMIT = 0.8
#: What `make check` leaves out anyway.
OUT = ("browser", "peers", "gpu", "data")
_PROPERTY = "processor"


def function(nodeid: str) -> str:
    """A test without its parameters.

    >>> function("tests/a.py::test_b[c-d]")
    'tests/a.py::test_b'
    """
    return nodeid.split("[")[0]


def listed(file: Path = FILE) -> frozenset[str]:
    """The tests of the list; none where there is no list."""
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    return frozenset(line for line in lines if line and not line.startswith("#"))


def processor_seconds() -> float:
    """Of this process and of the finished ones that it has started."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def note(item: pytest.Item, seconds: float) -> None:
    """Keep what a phase of a test took; it reaches the summary with the report of its call."""
    item.user_properties.append((_PROPERTY, seconds))


def measured(reports: Iterable[pytest.TestReport]) -> Counter[str]:
    """Processor seconds of each test, with all its parameters."""
    found: Counter[str] = Counter()
    for report in reports:
        if report.when == "call" and not any(mark in report.keywords for mark in OUT):
            found[function(report.nodeid)] += sum(float(s) for name, s in report.user_properties if name == _PROPERTY)
    return found


def write(seconds: Counter[str], file: Path = FILE) -> None:
    """The list, sorted by name."""
    names = sorted(name for name, spent in seconds.items() if spent > LIMIT)
    head = f"# Tests of more than {LIMIT} processor seconds, all parameters together; written by `make slow`.\n"
    file.write_text(head + "".join(f"{name}\n" for name in names), "utf-8")
