"""What everything that is published of surveys tells together, the places that are told as cells among it.

Open stations alone show nearly nothing of a survey of elephants and gibbons: the stations that met one are cells. A release tells of
these, too, and to everybody: method, year, what was looked for, effort to one figure and countries of an event; species, year, countries
and cell of a record. Here is what any reader of a release can count of that, and nothing else: the function takes the release's
rows. Which record is of which event, by which method and on which day is not published, so there are no independent events, no
occupancy and no trends here; records that are withheld, and events of these alone, are in no number, and none tells how many there are.
"""

from typing import Any, Final

import numpy as np
import polars as pl
import shapely

from biodata.analysis.surveys import abundance, floors, richness
from biodata.analysis.surveys.accumulation import accumulation
from biodata.analysis.surveys.asked import JOINT
from biodata.analysis.surveys.joining import NO_METHOD, NO_SIDE, species_only
from biodata.vocabularies import SharingCategory

_OPEN: Final = str(SharingCategory.OPEN)
_GUARD: Final = 1e-9
"""The logarithm of 1000, and 101.3 in tenths, may come out a little low."""
_RECORDS: Final = (
    "datasetKey", "species", "scientificName", "genus", "occurrenceStatus", "year", "decimalLongitude", "decimalLatitude",
    "country_codes", "sharing_category", "cell_west", "cell_east", "clusterRepresentative",
)  # fmt: skip
_CELLS: Final = {str(one): one.cell_degrees for one in SharingCategory if one.cell_degrees is not None}


def all_published(surveys: pl.DataFrame, records: pl.DataFrame) -> dict[str, Any] | None:
    """Return what the published rows of surveys tell together; None where none of them is coarse.

    Parameters
    ----------
    surveys : polars.DataFrame
        Rows of a release's table `surveys`, of the surveys' datasets: events of the lake, whose records are counted.
    records : polars.DataFrame
        Rows of its table `occurrences`, of these datasets; where `clusterRepresentative` is there, one record of each
        cluster counts.

    Returns
    -------
    dict
        `cell_degrees`, the unit to which all places are brought, the coarsest published one; `events` and `records`, how many are open
        and coarse, `no_cell` how many of the records lie in no single unit; `effort` by side, method and year, from the least to the most
        that the figures can stand for; `species` with records and cells per side; `richness` of cells per side; `rates` of records.
    """
    events = _events(surveys)
    seen = _records(records)
    if not (events["coarse"].any() or seen["coarse"].any()):
        return None
    sizes = [_CELLS[one] for one in seen["sharing_category"].unique() if one in _CELLS]
    sizes += [_CELLS[one] for one in surveys["sharing_category"].unique() if one in _CELLS]
    degrees = max(sizes)
    events = events.with_columns(cell=_cell(degrees))
    seen = seen.with_columns(cell=pl.when(pl.col("wide").fill_null(0.0) <= degrees + _GUARD).then(_cell(degrees)))
    sides = sorted({*events["side"], *seen["side"]} - {NO_SIDE})
    parts = [JOINT, *(sides if len(sides) > 1 else [])]
    return {
        "cell_degrees": degrees,
        "sides": sides,
        "events": {"open": int((~events["coarse"]).sum()), "coarse": int(events["coarse"].sum())},
        "records": {"open": int((~seen["coarse"]).sum()), "coarse": int(seen["coarse"].sum()), "no_cell": seen["cell"].null_count()},
        "effort": _effort(events),
        "species": _species(seen, parts),
        "richness": {part: _richness(_of(events, part), _of(seen, part)) for part in parts},
        "rates": _rates(events, seen, parts),
    }  # fmt: skip


def _events(surveys: pl.DataFrame) -> pl.DataFrame:
    """Return events with side, method, the effort that their figure can stand for, and the middle of their place."""
    whole = surveys.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
    single = surveys.join(whole, on=("datasetKey", "eventID"), how="anti", maintain_order="left")
    coarse = pl.col("sharing_category") != _OPEN
    told, power = pl.col("effort_value"), pl.lit(10.0).pow((pl.col("effort_value").log10() + _GUARD).floor())
    # One figure: 20 stands for 15 to 25, but 10 for 9.5 to 15. Of none, and of open events, it is exact.
    rounded = coarse & (told > 0)
    first = (told / power).round() == 1
    low = pl.when(rounded).then(told - pl.when(first).then(0.05).otherwise(0.5) * power).otherwise(told)
    high = pl.when(rounded).then(told + 0.5 * power).otherwise(told)
    west, south, east, north = shapely.bounds(shapely.from_wkb(single["geometry"].to_list())).reshape(-1, 4).T
    return single.select(
        "datasetKey", "year", "effort_unit", effort=told, low=low, high=high, coarse=coarse, side=_side(),
        method=pl.coalesce("design", pl.when(~coarse).then("samplingProtocol"), pl.lit(NO_METHOD)),
        longitude=pl.Series((west + east) / 2, dtype=pl.Float64).fill_nan(None),
        latitude=pl.Series((south + north) / 2, dtype=pl.Float64).fill_nan(None),
    )  # fmt: skip


def _records(records: pl.DataFrame) -> pl.DataFrame:
    """Return records of what was found, once each, with name, side and place."""
    known = records.select(
        pl.col(name) if name in records.columns else pl.lit(None).alias(name) for name in _RECORDS
    ).filter(
        pl.col("clusterRepresentative").fill_null(value=True),
        pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT",
    )
    return known.select(
        "datasetKey", "species", "genus", "year", "sharing_category", name=pl.coalesce("species", "scientificName"), side=_side(),
        coarse=pl.col("sharing_category") != _OPEN, longitude="decimalLongitude", latitude="decimalLatitude",
        wide=pl.col("cell_east") - pl.col("cell_west"),
    ).drop_nulls("name")  # fmt: skip


