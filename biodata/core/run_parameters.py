"""What each engine can be asked: one model an engine, from which options, kept runs and a notebook's arguments are made.

A field's description is the help of its option; what a file's field is to the run (read, written) is its `role`.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from biodata.core.errors import InputError
from biodata.core.vocabularies import CandidateCriterion, EvidenceView

GEOTIFF: Final = (".tif", ".tiff")


def split(text: Any) -> Any:
    """Return a text with commas as its parts."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


def _several(text: Any) -> Any:
    """Return one value as a list of it."""
    return [text] if isinstance(text, str | int | float | Path) else text


def _pairs(entries: Any) -> Any:
    """Return NAME=VALUEs as the values by name."""
    if not isinstance(entries, list | tuple):
        return entries
    if wrong := [text for text in entries if "=" not in str(text)]:
        problem = f"{wrong[0]!r} is no NAME=VALUE"
        raise ValueError(problem)
    return dict(text.split("=", 1) for text in entries)


def read_box(stated: Any, *, column: str = "box") -> tuple[float, float, float, float]:
    """Read west,south,east,north, or four numbers.

    Raises
    ------
    InputError
        If these are no four numbers, or no box on Earth (BOX_INVALID). Over 180° the east is above 180.
    """
    expected, value = "west,south,east,north in degrees, such as 100,20,103,22.5", stated
    if not isinstance(stated, str):
        value = ",".join(f"{part:g}" if isinstance(part, int | float) else str(part) for part in stated)
    try:
        west, south, east, north = map(float, value.split(","))
    except ValueError:
        problem = "this is no box"
        raise InputError(problem, column=column, value=value, expected=expected, code="BOX_INVALID") from None
    if not (-90 <= south < north <= 90 and -180 <= west < east <= west + 360):
        problem = "this is no box on Earth: it needs west < east, south < north, and latitudes of -90 to 90"
        raise InputError(problem, column=column, value=value, expected=expected, code="BOX_INVALID")
    return west, south, east, north


Box = Annotated[tuple[float, float, float, float], BeforeValidator(read_box)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_several)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_several)]
Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]
Words = Annotated[tuple[str, ...], BeforeValidator(_several)]
Dates = Annotated[tuple[date, ...], BeforeValidator(_several)]


def reads(description: str, **more: Any) -> Any:
    """Return a field of a file that is read: where it lies decides nothing, and what is in it is an input of the run."""
    return Field(default=more.pop("default", None), description=description, json_schema_extra={"role": "input"})


def writes(description: str, *endings: str) -> Any:
    """Return a field of a file that is written; a run that is repeated writes nothing."""
    return Field(default=None, description=description, json_schema_extra={"role": "output", "endings": list(endings)})


def writes_into(description: str) -> Any:
    """Return a field of a folder that is written into."""
    return Field(default=None, description=description, json_schema_extra={"role": "output", "folder": True})


def silent(default: Any, description: str, **limits: Any) -> Any:
    """Return a field that the results do not follow from."""
    return Field(default=default, description=description, json_schema_extra={"role": "silent"}, **limits)


