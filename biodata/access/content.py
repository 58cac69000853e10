r"""What an answer says, as one hash: the canonical line of each published record, and what is kept of an answer.

The column set has a name and a version; its columns and this description of a line never change under that name:

- A record is one line of UTF-8: its columns in the order of the set, a tab between two, no line end.
- A missing value is ``\N``. In text, a backslash, a tab, a line feed and a carriage return are ``\\``, ``\t``,
  ``\n``, ``\r``. A whole number is decimal digits; true and false are ``t`` and ``f``; a day is ``YYYY-MM-DD``.
- A number with a fraction is the decimal form of its 64 bits (IEEE 754, as a signed whole number), so that no library's
  way of writing digits plays a part; minus zero is zero, and what is no number is missing.
- A list is its members, each written as text with ``,`` as ``\,``, a comma after each, in ``{}``; then as text.
- The hash of a record is the SHA-256 of its line; that of an answer is the SHA-256 of the name of the set, a line feed,
  and the 32 bytes of each record's hash in the order of the records' keys.
- What is kept and stated of both is their HMAC-SHA-256 with a secret of the installation. A record that is open today may
  be hidden tomorrow: by a plain hash, and all that is still stated of it, its place could be found by trying.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.core import terms
from biodata.store import checksums, duck, folders
from biodata.store.duck import literal
from biodata.store.folders import citation_secret
from biodata.store.locks import sync_file, sync_folder
from biodata.store.staging import WorkFolder, write_part

ALGORITHM: Final = "HMAC-SHA-256"
COLUMN_SET: Final = "occurrence-2"
"""The set that today's citations are made with."""

COLUMN_SETS: Final = MappingProxyType(
    {
        COLUMN_SET: tuple(
            """
            key datasetKey gbifID occurrenceID basisOfRecord occurrenceStatus establishmentMeans individualCount
            organismQuantity organismQuantityType sex lifeStage typeStatus scientificName acceptedScientificName kingdom
            phylum class order family genus species genericName specificEpithet infraspecificEpithet taxonRank
            taxonomicStatus taxonKey speciesKey taxon_id checklist col_key match_type match_confidence match_note
            match_alternatives iucnRedListCategory eventDate event_start event_end event_precision event_time event_zone
            year month day decimalLatitude decimalLongitude geodeticDatum coordinateUncertaintyInMeters
            coordinatePrecision elevation elevationAccuracy depth depthAccuracy countryCode stateProvince province_code
            border_distance_m ambiguous country_codes locality habitat recordedBy identifiedBy institutionCode
            collectionCode catalogNumber recordNumber otherCatalogNumbers organismID eventID parentEventID
            samplingProtocol occurrenceRemarks references license rightsHolder publishingOrgKey publishingCountry
            mediaType lastInterpreted informationWithheld dataGeneralizations quality_flags source_issues
            sharing_category sharing_rule cell_west cell_south cell_east cell_north isInCluster clusterRepresentative
            cluster_id cluster_reason
            """.split()
        )
    }
)
"""The columns of each set, in order; a set never changes, and a column that is new since then is in none of the older ones."""

RELATIVE_COLUMNS: Final = frozenset(
    {
        "quality_flags", "isInCluster", "clusterRepresentative", "cluster_id", "cluster_reason",
    }
)  # fmt: skip
"""Columns that can change because of other records."""

BATCH_ROWS: Final = 50_000
MEMBER: Final = pl.Schema(
    {
        "key": pl.Int64, "hash": pl.Binary, "whole": pl.UInt64, "own": pl.UInt64, "category": pl.String,
        "dataset": pl.String,
    }
)  # fmt: skip
"""What is known of each record of an answer: its hash, which is not kept; and 64 bits of its HMAC, and of that of its
hash without `TOLD_BY_OTHERS`."""

