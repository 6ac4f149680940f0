"""What is imported is declared, the locks hold what is declared, and what happens where a lock cannot be installed."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from itertools import product
from pathlib import Path

import install
import pytest
import requirements
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SYSTEMS = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}
MACHINES = ("x86_64", "aarch64", "arm64", "AMD64")
#: Where the name of a package is not what is imported.
IMPORTED_AS = {"dm-haiku": "haiku", "pillow": "PIL", "scikit-image": "skimage"}
#: Compared with where a machine has them, which the skipped test says; the extra does not bring them, as their
#: dependencies ask for builds of PyTorch and of JAX that are not this project's to choose.
NOT_DECLARED = {"keras", "zennit"}


def environments() -> Iterator[dict[str, str]]:
    """The environments that a lock has to serve: every Python that is supported, on every system."""
    for python, system, machine in product(requirements.pythons(), SYSTEMS, MACHINES):
        name, kind = SYSTEMS[system]
        yield {
            "python_version": python, "python_full_version": f"{python}.0", "sys_platform": system,
            "platform_system": name, "os_name": kind, "platform_machine": machine, "extra": "",
            "implementation_name": "cpython", "platform_python_implementation": "CPython",
            "implementation_version": f"{python}.0", "platform_release": "", "platform_version": "",
        }  # fmt: skip


@cache
def entries(text: str) -> list[tuple[Requirement, list[str]]]:
    """The pins of a lock with their hashes.

    Raises:
      ValueError: a line that is neither a pin nor one of its hashes.
    """
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        pin, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        if not all(re.fullmatch(r"[0-9a-f]{64}", one) for one in hashes):
            raise ValueError(f"no pin with hashes: {line[:100]!r}")
        found.append((Requirement(pin), hashes))
    return found


def pins(text: str, environment: dict[str, str]) -> dict[str, str]:
    """Name -> version of what a lock installs in an environment.

    Raises:
      ValueError: two releases of one package, or a line that names no single release.
    """
    found: dict[str, str] = {}
    for pin, _ in entries(text):
        if not applies(pin.marker, environment):
            continue
        name, version = canonicalize_name(pin.name), re.fullmatch(r"==([^*,]+)", str(pin.specifier))
        if version is None or name in found:
            raise ValueError(f"{pin} is not the one release of {name} in {environment}")
        found[name] = version[1]
    return found


def applies(marker: Marker | None, environment: dict[str, str]) -> bool:
    """Does a line with that marker concern the environment?"""
    return marker is None or marker.evaluate(environment)  # type: ignore[arg-type]


def missing(text: str, wanted: Sequence[str], environment: dict[str, str]) -> list[str]:
    """The requirements that a lock does not satisfy in an environment."""
    held, found = pins(text, environment), []
    for line in wanted:
        need = Requirement(line)
        version = held.get(canonicalize_name(need.name))
        if applies(need.marker, environment) and (version is None or not need.specifier.contains(version, True)):
            found.append(f"{line}: {version or 'nothing'} is locked on {environment['python_version']}")
    return found


def locked(kind: str) -> str:
    """The text of locks/KIND.txt."""
    return (ROOT / "locks" / f"{kind}.txt").read_text(encoding="utf-8")


def wanted(kind: str) -> list[str]:
    """What locks/KIND.txt has to hold."""
    if kind == "heic":
        return requirements.declared(extra="heic")
    tests = requirements.declared(extra="dev") if kind == "dev" else []
    return requirements.declared() + tests + requirements.build_tools()


@pytest.mark.parametrize("kind", requirements.LOCKS)
def test_the_locks_hold_what_is_declared_on_every_python_and_system(kind: str) -> None:
    for environment in environments():
        found = missing(locked(kind), wanted(kind), environment)
        assert not found, f"pyproject.toml has changed: make requirements ({found})"


@pytest.mark.slow
@pytest.mark.parametrize("kind", requirements.LOCKS)
def test_the_locks_hold_what_the_packages_need_themselves(kind: str) -> None:
    """Of the packages that are installed here in the locked release: nothing else is installed with a lock."""
    here = next(e for e in environments() if e["python_version"] == ".".join(map(str, sys.version_info[:2])))
    here |= {"sys_platform": sys.platform, "os_name": os.name}
    for name, version in pins(locked(kind), here).items():
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if package.version == version:
            assert not missing(locked(kind), package.requires or [], here), name


@pytest.mark.parametrize("kind", requirements.LOCKS)
def test_every_pin_has_hashes_and_no_line_names_an_address(kind: str) -> None:
    assert len(entries(locked(kind))) > (1 if kind == "heic" else 60)
    assert all(hashes for _, hashes in entries(locked(kind)))
    assert not re.search(r"://|^ *-[-a-z]*(index|find-links)|^ *-[if] ", locked(kind), re.MULTILINE)
    assert locked(kind).startswith(requirements.HEADER)


def test_the_app_is_locked_to_the_releases_that_the_tests_run_with() -> None:
    for environment in environments():
        assert pins(locked("app"), environment).items() <= pins(locked("dev"), environment).items()


def test_the_decoder_of_heic_changes_no_release_of_the_app() -> None:
    for environment in environments():
        app, heic = (pins(locked(kind), environment) for kind in ("app", "heic"))
        assert heic.keys() - app.keys() == {"pillow-heif"}
        assert all(app[name] == heic[name] for name in heic.keys() & app.keys())


def test_a_stale_lock_is_noticed() -> None:
    environment = next(environments())
    one = f"jax==0.10.2 ; python_full_version < '3.12' \\\n    --hash=sha256:{'0' * 64}\n"
    assert missing(one, ["jax>=0.10.0", "click>=8 ; sys_platform == 'win32'"], environment) == []
    assert missing(one, ["jax>=0.11"], environment) == ["jax>=0.11: 0.10.2 is locked on 3.11"]
    assert missing(one, ["jax"], {**environment, "python_full_version": "3.12.0"}) == ["jax: nothing is locked on 3.11"]
    assert missing(one, ["flax"], environment) == ["flax: nothing is locked on 3.11"]
    with pytest.raises(ValueError, match=r"jax==0\.9 is not the one release of jax"):
        pins(one + "jax==0.9", environment)
    with pytest.raises(ValueError, match="no pin with hashes"):
        entries("jax==0.10.2 --hash=sha256:12")


def test_the_pythons_of_the_readme_are_those_of_pyproject() -> None:
    *first, last = requirements.pythons()
    assert f"Python {', '.join(first)} or {last}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f'versions="{" ".join(reversed([*first, last]))}"' in (ROOT / "scripts" / "find-python").read_text("utf-8")


class Pip:
    """Notes what it is called with, and answers with the given statuses."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.calls = list(statuses), list[str]()

    def __call__(self, arguments: Sequence[str]) -> int:
        self.calls.append(" ".join(arguments))
        return self.statuses.pop(0)


