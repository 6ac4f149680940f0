"""Every source that a docstring names is in docs/references.bib, and every entry there can be found by a reader."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = re.compile(r"^@(\w+)\{(\w+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^  (\w+) = \{(.+)\},$", re.MULTILINE)
SOURCE = re.compile(r"^\s*Source:\s*(.+?)\s*$", re.MULTILINE)
NODES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def entries(text: str) -> list[tuple[str, str, dict[str, str]]]:
    """(kind, key, fields) of each entry."""
    return [(kind, key, dict(FIELD.findall(body))) for kind, key, body in ENTRIES.findall(text)]


def cited(source: str) -> Iterator[str]:
    """Keys after "Source:" in the docstrings of a Python file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, NODES):
            for line in SOURCE.findall(ast.get_docstring(node) or ""):
                yield from re.split(r"\s*,\s*", line)


def test_every_entry_can_be_found_by_a_reader() -> None:
    text = (ROOT / "docs" / "references.bib").read_text("utf-8")
    found = entries(text)
    keys = [key for _, key, _ in found]
    assert len(found) == text.count("\n@") > 20, "an entry does not have the form of the others"
    assert len(set(keys)) == len(keys)
    for kind, key, fields in found:
        assert {"author", "title", "year"} <= fields.keys(), key
        assert {"url", "doi", "booktitle", "journal", "publisher"} & fields.keys(), key
        first = re.sub(r"\W", "", fields["author"].split(",")[0]).lower()
        assert key.startswith(first + fields["year"]), f"{key}: the first author and year are {first}{fields['year']}"
        assert kind in ("article", "book", "inproceedings", "misc"), key


@pytest.mark.slow
def test_docstrings_name_only_known_sources() -> None:
    known = {key for _, key, _ in entries((ROOT / "docs" / "references.bib").read_text("utf-8"))}
    named = {}
    for folder in ("deconvviz", "lessons"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            named.update(dict.fromkeys(cited(file.read_text("utf-8")), file.name))
    assert "zeiler2014visualizing" in named
    unknown = {key: file for key, file in named.items() if key not in known}
    assert not unknown, f"not in docs/references.bib: {unknown}"


def test_a_wrong_key_is_noticed() -> None:
    assert list(cited('def f():\n    """One.\n\n    Source: a2000b, c1999d\n    """\n')) == ["a2000b", "c1999d"]
    with pytest.raises(SyntaxError):
        list(cited("def"))