class EngineParameters(BaseModel):
    """What an engine can be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> Self:
        """Return the parameters of plain values.

        Raises
        ------
        InputError
            If one is missing, not known or cannot be (PARAMETERS_INVALID).
        """
        try:
            return cls.model_validate(dict(asked))
        except ValidationError as error:
            first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
            column = str(first["loc"][0]) if first["loc"] else None
            problem, expected = first["msg"], None
            value: str | None = str(asked.get(column or ""))
            if len(first["loc"]) == 1 and first["type"] in ("missing", "extra_forbidden"):
                missing = first["type"] == "missing"
                problem, value = "the parameter is missing" if missing else "there is no such parameter", None
                expected = ", ".join(cls.model_fields)
            elif first["type"] != "value_error":
                problem = f"the parameter cannot be so: {first['msg'][:1].lower()}{first['msg'][1:]}"
            raise InputError(
                problem, column=column, value=value, expected=expected, code="PARAMETERS_INVALID"
            ) from error  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def of_role(cls, *roles: str) -> frozenset[str]:
        """Return the names of the fields of some roles: input, output, silent."""
        extras = {name: field.json_schema_extra for name, field in cls.model_fields.items()}
        return frozenset(name for name, extra in extras.items() if isinstance(extra, dict) and extra["role"] in roles)

    def files(self, role: str) -> dict[str, Path]:
        """Return the files that are read or written, by the field's name; of several files with their number."""
        found: dict[str, Path] = {}
        for name in type(self).model_fields:
            value = getattr(self, name) if name in self.of_role(role) else None
            if isinstance(value, Path):
                found[name] = value
            elif value:
                found |= {f"{name} {number}": path for number, path in enumerate(value, start=1)}
        return found


class Corridors(EngineParameters):
    """Corridors and candidates between protected areas of different countries, over a layer of an installation."""

    layer: str = Field(description="Name of the installation's land-cover layer.")
    resistance: Path = Field(
        description="CSV table, as `biodata resistance` reads it.", json_schema_extra={"role": "input"}
    )
    species: str | None = Field(default=None, description="Species of the table, where it has several.")
    box: Box | None = Field(
        default=None, description="Only inside west,south,east,north in degrees; else all of the layer."
    )
    cell_m: float = Field(default=1000.0, ge=1, description="Side of a cell of the equal-area grid, metres.")
    max_distance_m: float = Field(default=60_000.0, description="Areas farther apart are not joined, metres.")
    dispersal_cost: float | None = Field(
        default=None, description="What the species can spend on a journey, cost-metres."
    )
    cut_fraction: float = Field(
        default=0.1,
        description="How much dearer than the cheapest path a corridor may be: share of the dispersal cost, or of the median least cost of the run; one cost for all pairs, so that widths compare.",
    )
    evidence_view: EvidenceView = Field(
        default=EvidenceView.PUBLIC,
        description="Records that candidates are judged by: what is published of them (public), or exact ones, whose results stay here.",
    )
    keep_suspicious: bool = Field(default=False, description="Take records of suspicious places as evidence too.")
    untold_uncertainty_m: float = Field(
        default=10_000.0,
        ge=0,
        description="Taken for the uncertainty of a record that states none, metres: it makes a side probable at most, and counts if that is no more than a cell.",
    )
    as_of: date | None = Field(
        default=None,
        description="Date, YYYY-MM-DD, from which recent years are counted back: the day of the lake's version.",
    )
    recent_years: int = Field(default=15, description="Records of events before these years are no evidence.")
    band_m: float | None = Field(
        default=None,
        ge=0,
        description="Within so many metres of a border a record is on no side: as the boundary set has it, 5000.",
    )
    certainty: float = Field(
        default=0.95,
        gt=0.5,
        lt=1,
        description="Share of a record's uncertainty that makes it certain on a side, and the chance that makes several probable.",
    )
    criteria: Annotated[tuple[str, ...], BeforeValidator(split)] = Field(
        default=(),
        description=f"What candidates are ranked by, with commas: {', '.join(CandidateCriterion)}; else all.",
    )
    plan: Path | None = reads(
        "plan.json of `biodata reserves solve`, or its folder: irreplaceability is how often its plans take ground."
    )
    cost_layer: str | None = Field(
        default=None, description="Raster layer of the installation whose sum over ground is its cost."
    )
    agreements: Path | None = reads("CSV of agreements between countries: name, countries (LA;VN), source.")
    area_checklists: Path | None = reads(
        "CSV of species of protected areas: area (id or name), scientificName, source, year. Evidence of its own kind, listed."
    )
    check_window: bool = silent(default=False, description="Also show whether the result stays in a larger window.")
    alone: bool = silent(
        default=False,
        description="Take away the results of all other runs; else only those of the same layer, box and species go.",
    )
    out: Path | None = writes("GeoPackage to write.", ".gpkg")

    @model_validator(mode="after")
    def _own_order(self) -> Self:
        object.__setattr__(self, "criteria", checked_criteria(self.criteria))
        return self


