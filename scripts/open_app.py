"""Start the app on this machine only, and open the browser where there is one. `make app` calls this.

Streamlit would also say that a port is taken, but not what to do about it; everything else is left to it.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

HOST = "127.0.0.1"
#: Where the app reads which network of one's own the laboratory opens.
NETWORK = "DECONVVIZ_NETWORK"
#: Where the app reads which atlas the page on the top nine opens.
ATLAS = "DECONVVIZ_ATLAS"
APP = Path(__file__).resolve().parent.parent / "app.py"


def trouble_with_port(port: str) -> str | None:
    """Why the app cannot listen on ``port``, in one line; None if it can.

    >>> trouble_with_port("http")
    "A port is a number from 1 to 65535; got PORT='http'."
    """
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        return f"A port is a number from 1 to 65535; got PORT={port!r}."
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"Port {port} is taken, perhaps by an app that is still open at http://{HOST}:{port}. "
                    f"Close that one, or choose another port: make app PORT={8700 if port == '8600' else 8600}"
                )
            return f"Port {port} cannot be used ({error.strerror}). Choose another: make app PORT=8600"
    return None


def has_display(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """True where a browser window can open.

    >>> has_display({}, "linux"), has_display({"DISPLAY": ":0"}, "linux"), has_display({}, "darwin")
    (False, True, True)
    """
    if platform in ("darwin", "win32"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def command(port: str, headless: bool) -> list[str]:
    """The Streamlit command line: bound to this machine, asking nothing, and sending nothing anywhere."""
    return [
        *(sys.executable, "-m", "streamlit", "run", str(APP)),
        *("--server.address", HOST),
        *("--server.port", port),
        *("--server.headless", str(headless).lower()),
        *("--server.showEmailPrompt", "false"),
        *("--browser.gatherUsageStats", "false"),
    ]


def with_network(environment: Mapping[str, str], address: str | None, folder: Path) -> dict[str, str]:
    """An environment in which the app finds a network of one's own, whose module may lie in ``folder``.

    >>> with_network({"PYTHONPATH": "/a"}, "mynet:net", Path("/b"))
    {'PYTHONPATH': '/b:/a', 'DECONVVIZ_NETWORK': 'mynet:net'}
    """
    if not address:
        return dict(environment)
    paths = os.pathsep.join(filter(None, (str(folder), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": paths, NETWORK: address}


@contextlib.contextmanager
def served(seconds: float = 120.0, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The app on a free port while the block runs, without a window: its address, once it answers.

    Args:
      seconds: how long it may take to answer.
      environment: what it runs in.

    Raises:
      RuntimeError: it ended, or did not answer in time; with the end of what it printed.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = str(probe.getsockname()[1])
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            command(port, headless=True),
            cwd=APP.parent,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**environment, "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"},
        )
        try:
            if not _answers(server, f"http://{HOST}:{port}", seconds):
                log.seek(0)
                said = log.read()[-3000:].decode(errors="replace")
                raise RuntimeError(f"the app did not answer on port {port} within {seconds:.0f} s; it said:\n{said}")
            yield f"http://{HOST}:{port}"
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def with_atlas(environment: Mapping[str, str], atlas: str | None, folder: Path) -> dict[str, str]:
    """An environment in which the app finds an atlas of one's own; its path is seen from ``folder``.

    >>> with_atlas({}, "birds", Path("/home/me")), with_atlas({}, None, Path("/"))
    ({'DECONVVIZ_ATLAS': '/home/me/birds'}, {})
    """
    return {**environment, ATLAS: str(folder / atlas)} if atlas else dict(environment)


def _answers(server: subprocess.Popen[bytes], url: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return True
        except OSError:
            time.sleep(0.1)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", default="8501", help="port on 127.0.0.1 (default: 8501)")
    parser.add_argument("--network", metavar="MODULE:OBJECT", help="a network of your own for the laboratory")
    parser.add_argument("--atlas", metavar="DIR", help="an atlas that `deconvviz atlas build` wrote")
    options = parser.parse_args()
    port = options.port
    trouble = trouble_with_port(port)
    if trouble:
        print(trouble, file=sys.stderr)
        return 2
    print(f"deconvviz: http://{HOST}:{port}  (Ctrl-C ends it)", flush=True)
    environment = with_network(with_atlas(os.environ, options.atlas, Path.cwd()), options.network, Path.cwd())
    os.chdir(APP.parent)
    os.execve(sys.executable, command(port, headless=not has_display(os.environ)), environment)


if __name__ == "__main__":
    sys.exit(main())
