"""What a run reads: layers, resistance, records as its view shows them, reserve plans, costs, agreements."""

import hashlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import shapely

from biodata import assessments, sharing
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.run_parameters import Corridors
from biodata.core.settings import Settings
from biodata.core.vocabularies import THREATENED, EvidenceView, SharingCategory
from biodata.formats import delimited
from biodata.harmonise.names import NAME_COLUMNS, NAME_TERMS
from biodata.harmonise.rematch import Resolution
from biodata.sharing.publish import LOOKED_AT
from biodata.store.lake import Lake
from biodata.text.countries import parse_countries

if TYPE_CHECKING:
    from biodata.analysis.candidates.criteria import Agreement, Plan
    from biodata.analysis.evidence import Checklists
    from biodata.analysis.layers import LayerFile
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


PLAN_FILE, UNITS_FILE, UNITS_LAYER = "plan.json", "units.gpkg", "planning_units"
_AGREEMENTS: Final = ("name", "countries")
_LISTED: Final = ("area", "scientificName")
_CELL_KM2: Final = {str(one): (one.cell_degrees * 111.32) ** 2 for one in SharingCategory if one.cell_degrees}
"""The largest area of each category's cell."""


def layer_named(lake: Lake, name: str) -> dict[str, Any]:
    """Return what is known of a layer."""
    layers = lake.read("layers")
    found = layers.filter(pl.col("name") == name)
    if found.is_empty():
        problem = "there is no such layer"
        known = ", ".join(sorted(layers["name"])) or "none; ingest one with `biodata ingest layer FILE.tif`"
        raise InputError(problem, column="layer", value=name, expected=f"one of {known}", code="LAYER_UNKNOWN")
    return found.row(0, named=True)


def window_of(layer: dict[str, Any], request: Corridors) -> tuple[float, float, float, float]:
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
    settings: Settings, lake: Lake, layer: dict[str, Any], request: Corridors, *, progress: bool
) -> tuple["ResistanceLayer", dict[str, Any]]:
    """Return the resistance of every cell of the run's grid, and which table and layers it is made of."""
    from biodata.analysis import grid as grids
    from biodata.analysis import resistance, resistance_rules
    from biodata.analysis.layers import choose, layer_file

    path = request.resistance
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


def date_of(lake: Lake, request: Corridors, snapshot: int) -> date:
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
    from biodata.analysis.layers import layer_file

    west, south, east, north = window
    near = lake.read("layers").filter(
        pl.col("theme").is_in(themes), pl.col("west") < east, pl.col("east") > west,
        pl.col("south") < north, pl.col("north") > south,
    )  # fmt: skip
    home, told = settings.data / "layers", f"lake {lake.snapshot()}"
    return [layer_file(row, home / row["file_name"], version=told) for row in near.sort("name").iter_rows(named=True)]


def facts_of(settings: Settings, lake: Lake, request: Corridors) -> dict[str, Any]:
    """Return names and checksums of what a run is told besides: they are a part of what it is."""
    facts: dict[str, Any] = {}
    if request.plan is not None:
        folder, units = _plan_files(request.plan)
        facts |= {"plan": folder.name, "plan_sha256": _sha256(folder), "plan_units_sha256": _sha256(units)}
    if request.agreements is not None:
        path = request.agreements
        facts |= {"agreements": path.name, "agreements_sha256": _sha256(path)}
    if request.area_checklists is not None:
        path = request.area_checklists
        facts |= {"area_checklists": path.name, "area_checklists_sha256": _sha256(path)}
    cost = cost_layer(settings, lake, request)
    return facts if cost is None else facts | {"cost_layer_sha256": cost.sha256}


def cost_layer(settings: Settings, lake: Lake, request: Corridors) -> "LayerFile | None":
    """Return the layer of the installation that tells what ground costs.

    Raises
    ------
    InputError
        If there is none of that name (LAYER_UNKNOWN), or it is no raster of quantities (LAYER_KIND).
    """
    from biodata.analysis.layers import choose, layer_file

    if request.cost_layer is None:
        return None
    known, missing = (
        lake.read("layers").to_dicts(),
        "or another: biodata ingest layer FILE.tif --option kind=continuous",
    )
    row = choose(known, request.cost_layer, where=str(settings.data), otherwise=missing)
    found = layer_file(row, settings.data / "layers" / row["file_name"], version=f"lake {lake.snapshot()}")
    if found.form != "raster" or found.measure == "categorical":
        problem, expected = "costs are a raster of quantities", "biodata ingest layer FILE.tif --option kind=continuous"
        raise InputError(problem, column="cost_layer", value=request.cost_layer, expected=expected, code="LAYER_KIND")
    return found


