"""Changes that know the form of a file: its chunks, segments, boxes, tags and members, with lengths and sums mended.

Bytes that are changed anywhere mostly break a checksum or a length, and a reader stops there; these get further.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from fuzz.corpus import Draw

#: Numbers that a length, size or count is changed to, whatever its width.
EXTREMES = (
    0,
    1,
    2,
    3,
    7,
    255,
    256,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63,
    2**64 - 1,
)
#: Tags of TIFF: sizes, depths, compression, where the pixels lie, other tables.
TAGS = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 330, 338, 339, 34665, 34853)
#: Boxes of AVIF that hold boxes, and how many bytes of their own come first.
NESTED = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"iinf": 6, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}


def changed(draw: Draw, data: bytes) -> bytes:
    """A file of some form, changed in its form once to three times; any other as it is."""
    for _ in range(1 + draw.below(3)):
        kind = next((kind for kind in FORMS if data.startswith(kind)), None)
        if kind is None and data[4:8] == b"ftyp":
            kind = b"ftyp"
        if kind is not None:
            data = FORMS[kind](draw, data)
    return data


def _mixed(draw: Draw, parts: list[bytes], change: Callable[[bytes], bytes]) -> list[bytes]:
    """Parts of a file: one changed, left out, said many times, moved, or put in another's place."""
    if not parts:
        return parts
    at, other = draw.below(len(parts)), draw.below(len(parts))
    how = draw.below(6)
    if how < 2:
        return [*parts[:at], change(parts[at]), *parts[at + 1 :]]
    if how == 2:
        return [*parts[:at], *parts[at + 1 :]]
    if how == 3:
        return [*parts[:at], *[parts[at]] * draw.one_of([2, 3, 50, 3000]), *parts[at + 1 :]]
    parts = list(parts)
    if how == 4:
        parts.insert(other, parts.pop(at))
    else:
        parts[at] = parts[other]
    return parts


def _numbers(draw: Draw, data: bytes, order: str) -> bytes:
    """Bytes with one number of 1, 2, 4 or 8 of them set to an extreme, or grown or cut at the end."""
    width = draw.one_of([1, 2, 4, 8])
    if len(data) < width or draw.below(6) == 0:
        return data[: draw.below(len(data) + 1)] if draw.below(2) else data + bytes(draw.one_of([1, 9, 70_000]))
    at = draw.below(len(data) - width + 1)
    value = draw.one_of(EXTREMES) % (1 << 8 * width)
    return data[:at] + value.to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]


def _png(draw: Draw, data: bytes) -> bytes:
    parts, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        parts.append(data[at + 4 : at + 8 + length])
        at += 12 + length
    extra = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tRNS", b"PLTE", b"gAMA", b"acTL", b"fcTL", b"fdAT", b"sBIT")

    def change(part: bytes) -> bytes:
        if draw.below(4) == 0:  # a chunk of another kind, which may unpack to much
            packed = zlib.compress(bytes(draw.one_of([10, 3_000_000])))
            return draw.one_of(extra) + b"a\0\0" + draw.one_of([b"", b"\0\0\0", b"\1\0", packed])
        if part[:4] == b"IDAT" and draw.below(2):
            return b"IDAT" + zlib.compress(_numbers(draw, _unpacked(part[4:]), "big"))
        return part[:4] + _numbers(draw, part[4:], "big")

    chunks = (
        struct.pack(">I", max(0, len(part) - 4)) + part + struct.pack(">I", zlib.crc32(part))
        for part in _mixed(draw, parts, change)
    )
    return data[:8] + b"".join(chunks)


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, 100_000)
    except zlib.error:
        return data


