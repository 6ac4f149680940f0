"""Templates of cards: sections, fields, what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from deconvviz.training.cards import Template


def test_sections_are_filled_by_name(tmp_path: Path) -> None:
    path = tmp_path / "card.md"
    path.write_text("<!-- head -->\n# {title}\n\n{count:,} numbers\n<!-- foot -->\nThe end.\n", encoding="utf-8")
    template = Template(path)
    assert template.fill("head", title="A", count=1234) == "# A\n\n1,234 numbers\n"
    assert template.fill("foot") == "The end.\n"
    with pytest.raises(KeyError, match="middle"):
        template.fill("middle")
    with pytest.raises(KeyError, match="count"):
        template.fill("head", title="A")
