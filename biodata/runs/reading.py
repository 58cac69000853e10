"""What a run reads: layers, resistance, records as its view shows them, reserve plans, costs, agreements."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import assessments, places, sharing
from biodata.core import geo, terms
from biodata.core.engine_parameters import SpeciesRecords
from biodata.core.errors import InputError
from biodata.core.run_parameters import Corridors
from biodata.core.settings import Settings
from biodata.core.vocabularies import THREATENED, EvidenceView, SharingCategory
from biodata.formats import delimited
from biodata.harmonise.names import NAME_COLUMNS, NAME_TERMS
from biodata.harmonise.rematch import Resolution
from biodata.sharing.publish import LOOKED_AT
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.rules_in_force import rules_in_force
from biodata.text.countries import parse_countries

if TYPE_CHECKING:
    from biodata.analysis.candidates.criteria import Agreement, Plan
    from biodata.analysis.evidence import Checklists, Counted
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
SPECIES_COLUMNS: Final = tuple(dict.fromkeys((*EVIDENCE_COLUMNS, "recordedBy", "individualCount")))
"""What figures and maps of a species are made of."""
_WIDEST_DEGREES: Final = 180.0
"""More than half of the world has no equal-area plane around its middle that a run could be made on."""


PLAN_FILE, UNITS_FILE, UNITS_LAYER = "plan.json", "units.gpkg", "planning_units"
_AGREEMENTS: Final = ("name", "countries")
_LISTED: Final = ("area", "scientificName")
_CELL_KM2: Final = {str(one): (one.cell_degrees * 111.32) ** 2 for one in SharingCategory if one.cell_degrees}
"""The largest area of each category's cell."""


def layer_named(lake: Lake, name: str, *, rasters: bool = False) -> dict[str, Any]:
    """Return what is known of a layer; of a raster alone where one is needed.

    Raises
    ------
    InputError
        If there is none of that name (LAYER_UNKNOWN).
    """
    layers = lake.read("layers")
    if rasters:
        layers = layers.filter(pl.col("form").fill_null("raster") == "raster")
    found = layers.filter(pl.col("name") == name)
    if found.is_empty():
        problem = f"there is no {'raster layer of this name' if rasters else 'such layer'}"
        known = ", ".join(sorted(layers["name"])) or "none; ingest one with `biodata ingest layer FILE.tif`"
        raise InputError(problem, column="layer", value=name, expected=f"one of {known}", code="LAYER_UNKNOWN")
    return found.row(0, named=True)


def _file_of(settings: Settings, lake: Lake, row: dict[str, Any]) -> "LayerFile":
    """Return a layer's file in the installation."""
    from biodata.analysis.layers import layer_file

    return layer_file(row, settings.data / "layers" / row["file_name"], version=f"lake {lake.snapshot()}")


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
    from biodata.analysis.layers import choose

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
    layers = {name: _file_of(settings, lake, row) for name, row in rows.items()}
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


def date_of(lake: Lake, as_of: date | None, snapshot: int) -> date:
    """Return the date that a run's years are counted back from: as stated, else that of the lake's version."""
    if as_of is not None:
        return as_of
    day: datetime = lake.snapshots().filter(pl.col("snapshot") == snapshot)["time"].item()
    return day.date()


def layers_of(
    lake: Lake, settings: Settings, themes: tuple[str, ...], window: tuple[float, float, float, float]
) -> "list[LayerFile]":
    """Return the layers of these themes that reach into a window."""
    west, south, east, north = window
    near = lake.read("layers").filter(
        pl.col("theme").is_in(themes), pl.col("west") < east, pl.col("east") > west,
        pl.col("south") < north, pl.col("north") > south,
    )  # fmt: skip
    return [_file_of(settings, lake, row) for row in near.sort("name").iter_rows(named=True)]


def facts_of(settings: Settings, lake: Lake, request: Corridors) -> dict[str, Any]:
    """Return names and checksums of what a run is stated besides: they are a part of what it is."""
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
    """Return the layer of the installation that states what ground costs.

    Raises
    ------
    InputError
        If there is none of that name (LAYER_UNKNOWN), or it is no raster of quantities (LAYER_KIND).
    """
    from biodata.analysis.layers import choose

    if request.cost_layer is None:
        return None
    missing = "or another: biodata ingest layer FILE.tif --option kind=continuous"
    row = choose(lake.read("layers").to_dicts(), request.cost_layer, where=str(settings.data), otherwise=missing)
    found = _file_of(settings, lake, row)
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
        content = json.loads(file.read_text(encoding="utf-8"))
        often = {str(unit): float(count) for unit, count in content["selection_frequency"].items()}
        plans, status = int(content["runs"]), str(content["plan_status"])
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


