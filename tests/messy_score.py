"""How a check does on the messy workbooks: planted faults found, right cells marked wrong, silent changes, what gets in."""

import importlib
import sys
from collections.abc import Collection, Mapping
from typing import Any, Final

import messy_workbooks as messy
from biodata import places

checking = importlib.import_module("biodata.surveys.check")
NOTES: Final = frozenset(
    """TITLE_ROWS_LEFT_OUT HEADING_ROWS_JOINED HEADING_ROW_REPEATED TOTALS_ROW_LEFT_OUT NOTE_ROW_LEFT_OUT ROWS_BLANK SHEET_NOT_READ
    HEADING_OF_NO_TERM HEADING_UNKNOWN HEADING_SEVERAL_MEANINGS HEADING_OF_KNOWN_WORDS
    HEADING_TAKEN HEADING_UNIT_TAKEN HEADING_UNIT_CONVERTED VALUE_READ_AS MERGED_CELLS_FILLED COORDINATES_SPLIT
    HEADING_MEANS_THE_SAME UTM_CONVERTED FORMULA_VALUE_USED ENCODING_GUESSED INDIVIDUAL_COUNT_NOT_TOLD HEADING_UNIT_STRANGE
    TITLE_VALUE_TAKEN DATE_OF_SHEET_TAKEN
    COLUMN_HIDDEN ROW_HIDDEN SHEET_HIDDEN EFFORT_UNIT_ASSUMED HEADING_WITHOUT_MARKS""".split()
)
"""Codes that tell how something was read, and mark no cell wrong; those of headings count where they block."""


def checked(book: messy.Book, boundaries: Any, accepted: Collection[str] = ()) -> tuple[Mapping[str, Any], list[Any]]:
    """Return the report of a check, and the records that it read."""
    seen: list[Any] = []

    def listen(read: Any, *args: Any, **options: Any) -> list[Any]:
        seen.extend(read.records)
        return []

    before = checking.notices
    checking.notices = listen  # type: ignore[attr-defined]
    try:
        report = checking.check_files(book.files(), boundaries, today=messy.TODAY, accepted=accepted, params=True)
    finally:
        checking.notices = before
    return report, seen


def score(book: messy.Book, boundaries: Any, *, loud: bool = False) -> dict[str, Any]:
    """Return how a check does on a workbook."""
    report, seen = checked(book, boundaries)
    problems, planted = report["problems"], book.plants
    at = lambda p: (p["sheet"], p["row"])  # noqa: E731

    def tells(plant: messy.Plant, p: Mapping[str, Any]) -> bool:
        column = str(p["column"] or "")
        right = not plant.headings or any(
            h == column or column.endswith(" " + h) or h in column.split("\n") for h in plant.headings
        )
        return (plant.sheet, plant.row) == at(p) and right and p["code"] in plant.codes

    missed = [plant for plant in planted if not any(tells(plant, p) for p in problems)]
    spoiled = {(plant.sheet, plant.row) for plant in planted}
    false = {
        (p["sheet"], p["row"], p["column"], p["code"])
        for p in problems
        if at(p) not in spoiled and p["code"] not in book.proposed and (p["code"] not in NOTES or p["blocking"])
    }
    cells = sum(cell is not None for rows in book.sheets.values() for row in rows for cell in row) or 100
    read: list[dict[str, Any]] = []
    for frame in seen:
        read += list(frame.select("source_row", "decimalLatitude", "decimalLongitude", "eventDate", "individualCount",
                 "scientificName", "quality_flags").iter_rows(named=True))  # fmt: skip
    silent, lost = [], []
    told = {(p["sheet"], p["row"]) for p in problems}
    for truth in book.truths:
        if any(_same(truth, one) for one in read if one["source_row"] == truth["row"] or report["form"] != "survey"):
            continue
        (lost if (truth["sheet"], truth["row"]) in told or not seen else silent).append(truth)
    codes = {group["code"] for group in report["groups"] if group["proposals"]}
    after = checked(book, boundaries, codes)[0]["problems"] if codes else problems
    stops = [p for p in after if p["blocking"] and at(p) not in spoiled]
    result = {"book": book.name, "planted": len(planted), "found": len(planted) - len(missed), "false": len(false),
              "cells": cells, "truths": len(book.truths), "silent": len(silent), "lost": len(lost),
              "in": not stops and (bool(seen) or report["ok"])}  # fmt: skip
    if loud:
        print("==", result)
        for plant in missed:
            print("  missed", plant.sheet, plant.row, plant.headings, sorted(plant.codes)[:3], "told:",
                  [(p["column"], p["code"]) for p in problems if at(p) == (plant.sheet, plant.row)])  # fmt: skip
        for one in sorted(false, key=str)[:8]:
            print("  false", one)
        for p in stops[:6]:
            print("  stops", p["sheet"], p["row"], p["column"], p["value"], p["code"], p["message"], p["expected"])
        for truth in (silent + lost)[:3]:
            print(
                "  silent" if truth in silent else "  lost",
                truth,
                [r for r in read if r["source_row"] == truth["row"]][:2],
            )
    return result


def _same(truth: Mapping[str, Any], read: Mapping[str, Any]) -> bool:
    """Tell whether a record says what is true."""
    local = truth.get("local") or not truth["name"].isascii()
    near = all(
        read[name] is not None and abs(read[name] - truth[key]) < 1e-4
        for key, name in (("lat", "decimalLatitude"), ("lon", "decimalLongitude"))
    )
    return (
        near and str(read["eventDate"] or "")[:10] == truth["date"] and (local or truth["name"] == read["scientificName"])
        and truth.get("count") in (None, read["individualCount"])
    )  # fmt: skip


if __name__ == "__main__":
    boundaries = places.load_boundaries()
    wanted = sys.argv[1:]
    total: dict[str, int] = {}
    for make in messy.BOOKS:
        if wanted and make.__name__ not in wanted:
            continue
        one = score(make(), boundaries, loud=True)
        for name, value in one.items():
            total[name] = total.get(name, 0) + int(value) if name != "book" else 0
    print(total)
