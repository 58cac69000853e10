"""What a run reads: its part of the layer, the resistance, the records as its view shows them, other layers."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata import assessments, sharing
from biodata.errors import InputError
from biodata.runs.request import Request
from biodata.settings import Settings
from biodata.sharing.publish import LOOKED_AT
from biodata.store.lake import Lake
from biodata.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
    from biodata.analysis.layer_reading import LayerFile
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.places import BoundarySet

EVIDENCE_COLUMNS: Final = tuple(
    dict.fromkeys(
        (
            "key", "datasetKey", "species", "genus", "family", "order", "class", "phylum", "kingdom", "scientificName",
            "match_type", "match_note", "iucnRedListCategory", "occurrenceStatus", "basisOfRecord", "event_start",
            "event_end", "eventDate", "event_time", "event_zone", "year", "month", "decimalLatitude", "decimalLongitude",
            "coordinateUncertaintyInMeters", "quality_flags", *sorted(LOOKED_AT),
        )
    )
)  # fmt: skip
"""What the evidence for a candidate is judged by, and everything that a sharing rule looks at."""
_WIDEST_DEGREES: Final = 180.0
"""More than half of the world has no equal-area plane around its middle that a run could be made on."""


def layer_named(lake: Lake, name: str) -> dict[str, Any]:
    """Return what is known of a layer."""
    layers = lake.read("layers")
    found = layers.filter(pl.col("name") == name)
    if found.is_empty():
        problem = "there is no such layer"
        known = ", ".join(sorted(layers["name"])) or "none; ingest one with `biodata ingest layer FILE.tif`"
        raise InputError(problem, column="layer", value=name, expected=f"one of {known}", code="LAYER_UNKNOWN")
    return found.row(0, named=True)


def window_of(layer: dict[str, Any], request: Request) -> tuple[float, float, float, float]:
    """Return the part of the layer that a run looks at.

    Raises
    ------
    InputError
        If the box lies beside the layer (RASTER_OUTSIDE), or no plane is equal-area over so much of the world
        (WINDOW_TOO_LARGE).
    """
    whole = (layer["west"], layer["south"], layer["east"], layer["north"])
    box = request.box or whole
    window = (max(box[0], whole[0]), max(box[1], whole[1]), min(box[2], whole[2]), min(box[3], whole[3]))
    if window[0] >= window[2] or window[1] >= window[3]:
        problem = "the box lies beside the layer"
        expected = f"a box within {', '.join(f'{side:g}' for side in whole)}"
        raise InputError(
            problem,
            column="box",
            value=", ".join(f"{side:g}" for side in box),
            expected=expected,
            code="RASTER_OUTSIDE",
        )
    if window[2] - window[0] > _WIDEST_DEGREES:
        problem = f"the window is {window[2] - window[0]:g}° wide, too much of the world for one plane"
        expected = "a part of it, as --box west,south,east,north"
        raise InputError(problem, column="layer", value=request.layer, expected=expected, code="WINDOW_TOO_LARGE")
    return window


def resistance_of(
    settings: Settings, lake: Lake, layer: dict[str, Any], request: Request, *, progress: bool
) -> tuple["ResistanceLayer", dict[str, Any]]:
    """Return the resistance of every cell of the run's grid, and which table and layers it is made of."""
    from biodata.analysis import grid as grids
    from biodata.analysis import resistance, resistance_rules
    from biodata.analysis.layer_choice import choose, layer_file

    path = Path(request.resistance)
    table = resistance_rules.for_species(resistance_rules.read_rules(path), request.species, file=path.name)
    known = lake.read("layers").to_dicts()
    where = str(settings.data)
    rows = {
        name: layer
        if name in ("land_cover", request.layer)
        else choose(known, name, where=where, otherwise=f"or another: biodata ingest layer FILE --kind {name}")
        for name in table.layers
    }
    told, home = f"lake {lake.snapshot()}", settings.data / "layers"
    layers = {name: layer_file(row, home / row["file_name"], version=told) for name, row in rows.items()}
    window = window_of(layer, request)
    ground = resistance.from_rules(table, layers, grids.equal_area_grid(window, request.cell_m), progress=progress)
    facts = {
        "resistance_version": table.version,
        "resistance_layers": {name: one.sha256 for name, one in layers.items()},
    }
    return ground, facts


def records_of(
    settings: Settings,
    lake: Lake,
    window: tuple[float, float, float, float],
    rules: sharing.RuleSet,
    boundaries: "BoundarySet",
    view: EvidenceView,
) -> pl.DataFrame:
    """Return the window's records as a run of this view reads them."""
    return assessments.in_view(settings, lake, rules, boundaries, view=view, columns=EVIDENCE_COLUMNS, window=window)


def category_of(records: pl.DataFrame, view: EvidenceView) -> SharingCategory:
    """Return the category that results from these records carry: a public view tells no more than what is published."""
    if view is EvidenceView.PUBLIC or records.is_empty():
        return SharingCategory.OPEN
    return SharingCategory(records["sharing_category"][0])


def date_of(lake: Lake, request: Request, snapshot: int) -> date:
    """Return the date that a run's years are counted back from."""
    if request.as_of is not None:
        try:
            return date.fromisoformat(request.as_of)
        except ValueError as error:
            problem = "the date of the run is no date"
            expected = "an ISO 8601 date, like 2026-11-26"
            raise InputError(
                problem, column="as_of", value=request.as_of, expected=expected, code="DATE_INVALID"
            ) from error
    versions = lake.snapshots()
    day: datetime = versions.filter(pl.col("snapshot") == snapshot)["time"].item()
    return day.date()


def layers_of(
    lake: Lake, settings: Settings, themes: tuple[str, ...], window: tuple[float, float, float, float]
) -> "list[LayerFile]":
    """Return the layers of these themes that reach into a window."""
    from biodata.analysis.layer_choice import layer_file

    west, south, east, north = window
    near = lake.read("layers").filter(
        pl.col("theme").is_in(themes), pl.col("west") < east, pl.col("east") > west,
        pl.col("south") < north, pl.col("north") > south,
    )  # fmt: skip
    home, told = settings.data / "layers", f"lake {lake.snapshot()}"
    return [layer_file(row, home / row["file_name"], version=told) for row in near.sort("name").iter_rows(named=True)]
