"""Which trainings there are: every folder of `deconvviz.training` whose train.py trains or evaluates."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from deconvviz import catalog
from deconvviz.errors import nearest

TRAININGS = Path(__file__).resolve().parent.parent / "training"


def known(function: str) -> list[str]:
    """Names of the modules that define ``function``, found without running them.

    >>> "caltech" in known("train")
    True
    """
    return sorted(path.parent.name for path in TRAININGS.glob("*/train.py") if _defines(path, function))


def named(name: str, function: str, also: Iterable[str] = ()) -> Callable[..., dict[str, Any]]:
    """``deconvviz.training.<name>.train.<function>``; `also` are further names that a message may offer.

    Raises:
      click.UsageError: there is none of that name.
    """
    names = known(function)
    if name not in names:
        raise click.UsageError(f"nothing to {function} is called {name!r}; {nearest(name, sorted({*names, *also}))}")
    found: Callable[..., dict[str, Any]] = getattr(
        importlib.import_module(f"deconvviz.training.{name}.train"), function
    )
    return found


def part_of(text: str, function: str) -> tuple[str, dict[str, str]]:
    """(name of a training, what its function needs besides) of NAME or NAME:LAYER.

    Raises:
      click.UsageError: a layer where none is taken, or none where one is.

    >>> part_of("inverter:relu4", "train")
    ('inverter', {'layer': 'relu4'})
    """
    name, colon, layer = text.partition(":")
    takes = name in known(function) and "layer" in _parameters(TRAININGS / name / "train.py", function)
    if takes and not layer:
        raise click.UsageError(f"{text!r} says no layer: {name}:LAYER, for example {name}:relu4")
    if colon and not takes and (name in known(function) or name in catalog.models()):
        raise click.UsageError(f"{text!r} names a layer, which {name!r} does not take: leave out ':{layer}'")
    return name, {"layer": layer} if takes else {}


def _parameters(path: Path, function: str) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node.args for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    return [one.arg for args in found for one in (*args.args, *args.kwonlyargs)]


def _defines(path: Path, function: str) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body)
