"""What an installation knows of a species or another taxon: what it is, since when, from which source."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.errors import InputError
from biodata.harmonise.checklists import Checklist
from biodata.settings import Settings
from biodata.species_layers.statuses import statuses
from biodata.store.lake import Lake
from biodata.text.matcher import kingdom
from biodata.text.reference_list import CLASSIFICATION, reference_list
from biodata.text.scientific_names import parse_names
from biodata.text.tables import read_rows


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
        name="canonical",
        species=text,
        genus=text,
        author="authorship",
        kingdom=kingdom(pl.lit(of_kingdom, dtype=pl.String)),
        family=text,
    )
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
    status = statuses(settings, taxon["scientificName"])
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
    told = [
        (row["name"], row["language"]) for text in own["vernacular_details"].drop_nulls() for row in orjson.loads(text)
    ]
    told += [
        (row["name"], row["language"]) for row in read_rows("vernacular_names.csv") if row["scientificName"] in names
    ]
    return [{"name": name, "language": language} for name, language in dict.fromkeys(told)]


def _near(name: str, names: pl.Series) -> list[str]:
    """Return at most three names that differ from a name by one or two letters, the nearest first."""
    length = names.str.len_chars().cast(pl.Int64)
    likely = names.filter(names.str.starts_with(name[:1]) & ((length - len(name)).abs() <= 2)).unique().sort()
    found = process.extract(name, likely.to_list(), scorer=OSA.distance, score_cutoff=2, limit=3)
    return [near for near, _, _ in found]