def test_the_lock_is_installed_where_it_fits(capsys: pytest.CaptureFixture[str]) -> None:
    pip = Pip(0, 0, 0)
    assert install.install("dev", pip) == 0
    assert pip.calls[0] == "--require-hashes --no-deps --requirement locks/dev.txt"
    assert "--no-deps --no-build-isolation" in pip.calls[1]
    assert pip.calls[2:] == ["--only-binary :all: --require-hashes --no-deps --requirement locks/heic.txt"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("statuses", [(1, 0, 0), (0, 1, 0, 0)])
def test_the_bounds_are_taken_where_the_lock_does_not_fit_and_that_is_said(
    statuses: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    pip = Pip(*statuses)
    assert install.install("app", pip) == 0
    assert pip.calls[-2] == "--config-settings editable_mode=compat --editable ."
    told = capsys.readouterr().err
    assert "(locks/app.txt) could not be installed here" in told
    assert "Taking the newest that pyproject.toml allows instead." in told


def test_without_a_wheel_of_the_decoder_all_else_is_installed_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert install.install("app", Pip(0, 0, 1)) == 0
    assert capsys.readouterr().err.endswith("pictures in HEIC are not read, all others are.\n")


def test_an_install_that_fails_altogether_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert install.install("dev", Pip(1, 1)) == 1
    assert "The first install needs a network; later ones do not." in capsys.readouterr().err


@cache
def imported(folder: str) -> frozenset[tuple[str, str]]:
    """(package, file) of every import of something that is neither Python's own nor the project's."""
    found = set()
    files = sorted((ROOT / folder).rglob("*.py")) if (ROOT / folder).is_dir() else [ROOT / folder]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in (name.split(".")[0] for name in names):
                if name not in sys.stdlib_module_names and not is_local(name):
                    found.add((name, file.relative_to(ROOT).as_posix()))
    return frozenset(found)


@cache
def is_local(name: str) -> bool:
    """Is that a module or a folder of this project?"""
    tests = (path.parent for path in (ROOT / "tests").rglob("*.py"))
    places = {ROOT, ROOT / "scripts", ROOT / "benchmarks", *tests}
    return any((place / f"{name}.py").exists() or (place / name).is_dir() for place in places)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("deconvviz", ("torch", "heic")),
        ("lessons", ("dev",)),
        ("scripts", ("dev",)),
        ("benchmarks", ("dev", "peers")),
        ("tests", ("dev", "peers", "zoo")),
    ],
)
def test_everything_that_is_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    lines = requirements.declared() + [line for extra in extras for line in requirements.declared(extra=extra)]
    names = [canonicalize_name(Requirement(line).name) for line in lines]
    declared = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names} | NOT_DECLARED
    found = {(name, file) for name, file in imported(folder) if name not in declared}
    assert not found, f"declare in pyproject.toml: {sorted(found)}"


def test_an_import_that_nothing_declares_is_found() -> None:
    assert ("scipy", "tests/lessons/test_matrix_lesson.py") in imported("tests")
    assert not is_local("scipy")
    assert is_local("chromium")
    assert is_local("deconvviz")


@pytest.mark.slow
def test_only_the_keeper_of_the_catalogue_needs_what_the_app_does_not_bring() -> None:
    brought = {canonicalize_name(Requirement(line).name) for line in requirements.declared(extra="dev")}
    assert {Path(file).name for name, file in imported("lessons") if name in brought} <= {"messages.py"}
