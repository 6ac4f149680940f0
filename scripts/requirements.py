"""Write requirements.txt from pyproject.toml, or print the oldest releases that pyproject.toml allows.

`pip install -r requirements.txt` is what hosting services for Streamlit run; pyproject.toml stays the only source.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made from pyproject.toml by `make requirements`; a test compares the two.\n"


def declared(root: Path = ROOT, extra: str | None = None) -> list[str]:
    """Requirements of the package, or of one extra, as written in pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements: list[str] = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return requirements


def text(root: Path = ROOT) -> str:
    """What requirements.txt has to contain."""
    return HEADER + "".join(f"{line}\n" for line in declared(root))


def lowest(root: Path = ROOT) -> str:
    """The lower bounds of the package and its tests, as exact pins.

    Raises:
      ValueError: a requirement without a lower bound.
    """
    pins = []
    for line in declared(root) + declared(root, "dev"):
        name, sign, bound = line.partition(">=")
        if not sign:
            raise ValueError(f"every requirement needs a tested lower bound (name>=version); got {line!r}")
        pins.append(f"{name}=={bound.split(',')[0]}\n")
    return "".join(pins)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write requirements.txt")
    what.add_argument("--lowest", action="store_true", help="print the lower bounds as exact pins")
    if parser.parse_args().write:
        (ROOT / "requirements.txt").write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(lowest())
    return 0


if __name__ == "__main__":
    sys.exit(main())