@dataclass(frozen=True, slots=True)
class SpeciesRead:
    """Records as a view allows.

    Attributes
    ----------
    records : polars.DataFrame
        As `sharing.evidence_view` returns them.
    facts : dict
        View, the lake's version, the rules and the sharing category, as plain values.
    asked : SpeciesRecords
    day : datetime.date
        That years are counted back from.
    category : SharingCategory
        What a result of these records carries.
    boundaries : BoundarySet
    """

    records: pl.DataFrame
    facts: dict[str, Any]
    asked: SpeciesRecords
    day: date
    category: SharingCategory
    boundaries: "BoundarySet"

    def counted(self, records: pl.DataFrame, *, cell_m: float) -> "Counted":
        """Tell which records are evidence for which side, by what was asked and with an uncertainty of no more than a cell."""
        from biodata.analysis import evidence
        from biodata.analysis.species.figures import untold_as

        if self.asked.untold_uncertainty_m is not None:
            records = untold_as(records, self.asked.untold_uncertainty_m)
        flags = evidence.DOUBTFUL if self.asked.keep_suspicious else evidence.EXCLUDED
        parameters = evidence.EvidenceParameters(
            as_of=self.day, cell_m=cell_m, recent_years=self.asked.recent_years, excluded_flags=flags
        )
        return evidence.counted(records, boundaries=self.boundaries, parameters=parameters)


def species_records(
    settings: Settings,
    asked: SpeciesRecords,
    *,
    species: str | None = None,
    window: tuple[float, float, float, float] = assessments.WORLD,
) -> SpeciesRead:
    """Read the records of a species, or of a window.

    Parameters
    ----------
    settings : Settings
        The installation.
    asked : SpeciesRecords
    species : str, optional
        As the records name it; of all species where none is given.
    window : west, south, east, north
        Degrees, WGS 84.

    Returns
    -------
    SpeciesRead

    Raises
    ------
    InputError
        If there is no record of the species in this view (SPECIES_UNKNOWN).
    """
    boundaries = places.load_boundaries(settings.boundaries)
    where = In("species", (species,)) if species is not None else None
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        day = date_of(lake, asked.as_of, snapshot)
        records = assessments.in_view(
            settings, lake, rules, boundaries, view=asked.records, columns=SPECIES_COLUMNS, window=window, where=where
        )
    if species is not None and records.is_empty():
        problem = f"there is no {'public ' if asked.records is EvidenceView.PUBLIC else ''}record of this species with a place"
        expected = "a species as the records name it; of a hidden one, the view exact"
        raise InputError(problem, column="species", value=species, expected=expected, code="SPECIES_UNKNOWN")
    category = category_of(records, asked.records)
    facts = {
        "evidence_view": str(asked.records), "snapshot": snapshot, "rules": rules.hash, "sharing_category": str(category),
    }  # fmt: skip
    return SpeciesRead(records, facts, asked, day, category, boundaries)


def raster_layer(settings: Settings, name: str) -> "LayerFile":
    """Return a raster layer that `biodata ingest layer` took in."""
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        return _file_of(settings, lake, layer_named(lake, name, rasters=True))


def with_layers(
    settings: Settings, table: pl.DataFrame, layers: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...], list[dict[str, str]]]:
    """Add what layers tell of places.

    Parameters
    ----------
    settings : Settings
        The installation.
    table : polars.DataFrame
        `longitude` and `latitude`, degrees.
    layers : sequence of str
        `elevation_china_laos` for the value of a raster; `landcover_china_laos=2,5` for 1
        in cells of these classes and 0 in others.

    Returns
    -------
    table : polars.DataFrame
    names : tuple of str
        The columns that were added.
    inputs : list of dict
        Name and checksum of each layer.

    Raises
    ------
    InputError
        If a layer is no raster of the installation, or classes are no whole numbers.
    """
    names, inputs = [], []
    lon, lat = table["longitude"].to_numpy(), table["latitude"].to_numpy()
    for reported in layers:
        name, equals, classes = reported.partition("=")
        values, sha256 = sampled(settings, name, lon, lat)
        if equals:
            wanted = _classes(reported, classes)
            values = np.where(np.isfinite(values), np.isin(values, wanted).astype(np.float64), np.nan)
        table = table.with_columns(pl.Series(reported, values))
        names.append(reported)
        inputs.append({"layer": reported, "sha256": sha256})
    return table, tuple(names), inputs


def sampled(settings: Settings, name: str, lon: geo.Floats, lat: geo.Floats) -> tuple[geo.Floats, str]:
    """Return the values of a raster layer of the installation at points, nan where it has none, and its checksum."""
    from biodata.analysis.layers import values_at

    layer = raster_layer(settings, name)
    found = values_at(layer, lon, lat)
    if not np.isfinite(found).any():
        problem = "the layer tells nothing at any of the places"
        text = f"{lon.min():.3f}, {lat.min():.3f} to {lon.max():.3f}, {lat.max():.3f}"
        raise InputError(problem, file=name, value=text, expected="a layer that reaches them", code="RASTER_OUTSIDE")
    return found, layer.sha256


def _classes(text: str, classes: str) -> list[int]:
    """Read classes with commas between them."""
    try:
        return [int(part) for part in classes.split(",")]
    except ValueError:
        problem = "these are no classes"
        raise InputError(
            problem, column="--layer", value=text, expected="NAME=2,5", code="PARAMETERS_INVALID"
        ) from None
