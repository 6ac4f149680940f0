"""Files of every kind that once broke something, and good ones to begin from; all made here, none stored."""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save

from deconvviz._cli import _grid
from deconvviz.atlas import _disk
from deconvviz.types import LayerVisualization

#: Values that records were never meant to hold.
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -(10**400), 0.5, 1e308, -1e-320, float("nan"), float("inf"), "",
    "a", "\0", "\ud800", "../a", "/etc/passwd", "x" * 2000, "9" * 400, [], {}, [[]], [None], {"": None},
    list(range(99)),
)  # fmt: skip


@cache
def pictures() -> dict[str, bytes]:
    """Name -> file."""
    r, c = np.mgrid[:23, :31]
    smooth = np.rint(np.stack([60 + 6 * r, 40 + 5 * c, 0 * r + 128], axis=-1)).astype(np.uint8)
    grey = Image.fromarray(smooth[..., 0])
    files = {kind: _picture(smooth, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")}
    for compression in ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits"):
        files[compression] = _picture(smooth, "TIFF", compression=compression)
    files["CMYK"] = _picture(Image.fromarray(smooth).convert("CMYK"), "JPEG")
    files["palette"] = _picture(Image.fromarray(smooth).quantize(16), "PNG", transparency=3)
    files["16 bits"] = _picture(Image.fromarray(smooth[..., 0].astype(np.uint16) * 257), "PNG")
    files["floats"] = _picture(grey.convert("F"), "TIFF")
    files["frames"] = _picture(grey, "GIF", save_all=True, append_images=[grey.rotate(90, expand=True)] * 3)
    files["animated"] = _picture(
        Image.fromarray(smooth), "WEBP", save_all=True, append_images=[Image.fromarray(smooth)]
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    files["turned"] = _picture(smooth, "JPEG", exif=exif)
    progressive = files["progressive"] = _picture(smooth, "JPEG", progressive=True)
    files["many scans"] = progressive[:-2] + progressive[progressive.rfind(b"\xff\xda") : -2] * 2500 + b"\xff\xd9"
    files["large header"] = files["JPEG"].replace(struct.pack(">HH", 23, 31), struct.pack(">HH", 65_500, 65_500))
    for height, width in ((6000, 5000), (2**31 - 1, 2**31 - 1), (0, 7)):
        files[f"claims {height} x {width}"] = _png(height, width)
    return files


def _picture(picture: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(stream, kind, **options)
    return stream.getvalue()


def _png(height: int, width: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b""))
    )


#: What each kind of safetensors file says of itself.
SAID: dict[str, Any] = {
    "about": {"labels": ["a", "b"], "snapshots": [{"epoch": 1, "top1": 0.5, "mean_per_class": 0.5}]},
    "task": {"task": "toy", "variants": {"one": {"options": {"width": 5, "depth": 1}, "figures": {"psnr": 3.5}}}},
    "inverters": {"network": "caltech", "digest": "ab", "layers": {"relu4": {"upsampler": "resize"}}},
    "run": {
        "version": 1, "settings": {"steps": 3}, "belongs": ["a", "relu3", 0, 1, [], "b"], "slower": 1.0, "note": "",
        "stopped": False, "layer": "relu3", "method": "optimize", "seed": 0, "step": 1, "steps": 3, "restart": 0,
        "feature_error": 0.5, "image_error": 0.5,
    },
    "record": {"epoch": 3, "recipe": {"a": 1}},
}  # fmt: skip


@cache
def weights() -> dict[str, bytes]:
    """Name -> safetensors file."""
    arrays = {
        "one/layers.0.kernel": np.ones((2, 5), np.float16), "one/layers.0.bias": np.zeros(5, np.float16),
        "conv1.bias": np.ones(32, np.float32), "relu4.mean": np.ones(128, np.float16),
        "image": np.zeros((8, 8, 3), np.float32), "losses": np.zeros(1), "all_losses": np.zeros((1, 1)),
        "all_errors": np.zeros((1, 1)), "params": np.zeros((1, 8, 8, 3), np.float32),
    }  # fmt: skip
    task = {name: value for name, value in arrays.items() if name.startswith("one/")}
    files = {key: save(task if key == "task" else arrays, {key: json.dumps(value)}) for key, value in SAID.items()}
    deep = dict.fromkeys(SAID, '{"a": ' * 900 + "1" + "}" * 900)
    files["deep"] = save(arrays, deep)
    files["no words"] = save(arrays)
    files["float8"] = safetensors({"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, b"\0")
    files["many"] = safetensors(
        {f"a{i}": {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]} for i in range(21_000)}
    )
    files["pickle"] = b"\x80\x04cos\nsystem\n(S'true'\ntR."
    return files


@cache
def states() -> dict[str, bytes]:
    """Name -> what an interrupted run left."""
    flags = np.ones(2, bool)
    grid = LayerVisualization(
        "relu1", "channel", np.arange(2), np.zeros((2, 8, 6, 3), np.float32), np.zeros(2), flags, ("", "a"), ~flags,
        0, 3, 9, "ab",
    )  # fmt: skip
    packed = io.BytesIO()
    np.savez_compressed(packed, images=np.zeros(1_000_000))
    no_array = io.BytesIO()
    with zipfile.ZipFile(no_array, "w") as archive:
        archive.writestr("about", b"[]")
    audit = {"key": "k", "pictures": {"0": {"a": [1.5, None]}}}
    return {
        "grid": _grid.packed(grid), "atlas": _disk.pack({"a": np.arange(3)}, [3, [["relu1", 0, 1]]]),
        "audit": json.dumps(audit).encode(), "packed": packed.getvalue(), "deep": b"[" * 50_000,
        "pairs": b'{"key": "k", "pictures": [[1, 2]]}', "bytes": no_array.getvalue(),
    }  # fmt: skip


def safetensors(header: Any, data: bytes = b"") -> bytes:
    """A file of any header."""
    text = json.dumps(header).encode(errors="surrogatepass")
    return len(text).to_bytes(8, "little") + text + data


RECIPE = {
    "version": 1, "model": "caltech", "model_digest": "12ab", "image": "cat", "image_digest": "34cd", "layer": "relu3",
    "channel": 7, "row": None, "column": None, "rules": ["deconvnet"], "start": "activation", "mode": "colour",
    "scale": "shared", "limit": 0.25,
}  # fmt: skip


class Draw:
    """Changes that depend on a seed alone."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def below(self, most: int) -> int:
        """A whole number from 0."""
        return int(self.random.integers(most))

    def one_of(self, things: Any) -> Any:
        """One of a sequence."""
        return things[self.below(len(things))]

    def bytes(self, data: bytes, others: list[bytes]) -> bytes:
        """A file changed in one to six places: bytes, pieces, its end, or a piece of another."""
        result = bytearray(data)
        for _ in range(1 + self.below(6)):
            at, length = self.below(len(result) + 1), 1 + self.below(40)
            changes: list[Callable[[], Any]] = [
                lambda at=at: result.__setitem__(slice(at, at + 1), bytes([self.below(256)])),
                lambda at=at: result.__setitem__(slice(at, at + 1), self.one_of([b"\0", b"\xff", b"\x7f", b"\x80"])),
                lambda at=at, n=length: result.__delitem__(slice(at, at + n)),
                lambda at=at, n=length: result.__setitem__(slice(at, at), result[at : at + n] * (1 + self.below(9))),
                lambda at=at, n=length: result.__setitem__(slice(at, at + n), self.piece(self.one_of(others), n)),
                lambda at=at: result.__delitem__(slice(at, None)) if self.below(4) == 0 else None,
            ]
            self.one_of(changes)()
        return bytes(result)

    def piece(self, data: bytes, length: int) -> bytes:
        """A piece of a file."""
        at = self.below(max(1, len(data) - length))
        return data[at : at + length]

    def record(self, value: Any) -> Any:
        """A record with one to three values that it was never meant to hold, or without some that it was."""
        result = json.loads(json.dumps(value))
        for _ in range(1 + self.below(3)):
            holder, key = self.one_of(list(_places(result)) or [(None, None)])
            if holder is None or self.below(20) == 0:
                return copy.deepcopy(self.one_of(HOSTILE))
            if self.below(6) == 0:
                del holder[key]
            elif self.below(12) == 0:
                for _ in range(self.one_of([40, 200])):
                    holder[key] = [holder[key]]
                return result
            else:
                holder[key] = copy.deepcopy(self.one_of(HOSTILE))
        return result


def _places(value: Any) -> Any:
    """(holder, key) of everything in a record."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
