"""Workbooks of tests: sheets from their rows, and the bytes of a workbook."""

import io

import openpyxl


def book_of(sheets, merges=()):
    """Return a workbook of sheets, each with its rows and the same merged cells."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
        for merge in merges:
            page.merge_cells(merge)
    return book


def bytes_of(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