def read_plan(path: Path) -> "Plan":
    """Read how often the plans of `biodata reserves solve` take each planning unit.

    Parameters
    ----------
    path : Path
        plan.json, or the folder with it; units.gpkg of `biodata reserves units` or `biodata analysis-inputs marxan`
        stands beside it or in the project's folder, one above.

    Raises
    ------
    InputError
        If a file is missing (PLAN_MISSING) or is no such file (PLAN_INVALID), or they are of different projects.
    """
    import numpy as np

    from biodata.analysis import areas
    from biodata.analysis.candidates.criteria import Plan
    from biodata.core import geo

    file, units_file = _plan_files(path)
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        often = {str(unit): float(count) for unit, count in told["selection_frequency"].items()}
        plans, status = int(told["runs"]), str(told["plan_status"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem, expected = "this is no plan", "plan.json as `biodata reserves solve` writes it"
        raise InputError(problem, file=file.name, expected=expected, code="PLAN_INVALID") from error
    if plans < 1 or not all(0 <= count <= plans for count in often.values()):
        problem, expected = "a unit is in more plans than there are", f"0 to {plans} for each unit"
        raise InputError(problem, file=file.name, column="selection_frequency", expected=expected, code="PLAN_INVALID")
    units, _ = areas.read(units_file, layer=UNITS_LAYER, id_column="id")
    ids = units["area_id"].astype(str)
    if strange := sorted(often.keys() - set(ids)):
        problem = f"{len(strange)} units of {file.name} are not among those of {units_file.name}"
        raise InputError(problem, file=units_file.name, column="id", value=strange[0], code="PLAN_INVALID")
    shapes = geo.project(units.geometry.to_numpy(), units.crs or 4326, 4326)
    made = units.set_geometry(np.asarray(shapes, dtype=object), crs=4326)
    made["selection_frequency"] = [often.get(unit, 0.0) / plans for unit in ids]
    facts = {"file": file.name, "sha256": _sha256(file), "plans": plans, "units": len(units), "status": status}
    return Plan(made, facts)


def read_checklists(
    request: Corridors, lake: Lake, areas: pl.DataFrame, rules: sharing.RuleSet, boundaries: "BoundarySet"
) -> "tuple[Checklists, SharingCategory]":
    """Read checklists of protected areas: a CSV table of `area` (id or name) and `scientificName`.

    `source`, `year` and `iucnRedListCategory` may stand beside them; without the last, checklists of the lake tell it.

    Returns
    -------
    Checklists
        Threatened species, by the area's id; a species is accepted and judged as those of records are. In the public view
        a species that a rule makes coarser is left out of areas that are smaller than the rule's cell.
    SharingCategory
        The strictest of all rows.

    Raises
    ------
    InputError
        If columns or cells are missing, or there is no such area; it names the row.
    """
    path = request.area_checklists
    if path is None:
        return {}, SharingCategory.OPEN
    rows = _rows(path, _LISTED, "columns area, scientificName and, if stated, source and year")
    listed = rows.with_columns(called=pl.col("area").str.strip_chars().str.to_lowercase())
    names = pl.concat(
        [
            areas.select(called=pl.col(n).str.to_lowercase(), area_id="area_id")
            for n in ("area_id", "name", "original_name")
        ]
    )
    listed = listed.join(names.unique(), on="called", how="left", maintain_order="left")
    for row in listed.filter(pl.col("area_id").is_null()).head(1).iter_rows(named=True):
        problem = "there is no such protected area"
        raise InputError(
            problem, file=path.name, row=row["source_row"], column="area", value=row["area"],
            expected="the id or the name of an area that was taken in", code="AREA_UNKNOWN",
        )  # fmt: skip
    lacking = {name: pl.lit(None, pl.String) for name in NAME_TERMS if name not in listed.columns}
    named = Resolution(lake.read("taxa"), boundaries).resolve(listed.with_columns(**lacking))
    known = areas.select("area_id", "country_codes", "computed_area_km2", "geometry")
    listed = named.with_columns(pl.col(f"n_{name}").alias(name) for name in NAME_COLUMNS).join(known, on="area_id")
    listed = listed.filter(pl.col("iucnRedListCategory").is_in(THREATENED), pl.col("species").is_not_null())
    listed = listed.drop_nulls("geometry")
    # Somewhere in the area: every rule that holds in a part of it is looked at.
    around = shapely.minimum_bounding_circle(shapely.from_wkb(listed["geometry"].to_numpy()))
    x, y = shapely.get_coordinates(shapely.centroid(around)).T
    radius = pl.Series(shapely.minimum_bounding_radius(around) * 111_320)
    placed = listed.drop("geometry").with_columns(
        decimalLongitude=pl.Series(x), decimalLatitude=pl.Series(y), coordinateUncertaintyInMeters=radius
    )
    decided = sharing.decide(terms.conform(placed, terms.OCCURRENCE), rules, boundaries=boundaries)
    placed = placed.with_row_index("row").join(decided.select("row", "category"), on="row", how="left")
    if request.evidence_view is EvidenceView.PUBLIC:
        cell_km2 = pl.col("category").replace_strict(_CELL_KM2, default=None, return_dtype=pl.Float64)
        placed = placed.filter(
            pl.col("category").is_null() | (pl.col("computed_area_km2") >= cell_km2).fill_null(value=False)
        )
    found: dict[str, dict[str, list[str]]] = {}
    for row in placed.sort("row").iter_rows(named=True):
        source = ", ".join(filter(None, (row.get("source") or path.name, row.get("year"))))
        found.setdefault(row["area_id"], {}).setdefault(row["species"], []).append(source)
    categories = [SharingCategory(category) for category in placed["category"].drop_nulls().unique()]
    return found, max(categories, key=lambda one: one.strictness, default=SharingCategory.OPEN)


def _rows(path: Path, needed: tuple[str, ...], expected: str) -> pl.DataFrame:
    """Return the rows of a CSV table; refused are a column that lacks and the first row that cannot be read."""
    _there(path)
    table = delimited.read(lambda: path.open("rb"), file=path.name)
    if lacking := [name for name in needed if name not in table.headings]:
        problem = "the table lacks a column"
        raise InputError(problem, file=path.name, row=1, column=lacking[0], expected=expected, code="COLUMNS_MISSING")
    batches = list(table.batches)
    if table.refusals:
        refused = table.refusals[0]
        raise InputError(refused.message, file=path.name, row=refused.row, value=refused.value, code=refused.code)
    return pl.concat(batches) if batches else pl.DataFrame(schema=dict.fromkeys(needed, pl.String))


def read_agreements(path: Path) -> "list[Agreement]":
    """Read agreements between countries: a CSV table with `name`, `countries` (codes or names, with `;`), and `source`.

    Raises
    ------
    InputError
        If columns or cells are missing, or there is no such country; it names the row.
    """
    from biodata.analysis.candidates.criteria import Agreement

    rows = _rows(path, _AGREEMENTS, "columns name, countries and, if told, source")
    found = []
    for row in rows.iter_rows(named=True):
        texts = [text.strip() for text in (row["countries"] or "").split(";") if text.strip()]
        codes = parse_countries(pl.Series(texts, dtype=pl.String))["code"].to_list()
        wrong = next((text for text, code in zip(texts, codes, strict=True) if code is None), None)
        if wrong is not None or len(set(codes)) < 2 or not row["name"]:
            at = "countries" if row["name"] else "name"
            problem = f"there is no country {wrong!r}" if wrong else "an agreement has a name and binds two countries"
            value = row["countries"] if at == "countries" else None
            expected = "a name, and codes or names of countries with ; between them, such as LA;VN"
            raise InputError(
                problem, file=path.name, row=row["source_row"], column=at, value=value, expected=expected,
                code="AGREEMENT_INVALID",
            )  # fmt: skip
        found.append(Agreement(row["name"].strip(), tuple(sorted(set(codes))), row.get("source")))
    return found


def _plan_files(path: Path) -> tuple[Path, Path]:
    """Return the paths of plan.json and of the units' layer."""
    file = path / PLAN_FILE if path.is_dir() else path
    places = [file.parent / UNITS_FILE, file.resolve().parent.parent / UNITS_FILE]
    units = next((one for one in places if one.is_file()), places[1])
    for one, maker in ((file, "reserves solve"), (units, "reserves units")):
        if not one.is_file():
            problem, expected = "there is no such file of a reserve plan", f"{one.name} as `biodata {maker}` writes it"
            raise InputError(problem, file=str(one), column="plan", expected=expected, code="PLAN_MISSING")
    return file, units


def _there(path: Path) -> None:
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), expected="a CSV table", code="FILE_MISSING")


def _sha256(path: Path) -> str:
    _there(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()
