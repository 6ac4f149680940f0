"""The app on a free port, and pages of a real Chromium that look at it.

`page` is 1440 x 900, `phone` 390 x 844; both fail the test afterwards if the page reported an error of its own.
`screenshot(page, name)` keeps a picture in artifacts/.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STARTUP_SECONDS = 120
DESKTOP = (1440, 900)
PHONE = (390, 844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a browser test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    state = "still starting" if server.poll() is None else f"ended with status {server.returncode}"
    pytest.fail(f"the app did not answer at {url} in {STARTUP_SECONDS} s ({state}):\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, started once for all browser tests; its address without a slash at the end."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("app") / "server.log"
    from open_app import command

    with log.open("wb") as out:
        server = subprocess.Popen(
            command(str(port), headless=True),
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"},
        )
    try:
        _wait_until_healthy(server, url, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a test file: Playwright's event loop must not outlive it, other tests start their own."""
    from chromium import FLAGS, MISSING, find
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        pytest.fail(MISSING)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


def _page(browser: Browser, size: tuple[int, int], *, touch: bool) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, has_touch=touch, locale="en-US", accept_downloads=True
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"the page reported errors: {errors}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page, 1440 x 900."""
    yield from _page(browser, DESKTOP, touch=False)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """An empty page the size of a telephone, 390 x 844."""
    yield from _page(browser, PHONE, touch=True)


@pytest.fixture
def screenshot(artifacts: Path) -> Callable[..., Path]:
    """``screenshot(page, name, full=True)`` keeps a PNG in artifacts/ and returns its path."""

    def take(page: Page, name: str, full: bool = True) -> Path:
        path = artifacts / f"{name}.png"
        page.screenshot(path=path, full_page=full)
        return path

    return take