def _jpeg(draw: Draw, data: bytes) -> bytes:
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xDA:  # what is drawn follows, to the next marker
            while end + 1 < len(data) and not (data[end] == 0xFF and data[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
        parts.append(data[at:end])
        at = max(end, at + 4)

    def change(part: bytes) -> bytes:
        marker = draw.one_of([part[1], 0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCC, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE])
        body = _numbers(draw, part[4:], "big")
        length = draw.one_of(EXTREMES) % 65536 if draw.below(5) == 0 else min(len(body) + 2, 65535)
        if part[1] == 0xDA:
            marker, length = 0xDA, int.from_bytes(part[2:4], "big")
        return bytes([0xFF, marker]) + length.to_bytes(2, "big") + body

    return data[:2] + b"".join(_mixed(draw, parts, change)) + data[at:]


def _webp(draw: Draw, data: bytes) -> bytes:
    parts, at = [], 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        parts.append(data[at : at + 8 + length])
        at += 8 + length + length % 2

    def change(part: bytes) -> bytes:
        kind = draw.one_of([part[:4], b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"XMP ", b"ICCP"])
        body = _numbers(draw, part[8:], "little")
        length = draw.one_of(EXTREMES) % 2**32 if draw.below(5) == 0 else len(body)
        return kind + struct.pack("<I", length) + body

    body = b"".join(part + bytes(len(part) % 2) for part in _mixed(draw, parts, change))
    size = draw.one_of(EXTREMES) % 2**32 if draw.below(9) == 0 else len(body) + 4
    return b"RIFF" + struct.pack("<I", size) + b"WEBP" + body


def _gif(draw: Draw, data: bytes) -> bytes:
    table = 3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0
    at, parts = 13 + table, []
    while at < len(data) and data[at] in (0x21, 0x2C):
        end = at + 2
        if data[at] == 0x2C:
            end = at + 11 + (3 << (data[at + 9] & 7) + 1 if at + 9 < len(data) and data[at + 9] & 0x80 else 0)
        while end < len(data) and data[end]:
            end += 1 + data[end]
        parts.append(data[at : end + 1])
        at = end + 1
    head = _numbers(draw, data[6 : 13 + table], "little") if draw.below(4) == 0 else data[6 : 13 + table]
    return data[:6] + head + b"".join(_mixed(draw, parts, lambda part: _numbers(draw, part, "little"))) + b";"


def _tiff(draw: Draw, data: bytes) -> bytes:
    order = "<" if data[:2] == b"II" else ">"
    try:
        (at,) = struct.unpack(f"{order}I", data[4:8])
        (count,) = struct.unpack(f"{order}H", data[at : at + 2])
    except struct.error:
        return data
    end = at + 2 + 12 * count
    parts = [data[i : i + 12] for i in range(at + 2, end, 12) if len(data[i : i + 12]) == 12]

    def change(part: bytes) -> bytes:
        tag, kind, number, value = struct.unpack(f"{order}HHII", part)
        which = draw.below(4)
        tag = draw.one_of(TAGS) if which == 0 else tag
        kind = draw.below(20) if which == 1 else kind
        number = draw.one_of(EXTREMES) % 2**32 if which == 2 else number
        value = draw.one_of([*EXTREMES, at, at + 2]) % 2**32 if which == 3 else value
        return struct.pack(f"{order}HHII", tag, kind, number, value)

    parts = _mixed(draw, parts, change)
    after = struct.pack(f"{order}I", at) if draw.below(9) == 0 else data[end : end + 4]
    # The table goes to the end of the file, where it has room; pieces that others point at stay where they are.
    table = struct.pack(f"{order}H", min(len(parts), 65535)) + b"".join(parts) + after
    return data[:4] + struct.pack(f"{order}I", len(data)) + data[8:] + table


def _boxes(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        length = length if 8 <= length <= len(data) - at else len(data) - at
        yield data[at : at + length]
        at += length


def _avif(draw: Draw, data: bytes) -> bytes:
    def change(box: bytes) -> bytes:
        kind, own = box[4:8], NESTED.get(box[4:8])
        if own is not None and draw.below(8):
            head, inner = box[8 : 8 + own], list(_boxes(box[8 + own :]))
            body = head + b"".join(_mixed(draw, inner, change))
        elif draw.below(8) == 0:  # a box within itself, deeply
            body = box[8:]
            for _ in range(draw.one_of([3, 60])):
                body = (len(body) + 8).to_bytes(4, "big") + kind + body
        else:
            body = _numbers(draw, box[8:], "big")
        length = draw.one_of(EXTREMES) % 2**32 if draw.below(12) == 0 else len(body) + 8
        return length.to_bytes(4, "big") + kind + body

    boxes = list(_boxes(data))
    at = next((i for i, box in enumerate(boxes) if box[4:8] == b"meta"), 0)
    if draw.below(4):
        return b"".join([*boxes[:at], change(boxes[at]), *boxes[at + 1 :]])
    return b"".join(_mixed(draw, boxes, change))


def _zip(draw: Draw, data: bytes) -> bytes:
    """Arrays of NumPy: what their headers say, how large they claim to be, members of one name, a bomb."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as whole:
            members = [(info.filename, whole.read(info)[:200_000]) for info in whole.infolist()[:20]]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error):
        return data
    if not members:
        return data
    place = draw.below(len(members))
    name, body = members[place]
    how = draw.below(6)
    if how == 0:
        shape = draw.one_of(["(1000000000,)", "(2**40,)", "(-1,)", "(1,)*99", "()", "(0,0)", "(True,)", "None", "'a'"])
        kind = draw.one_of(["<f8", "|O", "<U9", ">c16", "V3", "[('a','<i4')]", "M8[ns]", "<f2", "|b1", "999"])
        said = f"{{'descr': '{kind}', 'fortran_order': {draw.one_of([True, False, 3])}, 'shape': {shape}, }}".encode()
        said = draw.one_of([said, b"(" * 300, b"{" + b"'a':1," * 9000 + b"}", b"\xff" * 40])
        version = draw.one_of([b"\1\0", b"\2\0", b"\3\0", b"\x09\0"])
        body = b"\x93NUMPY" + version + struct.pack("<H", len(said) % 65536) + said
    elif how == 1:
        body = bytes(draw.one_of([0, 5, 30_000_000]))
    elif how == 2:
        name = draw.one_of(["../a.npy", "/a.npy", "", "a" * 3000, "\0", "x.npy", name + "/", "about.npy", "\ud7ff"])
    elif how == 3:
        body = _numbers(draw, body, "little")
    elif how == 4:
        members.append((name, body))
    members[place] = name, body
    if how == 5:
        members.pop(place)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", draw.one_of([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as new:
        for member in members:
            new.writestr(zipfile.ZipInfo(member[0] or "a"), member[1], compresslevel=1)
    result = stream.getvalue()
    if draw.below(3) == 0:  # its table of contents lies
        at = result.find(b"PK\1\2") + draw.below(46)
        result = result[:at] + (draw.one_of(EXTREMES) % 2**32).to_bytes(4, "little") + result[at + 4 :]
    return result


FORMS: dict[bytes, Callable[[Draw, bytes], bytes]] = {
    b"\x89PNG": _png, b"\xff\xd8": _jpeg, b"RIFF": _webp, b"GIF8": _gif, b"II*\0": _tiff, b"MM\0*": _tiff,
    b"ftyp": _avif, b"PK\3\4": _zip,
}  # fmt: skip
