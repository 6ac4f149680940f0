"""Files: where deconvviz keeps its own, arrays and records read from them, writing them whole, downloads that resume.

Arrays are safetensors, records are JSON: reading them never runs code. A file may come from a stranger, so whatever it
says is checked before anything is done with it, and what it cannot be is said in one sentence.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import glob
import http.client
import json
import os
import stat
import threading
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pooch
from safetensors import SafetensorError, safe_open
from tqdm import tqdm

#: Makes the error that is raised of a file, from the reason why it cannot be read.
Problem = Callable[[str], Exception]

#: Bytes of the longest header of a safetensors file, and the most arrays that it may hold.
MAX_HEADER, MAX_ARRAYS = 8_000_000, 20_000
#: Bytes of the longest file of records, and digits of the longest whole number in it.
MAX_TEXT, MAX_DIGITS = 64_000_000, 18
#: Records and lists of a record within each other.
MAX_DEPTH = 32

#: Seconds after which nobody goes on writing a neighbour: it is written in one go.
ABANDONED = 3600.0
#: Bytes of the largest file that is downloaded where nobody knows its size.
MAX_DOWNLOAD = 20_000_000_000
_DOWNLOADING = threading.Lock()

#: What `download` raises where a server cannot be reached, refuses, or hangs up.
UNREACHABLE = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def base() -> Path:
    """The folder: DECONVVIZ_CACHE if it is set, else "deconvviz" in the user's cache folder."""
    folder = os.environ.get("DECONVVIZ_CACHE")
    return Path(folder) if folder else platformdirs.user_cache_path("deconvviz", appauthor=False, opinion=False)


def processors() -> int:
    """How many processors this process may use.

    >>> processors() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def release_memory() -> None:
    """Give memory that is free back to the system, where the C library would keep it."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only glibc keeps what is free
        ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def return_blocks() -> None:
    """Let every large block go back to the system as soon as it is free, where the C library would keep it.

    It keeps blocks of up to 32 MB for the next one of their size, and what XLA works with is of many sizes. Whoever set
    ``MALLOC_MMAP_THRESHOLD_`` has decided already.
    """
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        with contextlib.suppress(AttributeError, OSError, TypeError):
            ctypes.CDLL(None).mallopt(-3, 1 << 18)  # M_MMAP_THRESHOLD of glibc


def share_heaps() -> None:
    """Let the threads that come from now on share a heap a processor, where the C library would give them many more.

    What a thread has freed is in no other's way, and little of it goes back to the system: of a class of threads, most.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(-8, max(2, processors()))  # M_ARENA_MAX of glibc


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file whole or not at all: a neighbour is written first and then takes the name.

    A reader sees the old content or the new one, also after a kill or a full disk. A link keeps being a link.

    Args:
      path: the file; its folder exists.
      data: all of its content.

    Raises:
      OSError: the folder cannot be written to, the disk is full, or a device or pipe has that name, whose place the
        file would take (who may everything would lose /dev/null); what has that name stays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "map.png"), b"PNG")
    ...     [(file.name, file.read_bytes()) for file in Path(folder).iterdir()]
    [('map.png', b'PNG')]
    """
    target = Path(os.path.realpath(path))
    if not is_file_or_free(target):
        raise OSError(errno.EINVAL, "a device or pipe, not a file")
    _sweep(target)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:  # interrupted, too: leave nothing behind
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def is_file_or_free(path: str | os.PathLike[str]) -> bool:
    """Whether a file can take that name: nothing else has it, a folder apart, which the system refuses.

    >>> is_file_or_free("/dev/null"), is_file_or_free("/dev/nothing"), is_file_or_free("/dev")
    (False, True, True)
    """
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError):
        return True
    return stat.S_ISREG(kind) or stat.S_ISDIR(kind)


def _sweep(target: Path) -> None:
    """Remove the neighbours that writers of this file left who were killed; those of writers at work are young."""
    with contextlib.suppress(OSError):
        for stray in target.parent.glob(f".{glob.escape(target.name)}.????????.part"):
            if time.time() - stray.stat().st_mtime > ABANDONED:
                stray.unlink(missing_ok=True)


