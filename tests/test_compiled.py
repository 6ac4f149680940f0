"""One turn to compile for the whole process; where compiled programs are kept, and where they cannot be."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs
import pytest
from platformdirs import windows
from platformdirs.unix import Unix

import deconvviz as dv
from deconvviz import compiled
from deconvviz.network import Programs


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    """JAX's own setting, as it was."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.mark.parametrize(("system", "variable"), [(Unix, "XDG_CACHE_HOME"), (windows.Windows, "LOCALAPPDATA")])
def test_they_lie_in_the_users_cache_folder(
    system: type, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DECONVVIZ_CACHE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)  # others ask Windows itself
    assert tmp_path in compiled.folder().parents
    assert jax.__version__ in compiled.folder().name


def test_a_named_folder_goes_first_and_another_processor_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path))
    mine = compiled.folder()
    assert tmp_path in mine.parents
    monkeypatch.setattr(compiled, "_processor", lambda: "model name: another one")
    assert compiled.folder() != mine


def test_without_a_folder_nothing_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path / "file"))
    assert compiled.keep() is False
    assert jax.config.jax_compilation_cache_dir is None


def test_a_folder_that_jax_was_told_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path / "mine"))
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "jax"))
    assert compiled.keep() is True
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "jax")
    assert not (tmp_path / "mine").exists()


@pytest.mark.slow
def test_programs_are_found_there_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    code = "import jax; from deconvviz import compiled; print(compiled.keep()); jax.jit(lambda x: x * 3 + 1)(2.0)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert answer.stdout == "True\n", answer.stderr
    assert any(path.is_file() for path in compiled.folder().rglob("*"))


