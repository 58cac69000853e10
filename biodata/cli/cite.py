"""`biodata cite` and `biodata replay`: an id for what the current release answers, and the same question again."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli import options as common
from biodata.cli.export import asked_of, read_pairs

if TYPE_CHECKING:
    from biodata.access.citations import Cited


class Written(StrEnum):
    """How a citation is written."""

    TEXT = "text"
    BIBTEX = "bibtex"
    RIS = "ris"
    CSL = "csl"
    JSON = "json"


class Rows(StrEnum):
    """How the replayed records are written."""

    CSV = "csv"
    DWCA = "dwca"
    GEOPARQUET = "geoparquet"
    GPKG = "gpkg"


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="cite", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(cite)
    app.command(name="replay")(replay)


def cite(
    context: typer.Context,
    data: common.DataOption = common.DEFAULT_DATA,
    country: common.ChosenCountries = None,
    species: common.ChosenSpecies = None,
    box: common.BoxOption = None,
    cluster_representative: common.OneOfEach = False,
    written: Annotated[Written, typer.Option("--format", help="How it is written.")] = Written.TEXT,
    doi: Annotated[
        bool, typer.Option("--doi", help="Register a DOI with the installation's DataCite account.")
    ] = False,
) -> None:
    """Cite records of the current release: prints the citation; its id asks the same again, by `biodata replay`.

    Every parameter of the API's search chooses, by the same name, and may be repeated: --year 2000,2010, --datasetKey KEY.

    Example: biodata cite --data biodata_data --country LA --species "Nomascus concolor" --format bibtex
    """
    from biodata.access import citation_texts, citations
    from biodata.store import releases

    settings = common.settings_for(data)
    common.current_release(data)
    pairs = read_pairs(context.args)
    pairs += [("country", value) for value in country or []] + [("species", value) for value in species or []]
    pairs += [("clusterRepresentative", "true")] if cluster_representative else []
    with asked_of(settings, pairs, common.read_box(box) if box else None) as asked:
        with releases.connect(asked.file) as connection:
            facts = dict(connection.execute("SELECT key, value FROM release_info").fetchall())
        with common.open_registry(settings) as registry:
            question = citations.Question(asked.asked, asked.filter)
            number = citations.cite(settings, registry, question, release=facts, rows=None, later=False)
            if doi:
                citation_texts.register_doi(settings, registry, number, url=citations.address(settings, number))
            common.say(_written(citations.need(registry, number), citations.address(settings, number), written))


def replay(
    citation: Annotated[str, typer.Argument(help="The citation's id.")],
    data: common.DataOption = common.DEFAULT_DATA,
    as_json: common.JsonOption = False,
    out: Annotated[Path | None, typer.Option(help="Write the records that are told today to this file.")] = None,
    rows: Annotated[Rows, typer.Option("--format", help="How the file is written.")] = Rows.CSV,
) -> None:
    """Ask a citation again: its version of the lake under today's sharing rules.

    Prints whether the answer is identical, or how many records are withheld, generalised or withdrawn, by rule and dataset.

    Example: biodata replay ID --data biodata_data --out records.csv
    """
    from biodata.access import citation_texts, citations, replays
    from biodata.core.vocabularies import Format
    from biodata.exports.request import ExportRequest
    from biodata.exports.write import export

    settings = common.settings_for(data)
    common.check_outputs([out], [])

    def write(cited: citations.Cited, file: Path) -> None:
        if out is not None:
            request = ExportRequest(
                f"replay of citation {citation}", datetime.now(UTC).isoformat(timespec="seconds"), cited.filter,
                tuple((name, value) for name, value in cited.query["parameters"]), cite=citation_texts.text(cited, citations.address(settings, citation)),
            )  # fmt: skip
            export(file, Format(rows), request, out)

    with common.open_registry(settings) as registry:
        found = replays.replay(settings, registry, citation, with_rows=write)
    if as_json:
        common.say(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    common.say(found.statement)
    for name, cause in (*found.causes.items(), ("added", found.added)):
        for group in cause.by:
            common.say(f"  {name:<18} {group['count']:>9,}  {_words(group)}")
    if out is not None:
        common.say(f"{found.today['count']} records → {out}")


def _words(group: Mapping[str, Any]) -> str:
    """Return what a group of records has in common."""
    return ", ".join(f"{k.replace('_', ' ')}: {v}" for k, v in group.items() if k not in ("count", "absent"))


def _written(cited: "Cited", url: str, written: Written) -> str:
    """Return the citation as it is wanted."""
    from biodata.access import citation_texts

    if written is Written.JSON:
        names = ("id", "release", "snapshot", "rules_hash", "query", "content", "doi")
        facts = {name: getattr(cited, name) for name in names}
        facts |= {"created": cited.created.isoformat(), "text": citation_texts.text(cited, url)}
        return json.dumps(facts, ensure_ascii=False)
    return citation_texts.FORMATS[written][1](cited, url).rstrip("\n")
