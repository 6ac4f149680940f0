"""Results that all sessions share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lessons._kit.run import cache


def test_two_who_ask_together_wait_for_one_computation() -> None:
    begun, may_end, runs = threading.Event(), threading.Event(), []

    @cache.last(2)
    def slow(name: str) -> list[str]:
        runs.append(name)
        begun.set()
        assert may_end.wait(20)
        return [name]

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(slow, "a")
        assert begun.wait(20)
        second = pool.submit(slow, "a")
        may_end.set()
        assert first.result() is second.result()
    assert runs == ["a"]


def test_what_failed_is_computed_again() -> None:
    runs = []

    @cache.last(2)
    def fails_once(name: str) -> str:
        runs.append(name)
        if len(runs) == 1:
            raise ValueError(name)
        return name

    with pytest.raises(ValueError, match="a"):
        fails_once("a")
    assert fails_once("a") == "a"
    assert not fails_once._making
    fails_once.clear()
    assert fails_once("a") == "a"
    assert runs == ["a", "a", "a"]
