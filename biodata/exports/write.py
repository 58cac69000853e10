"""Every format of an export by its name, and the one way in which a file is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from biodata.core.errors import InputError
from biodata.core.vocabularies import Format
from biodata.exports import archive, camtrapdp, geo_files, tables
from biodata.exports.request import ExportRequest, Facts, read_facts
from biodata.exports.selection import Selection, Step


class Writer(Protocol):
    """What writes a format."""

    def __call__(
        self, selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step
    ) -> Facts | None:
        """Write the file; return the facts with what the form left out, where it cannot hold everything."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a format.

    Attributes
    ----------
    suffix : str
        The end of its files' names.
    others : tuple of str
        Other ends that programs know such files by.
    media_type : str
        Its media type.
    meaning : str
        One sentence.
    write : Writer
        What writes it.
    """

    suffix: str
    media_type: str
    meaning: str
    write: Writer
    others: tuple[str, ...] = ()


KINDS: Final[Mapping[Format, Kind]] = MappingProxyType(
    {
        Format.DWCA: Kind("zip", "application/zip", "Darwin Core Archive with EML.", archive.write_archive),
        Format.CSV: Kind("csv", "text/csv", "GBIF's simple columns as CSV.", tables.write_simple_csv),
        Format.GEOPARQUET: Kind(
            "parquet", "application/vnd.apache.parquet", "GeoParquet 1.1.", geo_files.write_geoparquet, ("geoparquet",)
        ),
        Format.GPKG: Kind("gpkg", "application/geopackage+sqlite3", "GeoPackage.", geo_files.write_geopackage),
        Format.GEOJSON: Kind(
            "geojson", "application/geo+json", "GeoJSON, RFC 7946.", geo_files.write_geojson, ("json",)
        ),
        Format.SPECIES_LIST: Kind(
            "csv", "text/csv", "Every name with its number of records.", tables.write_species_list
        ),
        Format.CUBE: Kind("csv", "text/csv", "Records counted by taxon, year and grid cell.", tables.write_cube),
        Format.CAMTRAPDP: Kind(
            "zip", "application/zip", "Camtrap DP 1.0.2, the records of camera traps alone.", camtrapdp.write_camtrapdp
        ),
    }
)


def check_ending(file_format: Format, out: Path) -> None:
    """Refuse a name that other programs would take for a file of another format.

    Raises
    ------
    InputError
        If it ends otherwise than files of this format do (OUTPUT_KIND).
    """
    kind = KINDS[file_format]
    endings = [f".{ending}" for ending in (kind.suffix, *kind.others)]
    if out.suffix.lower() not in endings:
        problem = f"a file of the format {file_format} has another ending"
        expected = f"a name that ends with {' or '.join(endings)}, such as {out.stem or 'out'}{endings[0]}"
        raise InputError(problem, file=out.name, expected=expected, code="OUTPUT_KIND")


_PLACED: Final = (Format.GPKG, Format.GEOJSON, Format.GEOPARQUET)


def left_out(facts: Facts, file_format: Format, *, withheld: int = 0) -> str:
    """Return what is not in a file, or not as whole as it was recorded, and why: one line.

    Parameters
    ----------
    facts : Facts
        Of the export.
    file_format : Format
        Its format.
    withheld : int
        Records of the lake that sharing rules keep out of the whole release.
    """
    if facts.written is not None and facts.written < facts.rows:
        parts = [f"left out: {facts.rows - facts.written} of {facts.rows} chosen records, for the reasons below"]
    elif file_format in (Format.CUBE, Format.SPECIES_LIST):
        parts = [f"left out: none; the lines count all {facts.rows} chosen records"]
    else:
        parts = [f"left out: none of {facts.rows} chosen records"]
    if facts.without_place and file_format in _PLACED:
        parts.append(f"{facts.without_place} of them have no published coordinates, so no geometry")
    if facts.without_place and file_format == Format.CUBE:
        parts.append(f"{facts.without_place} without coordinates are in lines without a cell")
    if facts.without_year and file_format == Format.CUBE:
        parts.append(f"{facts.without_year} without a year are in lines without a year")
    if coarse := sum(facts.generalised.values()):
        parts.append(f"{coarse} are presences, each standing for all records of a sensitive taxon in a cell")
    if withheld:
        parts.append(f"{withheld} records are withheld from the whole release by sharing rules")
    return "; ".join(parts)


def export(
    release: Path, file_format: Format, request: ExportRequest, out: Path, *, step: Step = lambda _share: None,
    opened: Callable[[Selection], None] = lambda _selection: None,
) -> Facts:  # fmt: skip
    """Write the records of a release that are asked for; the file has its name only when it is whole.

    Parameters
    ----------
    release : Path
        The release's file.
    file_format : Format
        How they are written.
    request : ExportRequest
        What is asked for.
    out : Path
        The file. Until it is whole it is called like it with `.part` before its suffix.
    step : function, optional
        Stated how far the work is (0-1); raises to stop it.
    opened : function, optional
        Stated of the open selection, so that another thread can interrupt it.

    Returns
    -------
    Facts
        Counts, licence and what else is stated of the records.

    Raises
    ------
    InputError
        If `out` has not the ending of the format.
    StoreError
        If the release cannot be read, or reading was interrupted.
    OSError
        If the file cannot be written.
    """
    out = Path(out)
    check_ending(file_format, out)
    part = out.with_name(f"{out.stem}.part{out.suffix}")
    with Selection(release, request.filter) as selection:
        opened(selection)
        step(0.0)
        facts = read_facts(selection)
        facts = KINDS[file_format].write(selection, facts, request, part, step=step) or facts
        step(1.0)
    part.replace(out)
    return facts
