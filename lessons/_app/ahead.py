"""The pages are imported while the browser still opens: the first visit need not wait for all of it."""

from __future__ import annotations

import threading
import time

from streamlit import runtime

#: Seconds to wait for the server before the pages are imported all the same.
PATIENCE = 20.0
_thread: threading.Thread | None = None


def begin() -> None:
    """Import every page in a thread of its own, once the server runs."""
    global _thread
    _thread = threading.Thread(target=_pages, name="pages", daemon=True)
    _thread.start()


def wait() -> None:
    """Let it come to its end: two threads must not import the same at once."""
    if _thread is not None:
        _thread.join()


def has_ended() -> bool:
    """Whether the pages are imported, or will be by who asks first."""
    return _thread is None or not _thread.is_alive()


def _pages() -> None:
    end = time.monotonic() + PATIENCE
    while not runtime.exists() and time.monotonic() < end:
        time.sleep(0.02)
    from lessons._kit.form import page, shell  # noqa: F401 what start.py imports

    page.discover()
