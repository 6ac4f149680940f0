"""Cards that tell about weights: a Markdown template beside the code, filled with what a file says of itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

_SECTION = re.compile(r"^<!-- (\w+) -->\n", re.M)


class Template:
    """The sections of a Markdown file, each after a line ``<!-- name -->``, with fields in braces to be filled.

    Args:
      path: the file; it is read when a section is first filled.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def sections(self) -> dict[str, str]:
        """Name -> text."""
        _, *parts = _SECTION.split(self.path.read_text(encoding="utf-8"))
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def fill(self, section: str, **values: Any) -> str:
        """The text of a section, its fields filled as `str.format` does."""
        return self.sections[section].format(**values)


def table(rows: Sequence[Sequence[Any]]) -> str:
    """Markdown of a table whose first row is its head.

    >>> print(table([["a", "b"], [1, 2]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
