"""Uploads of several people: one decode a file, pixels within bounds, given back when the last has left."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest

from deconvviz.data import isolated
from lessons._kit.run import pictures


def brought(name: str, file: bytes = b"") -> pictures.Picture:
    """An upload that nobody has decoded yet."""
    return pictures.Picture(None, name, "", f"digest of {name}", file)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are decoded: 6 x 4 pixels each, after a moment."""
    names: list[str] = []

    def decode(file: bytes, name: str, **options: object) -> np.ndarray:
        names.append(name)
        time.sleep(0.05)
        return np.zeros((6, 4, 3), np.uint8)

    monkeypatch.setattr(isolated, "levels", decode)
    return names


def test_people_with_the_same_file_share_one_decode(decoded: list[str]) -> None:
    uploads, everybody = pictures.Uploads(1000), [brought("a") for _ in range(6)]
    threads = [threading.Thread(target=uploads.pixels, args=(one,)) for one in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decoded == ["a"]
    assert not uploads.pixels(everybody[0]).flags.writeable


def test_there_is_room_for_so_many_bytes_and_the_oldest_gives_way(decoded: list[str]) -> None:
    uploads, (a, b, c) = pictures.Uploads(150), map(brought, "abc")
    for one in (a, b, a, c, a):
        uploads.pixels(one)
    assert decoded == ["a", "b", "c"]
    assert uploads.size == 144
    uploads.pixels(b)
    assert decoded == ["a", "b", "c", "b"]
    large = pictures.Uploads(10)
    large.pixels(a)
    large.pixels(a)
    assert decoded[4:] == ["a"], "one picture is kept, however large"


@pytest.mark.slow
def test_pixels_are_given_back_when_the_last_who_brought_them_has_left(decoded: list[str]) -> None:
    uploads, first, second = pictures.Uploads(1000), brought("a"), brought("a")
    uploads.pixels(first)
    uploads.pixels(second)
    del first
    gc.collect()
    assert uploads.size == 72
    del second
    gc.collect()
    assert uploads.size == 0
    assert not uploads._owners
    assert not uploads._decoding


def test_a_refused_file_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads, text = pictures.Uploads(1000), brought("notes.txt", b"Dear reader,")
    for _ in range(2):
        with pytest.raises(pictures.images.ImageError, match=r"notes\.txt"):
            uploads.pixels(text)
    assert uploads.size == 0


def test_a_slow_upload_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, going = threading.Event(), threading.Event()

    def decode(file: bytes, name: str, **options: object) -> np.ndarray:
        if name == "slow":
            going.set()
            slow.wait(60)
        return np.zeros((6, 4, 3), np.uint8)

    monkeypatch.setattr(isolated, "levels", decode)
    uploads = pictures.Uploads(1000)
    thread = threading.Thread(target=uploads.pixels, args=(brought("slow"),))
    thread.start()
    assert going.wait(60)
    quick = [threading.Thread(target=uploads.pixels, args=(brought(name),)) for name in "abc"]
    for one in quick:
        one.start()
    for one in quick:
        one.join(30)
    assert not any(one.is_alive() for one in quick)
    assert thread.is_alive()
    slow.set()
    thread.join()


def test_grey_bytes_become_colour_and_16_bits_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "levels", lambda *_, **__: np.full((6, 4), 51, np.uint8))
    grey = pictures.Uploads(1000).pixels(brought("grey"))
    assert (grey.shape, grey.dtype, int(grey.min())) == ((6, 4, 3), np.uint8, 51)
    monkeypatch.setattr(isolated, "levels", lambda *_, **__: np.full((6, 4), 13107, np.uint16))
    deep = pictures.Uploads(1000).pixels(brought("deep"))
    assert (deep.dtype, float(deep.max())) == (np.float32, np.float32(0.2))


def test_a_file_whose_bytes_are_gone_leaves_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit hands a callback a stub where the server has let go of the bytes meanwhile."""
    from streamlit.runtime.uploaded_file_manager import DeletedFile

    from lessons._kit.photo import bring

    monkeypatch.setattr(bring.st, "session_state", {"field": DeletedFile("1")})
    monkeypatch.setattr(bring.selection, "forget_upload", lambda: pytest.fail("the picture before goes"))
    bring._uploaded("field")
    assert list(bring.st.session_state) == ["field"]
