"""Cells that are no plain values: merged ones, formulas, errors; what their value counts for is stated, never guessed."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import Final

from pyproj import Transformer
from pyproj.exceptions import ProjError

from biodata.formats.workbooks import Grid, column_letters
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import SurveyTable
from biodata.places.datums import find_system
from biodata.text.numbers import parse_decimal

_OF_ONE: Final = frozenset(
    """individualCount organismQuantity occurrenceID catalogNumber recordNumber perpendicular_distance_m scientificName
    verbatimScientificName vernacularName taxonID""".split()
)
"""Terms of one thing alone: a cell merged downwards does not mean that value in each of its rows."""

Columns = dict[str, list[str | None]]


def read_marked(
    grid: Grid, table: SurveyTable, columns: Columns, rows: list[int], by_index: Mapping[int, str]
) -> Iterator[Finding]:
    """Tell merges, formulas and errors; a cell merged downwards counts for its rows, but for counts and what is measured."""
    at = {number: position for position, number in enumerate(rows)}
    once = _written_once(columns, rows, by_index) if table.kind == "occurrences" else ()
    # What is written once is looked for when the merged cells are filled.
    for r1, c1, r2, c2 in chain(sorted(grid.merges), once):
        name = by_index.get(c1)
        value = None if name is None or r1 not in at else columns[name][at[r1]]
        if name is None or value is None:  # what is missing is stated row by row
            continue
        is_word = name not in table.measured or table.measured[name].greatest is None  # a stratum
        fills = c1 == c2 and name not in _OF_ONE and is_word
        code, last = "MERGED_CELLS_FILLED" if fills else "MERGED_CELLS", column_letters(c2)
        yield table.finding(r1, table.heading(name), value, code, not fills, last=str(r2), last_column=last)
        for row in filter(at.__contains__, range(r1, r2 + 1)):
            if fills:
                columns[name][at[row]] = value
            if not fills or row > r1:  # what is wrong with the value is stated once
                table.covered.update((row, by_index[c]) for c in range(c1, c2 + 1) if c in by_index)
    marks = grid.marks
    for (row, index), text in sorted((marks.formulas | marks.errors).items()):
        name = by_index.get(index)
        if name is None or row not in at:
            continue
        value, code, formula = columns[name][at[row]], "FORMULA_VALUE_USED", {"formula": f"={text}"}
        if (row, index) in marks.errors:
            value, code, formula = text, "CELL_ERROR", {}
        elif (row, index) in marks.without_value:
            value, code = f"={text}", "FORMULA_WITHOUT_VALUE"
        blocks = code != "FORMULA_VALUE_USED"
        yield table.finding(row, table.heading(name), value, code, blocks, **formula)
        if blocks:
            table.covered.add((row, name))


_STATION: Final = ("locationID", "eventID", "locality")
_DATE: Final = ("eventDate", "verbatimEventDate", "deploymentStart", "deploymentEnd")
_PLACE: Final = ("decimalLatitude", "decimalLongitude", "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude")
_WRITTEN_ONCE: Final = 0.25  # so many cells of a column that is written once a group are empty at least


def blank_below(table: SurveyTable, columns: Columns, rows: list[int], elsewhere: Collection[str]) -> Iterator[Finding]:
    """Propose for cells left empty under the first of a station what stands there; never where another station begins."""
    asked = [n for n in (*_STATION, *_DATE, *_PLACE) if n in columns and n not in elsewhere]
    once = {n for n in asked if columns[n].count(None) >= _WRITTEN_ONCE * len(rows)}
    stations = [n for n in _STATION if n in columns]
    leading = stations or [n for n in asked if n in once][:1]
    group: dict[str, tuple[int, str]] = {}
    for at, row in enumerate(rows):
        facts = {n: cell for n in asked if (cell := columns[n][at]) is not None}
        other = {n for n in facts if facts[n] != group.get(n, (0, ""))[1]}
        if any(name in other and name in group for name in leading):
            group = {}
        below = asked if stations and facts.keys().isdisjoint(stations) else once
        kept = {*facts, *(_PLACE if facts.keys() & set(_PLACE) else ()), *(_STATION if other & set(_PLACE) else ())}
        for name in asked:
            if name in below and name in group and name not in kept and (row, name) not in table.covered:
                params = {"from_row": str(group[name][0]), "proposal": group[name][1]}
                yield table.finding(row, table.heading(name), columns[name][at], "CELL_BLANK_BELOW", True, **params)
                table.covered |= {(row, name), *((row, place) for place in elsewhere if name in _STATION)}
        group |= {name: (row, text) for name, text in facts.items()}


def _written_once(columns: Columns, rows: list[int], names: Mapping[int, str]) -> Iterator[tuple[int, int, int, int]]:
    """Find rows below the one that states the station, in which it, day and place are empty together; each column as a merged area."""
    cells = {name: columns[name] for name in (*_STATION, *_DATE, *_PLACE) if name in columns}
    empty = {name: [at for at, cell in enumerate(column) if cell is None] for name, column in cells.items()}
    once = {name: below for name, below in empty.items() if len(below) >= max(3, _WRITTEN_ONCE * len(rows))}
    together = next(iter(once.values()), [])
    if len(once) > 1 and not once.keys().isdisjoint(_STATION) and all(below == together for below in once.values()):
        for at, after in pairwise(sorted({*range(len(rows) + 1)} - {*together})):
            if after > at + 1:
                yield from ((rows[at], c, rows[after - 1], c) for c, name in names.items() if name in once)


_ZONE: Final = re.compile(r"(?:UTM|zone|zona)?[\s.:]*([1-9]|[1-5]\d|60)\s*([A-Za-z])?", re.IGNORECASE)
_ZONE_ALONE: Final = re.compile(r"(?i)(?:UTM\s*)?(?:[1-9]|[1-5]\d|60)\s*[C-HJ-NP-X]")
ZONE_TOLD: Final = re.compile(
    r"(?i)(?:utm|zone|zona|fuseau|โซน|ໂຊນ|ເຂດ|តំបន់|ဇုန်|múi|带|帶)[\s_.:]*(?:(?:zone|zona|fuseau|โซน|ໂຊນ|ເຂດ|តំបន់|ဇုန်|múi|带|帶)[\s_.:]*|[ENXY]\s*\(\s*)?([1-9]|[1-5]\d|60)\s*([A-Z]?)(?![A-Za-z0-9])"
)
_MOST_NORTHERN_M, _LEAST_SOUTHERN_M, _MOST_M = 5_000_000.0, 8_500_000.0, 10_002_000.0
_EASTINGS_M: Final = (100_000.0, 900_000.0)
_WGS84: Final = re.compile(r"(?i)wgs[\s_-]*(?:19)?84")


def zone_of(grids: Sequence[Grid]) -> str | None:
    """Return the one zone of UTM that anything on the sheets names."""
    cells = (cell for grid in grids for _, row in grid.rows for cell in row if cell is not None and not cell.isdigit())
    found = {(match[1], match[2].upper()) for cell in cells if (match := ZONE_TOLD.search(cell)) is not None}
    return "".join(found.pop()) if len(found) == 1 else None


def in_degrees(table: SurveyTable, columns: Columns, rows: list[int], of_survey: str | None) -> list[Finding]:
    """Add degrees to a table whose places are metres of UTM, in the zone of their row, heading or survey; tell that, or what is missing."""
    if not {"easting", "northing"} <= columns.keys() or columns.keys() & set(_PLACE[:4]):
        return []
    east, north = table.heading("easting"), table.heading("northing")
    zone = next((match for match in map(ZONE_TOLD.search, (east, north)) if match), None)
    if zone is not None:
        columns.setdefault("utm_zone", [f"{zone[1]}{zone[2]}"] * len(rows))
    zones = (name for name, cells in columns.items() if any(cells) and all(not one or _ZONE_ALONE.fullmatch(one.strip()) for one in cells))  # fmt: skip
    if "utm_zone" not in columns and (own := next(zones, None)) is not None:  # cells of zones need no heading
        columns["utm_zone"], table.headings["utm_zone"] = columns[own], table.heading(own)
    elif "utm_zone" not in columns and of_survey is not None:
        columns["utm_zone"], table.headings["utm_zone"] = [of_survey] * len(rows), east
    if "utm_zone" not in columns:
        return [table.of_heading(east, "UTM_INCOMPLETE", True, lacking="utm_zone (48N)")]
    datum = _WGS84.search(f"{east} {north}")
    datums = columns.get("geodeticDatum") or [None if datum is None else datum[0]] * len(rows)
    columns["decimalLongitude"], columns["decimalLatitude"] = [], []
    table.headings |= {"decimalLongitude": east, "decimalLatitude": north}
    table.converted |= {"decimalLongitude": "easting", "decimalLatitude": "northing"}
    entries = [table.of_heading(east, "UTM_CONVERTED")]
    cells = zip(columns["easting"], columns["northing"], columns["utm_zone"], datums, strict=True)
    for row, (cell, *others) in zip(rows, cells, strict=True):
        place: tuple[str | None, str | None] | str = (None, None)
        if cell is not None or others[0] is not None:
            place = _degrees(cell, *others)
        if isinstance(place, str):
            heading, value = (north, others[0]) if place.startswith("northing") else (east, cell)
            entries.append(table.finding(row, heading, value, "UTM_INCOMPLETE", True, lacking=place))
            table.covered |= {(row, "decimalLatitude"), (row, "decimalLongitude")}
            place = None, None
        columns["decimalLongitude"].append(place[0])
        columns["decimalLatitude"].append(place[1])
    return entries


def _degrees(easting: str | None, northing: str | None, zone: str | None, datum: str | None) -> tuple[str, str] | str:
    """Return longitude and latitude as text; where something is missing or wrong, what it should be."""
    east, north = (parse_decimal((cell or "").strip().rstrip("mMeEnN "))[0] for cell in (easting, northing))
    if east is None or not _EASTINGS_M[0] <= east <= _EASTINGS_M[1]:
        return "easting (100000-900000)"
    if north is None or not 0 <= north <= _MOST_M or _MOST_NORTHERN_M < north < _LEAST_SOUTHERN_M:
        return "northing (0-10000000)"
    match = _ZONE.fullmatch((zone or "").strip())
    if match is None:
        return "utm_zone (48N)"
    side, letter = "N" if north <= _MOST_NORTHERN_M else "S", (match[2] or "").upper()
    # S is the south, or the band from 32° N; every other letter from N on lies north.
    if letter and letter != "S" and (letter >= "N") != (side == "N"):
        return f"utm_zone ({match[1]}{side})"
    # Without a datum it is WGS 84, assumed as of degrees, with the same flag.
    to_degrees = _transformer((datum or "WGS 84").strip(), int(match[1]), side)
    if to_degrees is None:
        return "geodeticDatum (WGS84)"
    try:
        longitude, latitude = to_degrees.transform(east, north, errcheck=True)
    except ProjError:
        return "easting, northing"
    return f"{longitude:.7f}", f"{latitude:.7f}"


@lru_cache(maxsize=512)
def _transformer(datum: str, zone: int, side: str) -> Transformer | None:
    """Return what turns metres of a zone into degrees of the same datum; None where the datum has no such zone."""
    named = "WGS 84" if _WGS84.fullmatch(datum) or datum.upper() == "EPSG:4326" else datum
    system = find_system(f"{named} / UTM zone {zone}{side}")
    if system is None or system.crs.geodetic_crs is None or not system.crs.is_projected:
        return None
    return Transformer.from_crs(system.crs, system.crs.geodetic_crs, always_xy=True)
