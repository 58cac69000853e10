"""Names that a release knows: those of its records, its checklists and their common names, and matching with them."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

import orjson
import polars as pl

from biodata.core import grouped
from biodata.store.query.filters import Contains, Filter, In, IsNull, Not, Or, Value
from biodata.store.reader import OpenRelease
from biodata.text.vernaculars import folded

RANKS: Final = ("KINGDOM", "PHYLUM", "CLASS", "ORDER", "FAMILY", "GENUS", "SPECIES")
"""The ranks that records have a column of."""

BUNDLED: Final = "bundled"
"""In the place of a checklist, for names that come with the product."""

COMMON_TAXA: Final = 300
"""Taxa that one text of a common name may mean."""

_UPPER_RANKS: Final = RANKS[:-1]
_EVERY: Final = 20_000_000
_AT_ONCE: Final = 200
_TAXON: Final = ("checklist", "taxon_id", "accepted_taxon_id", "taxonRank", "scientificName")
_RECORDED: Final = ("scientificName", "acceptedScientificName", *(rank.lower() for rank in RANKS))


class Names:
    """The names of one release.

    Parameters
    ----------
    release : OpenRelease
        The release.
    """

    def __init__(self, release: OpenRelease) -> None:
        self._release = release

    def common(self, text: str) -> Filter:
        """Return the filter for the records of taxa that have a common name with a text; no record for none."""
        rows = self.with_common_name(text).head(COMMON_TAXA).rows(named=True)
        return _of_taxa(rows, {row["accepted_taxon_id"] for row in rows if row["accepted_taxon_id"]})

    def with_common_name(self, text: str) -> pl.DataFrame:
        """Return the taxa that have a common name with a text, whole names first; letter case and marks do not matter."""
        wanted = folded(text)
        if not wanted:
            return self._common.clear()
        found = self._common.filter(pl.col("folded").str.contains(wanted, literal=True))
        found = found.sort(
            pl.col("folded") != wanted, pl.col("folded").str.len_chars(), "taxon_id", maintain_order=True
        )
        return found.unique(["checklist", "taxon_id"], keep="first", maintain_order=True)

    def recorded_with(self, text: str) -> list[tuple[str, str]]:
        """Return rank and name of what records are of whose name, or bundled common name, holds a text.

        Names that begin with the text come first, then species before what is above them.
        """
        wanted = text.strip().lower()
        called = set(self.with_common_name(text)["scientificName"])
        found = {
            (column.upper(), value)
            for name, places in self._recorded[0].items()
            for column, value in places
            if column.upper() in RANKS and wanted and (wanted in name or value in called)
        }
        return sorted(found, key=lambda one: (not one[1].lower().startswith(wanted), -RANKS.index(one[0]), one[1]))

    def listed(self, names: Sequence[str]) -> tuple[Filter, list[str]]:
        """Return the filter for the records of a list of names with all below them, and the names that are not known.

        Parameters
        ----------
        names : sequence of str
            Scientific names with or without author, or whole common names; synonyms lead to their taxon.
        """
        from biodata.text.scientific_names import parse_names

        canonical = parse_names(pl.Series(names, dtype=pl.String))["canonical"].to_list()
        spelt = {name: {name.lower(), (bare or name).lower()} for name, bare in zip(names, canonical, strict=True)}
        every = sorted({text for texts in spelt.values() for text in texts})
        taxa = self._taxa_called(every)
        by_name = grouped((text, row) for row in taxa for text in row["called"])
        values: dict[str, set[Value]] = {}
        found: list[dict[str, Any]] = []
        unknown = []
        for name, texts in spelt.items():
            rows = [row for text in texts for row in by_name.get(text, ())]
            rows = rows or [
                row for row in self.with_common_name(name).rows(named=True) if row["folded"] == folded(name)
            ]
            recorded = [pair for text in texts for pair in self._recorded_as(text)]
            for column, value in recorded:
                values.setdefault(column, set()).add(value)
            found += rows
            if not rows and not recorded:
                unknown.append(name)
        accepted = {row["accepted_taxon_id"] for row in found if row["accepted_taxon_id"]}
        of_taxa = _of_taxa([*found, *self._rows("taxon_id", sorted(accepted))], accepted)
        return Or((*(In(column, tuple(sorted(stated))) for column, stated in values.items()), of_taxa)), unknown

    def _taxa_called(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return the taxa that have one of the names, small letters, as theirs or among their other names."""
        rows = self._rows("scientificName", names, ignore_case=True)
        for row in rows:
            row["called"] = {row["scientificName"].lower()}
        missing = sorted(set(names) - {text for row in rows for text in row["called"]})
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            # Other names are told as they are written: a capital, then small letters.
            filter_ = Or(tuple(Contains("synonyms", text[:1].upper() + text[1:]) for text in part))
            page = self._release.page("taxa", filter_, (*_TAXON, "synonyms"), limit=_EVERY)
            for values in page.rows:
                row = dict(zip((*_TAXON, "synonyms"), values, strict=True))
                row["called"] = {name.lower() for name in row.pop("synonyms")}
                rows.append(row)
        return rows

    def _rows(self, column: str, values: Sequence[Value], *, ignore_case: bool = False) -> list[dict[str, Any]]:
        """Return the taxa that have one of the values."""
        if not values:
            return []
        page = self._release.page("taxa", In(column, tuple(values), ignore_case), _TAXON, limit=_EVERY)
        return [dict(zip(_TAXON, row, strict=True)) for row in page.rows]

    def _recorded_as(self, name: str) -> list[tuple[str, str]]:
        """Return the columns and values that records tell a name in; with author, too, and with what is below it."""
        whole, longer = self._recorded
        found = list(whole.get(name, ()))
        for column, values in longer.items():
            start = bisect_left(values, (f"{name} ",))
            while start < len(values) and values[start][0].startswith(f"{name} "):
                found.append((column, values[start][1]))
                start += 1
        return found

    @cached_property
    def _recorded(self) -> tuple[dict[str, list[tuple[str, str]]], dict[str, list[tuple[str, str]]]]:
        """The names of the records in small letters: where each stands, and those with more than one word in order."""
        whole: dict[str, list[tuple[str, str]]] = {}
        longer: dict[str, list[tuple[str, str]]] = {}
        for column in _RECORDED:
            for value, _ in self._release.facet("occurrences", None, column, limit=_EVERY):
                whole.setdefault(value.lower(), []).append((column, value))
                if column.endswith("cientificName"):
                    longer.setdefault(column, []).append((value.lower(), value))
        return whole, {column: sorted(values) for column, values in longer.items() if column == "scientificName"}

    @cached_property
    def _common(self) -> pl.DataFrame:
        """Every common name, folded, with its taxon."""
        columns = (*_TAXON, "vernacular_names", "vernacular_details")
        named = Or((Not(IsNull("vernacular_names")), Not(IsNull("vernacular_details"))))
        rows = []
        for row in self._release.frame("taxa", columns, named).iter_rows():
            texts = _common_names(row[-2], row[-1])
            rows += [(*row[:-2], folded(text)) for text in dict.fromkeys(texts)]
        schema = dict.fromkeys((*_TAXON, "folded"), pl.String)
        return pl.concat([pl.DataFrame(rows, schema=schema, orient="row"), _bundled_names()])


