"""The rules that keep the rooms apart, read from the syntax trees: who imports whom, what is shared, words.

`problems(root)` finds them in any tree; the tests below plant each one in a small tree first and see it found.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("deconvviz", "lessons", "tests", "scripts", "benchmarks")

BASE = {"types", "errors", "metrics"}
EVERYTHING = {"*"}
#: part of deconvviz -> the other parts it may import (each may also import BASE).
MAY_IMPORT: dict[str, set[str]] = {
    "types": set(),
    "errors": set(),
    "catalog": set(),
    "storage": set(),
    "metrics": set(),
    "compiled": {"storage"},
    "ops": set(),
    "figures": {"storage"},
    "priors": set(),
    "data": {"storage"},
    # compiled: one program compiles at a time in the whole process, whoever asks for it.
    "network": {"ops", "compiled"},
    "models": {"network", "ops", "catalog", "storage"},
    "methods": {"network", "ops", "priors", "catalog", "storage"},
    # figures: the pictures of an audit's report; storage: a whole file or none.
    # data: what a picture would be in another range.
    "checks": {"methods", "network", "ops", "data", "figures", "catalog", "storage"},
    # tasks: the claim about training is measured on networks that a task trained.
    "articles": {"checks", "methods", "network", "ops", "tasks"},
    # catalog: the records Task and Option; figures: its writer leaves a whole file or none.
    # training: the loop and its Trainer, which every trained task shares.
    "tasks": {"models", "network", "ops", "data", "catalog", "figures", "training", "storage"},
    # methods, checks: how well each method finds what a network was trained to look for.
    # tasks: the denoiser that a search for a picture has as its prior.
    "training": {"models", "network", "ops", "data", "catalog", "storage", "methods", "checks", "tasks", "figures"},
    "atlas": {"methods", "network", "data", "figures", "storage"},
    "api": {"network", "methods", "models", "ops", "data", "catalog", "checks"},
    "recipe": {"api", "methods", "models", "network", "data", "figures", "catalog", "storage"},
    "_cli": EVERYTHING,
    "cli": {"_cli"},
    "__main__": {"cli"},
    "__init__": set(),
}
#: What they use is on every page.
EVERY_PAGE = {"lessons._app.start", "lessons._app.serve"}
STANDARD = set(sys.stdlib_module_names)
WORDS = {
    "deconvolution": "say conv_adjoint, transposed convolution, deconvnet, wiener or richardson_lucy",
    "deconvolve": "say conv_adjoint, wiener or richardson_lucy",
    "deconv": "say conv_adjoint, transposed convolution or deconvnet",
}
MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XXX)\b")


@dataclass(frozen=True)
class Source:
    """One Python file of the project, without its syntax tree: all of them together are a million objects.

    Attributes:
      imports: (absolute dotted name, line) of every import anywhere in the file.
      names: (name, line) of everything that it defines or assigns.
      docstring: what it says it is for; None if it says nothing.
    """

    path: Path
    text: str
    imports: tuple[tuple[str, int], ...]
    names: tuple[tuple[str, int], ...]
    docstring: str | None

    @property
    def name(self) -> str:
        """Path as it is shown, with forward slashes."""
        return self.path.as_posix()

    @cached_property
    def module(self) -> str:
        """Dotted name: ``deconvviz.ops`` for its ``__init__.py`` too."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    @property
    def page(self) -> str | None:
        """The page of the app that it belongs to; None outside of pages."""
        parts = self.module.split(".")
        return parts[1] if parts[0] == "lessons" and len(parts) > 1 and parts[1][0] != "_" else None

    @property
    def task(self) -> str | None:
        """The application that it belongs to; None outside of applications and in what they share."""
        parts = self.module.split(".")
        return parts[2] if parts[:2] == ["deconvviz", "tasks"] and len(parts) > 2 and parts[2][0] != "_" else None

    @property
    def part(self) -> str | None:
        """The part of deconvviz it belongs to; None outside the package."""
        return self.path.with_suffix("").parts[1] if self.path.parts[0] == "deconvviz" else None


