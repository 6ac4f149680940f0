"""Find a Chromium for the browser tests, or get one: `python tests/browser/chromium.py --get`.

Looked for, in this order: DECONVVIZ_CHROMIUM, a Chromium or Chrome on PATH, Playwright's own. Got, where there is
none: Debian's package `chromium` (as root, with apt-get), else Playwright's own download.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: A container has no sandbox for root, and a test needs no network of its own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)
#: Seconds to wait for another program that installs packages at the same time.
APT_PATIENCE = 120
MISSING = (
    "No Chromium was found or could be got for the browser tests. Install one (on Debian, as root: apt-get install "
    "chromium; elsewhere: python -m playwright install --with-deps chromium), or name yours: DECONVVIZ_CHROMIUM=/path"
)


class ChromiumError(RuntimeError):
    """No Chromium that starts; the message says how to get one."""


def version(path: str | Path) -> str | None:
    """What ``path --version`` answers; None if it does not start."""
    try:
        answer = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def playwrights_own() -> str | None:
    """Path of the browser that Playwright downloaded; None if it did not."""
    code = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    path = answer.stdout.strip()
    return path if answer.returncode == 0 and Path(path).is_file() else None


def find() -> str | None:
    """Path of a Chromium that starts; None if there is none.

    Raises:
      ChromiumError: DECONVVIZ_CHROMIUM names something that does not start.
    """
    named = os.environ.get("DECONVVIZ_CHROMIUM")
    if named:
        if version(named) is None:
            raise ChromiumError(f"DECONVVIZ_CHROMIUM={named!r} does not start as a Chromium: correct it, or unset it")
        return named
    for candidate in map(shutil.which, NAMES):
        if candidate and version(candidate):
            return candidate
    own = playwrights_own()
    return own if own and version(own) else None


def get() -> str:
    """Path of a Chromium that starts, installed now if there was none.

    Raises:
      ChromiumError: none could be got.
    """
    found = find()
    if found:
        return found
    if os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing Debian's chromium for the browser tests", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ("install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk")
        for what in (("update",), install):
            command = ["apt-get", "-qq", "-o", f"DPkg::Lock::Timeout={APT_PATIENCE}", *what]
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False)
        found = find()
    if not found:
        print("getting Playwright's own Chromium for the browser tests", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
        found = find()
    if not found:
        raise ChromiumError(MISSING)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--get", action="store_true", help="install one if none is found")
    arguments = parser.parse_args()
    try:
        path = get() if arguments.get else find()
    except ChromiumError as error:
        print(error, file=sys.stderr)
        return 1
    if path is None:
        print(MISSING, file=sys.stderr)
        return 1
    print(f"Chromium for the browser tests: {path} ({version(path)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
