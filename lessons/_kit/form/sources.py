"""The sources at the foot of a lesson, from docs/references.bib."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FILE = Path(__file__).parents[3] / "docs" / "references.bib"


@cache
def references() -> dict[str, dict[str, str]]:
    """Key -> fields (lower case names, braces removed) of every entry."""
    entries = {}
    for match in re.finditer(r"@\w+\{([^,\s]+),(.*?)\n\}", FILE.read_text("utf-8"), re.DOTALL):
        fields = re.findall(r"(\w+)\s*=\s*[{\"](.*?)[}\"],?\s*(?=\n|$)", match[2], re.DOTALL)
        entries[match[1]] = {name.lower(): re.sub(r"[{}]|\s+(?=\s)", "", text).strip() for name, text in fields}
    return entries


def citation(key: str) -> str:
    """One entry as Markdown: authors, linked title, year.

    Raises:
      KeyError: there is no such entry.
    """
    entry = references()[key]
    people = entry["author"].split(" and ")
    names = [name.split(",")[0] for name in people]
    who = " & ".join(names) if len(names) < 3 else f"{names[0]} et al."
    link = entry.get("url") or (f"https://doi.org/{entry['doi']}" if "doi" in entry else "")
    title = f"[{entry['title']}]({link})" if link else f"*{entry['title']}*"
    return f"{who} ({entry['year']}). {title}"
