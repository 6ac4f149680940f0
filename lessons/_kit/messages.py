"""Keep the catalogue of texts: ``python -m lessons._kit.messages extract|update|add FILE.json|compile|check``.

``update`` brings the catalogues to the texts of the code (new ones empty, gone ones dropped) and compiles them;
``add`` merges ``{english: translation}`` from a JSON file and updates; ``check`` changes nothing and says what is
wrong. Needs Babel (in the dev extra); the app itself only reads the compiled files.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from lessons._kit.i18n import DOMAIN, LANGUAGES, LOCALES

FOLDER = Path(__file__).parent.parent
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


def path(language: str, suffix: str) -> Path:
    """The file of a language: ``path("zh", ".po")`` or ``".mo"``."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}{suffix}"


def read(language: str) -> Catalog:
    """The catalogue of a language as it lies on disk."""
    file = path(language, ".po")
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
    file = path(language, ".po")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_po_bytes(fresh))
    return fresh


def _po_bytes(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    write_po(stream, catalog, width=110, omit_header=False, include_lineno=False)
    dated = rb'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Report-Msgid-Bugs-To): .*\n'
    return re.sub(dated, b"", stream.getvalue(), flags=re.MULTILINE)


class _Dateless(Catalog):
    """A catalogue whose header holds neither date nor program, so that the same texts give the same bytes."""

    def __iter__(self) -> Iterator[Message]:
        yield Message("", "Content-Type: text/plain; charset=utf-8")
        yield from (message for message in super().__iter__() if message.id)


def compiled(language: str) -> bytes:
    """The bytes of the compiled catalogue, from the .po on disk."""
    plain = _Dateless(locale=language, charset="utf-8", fuzzy=False)
    for message in read(language):
        if message.id and message.string and not message.fuzzy:
            plain.add(message.id, message.string)
    stream = io.BytesIO()
    write_mo(stream, plain)
    return stream.getvalue()


def problems(language: str) -> list[str]:
    """What is wrong with a language's catalogue, one line each; empty if nothing is."""
    wanted = {m.id for m in extracted() if m.id}
    found = {m.id: m for m in read(language) if m.id}
    lines = [f"missing: {text!r}" for text in sorted(wanted - found.keys())]
    lines += [f"orphan: {text!r}" for text in sorted(found.keys() - wanted)]
    for text, message in sorted(found.items()):
        if not message.string:
            lines.append(f"empty: {text!r}")
        elif message.fuzzy:
            lines.append(f"fuzzy: {text!r}")
        elif braces(str(text)) != braces(str(message.string)):
            lines.append(f"other {{names}}: {text!r} -> {message.string!r}")
    file = path(language, ".mo")
    if not file.exists() or file.read_bytes() != compiled(language):
        lines.append("the .mo is not what the .po compiles to: run `python -m lessons._kit.messages compile`")
    return lines


def braces(text: str) -> set[str]:
    """The names and formats between braces.

    >>> sorted(braces("{a} and {b:.2f}"))
    ['{a}', '{b:.2f}']
    """
    return set(re.findall(r"\{[a-z_][^{}]*\}", text))


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    command, *rest = arguments or ["help"]
    if command not in ("extract", "update", "add", "compile", "check") or (command == "add") != (len(rest) == 1):
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
        if command != "check":
            path(language, ".mo").write_bytes(compiled(language))
        lines = problems(language)
        print(f"{language}: {len(lines)} to mend" if lines else f"{language}: complete", *lines, sep="\n  ")
        bad += len(lines)
    return 1 if bad and command == "check" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
