"""`biodata names` and `biodata checklist`: names against checklists, versions compared, common names found."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, add_group, check_outputs, installation, say, settings_for
from biodata.core.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 20


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="names")(match_names)
    add_group(app, "checklist", "Checklists of names.", compare, find, resolve)


def match_names(
    file: Annotated[Path, typer.Argument(help="Table of text with names.")],
    out: Annotated[Path, typer.Option(help="CSV file to write.", dir_okay=False)],
    checklist: Annotated[list[Path] | None, typer.Option(help="A checklist; may be repeated.")] = None,
) -> None:
    """Match the scientific names of a table to checklists, offline.

    FILE has a column scientificName; kingdom, family, genus, species and scientificNameAuthorship help where they are
    told. OUT gets every row with match_type (EXACT, CANONICAL, VARIANT, FUZZY, HIGHERRANK, AMBIGUOUS, NONE),
    match_confidence, match_note, match_alternatives, the accepted name and its keys. Several checklists are asked in
    the order given, then the reference list that comes with biodata; without a checklist that alone.

    Example: biodata names sample_data/labels.csv --checklist sample_data/checklist.csv --out matched.csv
    """
    import polars as pl

    from biodata.core import terms
    from biodata.formats import delimited
    from biodata.harmonise.checklists import Checklist
    from biodata.harmonise.findings import Stated
    from biodata.harmonise.names import Names

    given = checklist or []
    check_outputs([out], [file, *given])
    nothing = pl.DataFrame(schema=terms.schema(terms.TAXON))
    lists = [_from_file(path).with_columns(checklist_order=pl.lit(place, pl.Int32)) for place, path in enumerate(given)]
    names = Names(Checklist(pl.concat([*lists, nothing])))
    if not file.is_file():
        problem = "this is a folder, not a file" if file.is_dir() else "there is no such file"
        raise InputError(problem, file=str(file), code="FILE_MISSING")
    table = delimited.read(lambda: file.open("rb"), file=file.name)
    frames = []
    for batch in table.batches:
        reported = Stated(batch.with_columns(source_file=pl.lit(file.name)))
        if not reported.has_heading("scientificName", "species", "verbatimScientificName", "genus"):
            problem = f"no column holds scientific names: {', '.join(table.headings[:5])}"
            raise InputError(problem, file=file.name, row=1, expected="scientificName", code="HEADING_UNKNOWN")
        found = names.interpret(reported)
        answers = pl.DataFrame([found.columns[name].alias(name) for name in _ANSWERS])
        flags = pl.DataFrame(
            [mask.alias(flag) for flag, mask in found.flags.items() if flag.startswith(("TAXON", "SCIENT"))]
        )
        said = (
            pl.concat_list(pl.when(flag).then(pl.lit(flag)) for flag in flags.columns).list.drop_nulls().list.join(" ")
        )
        answers = answers.with_columns(
            pl.col("match_alternatives").list.join(" | "), issues=flags.select(said).to_series()
        )
        own = batch.drop("source_row").drop(*(name for name in answers.columns if name in batch.columns))
        frames.append(pl.concat([own, answers], how="horizontal"))
    whole = pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(_ANSWERS, pl.String))
    whole.write_csv(out)
    say(f"{whole.height} names → {out}")
    for kind, count in whole["match_type"].value_counts(sort=True).iter_rows():
        say(f"  {count:>9} {kind or 'no name'}")
    for refusal in table.refusals[:_SHOWN]:
        say(f"  refused: {refusal.file}, row {refusal.row}: {refusal.message}")


_ANSWERS = (
    "match_type", "match_confidence", "match_note", "match_alternatives", "acceptedScientificName", "taxonomicStatus",
    "taxon_id", "taxonKey", "col_key", "checklist",
)  # fmt: skip


def compare(
    old: Annotated[str, typer.Argument(help="The old version: a file, or a key.")],
    new: Annotated[str, typer.Argument(help="The new version: a file, or a key.")],
    data: DataOption = DEFAULT_DATA,
    out: Annotated[Path | None, typer.Option(help="CSV file that gets every change.", dir_okay=False)] = None,
) -> None:
    """Say what a new version of a checklist changes: accepted names, splits, lumps, names that come and go.

    OLD and NEW are checklists (CSV, TSV, Darwin Core Archives), or keys of checklists that were ingested. With an
    installation (--data) each change tells how many records bear the name.

    Example: biodata checklist compare checklist sample_data/checklist.csv --data biodata_data --out changes.csv
    """
    import polars as pl

    from biodata.harmonise.rematch import rematch_report

    check_outputs([out], [Path(old), Path(new)])
    versions = [_from_file(Path(text)) if Path(text).exists() else _from_lake(text, data) for text in (old, new)]
    changes = rematch_report(versions[0], versions[1], _recorded_names(data))
    if out is not None:
        changes.with_columns(pl.col("old_accepted", "new_accepted").list.join(" | ")).write_csv(out)
    say(
        f"{versions[0].height} → {versions[1].height} names, {changes.height} changes, {changes['records'].sum()} records"
    )
    counted = changes.group_by("change").agg(pl.len(), pl.col("records").sum()).sort("change")
    for change, names, records in counted.iter_rows():
        say(f"  {names:>9} {change} ({records} records)")
    for row in changes.filter(pl.col("records") > 0).head(_SHOWN).iter_rows(named=True):
        before, after = (" | ".join(row[side] or ["-"]) for side in ("old_accepted", "new_accepted"))
        say(f"  {row['records']:>9} records: {row['scientificName']}: {before} → {after} ({row['change']})")


def find(
    text: Annotated[str, typer.Argument(help="A name, or a part of it.")],
    language: Annotated[
        str | None, typer.Option(help="Common names of it alone: BCP 47, such as th, zh, zh-Hant, my.")
    ] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Find taxa by a scientific name, or by a common name in any language.

    Example: biodata checklist find 猕猴 --language zh --data biodata_data
    """
    import polars as pl

    from biodata.text.vernaculars import search_vernacular

    taxa = _taxa(data)
    found = search_vernacular(taxa, text, language)
    named = pl.col("scientificName").str.to_lowercase().str.contains(text.strip().lower(), literal=True)
    scientific = taxa.filter(named).sort("scientificName") if language is None and text.strip() else taxa.clear()
    for row in scientific.iter_rows(named=True):
        status = (row["taxonomicStatus"] or "no status").lower()
        say(f"{row['scientificName']}: {status} [{row['taxon_id']}, {row['checklist']}]")
    for row in found.iter_rows(named=True):
        say(f"{row['name']} ({row['language']}): {row['scientificName']} [{row['taxon_id']}, {row['checklist']}]")
    if found.is_empty() and scientific.is_empty():
        say("nothing found")


