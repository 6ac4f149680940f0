"""Once the last person has left, the memory of what was computed for them goes back to the machine.

What is there again when somebody comes: texts at once, networks in two seconds, compiled programs from the disk.
"""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit import config, runtime

from deconvviz import compiled, storage
from lessons._kit.run import cache

#: Seconds between two looks, and how long nobody may have been there beyond the time in which a reload is expected.
EVERY, MORE = 5.0, 5.0
#: Modules whose caches stay: texts, which are small and slow to read.
TEXTS = "lessons._kit.form."


def begin() -> None:
    """Look from now on, in a thread of its own."""
    threading.Thread(target=_watch, name="idle", daemon=True).start()


class Absence:
    """When memory is to be given back: once after every visit.

    Args:
      patience: seconds that nobody must have been there.

    >>> nobody = Absence(patience=35)
    >>> visits = ((0, 0), (2, 10), (0, 20), (0, 46), (0, 99), (1, 100), (0, 136))
    >>> [nobody.is_over(people, now) for people, now in visits]
    [False, False, False, True, False, False, True]
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._last: float | None = None

    def is_over(self, people: int, now: float) -> bool:
        """Whether it is time.

        Args:
          people: sessions that are there.
          now: seconds, growing.
        """
        if people:
            self._last = now
        over = self._last is not None and now - self._last > self.patience
        if over:
            self._last = None
        return over


def give_back() -> None:
    """Empty every cache of the app and give free memory back to the machine."""
    st.cache_resource.clear()
    st.cache_data.clear()
    cache.clear()
    for forget in _caches():
        forget()
    compiled.forget()
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    storage.release_memory()


def _caches() -> list[Callable[[], None]]:
    """What empties the caches of functions, those of texts apart."""
    ours = [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in ("lessons", "deconvviz") and not name.startswith(TEXTS)
    ]
    functions = [value for module in ours for value in list(vars(module).values())]
    return [one.cache_clear for one in functions if isinstance(one, functools._lru_cache_wrapper)]


def _watch() -> None:
    while (manager := _sessions()) is None:
        time.sleep(EVERY)
    absence = Absence(float(config.get_option("server.disconnectedSessionTTL")) + MORE)
    while threading.main_thread().is_alive():
        time.sleep(EVERY)
        busy = any(thread.name.startswith(("warm-up", "job ")) for thread in threading.enumerate())
        if absence.is_over(manager.num_active_sessions() + busy, time.monotonic()):
            _forget_sessions(manager)
            give_back()


def _sessions() -> Any:
    """Streamlit's manager of sessions; None as long as the server is being set up."""
    return getattr(runtime.get_instance(), "_session_mgr", None) if runtime.exists() else None


def _forget_sessions(manager: Any) -> None:
    """Let go of the sessions that can no longer come back: Streamlit does so when the next one comes."""
    with manager._storage_lock:
        gone = manager._session_storage._cache.expire()
    del gone  # not under the lock: a session that goes has work to do
