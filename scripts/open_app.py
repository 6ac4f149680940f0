"""The app on a free port while tests, benchmarks and pictures look at it; people open it with `deconvviz app`."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from deconvviz._cli.app import HOST, command, script, with_path

ROOT = Path(__file__).resolve().parent.parent


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
            cwd=script().parent,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**with_path(environment, ROOT), "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"},
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