_ESCAPES: Final = MappingProxyType({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_MISSING: Final = "\\N"


@dataclass(frozen=True, slots=True)
class Content:
    """What an answer says.

    Attributes
    ----------
    hash : str
        Hexadecimal.
    columns : str
        Name of the column set.
    count : int
        Records.
    datasets : dict of str to int
        Records of each dataset; records without one count as ``""``.
    """

    hash: str
    columns: str
    count: int
    datasets: dict[str, int]
    algorithm: str = ALGORITHM

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return asdict(self)


def members_path(data: Path, content_hash: str) -> Path:
    """Return the file that keeps which records a cited answer had."""
    return folders.service(data) / "citations" / members_name(content_hash)


def members_name(content_hash: str) -> str:
    """Return the name of the file that keeps which records an answer had."""
    return f"members-{content_hash}.parquet"


def lines(frame: pl.DataFrame, column_set: str) -> pl.DataFrame:
    """Return the canonical line of each record.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Published records.
    column_set : str
        Of `COLUMN_SETS`.

    Returns
    -------
    polars.DataFrame of n rows
        `whole`, and `own`: the same without the columns of `TOLD_BY_OTHERS`.
    """
    columns = COLUMN_SETS[column_set]
    table = frame.select(_text(name, frame.schema[name]).fill_null(_MISSING).alias(name) for name in columns)
    return table.select(
        whole=pl.concat_str(columns, separator="\t"),
        own=pl.concat_str([name for name in columns if name not in RELATIVE_COLUMNS], separator="\t"),
    )


def members(frame: pl.DataFrame, column_set: str, key: bytes) -> pl.DataFrame:
    """Return what is known of published records; see `MEMBER`. `key` is `secret.citation_secret`."""
    table = lines(frame, column_set)
    whole, own = ([hashlib.sha256(line.encode()).digest() for line in table[name]] for name in ("whole", "own"))
    return pl.DataFrame(
        {
            "key": frame["key"],
            "hash": pl.Series(whole, dtype=pl.Binary),
            "whole": pl.Series([_mark(h, key) for h in whole], dtype=pl.UInt64),
            "own": pl.Series([_mark(h, key) for h in own], dtype=pl.UInt64),
            "category": frame["sharing_category"],
            "dataset": frame["datasetKey"].fill_null(""),
        },
        schema=MEMBER,
    )


def gather(
    frames: Iterable[pl.DataFrame], data: Path, column_set: str = COLUMN_SET, *, into: Path | None = None
) -> Content:
    """Hash an answer of any size, and keep which records it had.

    Parameters
    ----------
    frames : iterable of polars.DataFrame
        Its published records in any order, in frames of any size.
    data : Path
        The installation's folder.
    column_set : str
        Of `COLUMN_SETS`.
    into : Path, optional
        A folder for the list of its records; where none is given it is kept for good, as that of a citation.

    Raises
    ------
    StoreError
        If there is no room.
    """
    key = citation_secret(data)
    with WorkFolder(folders.service(data) / "staging") as work:
        parts: list[Path] = []
        for frame in frames:
            parts.append(work.folder / f"members-{len(parts):06d}.parquet")
            write_part(members(frame, column_set, key), parts[-1], row_group_rows=BATCH_ROWS)
        content, unnamed = _sorted(parts, data, work.folder, column_set, key)
        if into is not None:
            unnamed.replace(into / members_name(content.hash))
        else:
            keep(data, unnamed, content.hash)
        return content


def gather_small(frame: pl.DataFrame, data: Path, column_set: str = COLUMN_SET) -> Content:
    """Hash an answer that is in memory; see `gather`."""
    key = citation_secret(data)
    table = members(frame, column_set, key).sort("key")
    content = _content([table], column_set, key)
    if not members_path(data, content.hash).exists():
        with WorkFolder(folders.service(data) / "staging") as work:
            unnamed = work.folder / "members.parquet"
            write_part(table.drop("hash"), unnamed, compression="zstd", row_group_rows=BATCH_ROWS)
            keep(data, unnamed, content.hash)
    return content


def _sorted(parts: list[Path], data: Path, work: Path, column_set: str, key: bytes) -> tuple[Content, Path]:
    """Sort what was written by key and hash it in that order; return both."""
    files = ", ".join(literal(str(part)) for part in parts)
    listed = f"read_parquet([{files}])" if parts else ""
    unnamed = work / "members.parquet"
    with duck.workshop(spill=folders.service(data) / "tmp", memory_limit="500MB") as connection:
        if not parts:
            pl.DataFrame(schema=MEMBER).drop("hash").write_parquet(unnamed)
            content = _content([], column_set, key)
        else:
            connection.execute(f"SELECT * FROM {listed} ORDER BY key")  # noqa: S608 - our own file names, quoted
            frames = (pl.DataFrame(pl.from_arrow(batch)) for batch in connection.to_arrow_reader(BATCH_ROWS))
            content = _content(frames, column_set, key)
            connection.execute(
                f"COPY (SELECT * EXCLUDE hash FROM {listed} ORDER BY key) TO {literal(str(unnamed))} "  # noqa: S608
                "(FORMAT parquet, COMPRESSION zstd)"
            )
    return content, unnamed


def _content(frames: Iterable[pl.DataFrame], column_set: str, key: bytes) -> Content:
    """Return the content of members in the order of their keys."""
    digest = hashlib.sha256(f"{column_set}\n".encode())
    count, datasets = 0, dict[str, int]()
    for frame in frames:
        for found in frame["hash"]:
            digest.update(found)
        count += frame.height
        for name, number in frame.group_by("dataset").len().iter_rows():
            datasets[name] = datasets.get(name, 0) + number
    return Content(hmac.digest(key, digest.digest(), "sha256").hex(), column_set, count, dict(sorted(datasets.items())))


def _mark(found: bytes, key: bytes) -> int:
    return int.from_bytes(hmac.digest(key, found, "sha256")[:8])


def keep(data: Path, unnamed: Path, content_hash: str) -> None:
    """Keep the list of a cited answer's records, durably, with its checksum; one that is there already stays."""
    path = members_path(data, content_hash)
    path.parent.mkdir(parents=True, exist_ok=True)
    sync_file(unnamed)
    with suppress(FileExistsError):
        path.hardlink_to(unnamed)
        sync_folder(path.parent)
        own = folders.service(data)
        checksums.record(own, {str(path.relative_to(own)): path})


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as canonical text; see the module's description."""
    column = pl.col(name)
    if dtype == pl.List(pl.String):
        each = pl.element().str.replace_many(["\\", ","], ["\\\\", "\\,"]).fill_null(_MISSING) + ","
        inside = column.list.eval(each).list.join("")
        return _escaped(pl.when(column.is_not_null()).then("{" + inside + "}"))
    if dtype == pl.String:
        return _escaped(column)
    if dtype == pl.Boolean:
        return pl.when(column).then(pl.lit("t")).when(~column).then(pl.lit("f"))
    if dtype.is_float():
        number = column.cast(pl.Float64)
        plain = pl.when(number == 0).then(0.0).when(number.is_nan()).then(None).otherwise(number)
        return plain.map_batches(_bits, return_dtype=pl.Int64).cast(pl.String)
    if dtype == pl.Date:
        return column.dt.strftime("%Y-%m-%d")
    return column.cast(pl.Int64).cast(pl.String)


def _bits(numbers: pl.Series) -> pl.Series:
    """Return the 64 bits of each number as a signed whole number; missing stays missing."""
    bits = pl.Series(numbers.fill_null(0.0).to_numpy().copy().view("int64"))
    return bits.set(numbers.is_null(), None)


def _escaped(column: pl.Expr) -> pl.Expr:
    return column.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))


def published_frames(batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Give frames with the columns of published occurrences, whatever order and types they came in."""
    for batch in batches:
        yield terms.conform(batch, terms.PUBLISHED_OCCURRENCE)
