"""Files that are written whole or not at all, and what each part of the package says where they cannot be."""

from __future__ import annotations

import os
import platform
import random
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deconvviz import storage
from deconvviz.atlas import _disk
from deconvviz.errors import DataError, DeconvvizError, TrainingError
from deconvviz.figures import files
from deconvviz.training import checkpoint

WRITERS: dict[str, tuple[Callable[[Path, bytes], Any], type[DeconvvizError], str]] = {
    "figures": (files.write, DeconvvizError, "check the folder's permissions and the free space"),
    "atlas": (_disk.write, DataError, "check the folder's permissions and the free space"),
    "training": (checkpoint.write_whole, TrainingError, "free some space or name another"),
}


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, hidden files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_last_of_many_writers_wins_and_no_reader_sees_half(tmp_path: Path) -> None:
    path, stop = tmp_path / "f", threading.Event()
    whole = {bytes([n]) * (100_000 + n) for n in range(6)}
    storage.write(path, min(whole))
    seen: set[bytes] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=storage.write, args=(path, data)) for data in whole for _ in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert seen
    assert seen <= whole
    assert list(contents(tmp_path)) == ["f"]
    assert contents(tmp_path)["f"] in whole


def test_a_link_keeps_being_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real").write_bytes(b"older")
    (tmp_path / "link").symlink_to("there/real")
    storage.write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "there") == {"real": b"new"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_older_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, failure: BaseException
) -> None:
    (tmp_path / "f").write_bytes(b"older")

    def fail(*arguments: object) -> None:
        raise failure

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(failure)):
        storage.write(tmp_path / "f", b"new")
    assert contents(tmp_path) == {"f": b"older"}


@pytest.mark.parametrize("part", WRITERS)
def test_each_part_says_it_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    write, kind, advice = WRITERS[part]
    write(tmp_path / "f", b"older")
    assert contents(tmp_path) == {"f": b"older"}
    with pytest.raises(kind) as caught:
        write(tmp_path / "nowhere" / "f", b"new")
    assert type(caught.value) is kind
    assert str(tmp_path / "nowhere" / "f") in str(caught.value)
    assert "No such file or directory" in str(caught.value)
    assert advice in str(caught.value)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind, match="No space left on device"):
        write(tmp_path / "f", b"new")
    assert contents(tmp_path) == {"f": b"older"}


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    old = [tmp_path / ".f[1].0123abcd.part", tmp_path / ".f[1].deadbeef.part"]
    others = [tmp_path / name for name in (".f1.0123abcd.part", ".f[1].part", "f[1].part", ".f[1].01234567.parts")]
    young = tmp_path / ".f[1].89abcdef.part"
    for path in (*old, *others, young):
        path.write_bytes(b"half")
    for path in (*old, *others):
        os.utime(path, (0, 0))
    storage.write(tmp_path / "f[1]", b"new")
    assert set(contents(tmp_path)) == {"f[1]", young.name, *(path.name for path in others)}


@pytest.mark.parametrize(
    ("text", "shape", "reason"),
    [
        ('{"a": 1}', [int], "it should be a list"),
        ('{"a": [1, null]}', {"a": [int]}, r"a\[1\] should be a whole number; it is None"),
        ('{"a": {"b": "c"}}', {str: {"b": (int, type(None))}}, r"a\.b should be a whole number or null; it is 'c'"),
        ('{"a": {}}', {"a": {"b": int}}, r"a\.b is missing"),
        ('{"a": true}', {"a": float}, "a should be a number; it is True"),
        ('{"a": "' + "x" * 500 + '"}', {"a": int}, r"it is 'x{59}\.\.\."),
        ("[" * 33 + "]" * 33, [list], "nested too deeply"),
        ("[" * 10**6, [list], "nested too deeply"),
        ("9" * 20, int, "a number of 20 digits"),
        ("9" * 19, int, "a number of more than 64 bits"),
        (b"\xff\xfe\xfa", {}, "it is not JSON"),
    ],
)
def test_records_are_of_the_shape_that_is_wanted(text: str | bytes, shape: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        storage.parse(text, shape, ValueError)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_records_of_the_right_shape_pass() -> None:
    assert storage.parse("[" * 32 + "]" * 32, list, ValueError)
    text = '{"a": 1, "b": null, "c": {"x": [2, 2.5]}, "d": false}'
    shape = {"a": float, "b": (int, type(None)), "c": {str: [float]}, "d": bool, "e?": int}
    assert storage.parse(text, shape, ValueError)["c"] == {"x": [2, 2.5]}


def test_arrays_that_unpack_to_more_than_their_file_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, a=np.arange(5), b=np.float32(2))
    assert {name: array.tolist() for name, array in storage.read_npz(path, ValueError).items()} == {
        "a": [0, 1, 2, 3, 4], "b": 2.0,
    }  # fmt: skip
    whole = path.read_bytes()
    refused = {"no whole file of arrays": whole[:-40], "no whole file of arrays ": b"PK", "no whole file": b""}
    np.savez_compressed(path, a=np.zeros(10_000_000, np.float32))
    refused["it has 40,000,[0-9]+ bytes inside, and [0-9,]+ outside"] = path.read_bytes()
    np.savez(path, a=np.array([{}], dtype=object))
    refused["no whole file of arrays .*pickle"] = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"[]")  # NumPy hands out bytes where it finds no array
    refused["a is no array"] = path.read_bytes()
    for reason, data in refused.items():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=reason):
            storage.read_npz(path, ValueError)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="device or pipe"):
        storage.read_npz(tmp_path / "pipe", ValueError)