@pytest.mark.slow
def test_a_flag_is_given_to_xla_only_where_xla_knows_it() -> None:
    """It would end the process otherwise; releases differ in their flags."""
    ask = "import conftest; print(*(conftest.xla_knows(flag) for flag in ('', '--xla_no_such_flag=1')))"
    answer = subprocess.run([sys.executable, "-c", ask], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert answer.stdout == "True False\n", answer.stderr


class Queue:
    """Threads that come for the turn one after the other, while this one holds it."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self._threads: list[threading.Thread] = []

    def comes(
        self,
        name: str,
        work: Callable[[], object] = lambda: None,
        background: bool = False,
        before: Callable[[], object] = lambda: None,
    ) -> None:
        """Start a thread and wait until it stands in the queue."""
        length = len(compiled._TURNS._queue)

        def run() -> None:
            before()
            with compiled.background() if background else contextlib.nullcontext(), compiled.turn():
                self.order.append(name)
                work()

        self._threads.append(threading.Thread(target=run, name=name))
        self._threads[-1].start()
        end = time.monotonic() + 20
        while len(compiled._TURNS._queue) == length and time.monotonic() < end:
            time.sleep(0.001)
        assert len(compiled._TURNS._queue) == length + 1

    def all_done(self) -> list[str]:
        """The names in the order in which they had their turn."""
        for thread in self._threads:
            thread.join(timeout=20)
            assert not thread.is_alive(), f"{thread.name} waits for ever"
        return self.order


def test_first_come_first_served_and_the_background_last() -> None:
    queue = Queue()
    with compiled.turn():
        queue.comes("background", background=True)
        for name in ("first", "second", "third"):
            queue.comes(name)
        queue.comes("background again", background=True)
        queue.comes("fourth")
        assert queue.order == []
    assert queue.all_done() == ["first", "second", "third", "fourth", "background", "background again"]


def test_only_one_thread_has_the_turn() -> None:
    queue, inside = Queue(), threading.Semaphore(1)

    def work() -> None:
        assert inside.acquire(blocking=False), "two at once"
        time.sleep(0.002)
        inside.release()

    failed: list[threading.ExceptHookArgs] = []
    before, threading.excepthook = threading.excepthook, failed.append
    try:
        with compiled.turn():
            for number in range(12):
                queue.comes(str(number), work)
        queue.all_done()
    finally:
        threading.excepthook = before
    assert not failed
    assert queue.order == [str(number) for number in range(12)]


def test_the_background_gives_way_between_its_programs() -> None:
    queue, order = Queue(), []
    compiling, go_on = threading.Event(), threading.Event()

    def warm_up() -> None:
        with compiled.background():
            for number in range(3):
                with compiled.turn():
                    order.append(f"layer {number}")
                    compiling.set()
                    assert go_on.wait(20)

    thread = threading.Thread(target=warm_up)
    thread.start()
    assert compiling.wait(20)
    queue.comes("person", lambda: order.append("person"))
    go_on.set()
    queue.all_done()
    thread.join(timeout=20)
    assert order == ["layer 0", "person", "layer 1", "layer 2"]


def test_the_mark_of_the_background_ends_with_it() -> None:
    queue = Queue()

    def leave() -> None:
        with contextlib.suppress(ZeroDivisionError), compiled.background(), compiled.background():
            raise ZeroDivisionError

    with compiled.turn():
        queue.comes("background", background=True)
        queue.comes("was in the background", before=leave)
    assert queue.all_done() == ["was in the background", "background"]


def test_the_holder_may_take_it_again_and_an_exception_frees_it() -> None:
    with pytest.raises(ZeroDivisionError), compiled.turn(), compiled.turn():
        raise ZeroDivisionError
    queue = Queue()
    with compiled.turn():
        with contextlib.suppress(ZeroDivisionError), compiled.turn():
            raise ZeroDivisionError
        queue.comes("waits", lambda: compiled.once("again", lambda: None))
        assert queue.order == [], "the inner exception did not free the outer turn"
    assert queue.all_done() == ["waits"]


def test_who_is_interrupted_while_waiting_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    interrupted = threading.Event()

    def waits(condition: threading.Condition, predicate: Callable[[], bool]) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    with compiled.turn():
        with monkeypatch.context() as patch:
            patch.setattr(threading.Condition, "wait_for", waits)
            holder, compiled._TURNS._holder = compiled._TURNS._holder, None
            with pytest.raises(KeyboardInterrupt), compiled.turn():
                raise AssertionError("it never had the turn")
            compiled._TURNS._holder = holder
        assert interrupted.is_set()
        queue.comes("next")
    assert queue.all_done() == ["next"]


def test_what_was_compiled_meanwhile_is_not_compiled_again() -> None:
    ran, held, key = [], [], object()

    def run() -> int:
        ran.append(threading.current_thread().name)
        held.append(compiled._TURNS._holder == threading.get_ident())
        return 5

    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(compiled.once(key, run))) for _ in range(4)]
    with compiled.turn():
        for thread in threads:
            thread.start()
        end = time.monotonic() + 20
        while len(compiled._TURNS._queue) < 4 and time.monotonic() < end:
            time.sleep(0.001)
        assert not compiled.is_compiled(key)
    for thread in threads:
        thread.join(timeout=20)
    assert answers == [5] * 4
    assert held.count(True) == 1, "one compiled, in its turn; the others only ran"
    assert compiled.is_compiled(key)


def test_a_run_that_raises_has_compiled_nothing() -> None:
    key = object()
    with pytest.raises(ZeroDivisionError):
        compiled.once(key, lambda: 1 // 0)
    assert not compiled.is_compiled(key)
    assert compiled.once(key, lambda: 3) == 3


def test_programs_of_networks_take_the_same_turn() -> None:
    """A program waits while anybody compiles; once compiled it never waits."""
    programs, done = Programs(), threading.Event()
    double = programs.compiled("double", lambda: lambda x: 2 * x)

    def call() -> None:
        assert double(4) == 8
        done.set()

    threads = [threading.Thread(target=call) for _ in range(2)]
    with compiled.turn():
        threads[0].start()
        assert not done.wait(0.2)
    assert done.wait(20)
    done.clear()
    with compiled.turn():
        threads[1].start()
        assert done.wait(20)
    for thread in threads:
        thread.join(timeout=20)


def test_what_networks_share_goes_with_all_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that networks of one form share outlive each of them, and hold the arrays that they were made with."""
    monkeypatch.setattr("jax.clear_caches", lambda: None)  # other tests of this process go on with theirs
    monkeypatch.setattr(compiled, "_STORES", weakref.WeakSet[Any]())
    shared, weights = Programs(), jnp.ones((3, 2))
    network = dv.Network(lambda x: (x @ weights).sum((1, 2)), input_spec=dv.InputSpec(size=(4, 5)), programs=shared)
    network.store.passes.room = 1000
    x = np.ones((1, 4, 5, 3), np.float32)
    before = network.run(x)
    network.store.passes.get("a pass", x, lambda: network.run(x))
    assert (len(shared), len(network.store.passes)) == (1, 1)
    compiled.forget()
    assert (len(shared), len(network.store.passes), len(network.store)) == (0, 0, 0)
    np.testing.assert_array_equal(network.run(x), before)


def test_the_background_waits_for_what_somebody_waits_for() -> None:
    with compiled.foreground(), compiled.foreground():
        assert not compiled.give_way(0.01)
    assert compiled.give_way(0.01)
    with compiled.background(), compiled.foreground():
        assert compiled.give_way(0.01), "nobody waits for the background"
