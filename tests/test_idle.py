"""Memory after the last person has left: results and programs go, texts stay, and everything works again."""

from __future__ import annotations

import weakref
from types import SimpleNamespace

import pytest
import streamlit as st

from deconvviz import compiled
from lessons._app import idle
from lessons._kit.form import i18n, page
from lessons._kit.run import cache
from lessons.laboratory import layers


class Result:
    """Something large."""


@st.cache_resource
def _result() -> Result:
    return Result()


@cache.last(1)
def _shared_result() -> Result:
    return Result()


@pytest.mark.slow
def test_results_and_programs_are_given_back_and_texts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "gc", SimpleNamespace(unfreeze=lambda: None, collect=lambda: None, freeze=lambda: None))
    monkeypatch.setattr("jax.clear_caches", lambda: None)  # other tests of this process go on with theirs
    large, shared = weakref.ref(_result()), weakref.ref(_shared_result())
    compiled.once("a program of this test", lambda: 0)
    layers._mean_key("network", "picture", "layer")
    pages, said = page.discover(), i18n.catalogue("zh")
    assert large() is not None
    assert shared() is not None
    idle.give_back()
    assert large() is None
    assert shared() is None
    assert not compiled.is_compiled("a program of this test")
    assert not layers._mean_key.cache_info().currsize
    assert page.discover() is pages
    assert i18n.catalogue("zh") is said
    assert isinstance(_result(), Result)


def test_a_server_that_is_still_being_set_up_has_no_sessions_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit says that it exists before it has its manager of sessions."""
    monkeypatch.setattr(idle, "runtime", SimpleNamespace(exists=lambda: True, get_instance=object))
    assert idle._sessions() is None


def test_sessions_that_cannot_come_back_go_outside_the_lock() -> None:
    """A session that goes calls its manager: under the lock it would wait for itself."""
    order = []

    class Lock:
        def __enter__(self) -> None:
            order.append("locked")

        def __exit__(self, *_: object) -> None:
            order.append("free")

    class Session:
        def __del__(self) -> None:
            order.append("gone")

    left = [Session()]
    cache = SimpleNamespace(expire=lambda: [left.pop()])
    idle._forget_sessions(SimpleNamespace(_storage_lock=Lock(), _session_storage=SimpleNamespace(_cache=cache)))
    assert order == ["locked", "free", "gone"]
