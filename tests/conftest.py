"""What every test may rely on: no network, skips with a reason, files that end up in artifacts/."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import gc
import importlib.util
import json
import mmap
import os
import random
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# --doctest-modules would import every conftest.py once more, under one and the same name.
# The networks of other people compile at import, for nothing: only commands of their own processes open them.
collect_ignore_glob = ["*conftest.py", "*/public_networks/*"]
if importlib.util.find_spec("torch") is None:
    collect_ignore_glob.append("*/torch_*.py")
LOOPBACK = ("127.0.0.1", "::1", "localhost", "")
#: Where the examples of docstrings compile or load trained networks, and where they build whole networks of tasks.
COMPILED_EXAMPLES = re.compile(r"deconvviz/(api\.py|compiled\.py|(articles|checks|models|priors|tasks|training)/)")
WHOLE_EXAMPLES = re.compile(r"deconvviz/tasks/\w+/network\.py")
#: Bytes from which a test process drops its compiled programs, about four million each.
LARGE, GROWTH = 3_000_000_000, 1_000_000_000
GROWN = [LARGE]
#: Makes XLA compile for a CPU in the way that compiles quickly; not every release has the flag.
QUICK_COMPILATION = "--xla_cpu_use_fusion_emitters=false"


def compile_plainly() -> None:
    """Make XLA spend little on each program: most programs of the tests run once and are tiny.

    What is set already stays: ``JAX_DISABLE_MOST_OPTIMIZATIONS=0 XLA_FLAGS= make test`` compiles as for users. The app
    of the browser tests is optimized always, and `test_optimized` runs the tests of the core so.
    """
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    if "XLA_FLAGS" not in os.environ:  # the processes that this one starts find it there
        os.environ["XLA_FLAGS"] = QUICK_COMPILATION if xla_knows(QUICK_COMPILATION) else ""


def xla_knows(flag: str) -> bool:
    """Whether this release of XLA takes the flag: it ends a process over one that it does not know, so one is spent."""
    read_flags = "from jaxlib import xla_client; xla_client.CompileOptions()"
    environment = {**os.environ, "XLA_FLAGS": flag}
    return subprocess.run([sys.executable, "-c", read_flags], env=environment, capture_output=True).returncode == 0


compile_plainly()
# Tests start many processes and collect in each of their own: they find each other's compiled modules in __pycache__.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def _skip_reason(item: pytest.Item) -> str | None:
    """Why this machine cannot run a marked test; None if it can."""
    if item.get_closest_marker("peers") and importlib.util.find_spec("torch") is None:
        return "the peers extra is not installed: pip install -e '.[peers]'"
    if item.get_closest_marker("release") and not item.config.getoption("release"):
        return "only a release has to pass it: make release-check"
    if item.get_closest_marker("data") and not os.environ.get("DECONVVIZ_DATA"):
        return "DECONVVIZ_DATA does not name the folder of the data sets"
    if item.get_closest_marker("gpu"):
        import jax

        if jax.default_backend() == "cpu":
            return "no accelerator that jax can use"
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--release``: see `_skip_reason`."""
    parser.addoption("--release", action="store_true", help="run what only a release has to pass too")


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the cases of a test marked ``sampled(n)`` only n stay in ``make test``, the others become ``deep``.

    ``sampled(check=m)`` leaves m of them in ``make check``, the others become ``slow``. The draw depends on the name of
    the test alone. Examples of docstrings that compile are slow too, those that build networks of tasks deep.
    """
    families: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            path = item.path.relative_to(ROOT).as_posix()
            if COMPILED_EXAMPLES.match(path):
                item.add_marker(pytest.mark.deep if WHOLE_EXAMPLES.match(path) else pytest.mark.slow)
        if item.get_closest_marker("sampled"):
            families[item.nodeid.split("[")[0]].append(item)
    for name, cases in families.items():
        mark = cases[0].get_closest_marker("sampled")
        assert mark is not None
        count, check = (mark.args or (len(cases),))[0], mark.kwargs.get("check")
        drawn = random.Random(name).sample(cases, min(count, len(cases)))
        for case in drawn[check:] if check is not None else ():
            case.add_marker(pytest.mark.slow)
        for case in cases:
            if case not in drawn:
                case.add_marker(pytest.mark.deep)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, and say why."""
    reason = _skip_reason(item)
    if reason:
        pytest.skip(reason)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Between two files: drop compiled programs where there are so many that the process has become large.

    Most of what it has grown to may stay with it: the next time is when it has grown as much again.
    """
    if nextitem is None or nextitem.path == item.path or "jax" not in sys.modules or resident() < GROWN[0]:
        return
    sys.modules["jax"].clear_caches()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc keeps what was freed; others have no such call
        ctypes.CDLL(None).malloc_trim(0)
    GROWN[0] = max(LARGE, resident() + GROWTH)


def resident() -> int:
    """Bytes of this process that are in memory; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * mmap.PAGESIZE
    except OSError:
        return 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """With ``--durations=N``: the seconds of the N slowest files too."""
    reports = [one for some in terminalreporter.stats.values() for one in some if isinstance(one, pytest.TestReport)]
    count = config.getoption("durations")
    if count is None:
        return
    seconds: Counter[str] = Counter()
    for report in reports:
        seconds[report.nodeid.split("::")[0]] += report.duration
    terminalreporter.section("slowest files")
    for file, spent in seconds.most_common(count or None):
        terminalreporter.write_line(f"{spent:.2f}s {file}")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine: tests and what they test run without a network."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise ConnectionError(f"a test tried to reach {address!r}: tests run without a network")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", refuse)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder that all processes of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def trained_once(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """``trained_once(name, train)``: (folder of the run, its figures), trained by the first process of the tests.

    ``train(folder)`` answers the figures as JSON holds them. Every process has a copy of the folder, to do with as it
    likes.
    """

    def run(name: str, train: Callable[[Path], Any]) -> tuple[Path, dict[str, Any]]:
        made, figures = shared / name / "run", shared / f"{name}.json"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not figures.is_file():
                figures.write_text(json.dumps(train(made)))
        mine = tmp_path_factory.mktemp(name) / made.name
        return Path(shutil.copytree(made, mine)), json.loads(figures.read_text())

    return run


@pytest.fixture(autouse=True, scope="session")
def compiled_programs(shared: Path) -> Iterator[None]:
    """Compiled programs of commands and of the app are shared within a run, and leave the user's cache alone."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DECONVVIZ_CACHE", str(shared / "cache"))
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def scanned_once() -> Iterator[None]:
    """Streamlit's `AppTest` reads the metadata of every installed package at each run of a page: most of its time."""
    patch = pytest.MonkeyPatch()
    if "streamlit" in sys.modules:
        with contextlib.suppress(ImportError):  # older releases have no such components
            from streamlit.components.v2 import manifest_scanner

            scan = functools.cache(manifest_scanner.scan_component_manifests)
            patch.setattr(manifest_scanner, "scan_component_manifests", scan)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """The git-ignored folder for pictures that a person may want to see after a run."""
    folder = ROOT / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder
