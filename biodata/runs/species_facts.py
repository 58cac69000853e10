"""What is known of a species: figures, statuses of lists, and what an installation holds of it."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata import lists
from biodata.core.engine_parameters import SpeciesExtent
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise.checklists import Checklist
from biodata.runs.reading import species_records
from biodata.sharing import Rule
from biodata.sharing.names import Checklists
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force
from biodata.text.matcher import kingdom
from biodata.text.reference_list import CLASSIFICATION, reference_list
from biodata.text.scientific_names import parse_names
from biodata.text.tables import read_rows

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.species.figures import SpeciesFigures


COLUMNS = ("kind", "area", "value", "year", "authority", "scientificName", "checklist")


MOST_CELLS: Final = 16_000_000
"""In which occupancy is stated."""


@dataclass(frozen=True, slots=True)
class Statuses:
    """What is said of a species.

    Attributes
    ----------
    names : tuple of str
        The names that were looked for: the one asked, and those that checklists give its taxon.
    lists : list of dict
        One row a status and name, with `COLUMNS`; global ones first. What a list says of a group it says of what is below it.
    rules : list of dict
        The sharing rules that may mean it, the strictest first: rule_id, category, source, source_kind, country, reason.
    """

    names: tuple[str, ...]
    lists: list[dict[str, Any]]
    rules: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def statuses(settings: Settings, name: str, groups: dict[str, str] | None = None) -> Statuses:
    """Return what an installation knows of a species' status.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        A scientific name.
    groups : dict of rank to str, optional
        Its kingdom and the groups above it, the nearest first, where they are known already.

    Raises
    ------
    InputError
        If the sharing rules are not valid.
    """
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        taxa = lake.read("taxa")
        rules = rules_in_force(settings, lake, planned=False)
    ties = Checklists(taxa).ties(pl.Series([name.casefold()])).get(name.casefold(), ())
    names = [name[:1].upper() + name[1:], *(target for target, above in ties if not above)]
    wanted = sorted({one.casefold() for one in names})
    rows = _nearest_statuses(taxa, wanted, _groups_of(taxa, name) if groups is None else groups).select(COLUMNS)
    numbers = rules.resolver.of_names(names)
    meant = sorted((rules.rules[n] for n in numbers), key=lambda rule: (-rule.category.strictness, rule.rule_id))
    return Statuses(tuple(wanted), rows.to_dicts(), [_rule_values(rule) for rule in meant])


def _groups_of(taxa: pl.DataFrame, name: str) -> dict[str, str]:
    """Return the kingdom and the groups of a name, the nearest first; nothing where it is not known or means several taxa."""
    checklist, text = Checklist(taxa), pl.lit(None, pl.String)
    asked = parse_names(pl.Series([name], dtype=pl.String)).select(
        name="canonical", species=text, genus=text, author="authorship", kingdom=text, family=text
    )
    found = checklist.match(asked)
    if found["level"].item() != "name" or found["match_type"].item() == "AMBIGUOUS":
        return {}
    row = checklist.accepted(found["taxon"]).row(0, named=True)
    return {rank: row[rank] for rank in lists.GROUPS if row[rank]}


def _nearest_statuses(taxa: pl.DataFrame, names: list[str], groups: dict[str, str]) -> pl.DataFrame:
    """Return what lists say of a taxon: of each list, kind and area what it says of the name itself, else of the lowest group."""
    level = dict.fromkeys(names, 0) | {group.casefold(): n for n, group in enumerate(groups.values(), start=1)}
    same = pl.col("kingdom").is_null() | (kingdom(pl.col("kingdom")) == kingdom(pl.lit(groups.get("kingdom"))))
    bare = pl.col("scientificName").str.to_lowercase()
    listed = taxa.filter(bare.is_in(names) | (bare.is_in(list(level)) & same))
    found = lists.statuses(listed).with_columns(level=bare.replace_strict(level, return_dtype=pl.Int64))
    nearest = pl.col("level") == pl.col("level").min().over("checklist", "kind", "area")
    return found.filter(nearest).sort(pl.col("area") != lists.GLOBAL, "kind", "area", "year", "scientificName")


def _rule_values(rule: Rule) -> dict[str, Any]:
    """Return what is stated of a rule."""
    return {
        "rule_id": rule.rule_id,
        "category": str(rule.category),
        "source": rule.source,
        "source_kind": None if rule.source_kind is None else str(rule.source_kind),
        "country": rule.country_code,
        "reason": rule.reason,
    }


@dataclass(frozen=True, slots=True)
class FiguresReport:
    """Figures of a species, what they were made of, and their shapes.

    Attributes
    ----------
    figures : SpeciesFigures
    occupancy : dict
        By country: cells with effort and the species, with effort without it, without effort; their naive share.
    facts : dict
        View, snapshot, rules, category, request, as plain values.
    category : SharingCategory
    """

    figures: "SpeciesFigures"
    occupancy: dict[str, Any]
    facts: dict[str, Any]
    category: SharingCategory

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**self.figures.to_dict(), **self.facts, "observed_occupancy": self.occupancy}

    def layers(self) -> "dict[str, gpd.GeoDataFrame]":
        """Return cells and hulls as layers, each row with the facts that it must name."""
        import geopandas as gpd

        from biodata.analysis.species.ranges import OccupiedArea

        named = {
            "species": self.figures.species,
            **{name: self.facts[name] for name in ("evidence_view", "snapshot", "sharing_category")},
            **{name: self.figures.facts[name] for name in ("boundary_set", "boundary_version", "viewpoint", "band_m")},
        }
        parts = {"all": self.figures.joint, **self.figures.by_country}
        hulls = [
            {
                **named, "of": code, "bound": "at most" if part.bounds else "", "records": part.records,
                "hull_km2": part.extent.hull_km2, "geometry": part.extent.polygon(),
            }
            for code, part in parts.items()
        ]  # fmt: skip
        out = {"extent": gpd.GeoDataFrame(hulls, geometry="geometry", crs=4326)}
        occupied = self.figures.joint.occupied
        if isinstance(occupied, OccupiedArea):
            cells = occupied.polygons()
            out["occupied_cells"] = gpd.GeoDataFrame([named] * len(cells), geometry=list(cells), crs=4326)
        return out


def figures_of(settings: Settings, request: SpeciesExtent, *, occupancy: bool = True) -> FiguresReport:
    """Return figures of a species of an installation.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : SpeciesExtent
    occupancy : bool
        Tell observed occupancy too, for which the records of other species are read.

    Raises
    ------
    InputError
        If there is no record of the species in the view asked, or a parameter does not fit.
    """
    from biodata.analysis import evidence
    from biodata.analysis.grid import equal_area_grid, refuse_more
    from biodata.analysis.species.figures import species_figures, usable

    read = species_records(settings, request, species=request.species)
    own = read.counted(read.records, cell_m=request.max_uncertainty_m)
    figures = species_figures(own, request.species, boundaries=read.boundaries, cell_m=request.cell_m)
    shares: dict[str, Any] = {}
    category = read.category
    used = usable(own, request.species)
    if occupancy and used.height:
        lon, lat = (used[name].to_numpy() for name in ("decimalLongitude", "decimalLatitude"))
        window = (float(lon.min()) - 0.1, float(lat.min()) - 0.1, float(lon.max()) + 0.1, float(lat.max()) + 0.1)
        grid = equal_area_grid(window, request.occupancy_cell_m)
        refuse_more(grid, MOST_CELLS, column="--occupancy-cell-m", expected="larger cells")
        around = species_records(settings, request, window=window)
        category = max(category, around.category, key=lambda one: one.strictness)
        counted = around.counted(around.records, cell_m=request.max_uncertainty_m)
        effort = evidence.effort(counted, request.species, grid=grid, boundaries=read.boundaries, known=read.records)
        shares = {
            "cell_m": request.occupancy_cell_m,
            "target_group": effort.facts["target_group"],
            "by_country": {code: _shares(cells) for code, cells in effort.by_side().items()},
        }
    asked = {
        "untold_uncertainty_m": request.untold_uncertainty_m, "keep_suspicious": request.keep_suspicious,
    }  # fmt: skip
    facts = {**read.facts, "sharing_category": str(category), "request": asked}
    return FiguresReport(figures, shares, facts, category)


def _shares(cells: dict[str, int]) -> dict[str, Any]:
    """Return the counts of cells, and the share of those with effort that hold a record; none where nobody was."""
    from biodata.analysis.evidence.effort import NOT_RECORDED, RECORDED

    with_effort = cells[RECORDED] + cells[NOT_RECORDED]
    return {**cells, "share_of_cells_with_effort": cells[RECORDED] / with_effort if with_effort else None}


@dataclass(frozen=True, slots=True)
class SpeciesFacts:
    """What is known of one taxon.

    Attributes
    ----------
    name, accepted_name, status, rank : str
        The name that was asked, and what it leads to: ACCEPTED or SYNONYM of the accepted name, its rank.
    classification : dict of rank to str
        Kingdom to genus; ranks that are not known are left out.
    source : str
        The list that it stands in: `biodata reference list`, or a checklist, with its version.
    since : str
        The list's version; of a checklist without one the day on which checklists last changed here.
    origin : str or None
        Where the reference list has the name from, if it is that list which says what the name is.
    taxon_id, gbif_key, col_key : str, int, str or None
        Keys, where the list has them.
    synonyms : list of str
        Other names of the taxon, in checklists and the reference list.
    common_names : list of dict
        `name`, `language`.
    lists, rules : list of dict
        As `statuses` tells them.
    """

    name: str
    accepted_name: str
    status: str
    rank: str | None
    classification: dict[str, str]
    source: str
    since: str
    origin: str | None
    taxon_id: str | None
    gbif_key: int | None
    col_key: str | None
    synonyms: list[str]
    common_names: list[dict[str, Any]]
    lists: list[dict[str, Any]]
    rules: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def species_facts(settings: Settings, name: str, *, of_kingdom: str | None = None) -> SpeciesFacts:
    """Return what an installation knows of a taxon.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        A scientific name, with or without authorship.
    of_kingdom : str, optional
        The kingdom that is meant where several have the name.

    Raises
    ------
    InputError
        If no list has the name (SPECIES_UNKNOWN), or it stands for several taxa (SPECIES_AMBIGUOUS).
    """
    parsed = parse_names(pl.Series([name], dtype=pl.String))
    canonical = parsed["canonical"].item()
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        taxa = lake.read("taxa")
        day = lake.snapshots().filter(pl.col("snapshot") == lake.changed_at("taxa"))["time"].to_list()
    checklist = Checklist(taxa)
    text = pl.lit(None, pl.String)
    asked = parsed.select(
        name="canonical", species=text, genus=text, author="authorship",
        kingdom=kingdom(pl.lit(of_kingdom, dtype=pl.String)), family=text,
    )  # fmt: skip
    found = checklist.match(asked)
    if found["match_type"].item() == "AMBIGUOUS":
        problem = "this name stands for several taxa"
        others = "; ".join(checklist.described(found["alternatives"]).item())
        raise InputError(
            problem, value=name, expected=f"--kingdom with that of one of them: {others}", code="SPECIES_AMBIGUOUS"
        )
    if canonical is None or found["taxon"].item() is None or found["level"].item() != "name":
        problem = "no list has this name"
        expected = "a scientific name; `biodata checklist find TEXT` looks for parts of names and common names"
        near = _near(canonical or name, pl.concat([taxa["scientificName"], reference_list().names["name"]]))
        if near:
            expected = f"{' or '.join(near)}, if that is meant, or {expected}"
        raise InputError(problem, value=name, expected=expected, code="SPECIES_UNKNOWN")
    taxon = checklist.accepted(found["taxon"]).row(0, named=True)
    listed = reference_list().look_up(pl.Series([canonical, taxon["scientificName"]]))
    same = pl.lit(taxon["kingdom"] is None) | (kingdom(pl.col("kingdom")) == kingdom(pl.lit(taxon["kingdom"])))
    listed = listed.filter(same & (pl.col("accepted") == taxon["scientificName"]))
    own_id = pl.lit(taxon["taxon_id"], dtype=pl.String)
    own = taxa.filter((pl.col("scientificName") == taxon["scientificName"]) & pl.col("taxon_id").eq_missing(own_id))
    reference = reference_list()
    from_list = taxon["checklist"] == reference.label
    ours = {taxon["scientificName"], canonical}
    beside = taxa.filter(pl.col("accepted_taxon_id") == own_id)
    synonyms = {*beside["scientificName"], *own["synonyms"].explode().drop_nulls(), *ours} | {
        other for row in listed["row"].unique() for other in reference.synonyms(row)
    }
    groups = {rank: taxon[rank] for rank in lists.GROUPS if taxon[rank]}
    status = statuses(settings, taxon["scientificName"], groups)
    version = own["checklist_version"].drop_nulls().to_list()
    return SpeciesFacts(
        name=canonical,
        accepted_name=taxon["accepted"],
        status=found["status"].item(),
        rank=taxon["taxonRank"],
        classification={rank: taxon[rank] for rank in CLASSIFICATION if taxon[rank]},
        source=taxon["checklist"],
        since=reference.version if from_list else version[0] if version else f"{day[0]:%Y-%m-%d}",
        origin=next(iter(listed.filter(name=canonical)["source"]), None) if from_list else None,
        taxon_id=taxon["taxon_id"],
        gbif_key=taxon["gbif_key"],
        col_key=taxon["col_key"],
        synonyms=sorted(synonyms - {taxon["scientificName"]}),
        common_names=_common_names(own, ours),
        lists=status.lists,
        rules=status.rules,
    )


def _common_names(own: pl.DataFrame, names: set[str]) -> list[dict[str, Any]]:
    """Return the common names of a taxon: of its checklists, then the bundled ones."""
    entries = [
        (row["name"], row["language"]) for text in own["vernacular_details"].drop_nulls() for row in orjson.loads(text)
    ]
    entries += [
        (row["name"], row["language"]) for row in read_rows("vernacular_names.csv") if row["scientificName"] in names
    ]
    return [{"name": name, "language": language} for name, language in dict.fromkeys(entries)]


def _near(name: str, names: pl.Series) -> list[str]:
    """Return at most three names that differ from a name by one or two letters, the nearest first."""
    length = names.str.len_chars().cast(pl.Int64)
    likely = names.filter(names.str.starts_with(name[:1]) & ((length - len(name)).abs() <= 2)).unique().sort()
    found = process.extract(name, likely.to_list(), scorer=OSA.distance, score_cutoff=2, limit=3)
    return [near for near, _, _ in found]
