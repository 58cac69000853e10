"""`biodata parse`, one kind of value in a CSV file, and `biodata datum`, in which system a table's points are stated."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from biodata.cli import options as common

if TYPE_CHECKING:
    import polars as pl

    from biodata.core.errors import Refusal
    from biodata.places import BoundarySet

_REFUSALS_SHOWN: Final = 10


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="parse")(parse)
    app.command(name="datum")(datum)


def parse(
    kind: Annotated[str, typer.Argument(help="What the values are.")],
    file: Annotated[Path, typer.Argument(help="CSV file with a heading.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="CSV file to write.", dir_okay=False)],
    declare: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE that the dataset declares, such as day_month_order=day_first or unit=mu."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of FILE, such as gb18030; found out where none is told.")
    ] = None,
) -> None:
    """Read one kind of value in a CSV file and write the file again with what was understood.

    KIND is coordinates, dms, date, country, province, name, area, basis-of-record, occurrence-status, licence, sex,
    life-stage, rank, type-status, establishment-means, taxonomic-status, threat-status or continent.

    It reads the column called value, else the one called by the kind's Darwin Core term, else the first. Coordinates
    stand in latitude and longitude (or decimalLatitude …, verbatimLatitude …) or, in rows where those tell nothing, in
    one column coordinates, verbatimCoordinates or value; dates in value or eventDate with year, month and day beside
    it; provinces beside country or countryCode.

    The other columns pass unchanged. Written behind them: the value (decimalLatitude and decimalLongitude; eventDate,
    start, end …; else parsed), issues (GBIF's names, joined by semicolons), confidence (DEFINITE, PROBABLE, POSSIBLE,
    empty where nothing was read) and the rule. A column of the same name as one of these is written as told_…, a third
    column without a name as column_3.

    Values are written as they came, also where a spreadsheet would take one for a formula: open the file as text.

    A file that is not UTF-8 is read in the encoding in which its text is most plausible; the answer says which. Name
    another with --encoding.

    Example: biodata parse date sample_data/labels.csv --out dates.csv
    """
    from biodata.cli.parse_files import parse_file
    from biodata.formats.encodings import CANDIDATES

    declared = common.read_options(declare or [])
    rows, columns, read_in = parse_file(
        kind, file, out, declared=declared, encoding=encoding, progress=common.show_progress()
    )
    common.say(f"{rows} rows, read from {', '.join(columns)} → {out}")
    if read_in != "utf-8":
        others = ", ".join(name for name in CANDIDATES if name not in {"utf-8", read_in})
        hint = "" if encoding else f"; if letters are wrong, name another with --encoding: {others}, …"
        common.say(f"{file.name} is not UTF-8 and was read in {read_in}{hint}")


def datum(
    file: Annotated[Path, typer.Argument(help="CSV or TSV with a heading.", exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="CSV file that gets one row a candidate.")] = None,
    points: Annotated[Path | None, typer.Option(help="CSV file that gets each point's likeliest systems.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding, where it is known.")] = None,
    as_json: common.JsonOption = False,
) -> None:
    """Rank the coordinate systems that a table's points may be told in, by how well they fit the stated province.

    Needs coordinates (decimalLatitude and decimalLongitude, easting and northing, x and y, or verbatimCoordinates) and
    countryCode or country, better with stateProvince. Nothing is moved: each row of the answer is a candidate with the
    metres that it would move the points. Rank 0, the last row of a group in degrees, is the points as told (WGS 84);
    systems that the points cannot tell apart share a rank. Provinces are those of the boundary set; of a set of one's
    own (BIODATA_BOUNDARIES) that has no divisions, the countries alone.

    Example: biodata datum sample_data/labels.csv --out candidates.csv --points proposals.csv
    """
    from biodata.core.errors import InputError
    from biodata.harmonise import datum_doctor, datum_points
    from biodata.harmonise.findings import Stated

    common.check_outputs([out, points], [file])
    boundaries = common.boundaries_for()
    table, refusals = _read(file, encoding)
    read = datum_points.read_points(Stated(table), boundaries=boundaries)
    groups = datum_doctor.diagnose(read, boundaries=boundaries)
    judged = sum(group.whole.height for group in groups)
    if not groups:
        problem = "no row has both coordinates and a stated country or province that the map has"
        raise InputError(
            problem,
            file=file.name,
            expected="columns such as decimalLatitude, decimalLongitude, countryCode, stateProvince",
            code="DATUM_NOTHING_TO_JUDGE",
        )
    found = datum_doctor.report(groups).with_columns(**_of_set(boundaries))
    if out is not None:
        found.write_csv(out)
    if points is not None:
        proposed = datum_doctor.proposals(groups, boundaries=boundaries)
        proposed.with_columns(**_of_set(boundaries)).write_csv(points)
    if as_json:
        answer: dict[str, Any] = {
            "rows": read.height,
            "judged": judged,
            "not_judged": read.height - judged,
            **boundaries.to_dict(),
            "refusals": [refusal.as_dict() for refusal in refusals],
            "candidates": found.to_dicts(),
        }
        common.say(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    common.say(f"{judged} of {read.height} points judged, none moved")
    common.say_boundaries(boundaries)
    for refusal in refusals[:_REFUSALS_SHOWN]:
        common.say(f"not read: {refusal.file}, row {refusal.row}: {refusal.message}")
    if len(refusals) > _REFUSALS_SHOWN:
        common.say(f"not read: {len(refusals) - _REFUSALS_SHOWN} more rows")
    for row in found.iter_rows(named=True):
        rank = f"{row['rank']}." if row["rank"] else "as told"
        metres = "" if row["metres_moved"] is None else f", moves {row['metres_moved']:,.0f} m"
        within = "" if row["accuracy_m"] is None else f" ± {row['accuracy_m']:g} m"
        common.say(f"{row['form']}, {row['place'][:40]}: {rank} {row['system']} {row['name']}{metres}{within}")
        beside = f"; beside the points as told: {row['fits_as_told']}" if row["fits_as_told"] else ""
        common.say(f"    {row['evidence']}{beside}")


def _of_set(boundaries: "BoundarySet") -> "dict[str, pl.Expr]":
    """Return the columns that name the boundary set."""
    import polars as pl

    return {"boundary_set": pl.lit(boundaries.name), "boundary_version": pl.lit(boundaries.version)}


def _read(file: Path, encoding: str | None) -> "tuple[pl.DataFrame, list[Refusal]]":
    """Read a table as text, its headings as terms; and the rows that cannot be read."""
    import polars as pl

    from biodata.formats import delimited
    from biodata.ingest.table_headings import term_of

    table = delimited.read(lambda: file.open("rb"), file=file.name, encoding=encoding)
    frames = list(table.batches)
    frame = pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(table.headings, pl.String))
    if not frames:
        frame = frame.with_columns(pl.lit(None, dtype=pl.Int64).alias("source_row"))
    names: dict[str, str] = {}
    for heading in table.headings:
        term = term_of(heading)
        names[heading] = heading if term in names.values() or term in table.headings else term
    return frame.rename(names).with_columns(pl.lit(file.name).alias("source_file")), table.refusals
