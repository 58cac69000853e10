"""`biodata datum`: which coordinate system unlabelled points are stated in."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from biodata.cli.options import boundaries_for, check_outputs, say, say_boundaries

if TYPE_CHECKING:
    import polars as pl

    from biodata.core.errors import Refusal
    from biodata.places import BoundarySet

_REFUSALS_SHOWN: Final = 10


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="datum")(datum)


def datum(
    file: Annotated[Path, typer.Argument(help="CSV or TSV with a heading.", exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="CSV file that gets one row a candidate.")] = None,
    points: Annotated[Path | None, typer.Option(help="CSV file that gets each point's likeliest systems.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding, where it is known.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
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

    check_outputs([out, points], [file])
    boundaries = boundaries_for()
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
        say(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    say(f"{judged} of {read.height} points judged, none moved")
    say_boundaries(boundaries)
    for refusal in refusals[:_REFUSALS_SHOWN]:
        say(f"not read: {refusal.file}, row {refusal.row}: {refusal.message}")
    if len(refusals) > _REFUSALS_SHOWN:
        say(f"not read: {len(refusals) - _REFUSALS_SHOWN} more rows")
    for row in found.iter_rows(named=True):
        rank = f"{row['rank']}." if row["rank"] else "as told"
        metres = "" if row["metres_moved"] is None else f", moves {row['metres_moved']:,.0f} m"
        within = "" if row["accuracy_m"] is None else f" ± {row['accuracy_m']:g} m"
        say(f"{row['form']}, {row['place'][:40]}: {rank} {row['system']} {row['name']}{metres}{within}")
        beside = f"; beside the points as told: {row['fits_as_told']}" if row["fits_as_told"] else ""
        say(f"    {row['evidence']}{beside}")


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