def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "f").write_bytes(bytes(11))
    refused = {tmp_path / "pipe": "device or pipe", tmp_path: "a folder", tmp_path / "g": "no such file"}
    for path, reason in (*refused.items(), ("a\0b", "null"), (tmp_path / "f", "11 bytes, where at most 10 are read")):
        with pytest.raises(ValueError, match=reason):
            storage.read_bytes(path, ValueError, most=10)
    assert storage.read_bytes(tmp_path / "f", ValueError, most=11) == bytes(11)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes on this system")
def test_nothing_takes_the_place_of_a_pipe(tmp_path: Path) -> None:
    """As little as that of /dev/null, which whoever may everything would lose."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="a device or pipe, not a file"):
            storage.write(tmp_path / name, b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


HEAPS = """
import ctypes, sys, tempfile, threading
from deconvviz import storage
if sys.argv[1:]:
    storage.share_heaps()
libc, all_there = ctypes.CDLL(None), threading.Barrier(24)
def work():
    libc.malloc(5000)
    all_there.wait()
threads = [threading.Thread(target=work) for _ in range(24)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
libc.fopen.restype = libc.tmpfile.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream), libc.fclose(stream)
    print(file.read().count(b"<heap nr="))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads heaps of their own")
def test_threads_share_heaps() -> None:
    def heaps(*arguments: str) -> int:
        run = subprocess.run([sys.executable, "-c", HEAPS, *arguments], capture_output=True, text=True, check=True)
        return int(run.stdout)

    assert heaps("shared") <= max(2, storage.processors()) < heaps()


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    program = (
        "import sys; from deconvviz import storage\n"
        "for n in range(10**9): storage.write(sys.argv[1], bytes([n % 251]) * (200_000 + n % 251))\n"
    )
    draw = random.Random(0)
    for _ in range(6):
        writer = subprocess.Popen([sys.executable, "-c", program, str(path)])
        before, end = path.stat().st_mtime_ns if path.exists() else 0, time.monotonic() + 60
        while time.monotonic() < end and (not path.exists() or path.stat().st_mtime_ns == before):
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.05))
        writer.kill()
        writer.wait()
        data = path.read_bytes()
        assert data == data[:1] * (200_000 + data[0])
    for left in tmp_path.glob(".f.*.part"):
        os.utime(left, (0, 0))
    storage.write(path, b"new")
    assert contents(tmp_path) == {"f": b"new"}


BLOCKS = """
import sys
import numpy as np
from deconvviz import storage
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
if sys.argv[1:]:
    storage.return_blocks()
for _ in range(3):
    np.ones(3_000_000, np.float64)  # the C library keeps blocks of a size that was freed once
before = resident()
blocks = [np.ones(1_500_000, np.float64) for _ in range(8)]
last = np.ones(1_500_000, np.float64)
del blocks
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is free")
def test_large_blocks_go_back_as_soon_as_they_are_free() -> None:
    """Below one that is in use, the C library would keep eight of 12 MB."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    stays = [
        int(subprocess.run([sys.executable, "-c", BLOCKS, *given], capture_output=True, text=True, check=True,
                           env=environment).stdout)
        for given in ([], ["return"])
    ]  # fmt: skip
    assert stays[1] < 20_000_000 < 60_000_000 < stays[0]
