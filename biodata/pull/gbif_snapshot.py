"""GBIF's monthly snapshots: Parquet files of everything, of a folder or a bucket, out of which a scope is taken.

https://github.com/gbif/occurrence/blob/master/aws-public-data.md. A snapshot has no registry beside it: datasets have no titles.
"""

import os
import re
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl
import pyarrow.parquet as pq
import shapely
from pyarrow import ArrowException, fs
from tqdm.auto import tqdm

from biodata.core.errors import InputError, RemoteError, shorten
from biodata.core.settings import Settings
from biodata.pipeline.report import IngestReport
from biodata.places import BoundarySet, province_geometry
from biodata.pull.gbif_scope import SPELLINGS, Scope, first_day
from biodata.pull.service import Counts, Source

_RANKS: Final = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
_PLACED: Final = ("decimallongitude", "decimallatitude")
_ASKED: Final = (*_RANKS, *_PLACED, "countrycode", "stateprovince", "year", "eventdate")
"""What decides whether a record is of a scope: read first; the others only where one is."""
_DOI: Final = re.compile(r"10\.\d{4,9}/\S*\w")


class Snapshot(Source):
    """The records of a scope in a snapshot.

    Parameters
    ----------
    place : str
        A folder, or `s3://BUCKET/PATH` of a public bucket.
    scope : Scope
        Taxa are names of GBIF's classification; a predicate is not understood.
    settings : Settings
    boundaries : BoundarySet
        Which has the shapes of provinces.
    progress : bool

    Raises
    ------
    InputError
        If there is no snapshot (FILE_MISSING), or the scope has a predicate or a key (OPTION_INVALID).
    """

    name, called, setting, owner = "gbif-snapshot", "the snapshot", "gbif_url", "gbif.org"
    licence = "CC0, CC BY or CC BY-NC, as each record states"

    def __init__(
        self, place: str, scope: Scope, settings: Settings, boundaries: BoundarySet, *, progress: bool = False
    ) -> None:
        super().__init__(settings, progress=progress)
        if scope.raw or any(re.search(r"\d", text) for text in scope.taxa):
            problem, expected = "a snapshot knows no predicates and no keys", "--taxon with a name, --country, --within"
            raise InputError(problem, column="--snapshot", expected=expected, code="OPTION_INVALID")
        self.place, self.scope, below = place, scope, place.removeprefix("s3://").rstrip("/")
        lands = [province_geometry(code, boundaries) for code in scope.provinces]
        self.provinces = shapely.union_all(lands) if lands else None
        self.files: Any = fs.LocalFileSystem()
        try:
            if place.startswith("s3://"):
                region = next(iter(re.findall(r"[a-z]{2}-[a-z]+-\d$", below.partition("/")[0])), None)
                mirror = os.environ.get("AWS_ENDPOINT_URL", "")
                scheme: Literal["http", "https"] = "http" if mirror.startswith("http://") else "https"
                host = mirror.partition("://")[2] or None
                self.files = fs.S3FileSystem(anonymous=True, region=region, scheme=scheme, endpoint_override=host)
            found = self.files.get_file_info(fs.FileSelector(below, recursive=True))
        except OSError as error:
            problem, expected = f"the snapshot cannot be read: {shorten(str(error))}", "a folder, or s3://BUCKET/PATH"
            raise InputError(problem, value=place, expected=expected, code="FILE_MISSING") from error
        self.parts = sorted((one.path, one.size) for one in found if ".parquet" in one.path and one.is_file)
        self.citation = next((one.path for one in found if one.base_name == "citation.txt"), None)
        if not self.parts:
            problem = "no file of a snapshot is there"
            raise InputError(problem, value=place, expected="Parquet files in occurrence.parquet", code="FILE_MISSING")

    def estimate(self) -> Counts:
        """Return how many files and megabytes are read through, and of a folder how many records are of the scope."""
        counts = {"files": len(self.parts), "MB, read through": round(sum(size for _, size in self.parts) / 1e6)}
        if isinstance(self.files, fs.LocalFileSystem):
            counts["records"] = sum(int(mask.sum()) for path, _ in self.parts for _, _, mask in self._masks(path))
        return counts

    def pull(self) -> list[IngestReport]:
        """Take the records of the scope in, file by file; a file that a run before read is not read again."""
        folder = self.folder(place=self.place, **self.scope.as_dict())
        folder.path.mkdir(parents=True, exist_ok=True)
        for number, (path, _) in enumerate(tqdm(self.parts, unit="file", disable=not self.progress), start=1):
            part = folder.path / f"page-{number:05}.parquet"
            if not part.exists():
                found = [
                    _as_text(file.read_row_group(n)).filter(mask) for file, n, mask in self._masks(path) if mask.any()
                ]
                new = part.with_suffix(".new")
                pl.concat([pl.DataFrame(), *found], how="diagonal").write_parquet(new)
                new.replace(part)
        records = pl.concat(map(pl.read_parquet, sorted(folder.path.glob("page-*.parquet"))), how="diagonal")
        if records.is_empty():
            self.raise_empty("no record of this scope", folder)
        records.write_csv(file := folder.path / "records.csv", separator="\t", quote_style="never")
        citation = self.files.open_input_stream(self.citation).read().decode() if self.citation else ""
        facts: dict[str, Any] = {"license": self.licence.split(","), "snapshot": self.place}
        facts |= (
            {"citation": " ".join(citation.split()), "doi": _DOI.findall(citation)[0]} if _DOI.search(citation) else {}
        )
        reports = self.take_in("gbif", file, [folder], "", **facts)
        file.unlink()
        return reports

    def _masks(self, path: str) -> Any:
        """Yield the file, the number of each of its groups of rows, and which of them are of the scope."""
        try:
            file = pq.ParquetFile(self.files.open_input_file(path))
            columns = [name for name in _ASKED if name in file.schema_arrow.names]
            if not {*_PLACED, "countrycode"} <= {*columns}:
                problem = "this is no file of a snapshot: decimallongitude, decimallatitude or countrycode is missing"
                raise InputError(problem, file=Path(path).name, code="HEADING_MISSING")
            for number in range(file.num_row_groups):
                rows = pl.DataFrame(pl.from_arrow(file.read_row_group(number, columns=columns)))
                yield file, number, self._wanted(rows)
        except (OSError, ArrowException) as error:
            msg = f"{Path(path).name} of the snapshot cannot be read: {shorten(str(error))}"
            raise RemoteError(msg) from error

    def _wanted(self, rows: pl.DataFrame) -> pl.Series:
        """Return which rows are of the scope."""
        scope, places = self.scope, list[pl.Expr]()
        if scope.countries:
            places.append(pl.col("countrycode").is_in([*scope.countries]))
        if self.provinces is not None:
            names = [name.lower() for code in scope.provinces for name in SPELLINGS[code]]
            unplaced = pl.col(_PLACED[0]).is_null() & (pl.col("countrycode") == "CN")
            named = unplaced & pl.col("stateprovince").str.to_lowercase().is_in(names)
            places += [pl.lit(_inside(self.provinces, rows)), named]
        wanted = reduce(or_, places) if places else pl.lit(value=True)
        if scope.taxa:
            wanted &= pl.any_horizontal(pl.col(name).is_in([*scope.taxa]) for name in _RANKS if name in rows.columns)
        if scope.since:
            later = pl.col("eventdate").cast(pl.String) >= str(first_day(scope.since))
            wanted &= pl.col("year") >= int(scope.since) if len(scope.since) == 4 else later
        if scope.within:
            wanted &= pl.lit(_inside(shapely.from_wkt(scope.within), rows))
        return rows.select(wanted=wanted.fill_null(value=False) & pl.lit(pl.Series([True] * rows.height))).to_series()


def _inside(area: Any, rows: pl.DataFrame) -> pl.Series:
    """Return which rows have their coordinates in an area."""
    shapely.prepare(area)
    longitudes, latitudes = (rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in _PLACED)
    return pl.Series(shapely.contains_xy(area, longitudes, latitudes))


def _as_text(table: Any) -> pl.DataFrame:
    """Return a table of a snapshot as text, as a simple download has it."""
    frame = pl.DataFrame(pl.from_arrow(table))
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.List):
            one = pl.element() if kind.inner == pl.String else pl.element().struct.field(kind.inner.fields[0].name)  # type: ignore[union-attr]
            frame = frame.with_columns(pl.col(name).list.eval(one).cast(pl.List(pl.String)).list.join(";"))
    return frame.select(pl.all().cast(pl.String).str.replace_all(r"[\t\r\n]+", " "))
