"""Workbooks of LibreOffice and of Excel before 2007 as tests make them, byte by byte; no program of theirs is needed."""

import io
import struct
import zipfile
from xml.sax.saxutils import escape

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
    for name, space in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
)


def ods(*, hidden=(), doctype="", extra=None, **sheets):
    """Return an .ods of sheets of rows; a cell is text, a number or None."""

    def cell(value):
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'

    body = "".join(
        f'<table:table table:name="{name}" table:style-name="{"off" if name in hidden else "on"}">'
        + "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    styles = "".join(
        f'<style:style style:name="{name}" style:family="table"><style:table-properties table:display="{shown}"/></style:style>'
        for name, shown in (("on", "true"), ("off", "false"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<office:document-content {_SPACES}><office:automatic-styles>{styles}'
        f"</office:automatic-styles><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


def xls(rows, *, name="occurrences", far=None):
    """Return an .xls of one sheet; `far` is the row and column of one more cell."""

    def record(kind, data):
        return struct.pack("<HH", kind, len(data)) + data

    def cell(row, column, value):
        place = struct.pack("<HHH", row, column, 0)
        if isinstance(value, int | float):
            return record(0x0203, place + struct.pack("<d", value))
        text = str(value).encode("utf-16-le")
        return record(0x0204, place + struct.pack("<HB", len(text) // 2, 1) + text)

    cells = [(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row) if value is not None]
    cells += [(*far, 1)] if far else []
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)) + b"".join(cell(*one) for one in cells)
    sheet += record(0x000A, b"")
    begin = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + record(0x0042, struct.pack("<H", 1200))
    title = name.encode("latin-1")
    size = 4 + 8 + len(title)
    at = len(begin) + size + 4
    begin += record(0x0085, struct.pack("<IBBBB", at, 0, 0, len(title), 0) + title) + record(0x000A, b"")
    return _compound("Workbook", begin + sheet)


def _compound(name, stream):
    """Return a compound file with one stream."""
    stream = stream.ljust(max(4096, -(-len(stream) // _SECTOR) * _SECTOR), b"\0")
    sectors = len(stream) // _SECTOR
    fat = [_FAT, _END, *range(3, 2 + sectors), _END]
    fat += [_FREE] * (-len(fat) % 128)
    assert len(fat) == 128, "one sector of the table is enough for a test"

    def entry(told, kind, start, length, child):
        text = told.encode("utf-16-le")
        return (
            text.ljust(64, b"\0") + struct.pack("<HBB", len(text) + 2 if told else 0, kind, 1)
            + struct.pack("<III", _FREE, _FREE, child) + bytes(16 + 4 + 8 + 8) + struct.pack("<IQ", start, length)
        )  # fmt: skip

    folder = entry("Root Entry", 5, _END, 0, 1) + entry(name, 2, 2, len(stream), _FREE)
    folder += (entry("", 0, 0, 0, _FREE)) * 2
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += (
        struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0)
        + struct.pack("<I", 0)
        + struct.pack("<I", _FREE) * 108
    )
    return head + struct.pack(f"<{len(fat)}I", *fat) + folder + stream
