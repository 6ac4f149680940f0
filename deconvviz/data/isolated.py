"""Decoding a stranger's file in a process of its own, with limits of time and memory, so that nobody waits for it.

Decoders are C, and a few kilobytes can keep one busy for minutes. Here one that takes too long, too much memory or
that crashes becomes an `ImageError` like any other. Small pictures never wait; large ones are decoded a few at a time.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.data.decode import MAX_BYTES, MAX_PIXELS, label_of, too_many_bytes
from deconvviz.errors import ImageError

#: Seconds of a processor that one picture may take; seconds by the clock, where others have the processors.
SECONDS, PATIENCE = 10, 90.0
#: Bytes of memory that one picture may take on top of what an idle decoder has.
MEMORY = 800_000_000
#: A picture of more pixels than this is large, and so many of those are decoded at once.
LARGE, LANES = 4_000_000, 2
_LANES = threading.BoundedSemaphore(LANES)
_ROOT = Path(__file__).resolve().parents[2]


def levels(
    data: bytes, name: str, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS, seconds: int = SECONDS
) -> np.ndarray:
    """The picture as it is stored, upright, decoded in another process; `images.from_levels` makes floats of it.

    Args:
      data: the file.
      name: what to call it in messages.
      max_bytes, max_pixels: as for `images.load`.
      seconds: of a processor.

    Returns:
      (H, W), (H, W, 3) or (H, W, 4), uint8, uint16, bool or float; its own memory.

    Raises:
      ImageError: as `images.load`; also where it takes too long or too much memory, or the decoder crashes.
    """
    label = f"{label_of(name)} ({len(data):,} bytes)"
    if len(data) > max_bytes:
        raise ImageError(too_many_bytes(label, max_bytes))
    request = {
        "bytes": len(data), "label": label, "max_bytes": max_bytes, "max_pixels": max_pixels, "memory": MEMORY,
        "seconds": seconds,
    }  # fmt: skip
    with _decoder() as process:
        try:
            return _conversation(process, json.dumps(request).encode() + b"\n" + data)
        except _Refused as error:
            raise ImageError(str(error)) from None
        except (OSError, ValueError, KeyError) as error:  # it ended, or was ended, in the middle of a word
            process.kill()
            raise ImageError(_ended(label, process.wait(), seconds)) from error


def _conversation(process: subprocess.Popen[bytes], request: bytes) -> np.ndarray:
    assert process.stdin is not None
    assert isinstance(process.stdout, io.BufferedReader)
    with _watched(process):
        process.stdin.write(request)
        process.stdin.flush()
        size = _line(process)
    is_large = size["height"] * size["width"] > LARGE
    with _LANES if is_large else contextlib.nullcontext(), _watched(process):
        process.stdin.write(b"begin\n")
        process.stdin.flush()
        header = _line(process)
        values = np.empty(header["shape"], np.dtype(header["dtype"]))
        room = values.data.cast("B")
        if process.stdout.readinto(room) != math.prod(header["shape"]) * values.itemsize:
            raise ValueError("the pixels are not whole")
        return values


def _line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The next line of the decoder; an error that it says is raised as its own."""
    assert process.stdout is not None
    message: dict[str, Any] = json.loads(process.stdout.readline())
    if "error" in message:
        raise _Refused(message["error"])
    return message


class _Refused(ImageError):
    """What the decoder says of the picture; an `ImageError` is a `ValueError`, and this one is whole."""


@contextlib.contextmanager
def _decoder() -> Iterator[subprocess.Popen[bytes]]:
    """A process that decodes one picture, ended with the block."""
    paths = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    # -P: no module of the current folder takes a name of the standard library.
    command = [sys.executable, "-P", "-W", "ignore", "-m", "deconvviz.data.decode"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what the C libraries complain of
        env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        process.wait()


@contextlib.contextmanager
def _watched(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process where the block takes longer than `PATIENCE`."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _ended(label: str, status: int, seconds: int) -> str:
    if status in (-9, -24):  # killed, by the limit of the processor's time or of the clock
        return f"{label} takes longer than {seconds} s to decode; open it in an image editor and save it as PNG"
    return f"{label} is damaged: its decoder crashed; open it in an image editor and save it as PNG"
