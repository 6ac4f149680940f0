"""`deconvviz app`: open the course and the laboratory in a browser, from any folder."""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from deconvviz._cli._common import TEXT_OR_FILE
from deconvviz.errors import DeconvvizError

HOST = "127.0.0.1"
#: Where the app reads which network of one's own the laboratory opens.
NETWORK = "DECONVVIZ_NETWORK"
#: Where the app reads which atlas the page on the top nine opens.
ATLAS = "DECONVVIZ_ATLAS"


def script() -> Path:
    """What Streamlit runs; its folder holds the settings of the app.

    Raises:
      DeconvvizError: the pages are not installed.
    """
    pages = importlib.util.find_spec("lessons")
    path = Path(str(pages and pages.origin)).parent / "_app" / "serve.py"
    if not path.is_file():
        raise DeconvvizError(f"the pages of the app are not installed ({path} is missing); install deconvviz again")
    return path


def trouble_with_port(port: str) -> str | None:
    """Why the app cannot listen on ``port``, in one line; None if it can.

    >>> trouble_with_port("http")
    "A port is a number from 1 to 65535; got PORT='http'."
    """
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        return f"A port is a number from 1 to 65535; got PORT={port!r}."
    other = 8700 if port == "8600" else 8600
    choose = f"deconvviz app --port {other}, or make app PORT={other}"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"Port {port} is taken, perhaps by an app that is still open at http://{HOST}:{port}. "
                    f"Close that one, or choose another port: {choose}"
                )
            return f"Port {port} cannot be used ({error.strerror}). Choose another: {choose}"
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
        *(sys.executable, "-m", "lessons._app", "run", str(script())),
        *("--server.address", HOST),
        *("--server.port", port),
        *("--server.headless", str(headless).lower()),
        *("--server.showEmailPrompt", "false"),
        *("--browser.gatherUsageStats", "false"),
    ]


def with_path(environment: Mapping[str, str], *folders: Path) -> dict[str, str]:
    """An environment in which Python looks for modules in these folders first.

    >>> with_path({"PYTHONPATH": "/a"}, Path("/b"))
    {'PYTHONPATH': '/b:/a'}
    """
    paths = os.pathsep.join(filter(None, (*map(str, folders), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": paths}


def with_network(environment: Mapping[str, str], address: str | None, folder: Path) -> dict[str, str]:
    """An environment in which the app finds a network of one's own, whose module may lie in ``folder``.

    >>> with_network({"PYTHONPATH": "/a"}, "mynet:net", Path("/b"))
    {'PYTHONPATH': '/b:/a', 'DECONVVIZ_NETWORK': 'mynet:net'}
    """
    return {**with_path(environment, folder), NETWORK: address} if address else dict(environment)


def with_atlas(environment: Mapping[str, str], atlas: str | None, folder: Path) -> dict[str, str]:
    """An environment in which the app finds an atlas of one's own; its path is seen from ``folder``.

    >>> with_atlas({}, "birds", Path("/home/me")), with_atlas({}, None, Path("/"))
    ({'DECONVVIZ_ATLAS': '/home/me/birds'}, {})
    """
    return {**environment, ATLAS: str(folder / atlas)} if atlas else dict(environment)


@click.command()
@click.option("--port", default="8501", show_default=True, help="Port on 127.0.0.1: nobody else can reach it.")
@click.option("--network", metavar="MODULE:OBJECT", help="A network of your own for the laboratory.")
@click.option("--atlas", type=TEXT_OR_FILE, metavar="DIR", help="An atlas that `deconvviz atlas build` wrote.")
def app(port: str, network: str | None, atlas: str | None) -> None:
    """Open the course and the laboratory in a browser. Ctrl-C ends it.

    \b
    Example:
      deconvviz app --port 8600
    """
    trouble = trouble_with_port(port)
    if trouble:
        raise DeconvvizError(trouble)
    where = script()
    click.echo(f"deconvviz: http://{HOST}:{port}  (Ctrl-C ends it)")
    sys.stdout.flush()
    here = Path.cwd()
    environment = with_network(with_atlas(os.environ, atlas, here), network, here)
    # The pages are those beside this package, whatever folder Streamlit is started in.
    environment = with_path(environment, where.parents[2])
    os.chdir(where.parent)
    os.execve(sys.executable, command(port, headless=not has_display(os.environ)), environment)


COMMAND = app
