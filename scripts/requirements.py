"""Write requirements.txt and the locks from pyproject.toml, or print the oldest releases that pyproject.toml allows.

`pip install -r requirements.txt` is what hosting services for Streamlit run; `make app` and `make test` install
locks/app.txt and locks/dev.txt: one release of everything, with hashes, for every Python and platform that is
supported; locks/heic.txt is what they add where it can be had. pyproject.toml stays the only source.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made from pyproject.toml by `make requirements`; a test compares the two.\n"
#: Kind -> what is locked: of pyproject.toml, or an extra alone, with the releases of another lock.
LOCKS = {
    "dev": ("pyproject.toml", "--extra", "dev"),
    "app": ("pyproject.toml", "--constraints", "locks/dev.txt"),
    "heic": ("--constraints", "locks/app.txt"),
}


def project(root: Path = ROOT) -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def declared(root: Path = ROOT, extra: str | None = None) -> list[str]:
    """Requirements of the package, or of one extra, as written in pyproject.toml."""
    table = project(root)["project"]
    requirements: list[str] = table["optional-dependencies"][extra] if extra else table["dependencies"]
    return requirements


def build_tools(root: Path = ROOT) -> list[str]:
    """What the package is built with, as written in pyproject.toml."""
    requirements: list[str] = project(root)["build-system"]["requires"]
    return requirements


def pythons(root: Path = ROOT) -> list[str]:
    """The versions of Python that are supported, oldest first.

    >>> pythons()[0]
    '3.11'
    """
    low, high = project(root)["project"]["requires-python"].removeprefix(">=3.").split(",<3.")
    return [f"3.{minor}" for minor in range(int(low), int(high))]


def text(root: Path = ROOT) -> str:
    """What requirements.txt has to contain."""
    return HEADER + "".join(f"{line}\n" for line in declared(root))


def lock(upgrade: bool = False) -> None:
    """Write the locks; releases that are in them and still fit stay, unless ``upgrade`` asks for the newest.

    Raises:
      subprocess.CalledProcessError: if no set of releases fits, or no index can be reached; uv has said why.
    """
    (ROOT / "locks").mkdir(exist_ok=True)
    for kind, options in LOCKS.items():
        file = ROOT / "locks" / f"{kind}.txt"
        command = [
            "uv", "pip", "compile", "-", *options, "--quiet", "--universal", "--generate-hashes",
            "--python-version", pythons()[0], "--no-header", "--no-annotate", "--no-emit-index-url",
            "--no-emit-find-links", "--output-file", f"locks/{kind}.txt", *(["--upgrade"] if upgrade else []),
        ]  # fmt: skip
        more = "\n".join(declared(extra="heic") if kind == "heic" else build_tools())
        uv = [sys.executable, "-m", *command]
        subprocess.run(uv, cwd=ROOT, input=more, text=True, check=True, stdout=subprocess.DEVNULL)
        file.write_text(HEADER + file.read_text(encoding="utf-8").removeprefix(HEADER), encoding="utf-8")


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
    what.add_argument("--write", action="store_true", help="write requirements.txt and the locks")
    what.add_argument("--lowest", action="store_true", help="print the lower bounds as exact pins")
    parser.add_argument("--upgrade", action="store_true", help="lock the newest releases, not those that still fit")
    chosen = parser.parse_args()
    if chosen.write:
        (ROOT / "requirements.txt").write_text(text(), encoding="utf-8")
        lock(chosen.upgrade)
    else:
        sys.stdout.write(lowest())
    return 0


if __name__ == "__main__":
    sys.exit(main())
