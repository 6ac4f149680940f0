"""Write the tables of the audit into README.md and docs/audit.md from what was measured of the shipped networks.

Usage: python scripts/ship_audit.py [REPORT.json WATERMARK.json]

REPORT.json as `deconvviz audit --model caltech --images sample:all --out REPORT.html` wrote it, WATERMARK.json what
`deconvviz evaluate watermark --data DIR --json` printed: both go into deconvviz/checks/audit/shipped.json, from which
the cards of the methods and all tables are made. Without them the tables are written again from that file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from deconvviz import catalog
from deconvviz.checks.audit.card import MEASURED, measured, table

ROOT = Path(__file__).resolve().parent.parent
#: Columns of a table: what stands above it -> a control, or a figure of the watermark.
Columns = dict[str, str]
POINTING = {"largest value on the watermark": "pointing"}
TABLES: dict[str, tuple[Columns, ...]] = {
    "README.md": (
        {
            "top layer shuffled": "random weights: top layer", "all shuffled": "random weights: all layers",
            "another class": "another class",
        } | POINTING,
    ),
    "docs/audit.md": (
        {
            "top layer shuffled": "random weights: top layer", "upper half shuffled": "random weights: upper half",
            "all shuffled": "random weights: all layers", "all redrawn": "random weights: all redrawn",
            "lowest alone shuffled": "random weights: lowest alone", "another class": "another class",
            "all classes at once": "all units",
        },
        {
            "an edge detector": "edges", "the picture's own gradient": "picture's gradient", "occlusion": "occlusion",
            "shifted by 2 pixels": "shifted", "noise of 2 %": "noise", "infidelity": "infidelity",
        },
        {
            "deletion, grey": "deletion grey", "deletion, blur": "deletion blur",
            "insertion, grey": "insertion grey", "insertion, blur": "insertion blur",
        },
        {"largest value on the mark": "pointing", "share of the map on the mark": "inside"},
    ),
}  # fmt: skip


def record(report: dict[str, Any], watermark: dict[str, Any]) -> dict[str, Any]:
    """What is shipped: the table of a report as mean, low, high, standard error and count; that of the watermark."""
    names = ("network", "digest", "command", "seed", "versions")
    table = {
        method: {
            control: [None if number is None else round(number, 4) for number in interval.values()]
            for control, interval in row.items()
            if not control.endswith((", signed", ", ssim", ", hog")) and interval["count"]
        }
        for method, row in report["table"].items()
    }
    figures = {key: value for key, value in watermark.items() if key.endswith(("_pointing", "_inside"))}
    about = {"pictures": len(report["pictures"]), "watermark_pictures": watermark["images"]}
    return {key: report[key] for key in names} | about | {"table": table, "watermark": figures}


def rows(columns: Columns) -> list[str]:
    """A table in Markdown, a line each."""
    intervals, marks = table(), measured()["watermark"]
    lines = ["| " + " | ".join(["method", *columns]) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, method in catalog.methods().items():
        cells = [
            marks[f"{name}_{key}"] if key in ("pointing", "inside") else str(intervals[name].get(key, "-"))
            for key in columns.values()
        ]
        lines.append("| " + " | ".join([method.title, *cells]) + " |")
    return lines


def written(text: str, tables: tuple[Columns, ...]) -> str:
    """A document with its tables as they were measured: each is recognized by its second column.

    Raises:
      ValueError: a table is not there.
    """
    lines = text.split("\n")
    for columns in tables:
        start = next(
            (k for k, line in enumerate(lines) if line.startswith(f"| method | {next(iter(columns))} |")), None
        )
        if start is None:
            raise ValueError(f"no table of methods begins with {next(iter(columns))!r}")
        end = next(k for k in range(start, len(lines) + 1) if k == len(lines) or not lines[k].startswith("|"))
        lines[start:end] = rows(columns)
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The command line: 0, or 2 with how it is used."""
    if len(arguments) not in (0, 2):
        print("usage: ship_audit.py [REPORT.json WATERMARK.json]", file=sys.stderr)
        return 2
    if arguments:
        report, watermark = (json.loads(Path(name).read_text("utf-8")) for name in arguments)
        MEASURED.write_text(_compact(record(report, watermark)), "utf-8")
    for name, tables in TABLES.items():
        document = ROOT / name
        document.write_text(written(document.read_text("utf-8"), tables), "utf-8")
    return 0


def _compact(value: dict[str, Any]) -> str:
    """JSON with an interval a line."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    parts = text.split("[")
    for k, part in enumerate(parts[1:], 1):
        numbers, rest = part.split("]", 1)
        parts[k] = " ".join(numbers.split()) + "]" + rest
    return "[".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
