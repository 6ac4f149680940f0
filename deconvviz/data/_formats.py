"""What a file that Pillow does not read seems to be, from its first bytes, and what to do about it."""

from __future__ import annotations

#: The formats that are tried, as Pillow names them. Others stay closed: fewer decoders, fewer holes.
READABLE = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")

#: What a HEIC file calls itself; pillow-heif reads it where it is installed.
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_RASTER = "; save it as JPEG or PNG and try again"
_HEADS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "is a PDF document, not a picture; export the page as PNG"),
    (b"8BPS", "is a Photoshop document; export it as PNG or JPEG"),
    (b"PK\x03\x04", "is a ZIP archive (or an office document); unpack it and pick a picture in it"),
    (b"\x00\x00\x01\x00", "is an icon (ICO), which is not read" + _RASTER),
    (b"\x00\x00\x00\x0cjP  ", "is a JPEG 2000 picture, which is not read" + _RASTER),
    (b"\xff\x0a", "is a JPEG XL picture, which is not read" + _RASTER),
    (b"\x1aE\xdf\xa3", "is a film (WebM or Matroska); save one frame of it as PNG"),
    (b"\x93NUMPY", "is a NumPy array file; load it with numpy.load and hand in the array"),
    (b"\xff\xd8", "begins like a JPEG picture but is damaged or cut short; get the file again"),
    (b"\x89PNG", "begins like a PNG picture but is damaged or cut short; get the file again"),
    (b"GIF8", "begins like a GIF picture but is damaged or cut short; get the file again"),
    (b"II*\x00", "begins like a TIFF picture but is damaged, cut short or of a rare kind" + _RASTER),
    (b"MM\x00*", "begins like a TIFF picture but is damaged, cut short or of a rare kind" + _RASTER),
)


def readable(data: bytes) -> tuple[str, ...]:
    """The formats to try for a file: HEIC, whose decoder is an extra, only where a file says that it is one."""
    is_heic = data[4:8] == b"ftyp" and data[8:12] in _HEIC
    return (*READABLE, "HEIF") if is_heic and heic_is_read() else READABLE


def heic_is_read() -> bool:
    """Whether pillow-heif is installed; Pillow knows it from then on."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener(thumbnails=False)
    return True


def what_else(data: bytes) -> str:
    """The rest of a sentence that begins with the file's name.

    >>> what_else(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    'is an SVG drawing, which has no pixels; export it as PNG'
    >>> what_else(b"Dear reader,")
    'is text, not a picture; hand in a JPEG, PNG, WebP or GIF file'
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "begins like a WebP picture but is damaged or cut short; get the file again"
    if data[4:8] == b"ftyp":
        return _of_brand(data[8:12])
    for head, sentence in _HEADS:
        if data.startswith(head):
            return sentence
    if _is_text(data[:4096]):
        return _of_text(data[:4096].decode("utf-8", errors="ignore").lower())
    if data.startswith(b"BM"):
        return "begins like a BMP picture but is damaged or cut short; get the file again"
    return "is not a picture of a known kind; hand in a JPEG, PNG, WebP or GIF file"


def _of_brand(brand: bytes) -> str:
    if brand in _HEIC:
        if heic_is_read():
            return "is a HEIC picture that is damaged, cut short or of a rare kind; share or export it as JPEG"
        return (
            "is a HEIC picture (an iPhone's usual format), which is read where pillow-heif is installed "
            "(pip install pillow-heif); or share or export it as JPEG "
            "(iPhone: Settings, Camera, Formats, Most Compatible)"
        )
    if brand in (b"avif", b"avis"):
        return "is an AVIF picture that is damaged, cut short or of a kind that Pillow does not read here" + _RASTER
    return "is a film or another container file, not a picture; save one frame of it as PNG"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < 4096 else "ignore")
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c.isspace() for c in text)


def _of_text(text: str) -> str:
    if "<svg" in text:
        return "is an SVG drawing, which has no pixels; export it as PNG"
    if "<html" in text or "<!doctype html" in text:
        return "is a web page, not a picture; open it in a browser and save the picture itself"
    return "is text, not a picture; hand in a JPEG, PNG, WebP or GIF file"
