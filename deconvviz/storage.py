"""Files: where deconvviz keeps its own, arrays read from them, writing them whole, downloads that resume.

Arrays are safetensors: reading them never runs code.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pooch
from safetensors import SafetensorError, safe_open
from tqdm import tqdm

#: Makes the error that is raised of a file, from the reason why it cannot be read.
Problem = Callable[[str], Exception]

#: What `download` raises where a server cannot be reached, refuses, or hangs up.
UNREACHABLE = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def base() -> Path:
    """The folder: DECONVVIZ_CACHE if it is set, else "deconvviz" in the user's cache folder."""
    named = os.environ.get("DECONVVIZ_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("deconvviz", appauthor=False, opinion=False)


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file whole or not at all: a neighbour is written first and then takes the name.

    A reader sees the old content or the new one, also after a kill or a full disk. A link keeps being a link.

    Args:
      path: the file; its folder exists.
      data: all of its content.

    Raises:
      OSError: the folder cannot be written to, or the disk is full; an older file of that name stays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "map.png"), b"PNG")
    ...     [(file.name, file.read_bytes()) for file in Path(folder).iterdir()]
    [('map.png', b'PNG')]
    """
    target = Path(os.path.realpath(path))
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


@contextlib.contextmanager
def _opened(path: Path, problem: Problem) -> Iterator[Any]:
    """A safetensors file; what can be wrong with it becomes a sentence."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (OSError, SafetensorError, TypeError) as error:
        missing = isinstance(error, FileNotFoundError)
        cause = " ".join(str(error).split())[:160]
        raise problem("no such file" if missing else f"not a whole safetensors file ({cause})") from error


def download(url: str, checksum: str, path: Path, progress: bool = True) -> Path:
    """Fetches a file to `path`; one that is there with this checksum is not fetched again.

    Args:
      url: the file.
      checksum: "md5:..." or "sha256:...".
      path: where it goes; its folder exists. PATH.part holds what came so far, and the rest is asked for next time.
      progress: a bar on standard error.

    Raises:
      one of `UNREACHABLE`: no connection, or the server refuses or hangs up.
      ValueError: another checksum; nothing is left behind.
      OSError: the file cannot be written.
    """
    pooch.get_logger().setLevel("WARNING")  # the bar says what it would say
    pooch.retrieve(url, checksum, fname=path.name, path=path.parent, downloader=_Resumed(path, progress))
    return path


def reason(error: Exception) -> str:
    """Why a download stopped, in a few words.

    >>> reason(TimeoutError("timed out"))
    'no connection: timed out'
    """
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    return "no connection: " + " ".join(str(getattr(error, "reason", error)).split())[:160]


class _Resumed:
    """A downloader for pooch that keeps what it has in FILE.part and asks the server for the rest only."""

    def __init__(self, path: Path, progress: bool) -> None:
        self.part, self.progress = path.with_name(path.name + ".part"), progress

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self._receive(answer, have if answer.status == 206 else 0)
        except urllib.error.HTTPError as error:
            if error.code != 416:  # 416: there is no rest, the part is whole
                raise
        os.replace(self.part, output_file)

    def _receive(self, answer: http.client.HTTPResponse, have: int) -> None:
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        bar = tqdm(initial=have, total=total, unit="B", unit_scale=True, desc=self.part.stem, disable=not self.progress)
        with self.part.open("ab" if have else "wb") as file, bar:
            while chunk := answer.read(1 << 18):
                file.write(chunk)
                bar.update(len(chunk))
            got = file.tell()
        if total is not None and got < total:
            raise ConnectionError(f"the connection ended after {got:,} of {total:,} bytes")
