"""Cells that are no plain values: merged ones, formulas, errors; what their value counts for is told, never guessed."""

from collections.abc import Mapping
from typing import Final

from biodata.formats.workbooks import Grid, column_letters
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import SurveyTable

SITE_TERMS: Final = frozenset(
    """
    eventID parentEventID eventDate verbatimEventDate year month day samplingProtocol sampleSizeValue sampleSizeUnit
    samplingEffort habitat eventRemarks locationID country countryCode stateProvince county municipality locality
    decimalLatitude decimalLongitude geodeticDatum coordinateUncertaintyInMeters verbatimCoordinates recordedBy
    deploymentStart deploymentEnd
    """.split()
)
"""Terms of the event and the site: a cell merged downwards means that value in each of its rows."""


def read_merges(
    grid: Grid,
    table: SurveyTable,
    columns: dict[str, list[str | None]],
    at: Mapping[int, int],
    by_index: Mapping[int, str],
    findings: list[Finding],
) -> None:
    """Let a cell that is merged downwards count for its rows where it tells the event or the site; tell every merge."""
    for r1, c1, r2, c2 in sorted(grid.merges):
        if r1 not in at:
            continue
        name = by_index.get(c1)
        if name is None:
            continue
        value, heading = columns[name][at[r1]], table.heading(name)
        params = {"last": str(r2), "last_column": column_letters(c2)}
        fills = c1 == c2 and name in SITE_TERMS and value is not None
        code = "MERGED_CELLS_FILLED" if fills else "MERGED_CELLS"
        findings.append(Finding(grid.file, grid.name, r1, heading, value, code, not fills, params))
        for row in range(r1, r2 + 1):
            if row not in at:
                continue
            if fills:
                columns[name][at[row]] = value
            else:
                table.covered.update((row, by_index[c]) for c in range(c1, c2 + 1) if c in by_index)


def read_marked(
    grid: Grid,
    table: SurveyTable,
    columns: Mapping[str, list[str | None]],
    at: Mapping[int, int],
    by_index: Mapping[int, str],
    findings: list[Finding],
) -> None:
    """Tell formulas, and block those without a value and cells that are an error."""
    marks = grid.marks
    for (row, index), formula in sorted(marks.formulas.items()):
        name = by_index.get(index)
        if name is None or row not in at or (row, index) in marks.errors:
            continue
        empty = (row, index) in marks.without_value
        value = f"={formula}" if empty else columns[name][at[row]]
        code = "FORMULA_WITHOUT_VALUE" if empty else "FORMULA_VALUE_USED"
        findings.append(
            Finding(grid.file, grid.name, row, table.heading(name), value, code, empty, {"formula": f"={formula}"})
        )
        if empty:
            table.covered.add((row, name))
    for (row, index), error in sorted(marks.errors.items()):
        name = by_index.get(index)
        if name is not None and row in at:
            findings.append(Finding(grid.file, grid.name, row, table.heading(name), error, "CELL_ERROR", True))
            table.covered.add((row, name))