def checked_criteria(names: tuple[str, ...] | str) -> tuple[str, ...]:
    """Return the names of criteria in their own order; none where all are named.

    Parameters
    ----------
    names : tuple of str, or one text with commas between them

    Raises
    ------
    InputError
        If there is no such criterion (CRITERION_UNKNOWN).
    """
    known = [str(one) for one in CandidateCriterion]
    asked = split(names)
    wrong = next((name for name in asked if name not in known), None)
    if wrong is not None:
        problem, expected = "candidates are not compared by this", f"some of {', '.join(known)}"
        raise InputError(problem, column="criteria", value=str(wrong), expected=expected, code="CRITERION_UNKNOWN")
    chosen = tuple(name for name in known if name in asked)
    return () if len(chosen) == len(known) else chosen


class OwnGround(EngineParameters):
    """A planner's own resistance raster, and the areas on it."""

    raster: Path | None = reads("Resistance raster.")
    areas: Path | None = reads("Polygons or points, or a raster of ids on the same cells.")
    cell_m: float | None = Field(default=None, ge=1, description="Put the raster into cells of this side, metres.")
    band: int | None = Field(default=None, description="Band of the raster, where it has several.")
    nodata: float | None = Field(default=None, description="Value without data that the file does not declare.")
    crs: str | None = Field(default=None, description="System of a raster that tells none, as EPSG:32647.")
    areas_layer: str | None = Field(default=None, description="Layer of the areas' file.")
    id_column: str | None = Field(default=None, description="Column with the areas' ids.")
    name_column: str | None = Field(default=None, description="Column with their names.")


class OwnLinks(OwnGround):
    """Which links are looked for on a planner's own ground, and how wide a corridor is."""

    max_distance_m: float | None = Field(
        default=None, description="Areas farther apart are not joined, metres; no limit."
    )
    max_cost: float | None = Field(default=None, description="Links that cost more do not function, cost-metres.")
    dispersal_cost: float | None = Field(default=None, description="What a journey can cost, cost-metres.")
    cut_fraction: float | None = Field(
        default=None, description="Share of the dispersal cost that a corridor may be dearer: 0.1."
    )
    cut_cost: float | None = Field(
        default=None, description="The cut as a cost, cost-metres, in place of a share; the same for all pairs."
    )


class OwnCorridors(OwnLinks):
    """Corridors between any areas over one's own raster, without an installation."""

    drop_through: bool = Field(default=False, description="No link whose path leads through a third area.")
    barrier_radius_m: Numbers = Field(default=(), description="Radius of the window restored, metres; several values.")
    restored_resistance: float | None = Field(
        default=None, description="Resistance restored ground has; the raster's best."
    )
    check_window: bool = silent(default=False, description="Also show whether the result stays in a larger window.")
    out: Path | None = writes("GeoPackage to write.", ".gpkg")
    mosaic: Path | None = writes("GeoTIFF of the least normalised corridor.", *GEOTIFF)
    pinch: Path | None = writes("GeoTIFF of the current inside each corridor, most of any pair.", *GEOTIFF)
    barriers: Path | None = writes("GeoTIFF of the best improvement score of any pair.", *GEOTIFF)
    barriers_sum: Path | None = writes("GeoTIFF of the sum of all pairs' scores.", *GEOTIFF)


