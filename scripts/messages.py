"""Keep the catalogue of texts: ``python scripts/messages.py extract|update|add FILE.json|check``.

``update`` brings the catalogues to the texts of the code: new ones are empty, so that the app shows them in English,
gone ones are dropped. ``add`` merges ``{english: translation}`` from a JSON file and updates. ``check`` changes nothing
and says what is wrong, and what a release still needs.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from lessons._kit.form.i18n import DOMAIN, LANGUAGES

FOLDER = Path(__file__).resolve().parent.parent / "lessons"
LOCALES = FOLDER / "locales"  # of this very copy of the project, wherever the package was imported from
TRANSLATED = tuple(language for language in LANGUAGES if language != "en")


def extracted() -> Catalog:
    """The texts of the code: every literal that `t` or `mark` is called with under lessons/, with its files.

    Read from the syntax tree: Babel's own reader does not look into f-strings.
    """
    catalog = Catalog(charset="utf-8")
    for file in sorted(FOLDER.rglob("*.py")):
        for text in texts(ast.parse(file.read_text("utf-8"))):
            catalog.add(text, locations=[(file.relative_to(FOLDER.parent).as_posix(), 0)])
    return catalog


def texts(tree: ast.AST) -> Iterator[str]:
    """The literals of a syntax tree that are to be translated.

    >>> sorted(texts(ast.parse("t('one') + t(variable) + mark('two') + print('three')")))
    ['one', 'two']
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("t", "mark"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def path(language: str) -> Path:
    """The catalogue of a language."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """The catalogue of a language as it lies on disk."""
    file = path(language)
    if not file.exists():
        return Catalog(locale=language, charset="utf-8")
    with file.open("rb") as stream:
        return read_po(stream, locale=language)


def update(language: str, additions: dict[str, str] | None = None) -> Catalog:
    """Write a language's catalogue, brought to the texts of the code; what the code no longer says is dropped."""
    known = {m.id: m.string for m in read(language) if m.id and m.string} | (additions or {})
    fresh = Catalog(locale=language, charset="utf-8", fuzzy=False, header_comment="# Texts of the app.")
    for message in sorted((m for m in extracted() if m.id), key=lambda m: (m.locations[0], str(m.id))):
        fresh.add(message.id, known.get(message.id, ""), locations=message.locations)
    file = path(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_po_bytes(fresh))
    return fresh


def _po_bytes(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    write_po(stream, catalog, width=110, omit_header=False, include_lineno=False)
    dated = rb'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Report-Msgid-Bugs-To): .*\n'
    return re.sub(dated, b"", stream.getvalue(), flags=re.MULTILINE)


def wrong(language: str) -> list[str]:
    """Translations that a page would show wrongly, one line each: a `{name}` too many or too few."""
    pairs = ((str(m.id), str(m.string)) for m in read(language) if m.id and m.string)
    return [f"other {{names}}: {text!r} -> {shown!r}" for text, shown in pairs if braces(text) != braces(shown)]


def unfinished(language: str) -> list[str]:
    """What a release needs besides, one line each: texts without a translation, translations without a text."""
    wanted = {m.id for m in extracted() if m.id}
    known = {m.id: m for m in read(language) if m.id}
    lines = [f"missing: {text!r}" for text in sorted(wanted - known.keys())]
    lines += [f"orphan: {text!r}" for text in sorted(known.keys() - wanted)]
    lines += [f"empty: {text!r}" for text, message in sorted(known.items()) if not message.string]
    return lines + [f"fuzzy: {text!r}" for text, message in sorted(known.items()) if message.fuzzy]


def braces(text: str) -> set[str]:
    """The names and formats between braces.

    >>> sorted(braces("{a} and {b:.2f}"))
    ['{a}', '{b:.2f}']
    """
    return set(re.findall(r"\{[a-z_][^{}]*\}", text))


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    command, *rest = arguments or ["help"]
    if command not in ("extract", "update", "add", "check") or (command == "add") != (len(rest) == 1):
        print(__doc__)
        return 2
    if command == "extract":
        print(*sorted(str(m.id) for m in extracted() if m.id), sep="\n")
        return 0
    additions = json.loads(Path(rest[0]).read_text("utf-8")) if command == "add" else {}
    bad = 0
    for language in TRANSLATED:
        if command in ("update", "add"):
            update(language, additions)
        lines = wrong(language) + unfinished(language)
        print(f"{language}: {len(lines)} to mend" if lines else f"{language}: complete", *lines, sep="\n  ")
        bad += len(lines)
    return 1 if bad and command == "check" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