@cache
def sources(root: Path) -> list[Source]:
    """All Python files under the project's folders."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    return [
        source(path.relative_to(root), path.read_text(encoding="utf-8"))
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    ]


@cache
def source(path: Path, text: str) -> Source:
    """A file, its tree read once."""
    imports: list[tuple[str, int]] = []
    names: list[tuple[str, int]] = []
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                names.append((node.id, node.lineno))
        elif isinstance(node, ast.arg):
            names.append((node.arg, node.lineno))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append((node.name, node.lineno))
        elif isinstance(node, ast.Import):
            imports.extend((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.parts[:-1]
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            imports.extend((f"{module}.{alias.name}", node.lineno) for alias in node.names)
    return Source(path, text, tuple(imports), tuple(names), ast.get_docstring(tree))


def within(name: str, package: str) -> bool:
    """True if a dotted name is the package or something in it."""
    return name == package or name.startswith(f"{package}.")


def import_problems(source: Source) -> Iterator[str]:
    """Imports that cross a border the wrong way."""
    for name, line in source.imports:
        where = f"{source.name}:{line}"
        in_app = source.name == "benchmarks/app_load.py" or source.path.parts[0] in ("lessons", "tests")
        if within(name, "streamlit") and not in_app:
            yield f"{where} imports streamlit: only lessons/ does"
        if within(name, "matplotlib.pyplot") or name == "pylab":
            yield f"{where} imports pyplot, which keeps a global register: use matplotlib.figure.Figure"
        if within(name, "pickle"):
            yield f"{where} imports pickle: loading never runs code"
        if source.part and within(name, "lessons"):
            yield f"{where} imports the app: the library never does"
        private = within(name, "deconvviz") and any(part.startswith("_") for part in name.split("."))
        if source.path.parts[0] == "lessons" and private:
            yield f"{where} imports the private {name}: lessons use what is public"
        if source.path.parts[:2] == ("tests", "reference"):
            top = name.split(".")[0]
            if top not in STANDARD | {"numpy", "reference"}:
                yield f"{where} imports {top}: the slow twins use numpy only"
        yield from part_problems(source, name, where)


def part_problems(source: Source, name: str, where: str) -> Iterator[str]:
    """An import of a part of deconvviz that this part may not know."""
    if source.part is None or not name.startswith("deconvviz."):
        return
    target = name.split(".")[1]
    if target not in MAY_IMPORT:
        return
    allowed = MAY_IMPORT.get(source.part)
    if allowed is None:
        yield f"{source.name} is in a part {source.part!r} that MAY_IMPORT does not name"
    elif target not in allowed | BASE | {source.part} and "*" not in allowed:
        yield f"{where} imports deconvviz.{target}: {source.part} may import {', '.join(sorted(allowed | BASE))}"


def content_problems(source: Source) -> Iterator[str]:
    """Files without content, and files that do not say what they are for."""
    if not source.text.strip():
        yield f"{source.name} is empty"
    elif source.docstring is None:
        yield f"{source.name} has no docstring that says what it is for"


@cache
def words(name: str) -> tuple[str, ...]:
    """The words that a name is made of."""
    return tuple(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def word_problems(source: Source) -> Iterator[str]:
    """Banned words in identifiers, and marks of unfinished work."""
    for name, line in source.names:
        for word in words(name):
            if word in WORDS:
                yield f"{source.name}:{line} {name}: {WORDS[word]}"
    for number, line in enumerate(source.text.splitlines(), 1) if MARKS.search(source.text) else ():
        mark = MARKS.search(line)
        if mark and source.name != "tests/test_architecture.py":
            yield f"{source.name}:{number} {mark.group()}: finish it, or leave it out"


def imports_of(found: list[Source]) -> dict[str, set[str]]:
    """Module -> the modules of the project that it imports by name, anywhere in its file."""
    known = {source.module for source in found}
    graph: dict[str, set[str]] = {}
    for source in found:
        names = {name for name, _ in source.imports}
        # `from package import name`: the module of that name, else the package that defines it.
        targets = {name if name in known else name.rpartition(".")[0] for name in names}
        graph[source.module] = (targets & known) - {source.module}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others (Tarjan's strongly connected components)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in number:
                visit(target)
            if target in stack:
                low[module] = min(low[module], low[target])
        if low[module] == number[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return groups


def room_problems(found: list[Source]) -> Iterator[str]:
    """Modules in a room that is not theirs: a kit module of one page, pages or tasks that know each other, circles."""
    graph = imports_of(found)
    by_name = {source.module: source for source in found}
    users: dict[str, set[str]] = defaultdict(set)
    for module, targets in graph.items():
        here = by_name[module]
        for target in map(by_name.__getitem__, targets):
            users[target.module].add(module)
            if here.page and target.page and here.page != target.page:
                yield f"{here.name} imports {target.module}: no lesson imports another; what both use goes to _kit"
            if here.module.startswith("lessons._kit") and target.page:
                yield f"{here.name} imports {target.module}: the kit knows no page"
            if here.task and target.task and here.task != target.task:
                yield f"{here.name} imports {target.module}: no task imports another; what both use goes to _shared"
    for source in found:
        if source.path.parts[:2] == ("lessons", "_kit") and source.path.name != "__init__.py":
            pages = pages_that_use(source.module, users, by_name)
            if len(pages) < 2 and not EVERY_PAGE & pages:
                place = f"lessons/{next(iter(pages))}/" if pages else "nowhere"
                yield f"{source.name} serves {len(pages)} pages, the kit holds what two use: move it to {place}"
        yield from hidden_modules(source, graph.keys())
    for group in circles(graph):
        yield f"modules import each other in a circle: {', '.join(group)}"


def pages_that_use(module: str, users: dict[str, set[str]], by_name: dict[str, Source]) -> set[str]:
    """The pages, and what runs all of them, that import a module themselves or through the kit."""
    pages: set[str] = set()
    reached, waiting = {module}, [module]
    while waiting:
        for user in users[waiting.pop()] - reached:
            reached.add(user)
            page = by_name[user].page or (user if user in EVERY_PAGE else None)
            if page:
                pages.add(page)
            else:
                waiting.append(user)
    return pages


def hidden_modules(source: Source, modules: Iterable[str]) -> Iterator[str]:
    """Names in a package's ``__init__`` that hide one of its modules: `from package import name` gives the other thing.

    A function that its own module defines may have the module's name: `deconvviz.ops.conv`.
    """
    if source.path.name != "__init__.py":
        return
    inside = {name.removeprefix(f"{source.module}.") for name in modules if name.startswith(f"{source.module}.")}
    for node in ast.parse(source.text).body:
        names: list[str] = []
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.ImportFrom):
            home = str(node.module)
            bound = {alias.asname or alias.name: alias.name for alias in node.names}
            names = [
                name
                for name, given in bound.items()
                if {home, f"{home}.{given}"}.isdisjoint({f"{source.module}.{name}"})
            ]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        for name in set(names) & inside:
            yield f"{source.name}:{node.lineno} {name} hides the module {source.module}.{name}: give it another name"


def tree_problems(root: Path, found: list[Source]) -> Iterator[str]:
    """What no single file shows: packages without __init__, tests that hide each other, empty files."""
    for folder in {source.path.parent for source in found if source.path.parts[0] in ("deconvviz", "lessons")}:
        if not (root / folder / "__init__.py").is_file():
            yield f"{folder.as_posix()}/ has no __init__.py, so it is not packaged"
    tests = Counter(s.path.name for s in found if s.path.parts[0] == "tests" and s.path.name.startswith("test_"))
    for name, times in tests.items():
        if times > 1:
            yield f"tests/**/{name} exists {times} times: test files need names of their own"
    for folder in (*FOLDERS, "docs"):
        for path in (root / folder).rglob("*"):
            if path.is_file() and path.stat().st_size == 0 and "__pycache__" not in path.parts:
                yield f"{path.relative_to(root).as_posix()} is empty"


def problems(root: Path) -> list[str]:
    """Every breach of the rules in the tree under ``root``, one line each."""
    found = sources(root)
    single = (import_problems, content_problems, word_problems)
    lines = [line for s in found for check in single for line in check(s)]
    return lines + list(room_problems(found)) + list(tree_problems(root, found))


def test_the_project_keeps_its_rules() -> None:
    found = problems(ROOT)
    assert not found, "\n" + "\n".join(found)


def test_every_part_of_the_package_has_a_rule() -> None:
    parts = {path.relative_to(ROOT).with_suffix("").parts[1] for path in (ROOT / "deconvviz").rglob("*.py")}
    assert len(parts) > 4
    assert parts <= MAY_IMPORT.keys(), f"name them in MAY_IMPORT: {parts - MAY_IMPORT.keys()}"


PLANTED = [
    ("deconvviz/ops/a.py", "import streamlit as st", "imports streamlit"),
    ("deconvviz/ops/a.py", "def f():\n    from streamlit import write", "imports streamlit"),
    ("scripts/a.py", "import streamlit", "imports streamlit"),
    ("lessons/a.py", "from matplotlib import pyplot", "imports pyplot"),
    ("deconvviz/figures/a.py", "import matplotlib.pyplot as plt", "imports pyplot"),
    ("deconvviz/data/a.py", "import pickle", "imports pickle"),
    ("deconvviz/cli.py", "import lessons.l01", "imports the app"),
    ("lessons/a.py", "from deconvviz.network._cache import Store", "imports the private"),
    ("tests/reference/a.py", "import jax", "numpy only"),
    ("deconvviz/ops/a.py", "from deconvviz.network import Network", "imports deconvviz.network: ops may import"),
    ("deconvviz/ops/a.py", "from ..network import Network", "imports deconvviz.network: ops may import"),
    ("deconvviz/ops/a.py", "from deconvviz import network", "imports deconvviz.network: ops may import"),
    ("deconvviz/methods/a.py", "import deconvviz.models.caltech", "imports deconvviz.models: methods may import"),
    ("deconvviz/newpart/a.py", "from deconvviz import ops", "MAY_IMPORT does not name"),
    ("deconvviz/ops/a.py", None, "is empty"),
    ("deconvviz/ops/a.py", "def deconvolution(x):\n    return x", "say conv_adjoint"),
    ("deconvviz/ops/a.py", "class DeconvLayer:\n    pass", "say conv_adjoint"),
    ("deconvviz/ops/a.py", "def f(deconv_padding):\n    return 1", "say conv_adjoint"),
    ("deconvviz/ops/a.py", "x = 1  # TO" + "DO better", "finish it"),
]


@pytest.mark.parametrize(("path", "code", "complaint"), PLANTED)
def test_a_planted_breach_is_found(tmp_path: Path, path: str, code: str | None, complaint: str) -> None:
    plant(tmp_path, path, code)
    assert any(complaint in line for line in problems(tmp_path)), problems(tmp_path)


def test_what_is_allowed_is_not_complained_about(tmp_path: Path) -> None:
    plant(tmp_path, "lessons/_app/start.py", "import streamlit")
    plant(
        tmp_path, "deconvviz/network/a.py", "from deconvviz.ops import conv\nfrom deconvviz.errors import NetworkError"
    )
    plant(tmp_path, "lessons/a.py", "import streamlit\nimport deconvviz as dv\nfrom lessons import _kit")
    plant(tmp_path, "tests/reference/a.py", "import math\nimport numpy as np\nfrom reference.b import c")
    plant(tmp_path, "deconvviz/ops/b.py", "def deconvnet(g):\n    return g")
    assert problems(tmp_path) == []


def plant_all(root: Path, files: dict[str, str]) -> list[str]:
    """Plant several files and return the complaints about them."""
    for path, code in files.items():
        plant(root, path, code)
    return problems(root)


def test_a_lesson_that_imports_another_is_found(tmp_path: Path) -> None:
    found = plant_all(tmp_path, {"lessons/a/questions.py": "from lessons.b import sums", "lessons/b/sums.py": "x = 1"})
    assert [line for line in found if "no lesson imports another" in line], found


def test_a_task_that_imports_another_is_found(tmp_path: Path) -> None:
    code = "from deconvviz.tasks.b.network import x\nfrom deconvviz.tasks._shared import weights"
    files = {"deconvviz/tasks/a/train.py": code, "deconvviz/tasks/b/network.py": "x = 1"}
    found = plant_all(tmp_path, files | {"deconvviz/tasks/_shared/weights.py": "x = 1"})
    assert [line for line in found if "imports" in line] == [
        "deconvviz/tasks/a/train.py imports deconvviz.tasks.b.network: no task imports another; "
        "what both use goes to _shared"
    ]


def test_a_kit_module_of_one_page_is_found(tmp_path: Path) -> None:
    files = {
        "lessons/_kit/draw/alone.py": "x = 1",
        "lessons/_kit/draw/shared.py": "from lessons._kit.draw import below",
        "lessons/_kit/draw/below.py": "x = 1",
        "lessons/_kit/draw/unused.py": "x = 1",
        "lessons/a/picture.py": "from lessons._kit.draw import alone, shared",
        "lessons/a/questions.py": "from lessons._kit.draw.alone import x",
        "lessons/b/picture.py": "from lessons._kit.draw.shared import below",
    }
    found = plant_all(tmp_path, files)
    assert [line.split(": move it to ")[1] for line in found if "serves" in line] == ["lessons/a/", "nowhere"], found


def test_a_kit_that_knows_a_page_is_found(tmp_path: Path) -> None:
    found = plant_all(tmp_path, {"lessons/_kit/a.py": "import lessons.b.sums", "lessons/b/sums.py": "x = 1"})
    assert [line for line in found if "the kit knows no page" in line], found


def test_a_name_that_hides_a_module_is_found(tmp_path: Path) -> None:
    files = {
        "lessons/a/run.py": "x = 1",
        "lessons/a/picture.py": "x = 1",
        "lessons/a/sums.py": "def sums():\n    return 1",
        "lessons/a/__init__.py": "from lessons._kit.b import run\nfrom lessons.a import picture\n"
        "from lessons.a.sums import sums",
        "lessons/_kit/b/run.py": "x = 1",
    }
    found = [line for line in plant_all(tmp_path, files) if "hides" in line]
    assert found == ["lessons/a/__init__.py:3 run hides the module lessons.a.run: give it another name"]


def test_a_circle_is_found(tmp_path: Path) -> None:
    files = {
        "deconvviz/ops/a.py": "from deconvviz.ops.b import x",
        "deconvviz/ops/b.py": "def f():\n    from deconvviz.ops import c\n    return c",
        "deconvviz/ops/c.py": "import deconvviz.ops.a",
        "deconvviz/ops/d.py": "import deconvviz.ops.a",
    }
    found = plant_all(tmp_path, files)
    assert "modules import each other in a circle: deconvviz.ops.a, deconvviz.ops.b, deconvviz.ops.c" in found


def test_files_that_hide_each_other_are_found(tmp_path: Path) -> None:
    plant(tmp_path, "tests/a/test_same.py", "x = 1")
    plant(tmp_path, "tests/b/test_same.py", "x = 1")
    (tmp_path / "deconvviz").mkdir()
    (tmp_path / "deconvviz" / "a.py").write_text('"""Doc."""\n')
    found = problems(tmp_path)
    assert "tests/**/test_same.py exists 2 times: test files need names of their own" in found
    assert "deconvviz/ has no __init__.py, so it is not packaged" in found


def plant(root: Path, path: str, code: str | None) -> None:
    """Write a file with a docstring and ``code``, or an empty one, and the packages around it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    for folder in file.relative_to(root).parents:
        if folder.parts and folder.parts[0] in ("deconvviz", "lessons"):
            (root / folder / "__init__.py").write_text('"""A package."""\n')
    file.write_text("" if code is None else f'"""A module."""\n\n{code}\n')