class Validation(OwnGround):
    """Whether held-out records stand nearer to corridors than chance would put them."""

    run: str | None = Field(
        default=None,
        description="Run of `corridors --layer`, or one of its results: asks about it, and its report tells it.",
    )
    resistance: Path | None = reads("The run's table of resistance, if it lies elsewhere now.")
    records: Path | None = reads("Records of the animals.")
    species: str | None = Field(default=None, description="Only this species of RECORDS; the others are effort.")
    target: Path | None = reads("Records that the same people would have reported.")
    effort: Path | None = reads("Raster of effort on the same cells.")
    used: Path | None = reads("Table whose first column tells ids of records that were used.")
    since: date | None = Field(default=None, description="First day of the test's time, YYYY-MM-DD.")
    block_m: float | None = Field(
        default=None, ge=0, description="Side of the blocks, metres: the variogram's range where not told."
    )
    max_uncertainty_m: float | None = Field(
        default=None, ge=0, description="Records less certain are no test: the side of a block where not told."
    )
    moves: int = Field(default=999, ge=19, description="Null patterns.")
    level: float = Field(default=0.05, ge=0.0001, le=0.5, description="A p below it is better than chance.")
    least_places: int = Field(default=10, ge=2, description="Fewer independent places give no test.")
    out: Path | None = writes("JSON to write.")


class Uncertainty(OwnGround):
    """How often cells are in a corridor and links function under stated assumptions."""

    run: str | None = Validation.model_fields["run"]  # type: ignore[assignment]
    resistance: Path | None = Validation.model_fields["resistance"]  # type: ignore[assignment]
    classes: Path | None = reads("CSV of ranges, where the raster is of classes.")
    spread: float = Field(default=2.0, ge=1, description="Factor up and down, without classes.")
    shape: Words = Field(default=(), description="linear, negative exponential, power; several times.")
    cut_fraction: tuple[float, float] | None = Field(
        default=None, description="Lowest and highest cut: 0.05 and 0.2, or around the run's."
    )
    dispersal_cost: tuple[float, float] | None = Field(
        default=None, description="Lowest and highest, cost-metres: what a link may cost."
    )
    max_distance_m: float | None = Field(default=None, ge=0, description="Areas farther apart are not joined, metres.")
    draws: int = Field(default=200, ge=20, description="How many draws.")
    out: Path | None = writes("GeoTIFF of the cells' frequencies.")
    report: Path | None = writes("JSON of assumptions, pairs and draws.")


class Scenarios(OwnLinks):
    """Corridors with the border open and closed."""

    run: str | None = Validation.model_fields["run"]  # type: ignore[assignment]
    resistance: Path | None = Validation.model_fields["resistance"]  # type: ignore[assignment]
    barriers: Paths = reads("Lines or polygons of barriers; several times for several files.", default=())
    barrier_layer: Words = Field(
        default=(), description="Name of a layer of --layers, as fence or roads; several times for several."
    )
    layers: Path | None = reads("Installation or folder whose layers --barrier-layer names.")
    barrier_resistance: float | None = Field(
        default=None, ge=0, description="Resistance of barriers' cells that tell none; else nothing passes."
    )
    close_border: bool = Field(default=False, description="Close the land borders of the boundary set.")
    between: Words = Field(
        default=(), description="Close only the border of these two, as CN-LA; several times for several."
    )
    boundaries: str | None = Field(
        default=None,
        description="Boundary set, by name or path: that of the installation, or of BIODATA_BOUNDARIES.",
    )
    crossings: Path | None = reads("Points, lines or polygons where barriers open.")
    crossing_width_m: float = Field(
        default=1000.0, ge=0, description="Width of crossings that tell none (column width_m), metres."
    )
    median_cost: float | None = Field(
        default=None, ge=0, description="Cost at which half of the journeys arrive; the median link of the open border."
    )
    out: Path | None = writes("GeoPackage to write.", ".gpkg")
    difference: Path | None = writes("GeoTIFF of what the barriers change; its style beside it.", *GEOTIFF)


