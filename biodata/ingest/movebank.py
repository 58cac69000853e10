"""Tracks of animals as Movebank exports them: event data as CSV, with its reference data where there are.

Names of columns: the Movebank Attribute Dictionary, https://www.movebank.org/cms/movebank-content/movebank-attribute-dictionary.
Timestamps there are in UTC. Where a tracked animal was is always withheld (`sharing.decide`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import delimited
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.table_headings import open_table
from biodata.ingest.tables import check_options, opener
from biodata.vocabularies import TRACKING_PROTOCOL

_OPTIONS: Final = frozenset({"encoding", "utc_offset"})
_PLACE: Final = ("location-long", "location-lat")
_WHO: Final = ("individual-local-identifier", "tag-local-identifier")
_UNCERTAINTY: Final = ("location-error-numerical", "argos:error-radius")
_MARKS: Final = ("manually-marked-outlier", "algorithm-marked-outlier", "import-marked-outlier")
_TIMESTAMP: Final = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?$"
_OFFSET: Final = r"^[+-]\d\d:\d\d$"
_FORMAT: Final = "%Y-%m-%d %H:%M:%S%.f"


class MovebankSource:
    """Tracking data in Movebank's columns.

    Parameters
    ----------
    paths : sequence of Path
        CSV files of event data (`timestamp`, `location-long`, `location-lat` and an identifier of the animal or its tag);
        one that has `animal-id` or `tag-id` and no `timestamp` is taken for the reference data of all of them.
    dataset : str, optional
        Key of the dataset that they belong to.
    options : mapping
        `encoding`, where the files' is not found; `utc_offset`, such as `+07:00`, where timestamps are in another zone
        than Movebank's UTC.
    """

    name: ClassVar[str] = "movebank"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no file was given"
            raise InputError(problem, expected="CSV files of Movebank", code="INPUT_MISSING")
        self.paths, self.dataset, self.progress = list(paths), dataset, progress
        self.options = check_options(options, _OPTIONS)
        offset = self.options.get("utc_offset", "+00:00")
        if pl.Series([offset]).str.contains(_OFFSET).not_().item():
            problem = "this is no offset from UTC"
            raise InputError(problem, column="utc_offset", value=offset, expected="as +07:00", code="OPTION_INVALID")
        self.offset = "Z" if offset in ("+00:00", "-00:00") else offset

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over one table a file of event data."""
        opened = [self._open(path) for path in self.paths]
        references = [table for table in opened if _is_reference(table.headings)]
        deployments = _deployments(references)
        events = [table for table in opened if not _is_reference(table.headings)]
        if not events:
            problem = "there is no event data, only reference data"
            raise InputError(
                problem, file=references[0].file, expected="a file with timestamps", code="HEADING_MISSING"
            )
        for table in events:
            yield self._table(table, deployments)

    def _open(self, path: Path) -> delimited.Delimited:
        """Open a file, its headings in Movebank's spelling."""
        table = open_table(opener(path), file=path.name, options=self.options)
        names = {heading: _spelt(heading) for heading in table.headings}
        if len(set(names.values())) < len(names):
            problem = "two columns have the same name"
            raise InputError(problem, file=path.name, row=1, value=", ".join(names), code="HEADING_REPEATED")
        table.batches = (batch.rename(names) for batch in table.batches)
        table.headings = tuple(names.values())
        return table

    def _table(self, table: delimited.Delimited, deployments: pl.DataFrame | None) -> VerbatimTable:
        """Return one file of event data."""
        for heading in ("timestamp", *_PLACE):
            if heading not in table.headings:
                problem = "a column of Movebank's is missing"
                raise InputError(problem, file=table.file, row=1, column=heading, code="HEADING_MISSING")
        if not set(_WHO) & set(table.headings):
            problem = "nothing tells the animals apart"
            raise InputError(
                problem, file=table.file, row=1, column=_WHO[0], expected=" or ".join(_WHO), code="HEADING_MISSING"
            )
        first = next(table.batches, None)
        title = None
        if first is not None and "study-name" in first.columns:
            title = next(iter(first["study-name"].drop_nulls()), None)
        refusals = table.refusals
        return VerbatimTable(
            kind="occurrences",
            name=table.file,
            dataset=DatasetInfo(self.dataset, title=title),
            batches=self._batches(first, table, deployments, refusals),
            refusals=refusals,
        )

    def _batches(
        self,
        first: pl.DataFrame | None,
        table: delimited.Delimited,
        deployments: pl.DataFrame | None,
        refusals: list[Refusal],
    ) -> Iterator[pl.DataFrame]:
        """Yield the fixes that are used; the others are refused with their reason."""
        seen = pl.DataFrame(schema={"track": pl.String, "at": pl.Datetime("us")})
        batch = first
        while batch is not None:
            frame = _with_all(batch, deployments)
            reasons = _reasons(frame)
            again = _repeated(frame.select("track", "at"), reasons["code"].is_null(), seen)
            frame = frame.with_columns(
                code=pl.select(pl.when(again).then(pl.lit("FIX_REPEATED")).otherwise(reasons["code"])).to_series(),
                about=reasons["about"],
            )
            refusals += _refusals(frame, table.file)
            kept = frame.filter(pl.col("code").is_null())
            seen = pl.concat([seen, kept.select("track", "at")])
            yield _occurrences(kept, table.file, self.offset)
            batch = next(table.batches, None)