def _from_file(path: Path) -> "pl.DataFrame":
    """Return the taxa of a checklist in a file."""
    import polars as pl

    from biodata.harmonise.taxa import taxa
    from biodata.ingest.checklist import ChecklistSource

    frames = [
        taxa(batch, checklist=path.stem, declarations=table.declarations)[0]
        for table in ChecklistSource([path]).read()
        for batch in table.batches
    ]
    if not frames:
        problem = "there are no names in it"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    return pl.concat(frames)


def _from_lake(key: str, data: Path) -> "pl.DataFrame":
    """Return an ingested checklist."""
    import polars as pl

    every = _taxa(data)
    found = every.filter(pl.col("checklist") == key)
    if found.is_empty():
        known = ", ".join(every["checklist"].unique().sort()) or "none"
        problem = "there is no such file, and no such checklist was ingested"
        raise InputError(problem, value=key, expected=f"a file, or one of: {known}", code="CHECKLIST_MISSING")
    return found


def _taxa(data: Path) -> "pl.DataFrame":
    """Return the taxa of an installation; none where there is no installation."""
    import polars as pl

    from biodata.core import terms
    from biodata.store.lake import Lake

    if not data.is_dir():
        return pl.DataFrame(schema=terms.schema(terms.TAXON))
    with Lake.open(data, memory_limit=settings_for(data).memory_limit) as lake:
        return lake.read("taxa")


def _recorded_names(data: Path) -> "pl.DataFrame":
    """Return the names that the records of an installation tell, and how many do."""
    import polars as pl

    from biodata.store.lake import Lake

    empty = pl.DataFrame(schema={"scientificName": pl.String, "records": pl.Int64})
    if not data.is_dir():
        return empty
    with Lake.open(data, memory_limit=settings_for(data).memory_limit) as lake:
        counts = [
            batch.drop_nulls().group_by("scientificName").agg(records=pl.len().cast(pl.Int64))
            for batch in lake.batches("occurrences", columns=["scientificName"])
        ]
    return pl.concat(counts).group_by("scientificName").agg(pl.col("records").sum()) if counts else empty


def resolve(
    data: DataOption = DEFAULT_DATA,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
) -> None:
    """Resolve the names of all records again, with the checklists and the reference list as they are now.

    `biodata ingest checklist` does so itself; after an update of biodata, whose reference list may be a newer one, this
    does. The next release shows what changed.

    Example: biodata checklist resolve --data biodata_data
    """
    from biodata.pipeline.ingesting import resolve_names
    from biodata.store.lake import Lake

    settings = installation(data)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        say(str(resolve_names(lake, settings, dry_run=dry_run)))
