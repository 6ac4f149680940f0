"""Measure again what a lesson shows of all photographs at once: python scripts/ship_measured.py LESSON [LESSON ...]

Writes lessons/LESSON/measured.json by the lesson's own `run.measure`; the lesson's tests compare it with the code.
"""

from __future__ import annotations

import importlib
import json
import sys


def main() -> None:
    for name in sys.argv[1:]:
        run = importlib.import_module(f"lessons.{name}.run")
        run.MEASURED.write_text(json.dumps(run.measure(), separators=(",", ":"), sort_keys=True) + "\n", "utf-8")
        print(f"{run.MEASURED}: {run.MEASURED.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
