"""Install what the app or the tests need into the environment that runs this: the locked releases, else the bounds.

    python scripts/install.py app
    python scripts/install.py dev

The lock names one release of everything with its hashes, for every Python that the project supports. Where it cannot
be installed (another Python, a platform without such a file, an index that lacks one), pip chooses within the bounds
of pyproject.toml instead, and that is said. The decoder of HEIC is added where there is a wheel of it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = {"app": ".", "dev": ".[dev]"}
#: "compat" puts the folder itself on the path, without a list of packages that would have to be kept.
EDITABLE = ("--config-settings", "editable_mode=compat", "--editable")
FALLBACK = (
    "The locked releases (locks/{kind}.txt) could not be installed here; pip's reason is above. "
    "Taking the newest that pyproject.toml allows instead."
)
FAILED = (
    "The packages could not be installed (pip's reason is above). The first install needs a network; later ones do not."
)
NO_HEIC = (
    "The decoder of HEIC (pillow-heif) could not be installed here: pictures in HEIC are not read, all others are."
)


def pip(arguments: Sequence[str]) -> int:
    """The exit status of ``pip install`` with these arguments, in this environment."""
    return subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *arguments], cwd=ROOT)


def install(kind: str, pip: Callable[[Sequence[str]], int] = pip) -> int:
    """Install the packages of a kind and the project itself, editable; 0 if that worked.

    Args:
      kind: "app" or "dev".
      pip: runs ``pip install`` with arguments and returns its exit status.
    """
    # The lock holds the build tool too, so that building the project asks no index for one.
    if pip(_locked(kind)) != 0 or pip(["--no-deps", "--no-build-isolation", *EDITABLE, "."]) != 0:
        print(FALLBACK.format(kind=kind), file=sys.stderr)
        if pip([*EDITABLE, KINDS[kind]]) != 0:
            print(FAILED, file=sys.stderr)
            return 1
    if pip(["--only-binary", ":all:", *_locked("heic")]) != 0:
        print(NO_HEIC, file=sys.stderr)
    return 0


def _locked(kind: str) -> list[str]:
    return ["--require-hashes", "--no-deps", "--requirement", f"locks/{kind}.txt"]


if __name__ == "__main__":
    if sys.argv[1:] not in ([kind] for kind in KINDS):
        print(f"{__doc__}\ngot {sys.argv[1:]}", file=sys.stderr)
        sys.exit(2)
    sys.exit(install(sys.argv[1]))
