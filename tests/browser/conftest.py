"""The app on a free port, and pages of a real Chromium that look at it.

`page` is 1440 x 900, `phone` 390 x 844; both fail the test afterwards if the page reported an error of its own.
`screenshot(page, name)` keeps a picture in artifacts/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import as_for_users
from open_app import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
DESKTOP = (1440, 900)
PHONE = (390, 844)
#: Milliseconds that a busy machine may take; what is waited for is taken as soon as it is there.
PATIENCE = 120_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a browser test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    """The app, started once for all browser tests; its address without a slash at the end."""
    with served(environment=as_for_users()) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a test file: Playwright's event loop must not outlive it, other tests start their own."""
    from chromium import FLAGS, MISSING, find
    from playwright.sync_api import expect, sync_playwright

    path = find()
    if path is None:
        pytest.fail(MISSING)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


def _page(browser: Browser, size: tuple[int, int], *, touch: bool) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, has_touch=touch, locale="en-US", accept_downloads=True
    )
    context.set_default_timeout(PATIENCE)
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