@cache
def _bundled_names() -> pl.DataFrame:
    """Return the common names that come with the product, as `Names._common` has them: a release may have no checklist.

    A name of one word is that of a genus or of any rank above, which no two taxa of the list share.
    """
    named = pl.read_csv(
        files("biodata").joinpath("data").joinpath("vernacular_names.csv").read_bytes(), infer_schema=False
    )
    of_species = pl.col("scientificName").str.contains(" ")
    ranks = pl.when(of_species).then(pl.lit(["SPECIES"])).otherwise(pl.lit(list(_UPPER_RANKS)))
    rows = (
        named.unique(["name", "scientificName"], maintain_order=True).with_columns(taxonRank=ranks).explode("taxonRank")
    )
    return rows.select(
        checklist=pl.lit(BUNDLED),
        taxon_id=pl.concat_str("taxonRank", pl.lit(" "), "scientificName"),
        accepted_taxon_id=pl.lit(None, pl.String),
        taxonRank="taxonRank",
        scientificName="scientificName",
        folded=pl.col("name").map_elements(folded, return_dtype=pl.String),
    )


def _common_names(names: str | None, details: str | None) -> list[str]:
    """Return the common names of a taxon."""
    lines = [str(name) for name in orjson.loads(names).values()] if names else []
    return lines + ([str(row["name"]) for row in orjson.loads(details)] if details else [])


def _of_taxa(rows: Iterable[dict[str, Any]], accepted: set[str]) -> Filter:
    """Return the filter for the records of taxa with all that lies below them."""
    # The name of a synonym may be the accepted name of something else: its taxon counts.
    by_rank = grouped(
        (row["taxonRank"].lower(), str(row["scientificName"]))
        for row in rows
        if row["taxonRank"] in RANKS and row["accepted_taxon_id"] in (None, row["taxon_id"])
    )
    parts: list[Filter] = [In(rank, tuple(sorted({*names}))) for rank, names in sorted(by_rank.items())]
    return Or((*parts, *([In("taxon_id", tuple(sorted(accepted)))] if accepted else [])))


class Matching:
    """Matches names to the checklists of one release, as an ingest does.

    Parameters
    ----------
    taxa : polars.DataFrame
        `terms.TAXON` of the release.
    """

    def __init__(self, taxa: pl.DataFrame) -> None:
        # Loaded at the first match: a service that is never asked for one does not need it.
        from biodata.harmonise.checklists import Checklist

        self._checklist = Checklist(taxa)

    def match(self, name: str, above: dict[str, str | None], author: str | None) -> dict[str, Any] | None:
        """Match one name.

        Parameters
        ----------
        name : str
            With or without author.
        above : dict of rank to name
            What is known of its classification.
        author : str, optional
            Its author where it stands apart.

        Returns
        -------
        dict or None
            What `Checklist.match` and `Checklist.accepted` tell, and `canonical`, the name without author; None where
            the text is no scientific name.
        """
        from biodata.text.matcher import kingdom
        from biodata.text.scientific_names import parse_names

        parsed = parse_names(pl.Series([name], dtype=pl.String))
        if parsed["canonical"].item() is None:
            return None
        asked = parsed.with_columns(
            *(pl.lit(above.get(rank), dtype=pl.String).alias(f"told_{rank}") for rank in ("kingdom", "family", "genus"))
        ).select(
            name="canonical",
            species=pl.when(pl.col("specific_epithet").is_not_null()).then(
                pl.concat_str("genus", "specific_epithet", separator=" ")
            ),
            genus=pl.coalesce("genus", "told_genus", "uninomial"),
            author=pl.coalesce("authorship", pl.lit(author, dtype=pl.String)),
            kingdom=kingdom(pl.col("told_kingdom")),
            family=pl.col("told_family").str.to_titlecase(),
        )
        found = self._checklist.match(asked)
        accepted = self._checklist.accepted(found["taxon"])
        return {
            "canonical": parsed["canonical"].item(),
            **found.drop("taxon", "alternatives").row(0, named=True),
            **accepted.row(0, named=True),
        }