def _side() -> pl.Expr:
    """Return the only country that a published place may belong to."""
    codes = pl.col("country_codes")
    return pl.coalesce(pl.when(codes.list.len() == 1).then(codes.list.first()), pl.lit(NO_SIDE))


def _cell(degrees: float) -> pl.Expr:
    """Return which unit the middle of a published place lies in; null for no place."""
    numbers = [(pl.col(name) / degrees + _GUARD).floor().cast(pl.Int64) for name in ("longitude", "latitude")]
    return pl.format("{} {}", *numbers)


def _of(rows: pl.DataFrame, part: str) -> pl.DataFrame:
    """Return the rows of one part."""
    return rows if part == JOINT else rows.filter(pl.col("side") == part)


def _effort(events: pl.DataFrame) -> list[dict[str, Any]]:
    """Return effort by side, method and year."""
    known = pl.col("effort").is_not_null()
    by = ("side", "method", "year", "effort_unit")
    sums = {name: pl.when(known.any()).then(pl.col(name).sum()) for name in ("effort", "low", "high")}
    counts = {"events": pl.len(), "coarse": pl.col("coarse").sum(), "unknown": (~known).sum()}
    return events.group_by(by).agg(**counts, **sums).sort(by, nulls_last=True).to_dicts()


def _species(seen: pl.DataFrame, parts: list[str]) -> list[dict[str, Any]]:
    """Return for each name its records and cells per part; of a part without records nothing, for that is no absence."""
    out = []
    order = seen.group_by("name").len().sort(["len", "name"], descending=[True, False])["name"]
    for name in order:
        own = seen.filter(pl.col("name") == name)
        by = {}
        for part in parts:
            here = _of(own, part)
            if here.height:
                years = here["year"].drop_nulls()
                by[part] = {
                    "records": here.height, "coarse": int(here["coarse"].sum()), "cells": here["cell"].drop_nulls().n_unique(),
                    "first_year": years.min(), "last_year": years.max(),
                }  # fmt: skip
        out.append({"species": name, "by": by})
    return out


def _richness(events: pl.DataFrame, seen: pl.DataFrame) -> dict[str, Any]:
    """Return accumulation over the cells in which somebody looked or something was found."""
    placed = species_only(seen.drop_nulls("cell"))
    cells = pl.concat([events["cell"], seen["cell"]]).drop_nulls().unique().sort()
    rows = {cell: row for row, cell in enumerate(cells)}
    columns = {name: column for column, name in enumerate(placed["name"].unique().sort())}
    table = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for cell, name, n in placed.group_by("cell", "name").len().iter_rows():
        table[rows[cell], columns[name]] = n
    if not len(rows):
        return {
            "cells": [],
            "species": [],
            "low": [],
            "high": [],
            "estimates": {"sites": 0, "species": 0, "refused": "no place is told"},
        }
    curve = accumulation(table, conditioned=False)
    low, high = curve.limits()
    return {
        "cells": curve.sites.tolist(), "species": curve.richness.tolist(), "low": low.tolist(), "high": high.tolist(),
        "estimates": floors.every_species(richness.pool(table), "cell"),
    }  # fmt: skip


def _rates(events: pl.DataFrame, seen: pl.DataFrame, parts: list[str]) -> list[dict[str, Any]]:
    """Return records for each unit of effort, of parts where one method was used; a record does not tell its method."""
    out = []
    effort = {part: _of_one_method(_of(events, part)) for part in parts}
    for name in seen.group_by("name").len().sort(["len", "name"], descending=[True, False])["name"]:
        own = seen.filter(pl.col("name") == name)
        by = {part: _rate(effort[part], _of(own, part)) for part in parts if _of(own, part).height}
        out.append({"species": name, "by": by})
    return out


def _of_one_method(events: pl.DataFrame) -> pl.DataFrame | str:
    """Return the events with known effort, or why no rate can be made of them."""
    kinds = events.select("method", "effort_unit").unique()
    if events.is_empty():
        return "no event of this part is published"
    if kinds["method"].n_unique() > 1:
        return f"records told as cells do not tell their method, and {kinds['method'].n_unique()} were used"
    if lacking := events["effort"].null_count():
        return f"the effort of {lacking} of {events.height} events is not known"
    if kinds.height > 1:
        return "units of effort differ"
    return events if events["effort"].sum() > 0 else "there was no effort"


def _rate(events: pl.DataFrame | str, own: pl.DataFrame) -> dict[str, Any]:
    """Return records for a unit of effort with limits that hold what figures can stand for, too."""
    if isinstance(events, str):
        return {"refused": events}
    told, least, most = (float(events[name].sum()) for name in ("effort", "low", "high"))
    cells = events.group_by("cell").agg(pl.col("effort").sum())
    counts = own.group_by("cell").len("n")
    both = cells.join(counts, on="cell", how="full", coalesce=True, nulls_equal=True).fill_null(0).sort("cell")
    unit = str(events["effort_unit"][0])
    n = cells["cell"].drop_nulls().len()
    counted = {"records": own.height, "effort": told, "unit": unit, "cells": n}
    if few := floors.too_few(n, "cell"):
        seen = f"{floors.counted(own.height, 'record')} in {floors.counted(told, unit)} in {floors.counted(n, 'cell')}"
        return {"refused": f"{few}: {seen}", **counted}
    found = abundance.limits(both["n"].to_numpy().astype(np.float64), both["effort"].to_numpy())
    return {**counted, "rate": found.rate, "low": found.low * told / most, "high": found.high * told / least}