def _spelt(heading: str) -> str:
    """Return a heading as Movebank's CSV spells it: its API writes location_long, older exports argos:lc."""
    return heading.strip().strip("\ufeff").lower().replace("_", "-").replace(" ", "-")


def _is_reference(headings: Sequence[str]) -> bool:
    """Tell whether a file is reference data: of animals, tags and deployments."""
    return "timestamp" not in headings and bool({"animal-id", "tag-id"} & set(headings))


def _deployments(tables: Sequence[delimited.Delimited]) -> pl.DataFrame | None:
    """Return animals and tags with what is told of them; None without reference data."""
    columns = (
        "animal-id",
        "tag-id",
        "animal-taxon",
        "animal-sex",
        "animal-life-stage",
        "deploy-on-date",
        "deploy-off-date",
    )
    frames = [
        _filled(batch, columns).select(columns).with_columns(pl.all().cast(pl.String))
        for table in tables
        for batch in table.batches
    ]
    if not frames:
        return None
    known = pl.concat(frames)
    return known.with_columns(start=_moment(pl.col("deploy-on-date")), end=_moment(pl.col("deploy-off-date"))).unique(
        maintain_order=True
    )


def _filled(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return a frame with these columns, empty where they were not there."""
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(c) for c in columns if c not in frame.columns)


def _moment(text: pl.Expr) -> pl.Expr:
    """Return a timestamp as a moment; null where it is none."""
    plain = text.str.replace("T", " ").str.strip_suffix("Z")
    whole = pl.when(plain.str.len_chars() == 16).then(plain + ":00").otherwise(plain)
    return whole.str.to_datetime(_FORMAT, strict=False, time_unit="us")


def _with_all(batch: pl.DataFrame, deployments: pl.DataFrame | None) -> pl.DataFrame:
    """Add the track, the moment, and what the reference data tell."""
    names = ("event-id", "visible", *_WHO, *_UNCERTAINTY, *_MARKS, "sensor-type", "individual-taxon-canonical-name",
             "study-name")  # fmt: skip
    who, tag = _WHO
    frame = _filled(batch, names).with_columns(
        track=pl.concat_str(
            pl.coalesce(who, pl.lit("tag ") + pl.col(tag)), pl.col(tag), separator="/", ignore_nulls=True
        ),
        at=pl.when(pl.col("timestamp").str.contains(_TIMESTAMP)).then(_moment(pl.col("timestamp"))),
    )
    facts = {"taxon": "animal-taxon", "sex": "animal-sex", "lifeStage": "animal-life-stage"}
    if deployments is None:
        return frame.with_columns(
            *(pl.lit(None, dtype=pl.String).alias(name) for name in facts), deployed=pl.lit(value=True)
        )
    frame = frame.with_row_index("fix")
    pairs = _pairs(frame, deployments)
    inside = (pl.col("at") >= pl.col("of start")).fill_null(value=True) & (pl.col("at") <= pl.col("of end")).fill_null(
        value=True
    )
    of_fix = (
        pairs.with_columns(inside=inside)
        .sort("fix", "inside", descending=[False, True], maintain_order=True)
        .group_by("fix", maintain_order=True)
        .agg(
            *(pl.col(f"of {column}").first().alias(name) for name, column in facts.items()),
            deployed=pl.col("inside").any(),
        )
    )
    return (
        frame.join(of_fix, on="fix", how="left", maintain_order="left")
        .with_columns(pl.col("deployed").fill_null(value=True))
        .drop("fix")
    )


def _pairs(frame: pl.DataFrame, deployments: pl.DataFrame) -> pl.DataFrame:
    """Return fixes beside the deployments of their animal, or of their tag where no animal is told."""
    who, tag = _WHO
    told = deployments.select(pl.all().name.prefix("of "))
    fixes = frame.select("fix", who, tag, "at")
    by_animal = fixes.drop_nulls(who).join(told, left_on=who, right_on="of animal-id", how="inner", coalesce=False)
    same_tag = (pl.col("of tag-id") == pl.col(tag)).fill_null(value=True)
    by_tag = fixes.filter(pl.col(who).is_null()).join(
        told, left_on=tag, right_on="of tag-id", how="inner", coalesce=False
    )
    return pl.concat([by_animal.filter(same_tag), by_tag.select(by_animal.columns)])


def _reasons(frame: pl.DataFrame) -> pl.DataFrame:
    """Return why a fix is left out, and the column that says so; null for one that is used."""

    def false(name: str) -> pl.Expr:
        return pl.col(name).str.to_lowercase() == "false"

    def true(name: str) -> pl.Expr:
        return (pl.col(name).str.to_lowercase() == "true").fill_null(value=False)

    place = [pl.col(name).cast(pl.Float64, strict=False) for name in _PLACE]
    checks = [
        ("TIMESTAMP_INVALID", "timestamp", pl.col("at").is_null()),
        ("ANIMAL_MISSING", _WHO[0], pl.col("track").is_null() | (pl.col("track") == "")),
        ("LOCATION_MISSING", _PLACE[0], pl.any_horizontal(one.is_null() for one in place)),
        ("FIX_NOT_VISIBLE", "visible", false("visible")),
        *(("FIX_MARKED_OUTLIER", name, true(name)) for name in _MARKS),
        ("OUTSIDE_DEPLOYMENT", "timestamp", ~pl.col("deployed")),
    ]
    code, about = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
    for name, column, wrong in reversed(checks):
        code = pl.when(wrong.fill_null(value=False)).then(pl.lit(name)).otherwise(code)
        about = pl.when(wrong.fill_null(value=False)).then(pl.lit(column)).otherwise(about)
    return frame.select(code=code, about=about)


_WHY: Final = MappingProxyType(
    {
        "TIMESTAMP_INVALID": "no timestamp as 2024-01-31 06:00:00.000 (UTC)",
        "ANIMAL_MISSING": "neither animal nor tag is told",
        "LOCATION_MISSING": "no location is told, as with measurements of acceleration",
        "FIX_NOT_VISIBLE": "Movebank does not show this location: it is marked as an outlier or a test",
        "FIX_MARKED_OUTLIER": "it is marked as an outlier",
        "OUTSIDE_DEPLOYMENT": "the tag was not on the animal then, by the reference data",
        "FIX_REPEATED": "the same animal and tag at the same moment once more",
    }
)


def _refusals(frame: pl.DataFrame, file: str) -> list[Refusal]:
    """Return the fixes that are left out, each with its reason."""
    out = []
    for row in frame.filter(pl.col("code").is_not_null()).iter_rows(named=True):
        column = row["about"] or "timestamp"
        out.append(Refusal(file, row["source_row"], column, row.get(column), row["code"], _WHY[row["code"]]))
    return out


def _repeated(fixes: pl.DataFrame, used: pl.Series, seen: pl.DataFrame) -> pl.Series:
    """Tell which of the used fixes were there before, in this batch or an earlier one."""
    of_used = fixes.with_row_index("row").filter(used)
    known = of_used.join(seen.unique(), on=["track", "at"], how="semi")["row"]
    first = of_used.filter(pl.struct("track", "at").is_first_distinct())["row"]
    rows = of_used["row"]
    again = rows.filter(rows.is_in(known.implode()) | ~rows.is_in(first.implode()))
    return pl.Series(range(fixes.height), dtype=pl.UInt32).is_in(again.implode())


def _occurrences(frame: pl.DataFrame, file: str, offset: str) -> pl.DataFrame:
    """Return fixes under Darwin Core's terms; Movebank's own columns stay beside them."""
    clock = pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%S")
    own = [c for c in frame.columns if c not in ("source_row", "track", "at", "taxon", "sex", "lifeStage", "deployed",
                                                 "code", "about", *_PLACE)]  # fmt: skip
    told = [name for name in own if frame[name].null_count() < frame.height]
    identifier = pl.coalesce("event-id", pl.concat_str("track", "timestamp", separator="@"))
    return frame.select(
        pl.lit(file).alias("source_file"),
        "source_row",
        (pl.lit("movebank:") + identifier).alias("occurrenceID"),
        pl.coalesce(_WHO[0], pl.lit("tag ") + pl.col(_WHO[1])).alias("organismID"),
        pl.col("track").alias("parentEventID"),
        (clock + pl.lit(offset)).alias("eventDate"),
        pl.col(_PLACE[0]).alias("decimalLongitude"),
        pl.col(_PLACE[1]).alias("decimalLatitude"),
        pl.coalesce(_UNCERTAINTY).alias("coordinateUncertaintyInMeters"),
        pl.coalesce("individual-taxon-canonical-name", "taxon").alias("scientificName"),
        "sex",
        "lifeStage",
        pl.lit("MachineObservation").alias("basisOfRecord"),
        pl.concat_str(pl.lit(TRACKING_PROTOCOL), "sensor-type", separator=": ", ignore_nulls=True).alias(
            "samplingProtocol"
        ),
        pl.lit("WGS84").alias("geodeticDatum"),
        *told,
    )