def check_file(path: str | os.PathLike[str], problem: Problem) -> int:
    """The size in bytes of a file that can be read at once: a pipe would be waited for, a device may never end.

    Args:
      path: the file.
      problem: makes the error to raise, from a reason.

    Raises:
      what `problem` makes: "no such file", "a folder", "a device or pipe, not a file", or what the system says.

    >>> check_file("/dev/zero", ValueError)
    Traceback (most recent call last):
    ValueError: a device or pipe, not a file
    """
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise problem("no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise problem(getattr(error, "strerror", None) or str(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise problem("a folder, where one file is wanted")
    if not stat.S_ISREG(status.st_mode):
        raise problem("a device or pipe, not a file")
    return status.st_size


def read_bytes(path: str | os.PathLike[str], problem: Problem, most: int = MAX_TEXT) -> bytes:
    """All of a file.

    Args:
      path: the file.
      problem: makes the error to raise, from a reason.
      most: bytes that it may have.

    Raises:
      what `problem` makes: as `check_file`; or larger than that.
    """
    size = check_file(path, problem)
    if size > most:
        raise problem(f"it has {size:,} bytes, where at most {most:,} are read")
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise problem(error.strerror or str(error)) from error


def parse(text: str | bytes, shape: Any, problem: Problem) -> Any:
    """A record of JSON, if it has the expected shape.

    Args:
      text: the JSON.
      shape: a type or a tuple of types; ``[shape]`` for a list of any length; ``{"key": shape}`` for a record that has
        these keys and perhaps others, of which ``"key?"`` may be missing; ``{str: shape}`` for one with any keys. bool
        is no int, an int is a float.
      problem: makes the error to raise, from a reason.

    Raises:
      what `problem` makes: no JSON, nested too deeply, a whole number of more than `MAX_DIGITS` digits or 64 bits, or
        of another shape.

    >>> parse('{"size": [8, 6], "name": "a"}', {"size": [int]}, ValueError)
    {'size': [8, 6], 'name': 'a'}
    >>> parse('{"size": [8, "6"]}', {"size": [int]}, ValueError)
    Traceback (most recent call last):
    ValueError: size[1] should be a whole number; it is '6'
    """

    def whole(digits: str) -> int:
        if len(digits) > MAX_DIGITS + 1:
            raise ValueError(f"a number of {len(digits):,} digits")
        number = int(digits)
        if not -(2**63) <= number < 2**63:  # no array, seed or size is of more
            raise ValueError(f"{digits}, a number of more than 64 bits")
        return number

    try:
        value = json.loads(text, parse_int=whole)
    except RecursionError as error:
        raise problem("it is nested too deeply to be a record") from error
    except ValueError as error:  # no text of any encoding, too
        raise problem(f"it is not JSON ({' '.join(str(error).split())[:160]})") from error
    level = [value]
    for _ in range(MAX_DEPTH):
        holders = [
            list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list))
        ]
        level = [item for holder in holders for item in holder]
    if level:
        raise problem("it is nested too deeply to be a record")
    check_shape(value, shape, problem)
    return value


def check_shape(value: Any, shape: Any, problem: Problem, place: str = "") -> None:
    """Refuse a value that has not the shape; arguments as those of `parse`, and what to call it in messages.

    >>> check_shape({"seed": True}, {"seed": int}, ValueError, "options")
    Traceback (most recent call last):
    ValueError: options.seed should be a whole number; it is True
    """
    kinds = shape if isinstance(shape, tuple) else (type(shape) if isinstance(shape, (dict, list)) else shape,)
    fits = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
    if not fits or (isinstance(value, bool) and bool not in kinds and object not in kinds):
        words = " or ".join(_KINDS.get(kind, kind.__name__) for kind in kinds)
        text = repr(value)
        raise problem(f"{place or 'it'} should be {words}; it is {text if len(text) < 80 else text[:60] + '...'}")
    if isinstance(shape, list):
        for i, item in enumerate(value):
            check_shape(item, shape[0], problem, f"{place}[{i}]")
    if isinstance(shape, dict):
        for key, inner in (dict.fromkeys(value, shape[str]) if str in shape else shape).items():
            name = key.removesuffix("?")
            where = f"{place}.{name}" if place else name
            if name in value:
                check_shape(value[name], inner, problem, where)
            elif name == key:
                raise problem(f"{where} is missing")


#: How a message calls the types of a record.
_KINDS = {
    int: "a whole number", float: "a number", str: "text", bool: "true or false", list: "a list", dict: "a record",
    type(None): "null",
}  # fmt: skip


