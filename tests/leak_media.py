"""What pictures, rasters, documents and packed members hold, for the scanner: texts, numbers and further files."""

import base64
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import rasterio
from PIL import ExifTags, Image
from pypdf import PdfReader
from pyproj import Transformer

PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8")
TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SPARSE: Final = 0.02
"""A raster of which no more than this share has values points at places by them."""
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{24,}={0,2}(?![A-Za-z0-9+/_=-])")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){12,}(?![0-9A-Za-z])")


def picture(data: bytes) -> Iterator[str]:
    """Yield the texts of a picture's metadata: its GPS place in degrees, tags, chunks and packets."""
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        for block in (exif, *(exif.get_ifd(number) for number in ExifTags.IFD)):
            yield from (_told(value) for value in block.values())
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        degrees = [_degrees(place.get(tag)) for tag in (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude)]
        signs = [-1 if place.get(tag) in ("S", "W") else 1 for tag in (1, 3)]
        if None not in degrees:
            yield " ".join(f"{sign * value:.7f}" for sign, value in zip(signs, degrees, strict=True) if value)
        yield from (_told(value) for value in image.info.values())


def _degrees(told: Any) -> float | None:
    try:
        return sum(float(part) / 60**n for n, part in enumerate(told))
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _told(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def raster(data: bytes) -> tuple[list[str], np.ndarray]:
    """Return the texts of a raster's tags and of its corners, and the middles of the cells where it alone has values.

    Only rasters in degrees, or in a system that can be turned into them, have middles; a full raster has none.
    """
    with rasterio.MemoryFile(data) as file, file.open() as opened:
        texts = [str(opened.tags()), str(opened.tags(ns="GEO_METADATA")), str(opened.descriptions), str(opened.gcps)]
        for band in opened.indexes:
            texts += [str(opened.tags(band)), str(opened.colorinterp)]
        middles = []
        for band in opened.indexes:
            values = opened.read(band)
            there = opened.read_masks(band) > 0
            there &= np.isfinite(values) & (values != 0)
            if 0 < there.mean() <= _SPARSE:
                rows, columns = np.nonzero(there)
                t = opened.transform
                x, y = columns + 0.5, rows + 0.5
                middles.append(np.column_stack([t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f]))
            if values.dtype.kind == "f" and opened.count > 1:
                # A place can stand in the values: a band of latitudes, one of longitudes.
                texts.append(" ".join(map(repr, np.unique(values[there])[:20_000].tolist())))
        found = np.concatenate(middles) if middles else np.empty((0, 2))
        if opened.crs is not None and len(found):
            to_degrees = Transformer.from_crs(opened.crs.to_wkt(), "EPSG:4326", always_xy=True)
            found = np.column_stack(to_degrees.transform(*found.T))
        return texts, found


def document(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of a PDF: its text, its metadata, its attachments, and its streams as they are."""
    reader = PdfReader(io.BytesIO(data))
    yield "text", "\n".join(page.extract_text() for page in reader.pages).encode()
    yield "metadata", str(dict(reader.metadata or {})).encode()
    for name, contents in reader.attachments.items():
        for content in contents:
            yield name, content
    for number, stream in enumerate(re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)):
        try:
            yield f"stream {number}", zlib.decompressobj().decompress(stream)
        except zlib.error:
            yield f"stream {number}", stream


def squeezed(data: bytes) -> bytes | None:
    """Return what zstd or zlib packed; None for anything else."""
    try:
        if data[:4] == b"\x28\xb5\x2f\xfd":
            return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
        if data[:2] in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
            return zlib.decompress(data)
    except (OSError, zlib.error):
        return None
    return None


def arrays(data: bytes) -> pl.DataFrame | None:
    """Return an Arrow file or stream as a table; None for anything else."""
    if data[:6] == b"ARROW1":
        return pl.read_ipc(io.BytesIO(data), use_pyarrow=True)
    if data[:4] == b"\xff\xff\xff\xff":  # a message of a stream of Arrow
        try:
            return pl.read_ipc_stream(io.BytesIO(data))
        except (OSError, ValueError, pl.exceptions.PolarsError):
            return None
    return None


def inlaid(text: str) -> Iterator[bytes]:
    """Yield what a text holds in base 64 or base 16: pictures of a notebook, geometries, tokens."""
    for token in dict.fromkeys(_BASE64.findall(text)):
        bare = token.rstrip("=").translate(str.maketrans("-_", "+/"))
        yield base64.b64decode(bare + "=" * (-len(bare) % 4)) if len(bare) % 4 != 1 else b""
    for token in dict.fromkeys(_HEX.findall(text)):
        yield bytes.fromhex(token)
