"""Compiling: one program at a time in the whole process, and programs kept on disk for the next start.

Compiling side by side gains nothing on few cores and costs memory, so whoever compiles takes a `turn`: first come,
first served, and a thread that works in the `background` lets everybody else go first.

The folder on disk belongs to one machine, processor and version of JAX: a program compiled for another could crash.
"""

from __future__ import annotations

import contextlib
import itertools
import platform
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

import jax

from deconvviz import storage

_T = TypeVar("_T")
_IN_BACKGROUND: ContextVar[bool] = ContextVar("in_background", default=False)


class _Turns:
    """A lock that the longest waiting thread gets next, those of the background after all others; re-entrant."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: int | None = None
        self._tickets = itertools.count()
        self._queue: list[tuple[bool, int]] = []

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for the turn and hold it; nothing happens where this thread holds it already."""
        if self._holder == threading.get_ident():
            yield
            return
        with self._changed:
            # False sorts before True, so the background comes last, and an earlier ticket before a later one.
            ticket = (_IN_BACKGROUND.get(), next(self._tickets))
            self._queue.append(ticket)
            try:
                self._changed.wait_for(lambda: self._holder is None and min(self._queue) == ticket)
                self._holder = threading.get_ident()
            finally:  # an interrupt while waiting must not leave a ticket that nobody will use
                self._queue.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._holder = None
                self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Threads that wait for the turn."""
        return len(self._queue)


_TURNS = _Turns()
#: How many threads compute what somebody waits for.
_WAITED_FOR, _WAITED_FOR_CHANGED = 0, threading.Condition()
_COMPILED: set[Hashable] = set()


class _Clearable(Protocol):
    def clear(self) -> None: ...


_STORES, _STORES_LOCK = weakref.WeakSet[_Clearable](), threading.Lock()


def turn() -> contextlib.AbstractContextManager[None]:
    """``with turn():`` holds the process's one turn to compile; a thread that holds it may take it again.

    While one waits, another may compile what one came for: look again inside, or use `once`. What runs inside must not
    wait for another thread that may want the turn.

    >>> with turn(), turn():
    ...     jax.jit(lambda x: 2 * x)(4).item()
    8
    """
    return _TURNS()


def release_memory() -> None:
    """Give back what compiling took and no longer needs, where the C library would keep it."""
    storage.release_memory()


def return_blocks() -> None:
    """Let every large block that programs work with go back to the system as soon as it is free."""
    storage.return_blocks()


@contextlib.contextmanager
def background() -> Iterator[None]:
    """``with background():`` this thread lets every thread that somebody waits for go first.

    It gives way between two turns: what it is compiling, it finishes.

    >>> with background(), turn():
    ...     "nobody waited"
    'nobody waited'
    """
    token = _IN_BACKGROUND.set(True)
    try:
        yield
    finally:
        _IN_BACKGROUND.reset(token)


@contextlib.contextmanager
def foreground() -> Iterator[None]:
    """``with foreground():`` somebody waits for what this thread computes; in the background it changes nothing.

    >>> with foreground():
    ...     give_way(0.01)
    False
    """
    global _WAITED_FOR
    counts = not _IN_BACKGROUND.get()
    with _WAITED_FOR_CHANGED:
        _WAITED_FOR += counts
    try:
        yield
    finally:
        with _WAITED_FOR_CHANGED:
            _WAITED_FOR -= counts
            _WAITED_FOR_CHANGED.notify_all()


def give_way(timeout: float) -> bool:
    """Wait until nothing is computed in the `foreground`, so many seconds at most; False if something still is.

    >>> give_way(1.0)
    True
    """
    with _WAITED_FOR_CHANGED:
        return _WAITED_FOR_CHANGED.wait_for(lambda: not _WAITED_FOR, timeout)


def once(key: Hashable, run: Callable[[], _T]) -> _T:
    """The result of ``run()``: in a turn as long as nothing of that key has run, at once afterwards.

    Of threads that come with the same key together, one compiles and the others run what it compiled. A run that
    raises has compiled nothing.

    Args:
      key: names the programs that ``run`` compiles.
      run: compiles them at its first call in this process.

    >>> is_compiled("double 4"), once("double 4", lambda: 2 * 4), is_compiled("double 4")
    (False, 8, True)
    """
    if key not in _COMPILED:
        with turn():
            if key not in _COMPILED:
                result = run()
                _COMPILED.add(key)
                return result
    return run()


def waiting() -> int:
    """How many threads wait for their turn to compile.

    >>> waiting()
    0
    """
    return _TURNS.waiting


def is_compiled(key: Hashable) -> bool:
    """Whether `once` has run for this key, so that it will not wait."""
    return key in _COMPILED


def forget() -> None:
    """Let go of every program of this process: it is compiled anew, or read from where `keep` keeps it, when it runs.

    >>> once("triple 4", lambda: 3 * 4), forget(), is_compiled("triple 4")
    (12, None, False)
    """
    _COMPILED.clear()
    with _STORES_LOCK:
        stores = list(_STORES)
    for store in stores:
        store.clear()
    jax.clear_caches()


def clear_when_forgotten(store: _Clearable) -> None:
    """`forget` clears the store, too: it holds programs, and with them the arrays that they begin from."""
    with _STORES_LOCK:
        _STORES.add(store)


def folder() -> Path:
    """Where they are kept, in the folder `storage.base`.

    >>> "jax-" in folder().name
    True
    """
    host = sha256(f"{platform.node()} {platform.machine()} {_processor()}".encode()).hexdigest()[:12]
    return storage.base() / "compiled" / f"jax-{jax.__version__}-{host}"


def keep() -> bool:
    """Keep compiled programs from now on; False, with no harm done, where the folder cannot be written.

    A folder that JAX was told to use before (JAX_COMPILATION_CACHE_DIR) stays.
    """
    if getattr(jax.config, "jax_compilation_cache_dir", None):
        return True
    try:
        folder().mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    jax.config.update("jax_compilation_cache_dir", str(folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return True


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return "".join(line for line in lines if line.startswith(("model name", "flags")))[:4000]