def weights(array: np.ndarray, name: str, shape: tuple[int, ...], problem: Problem) -> np.ndarray:
    """An array of a network's weights as float32, if it can be one.

    Args:
      array: as it was stored.
      name: what to call it in messages.
      shape: that it has to have.
      problem: makes the error to raise, from a reason.

    Raises:
      what `problem` makes: another shape, no floating point numbers, or NaN or infinite values among them.

    >>> weights(np.array([1, 2]), "bias", (2,), ValueError)
    Traceback (most recent call last):
    ValueError: bias holds int64, and weights are floating point numbers
    """
    if array.shape != shape:
        raise problem(f"{name} should have shape {shape}; it has {array.shape}")
    if not np.issubdtype(array.dtype, np.floating):
        raise problem(f"{name} holds {array.dtype}, and weights are floating point numbers")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as that
        result = array.astype(np.float32)
    bad = result.size - int(np.count_nonzero(np.isfinite(result)))
    if bad:
        raise problem(f"{bad:,} of the {result.size:,} values of {name} are NaN or infinite")
    return result


def all_weights(
    arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], problem: Problem
) -> dict[str, np.ndarray]:
    """All arrays of a network as float32: those that it needs and no other.

    Args:
      arrays: name -> array, as they were stored.
      shapes: name -> shape of those that are needed.
      problem: makes the error to raise, from a reason.

    Raises:
      what `problem` makes: arrays missing or too many; or as `weights`.
    """
    for names, words in (
        ([name for name in shapes if name not in arrays], "missing"),
        ([name for name in arrays if name not in shapes], "not expected"),
    ):
        if names:
            raise problem(
                f"of its arrays {len(names)} are {words} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
            )
    return {name: weights(arrays[name], name, shape, problem) for name, shape in shapes.items()}


def read_arrays(path: Path, problem: Problem, prefix: str = "") -> dict[str, np.ndarray]:
    """The arrays of a safetensors file.

    Args:
      path: the file.
      problem: makes the error to raise, from "no such file" or "not a whole safetensors file (...)".
      prefix: only arrays whose names begin so, by the rest of their names.

    Returns:
      name -> array, of any shape and type.

    Raises:
      what `problem` makes: the file is missing or damaged, or holds numbers that NumPy has no type for.

    >>> import tempfile
    >>> from safetensors.numpy import save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"a.x": np.ones(2), "b.x": np.zeros(3)}, Path(folder, "two"))
    ...     read_arrays(Path(folder, "two"), ValueError, prefix="a.")
    {'x': array([1., 1.])}
    """
    with _opened(path, problem) as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        return {name.removeprefix(prefix): file.get_tensor(name) for name in names}


def read_array(path: Path, problem: Problem, name: str) -> np.ndarray:
    """One array of a safetensors file; arguments and errors as those of `read_arrays`."""
    with _opened(path, problem) as file:
        array: np.ndarray = file.get_tensor(name)
        return array