class Climate(EngineParameters):
    """How fast climates move, and what becomes of areas when they do."""

    years: float = Field(gt=0, description="Years between today and tomorrow.")
    today: Paths = reads("Raster of a variable today; several times.", default=())
    future: Paths = reads("The same variable tomorrow; several times.", default=())
    elevation: Path | None = reads("Elevation, metres, in place of a climate.")
    warming_c: float | None = Field(default=None, description="By how much it is warmer tomorrow, with --elevation.")
    lapse_c_per_km: float = Field(default=-6.5, description="Change of temperature with height.")
    elevation_missing: float | None = Field(
        default=None, description="Elevation that stands for the sea where the file does not say so."
    )
    bin_width: Numbers = Field(default=(0.5,), description="Width of what counts as one climate; for each variable.")
    least_gradient: float = Field(
        default=0.01, ge=0, description="Flatter ground than this (unit a kilometre) is taken as so steep."
    )
    measures: Words = Field(
        default=(), description="velocity, forward, backward: those whose files are told, else all."
    )
    velocity: Path | None = writes("GeoTIFF, km a year.", *GEOTIFF)
    forward: Path | None = writes("GeoTIFF, km a year to where it goes.", *GEOTIFF)
    backward: Path | None = writes("GeoTIFF, km a year from where it comes.", *GEOTIFF)
    areas: Path | None = reads("Polygons or points.")
    areas_layer: str | None = OwnGround.model_fields["areas_layer"]  # type: ignore[assignment]
    id_column: str | None = OwnGround.model_fields["id_column"]  # type: ignore[assignment]
    name_column: str | None = OwnGround.model_fields["name_column"]  # type: ignore[assignment]
    corridors: bool = Field(default=False, description="Find climate corridors between the areas.")
    resistance: Path | None = reads("Resistance of their ground, on the same cells; 1.")
    least_difference_c: float = Field(default=1.0, ge=0, description="By how much the second area is cooler today.")
    cost_per_c: float = Field(default=50_000.0, ge=0, description="Cost-metres of a change by a degree on the way.")
    max_distance_m: float = Field(default=200_000.0, ge=0, description="Areas farther apart are not joined, metres.")
    within_countries: bool = Field(default=False, description="Join areas of the same country too.")
    boundaries: str | None = Field(
        default=None, description="Boundary set, by name or path: that of BIODATA_BOUNDARIES."
    )
    out: Path | None = writes("GeoPackage of what becomes of areas.", ".gpkg")

    @model_validator(mode="after")
    def _what_is_measured(self) -> Self:
        """Say what is measured: a run that is repeated is stated no files, and measures the same."""
        known = ("velocity", "forward", "backward")
        of_areas = () if self.areas is None else known[1:]
        entries = self.measures or tuple(
            name for name in known if getattr(self, name) is not None or name in of_areas
        ) or known  # fmt: skip
        if not {*of_areas} <= {*entries} <= {*known}:
            problem = "this is not what can be measured" if {*of_areas} <= {*entries} else "areas need both directions"
            raise InputError(
                problem,
                column="measures",
                value=", ".join(entries),
                expected=", ".join(known),
                code="PARAMETERS_INVALID",
            )
        object.__setattr__(self, "measures", entries)
        return self


class SurveyNumbers(EngineParameters):
    """Which numbers of a survey, and what counts as one event or animal."""

    species: Words | None = Field(default=None, description="Only these.")
    scope: Words | None = Field(default=None, description="Taxon that events which tell no scope looked for.")
    occasion_days: int = Field(default=5, ge=1, description="Days of an occasion.")
    gap_minutes: float = Field(default=30.0, ge=0, description="Records nearer in time are one event.")
    within_m: float = Field(default=200.0, ge=0, description="And nearer in place.")
    distance_m: float = Field(default=5_000.0, ge=0, description="Sites across a border that may see the same animals.")
    hours: float = Field(default=72.0, ge=0, description="And within so many hours.")


class SurveyResults(SurveyNumbers):
    """Results of the surveys of some datasets."""

    dataset: Words = Field(description="Keys of the datasets: of one survey, or of the sides of a project.")
    records: EvidenceView = Field(default=EvidenceView.PUBLIC, description="public, what a release tells, or exact.")
