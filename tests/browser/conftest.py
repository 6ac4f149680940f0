"""The app on a free port, and pages of a real Chromium that look at it.

`page` is 1440 x 900, `phone` 390 x 844; both fail the test afterwards if the page reported an error of its own.
`screenshot(page, name)` keeps a picture in artifacts/.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import DESKTOP, PATIENCE, PHONE, Sight, as_for_users
from open_app import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Error, Page, ViewportSize

HERE = Path(__file__).resolve().parent
#: What this process has started in this folder and must end, and Chromium and its pages by what they are.
STARTED = contextlib.ExitStack()
RUNNING: dict[object, object] = {}
#: Tests that have used a page of that size, and how many a page serves before another takes its place: it grows.
USED: Counter[Sight] = Counter()
LIFE = 30
FAILED = pytest.StashKey[bool]()
#: Streamlit's signs of work move for ever. Without a graphics card that takes a processor from the work: once will do.
ONCE = """addEventListener('DOMContentLoaded', () => {
  const style = document.createElement('style');
  style.textContent = '*, *::before, *::after { animation-iteration-count: 1 !important }';
  document.head.append(style);
})"""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Every test of this folder is a browser test; of those that are chosen two processes begin with one half each."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
    yield
    items[:] = shared_out(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def shared_out(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """The tests in the order in which so many processes, each from its own place in the list, wait least.

    A test in a browser mostly waits: the pages one by one at the beginning, the other browser tests where the second
    process begins. So neither is what the others wait for at the end.
    """
    chosen = [item for item in items if HERE in item.path.parents]
    if processes < 2 or len(chosen) == len(items):
        return items
    pages = [item for item in chosen if item.path.name == "test_pages_browser.py"]
    others = [item for item in chosen if item not in pages]
    rest = [item for item in items if item not in chosen]
    before = max(0, len(items) // processes - len(pages))
    return [*pages, *rest[:before], *others, *rest[before:]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """Leaving the folder ends Chromium: Playwright's event loop must not outlive it, other tests start their own."""
    yield
    if nextitem is None or HERE not in nextitem.path.parents:
        STARTED.close()
        RUNNING.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fixtures see whether their test failed."""
    report = yield
    item.stash[FAILED] = report.failed
    return report


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process is in such a block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_alive(process: int) -> bool:
    """Whether a process of that number is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="session")
def app_url(shared: Path, pytestconfig: pytest.Config) -> Iterator[str]:
    """The app, started once for all processes of a run; its address without a slash at the end.

    Which process started it ends it, when no other looks at it any more. It is optimized where deep tests run.
    """
    environment = as_for_users(optimized="not deep" not in pytestconfig.getoption("markexpr"))
    lock, address, users = shared / "app-lock", shared / "app-url", shared / "app-users"
    users.mkdir(exist_ok=True)
    mine = users / str(os.getpid())
    with contextlib.ExitStack() as started:
        with alone(lock):
            is_starter = not address.is_file()
            if is_starter:
                address.write_text(started.enter_context(served(environment=environment)))
            mine.touch()
        yield address.read_text()
        mine.unlink()
        while is_starter:
            with alone(lock):
                if not any(is_alive(int(user.name)) for user in users.iterdir()):
                    address.unlink()
                    break
            time.sleep(0.2)


@pytest.fixture
def browser() -> Browser:
    """The Chromium of this process."""
    from chromium import FLAGS, MISSING, find
    from playwright.sync_api import Browser, expect, sync_playwright

    if Browser not in RUNNING:
        path = find()
        if path is None:
            pytest.fail(MISSING)
        expect.set_options(timeout=PATIENCE)
        playwright = STARTED.enter_context(sync_playwright())
        RUNNING[Browser] = STARTED.enter_context(playwright.chromium.launch(executable_path=path, args=list(FLAGS)))
    started = RUNNING[Browser]
    assert isinstance(started, Browser)
    return started


def _page(request: pytest.FixtureRequest, browser: Browser, sight: Sight, *, touch: bool) -> Iterator[Page]:
    """The page of that size in this process: it stays open, so that the app need not be loaded again."""
    from playwright.sync_api import Page

    width, height = sight.size
    viewport: ViewportSize = {"width": width, "height": height}
    page = RUNNING.get(sight)
    USED[sight] += 1
    if not isinstance(page, Page) or page.is_closed() or USED[sight] % LIFE == 0:
        if isinstance(page, Page):
            page.context.close()
        context = browser.new_context(viewport=viewport, has_touch=touch, locale="en-US", accept_downloads=True)
        context.add_init_script(ONCE)
        RUNNING[sight] = page = context.new_page()
    page.context.set_default_timeout(PATIENCE)
    page.set_default_timeout(PATIENCE)
    errors: list[str] = []

    def note(error: Error) -> None:
        errors.append(str(error))

    page.on("pageerror", note)
    yield page
    page.remove_listener("pageerror", note)
    page.context.clear_permissions()
    page.emulate_media(color_scheme="light")
    if page.viewport_size != viewport:
        page.set_viewport_size(viewport)
    if errors or request.node.stash.get(FAILED, False):  # the next test starts afresh
        page.close()
    assert not errors, f"the page reported errors: {errors}"


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page, 1440 x 900."""
    yield from _page(request, browser, DESKTOP, touch=False)


@pytest.fixture
def phone(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page the size of a telephone, 390 x 844."""
    yield from _page(request, browser, PHONE, touch=True)


@pytest.fixture
def screenshot(artifacts: Path) -> Callable[..., Path]:
    """``screenshot(page, name, full=True)`` keeps a PNG in artifacts/ and returns its path."""

    def take(page: Page, name: str, full: bool = True) -> Path:
        path = artifacts / f"{name}.png"
        page.screenshot(path=path, full_page=full)
        return path

    return take