def read_shapes(path: Path, problem: Problem) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the arrays of a safetensors file, from its header; arguments and errors as `read_arrays`."""
    with _opened(path, problem) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def read_metadata(path: Path, problem: Problem) -> dict[str, str]:
    """What a safetensors file says of itself, from its header; arguments and errors as those of `read_arrays`."""
    with _opened(path, problem) as file:
        return dict(file.metadata() or {})


def read_npz(path: Path, problem: Problem) -> dict[str, np.ndarray]:
    """The arrays of a file that `numpy.savez` wrote, which packs nothing: what unpacks to more was made by others.

    Args:
      path: the file.
      problem: makes the error to raise, from a reason.

    Raises:
      what `problem` makes: as `check_file`; or the file is damaged, or larger inside than outside.
    """
    size = check_file(path, problem)
    try:
        with zipfile.ZipFile(path) as archive:
            inside = sum(entry.file_size for entry in archive.infolist())
        if inside > size:
            raise _Large(f"{inside:,} bytes inside, and {size:,} outside")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):  # NumPy hands out the bytes of what does not begin like an array
                raise ValueError(f"{name} is no array")
        return arrays
    except _Large as error:
        raise problem(f"it has {error}") from error
    except Exception as error:  # whatever readers of archives and of arrays raise
        cause = " ".join(str(error).split())[:160]
        raise problem(f"no whole file of arrays ({cause or type(error).__name__})") from error


class _Large(Exception):
    """A file of more than is read."""


@contextlib.contextmanager
def _opened(path: Path, problem: Problem) -> Iterator[Any]:
    """A safetensors file; what can be wrong with it becomes a sentence."""
    size = check_file(path, problem)
    try:
        with open(path, "rb") as file:
            header = int.from_bytes(file.read(8), "little")
        if MAX_HEADER < header < size:
            raise _Large(f"a header of {header:,} bytes, where at most {MAX_HEADER:,} are read")
        with safe_open(path, framework="numpy") as opened:
            count = len(opened.keys())
            if count > MAX_ARRAYS:
                raise _Large(f"{count:,} arrays, where at most {MAX_ARRAYS:,} are read")
            yield opened
    except _Large as error:
        raise problem(f"it has {error}") from error
    except (OSError, SafetensorError, TypeError, AttributeError) as error:  # numbers that NumPy has no type for, too
        cause = " ".join(str(error).split())[:160]
        raise problem(f"not a whole safetensors file ({cause})") from error


def download(url: str, checksum: str, path: Path, progress: bool = True, size: int | None = None) -> Path:
    """Fetches a file to `path`; one that is there with this checksum is not fetched again.

    Who wants a file of the same folder at the same time waits, and finds it there.

    Args:
      url: the file.
      checksum: "md5:..." or "sha256:...".
      path: where it goes; its folder exists. PATH.part holds what came so far, and the rest is asked for next time.
      progress: a bar on standard error.
      size: its bytes; no more than these are ever taken. `MAX_DOWNLOAD` if None.

    Raises:
      one of `UNREACHABLE`: no connection, or the server refuses or hangs up.
      ValueError: another size or checksum; nothing is left behind.
      OSError: the file cannot be written.
    """
    resumed = _Resumed(path, progress, size)
    if not (is_file_or_free(path) and is_file_or_free(resumed.part)):
        raise OSError(errno.EINVAL, "a device or pipe, not a file", str(path))
    with _alone(path.parent):
        if not path.exists() or not pooch.hashes.hash_matches(path, checksum):
            resumed.fetch(url)
            try:
                pooch.hashes.hash_matches(resumed.part, checksum, strict=True, source="downloaded file")
            except ValueError:
                resumed.part.unlink()
                raise
            os.replace(resumed.part, path)
    return path


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other thread or process is in such a block of this folder; the system ends it with its process."""
    with contextlib.ExitStack() as stack:
        try:
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except (ImportError, OSError):  # Windows, or a file system without locks: the threads of this process at least
            stack.enter_context(_DOWNLOADING)
        yield


def reason(error: Exception) -> str:
    """Why a download stopped, in a few words.

    >>> reason(TimeoutError("timed out"))
    'no connection: timed out'
    """
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    return "no connection: " + " ".join(str(getattr(error, "reason", error)).split())[:160]


class _Resumed:
    """A download that keeps what it has in FILE.part and asks the server for the rest only."""

    def __init__(self, path: Path, progress: bool, size: int | None = None) -> None:
        self.part, self.progress, self.size = path.with_name(path.name + ".part"), progress, size or None

    def fetch(self, url: str) -> None:
        """Get all that is missing."""
        have = self.part.stat().st_size if self.part.exists() else 0
        if have and have > (self.size or MAX_DOWNLOAD):
            self.part.unlink()
            have = 0
        if self.size is None or have < self.size or not have:
            self._ask(url, have)

    def _ask(self, url: str, have: int) -> None:
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self._receive(answer, have if answer.status == 206 else 0)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 416 or not have:  # 416: there is no rest, the part is whole
                raise

    def _receive(self, answer: http.client.HTTPResponse, have: int) -> None:
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isascii() and length.isdigit() and len(length) < MAX_DIGITS else None
        self._check(total or 0)
        bar = tqdm(initial=have, total=total, unit="B", unit_scale=True, desc=self.part.stem, disable=not self.progress)
        with self.part.open("ab" if have else "wb", buffering=0) as file, bar:
            while chunk := answer.read1(1 << 18):  # what has come, however slowly: a kill loses none of it
                self._check(file.tell() + len(chunk))
                file.write(chunk)
                bar.update(len(chunk))
            received = file.tell()
        if received < (total or self.size or 0):
            raise ConnectionError(f"the connection ended after {received:,} of {total or self.size:,} bytes")

    def _check(self, size: int) -> None:
        """Refuse more than there should be, before it is written."""
        most = self.size or MAX_DOWNLOAD
        if size > most:
            self.part.unlink(missing_ok=True)
            raise ValueError(f"the server sends {size:,} bytes, where there should be {most:,}")
