"""`biodata pull`: records, areas and lists out of services on the internet."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from biodata.cli import options as common
from biodata.core.errors import InputError, RemoteError

if TYPE_CHECKING:
    from biodata.pipeline import IngestReport

CountryOption = Annotated[
    list[str] | None, typer.Option("--country", help="Country, as a code or a name; may be repeated.")
]
TaxonOption = Annotated[list[str] | None, typer.Option("--taxon", help="Scientific name or key; may be repeated.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="Records from this year (YYYY) or day (YYYY-MM-DD) on.")
]
WithinOption = Annotated[
    Path | None, typer.Option("--within", help="File of polygons: only what lies in them.", exists=True, dir_okay=False)
]
ProvinceOption = Annotated[
    list[str] | None, typer.Option("--province", help="Province of Southwest China; may be repeated.")
]
CellOption = Annotated[float, typer.Option("--cell-m", help="Side of a cell, in metres, about.", min=30)]
EstimateOption = Annotated[bool, typer.Option("--estimate", help="Count, order nothing, change nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Order without asking.")]

_ALIEN: Final = """Pull lists of introduced and invasive species, from the Global Register (GRIIS) at GBIF; without an account.

Without --country those of the region. A list is fetched again only where it has changed.

Example: biodata pull alien --country LA
"""
_AREAS: Final = """Pull protected and conserved areas from Protected Planet's API, with the World Database's columns (WDPCA).

It needs a token, free at https://api.protectedplanet.net/request, in PROTECTED_PLANET_TOKEN. The terms forbid passing the data on.
Without a token take in a file: `biodata ingest protected-areas FILE`. China's sites are mostly missing there; national files
stand beside it, and OpenStreetMap's outlines (boundary=protected_area, ODbL) as https://overpass-turbo.eu exports them to GeoJSON.
Without --country the region is asked for.

Example: biodata pull protected-areas --country LA
"""
_RED_LIST: Final = """Pull the category of each species of some countries from IUCN's Red List.

It needs a token, free at https://api.iucnredlist.org/users/sign_up, in IUCN_TOKEN. A national list in a file, with a column
`category`, is taken in by `biodata ingest checklist FILE --option list=red_list --option scope=VN --option year=2021`. Without
--country the region is asked for.

Example: biodata pull red-list --country LA
"""
_ELEVATION: Final = """Pull heights above the sea (Copernicus DEM, 90 m) as a layer for `biodata resistance`; without an account.

Of the tiles in the cloud only what the box around the area needs is read. The layer is called elevation_ and the area.

Example: biodata pull elevation --within area.geojson
"""
_LAND_COVER: Final = """Pull land cover (ESA WorldCover 2021, CC BY 4.0) as a layer for `biodata resistance`; without an account.

Of the tiles in the cloud only what the box around the area needs is read, at the detail of --cell-m; of the classes in a cell the
most frequent counts. The layer is called land_cover_ and the area.

Example: biodata pull land-cover --within area.geojson
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    pull = typer.Typer(help="Fetch records, areas and lists from services on the internet.", no_args_is_help=True)
    pull.command(name="region")(region)
    pull.command(name="gbif")(gbif)
    pull.command(name="alien", help=_ALIEN)(_of_countries("checklists", "AlienLists"))
    pull.command(name="protected-areas", help=_AREAS)(_of_countries("protected_planet", "ProtectedPlanet"))
    pull.command(name="checklist")(checklist)
    pull.command(name="red-list", help=_RED_LIST)(_of_countries("status_lists", "RedList"))
    pull.command(name="protection")(protection)
    pull.command(name="obis")(obis)
    pull.command(name="inaturalist")(inaturalist)
    pull.command(name="ebird")(ebird)
    pull.command(name="elevation", help=_ELEVATION)(_of_area("Elevation"))
    pull.command(name="land-cover", help=_LAND_COVER)(_of_area("LandCover"))
    app.add_typer(pull, name="pull")


def gbif(
    country: CountryOption = None,
    province: ProvinceOption = None,
    taxon: TaxonOption = None,
    since: SinceOption = None,
    within: WithinOption = None,
    predicate: Annotated[
        Path | None,
        typer.Option("--predicate", help="File of GBIF's own predicate, JSON.", exists=True, dir_okay=False),
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", help="Folder or bucket (s3://…) of a monthly snapshot, read instead.")
    ] = None,
    estimate: EstimateOption = False,
    preview: Annotated[bool, typer.Option("--preview", help="Take 300 records in, without an account.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Everything, not only what changed since the last pull.")
    ] = False,
    yes: YesOption = False,
    wait_hours: Annotated[float, typer.Option(help="How long to wait for the download.", min=0)] = 24.0,
    data: common.DataOption = common.DEFAULT_DATA,
    as_json: common.JsonOption = False,
) -> None:
    """Pull GBIF's records of places and taxa into the lake: counted, previewed, or all of them by a download.

    Without --country, --province and --within the whole region is asked for: the members of ASEAN and Southwest China.
    A name must be one of the Catalogue of Life; of several taxa of one name their keys are told, and one of them is
    asked for.

    --estimate counts by place, class and licence, and --preview takes 300 records in; both need no account. A download needs one,
    free at https://www.gbif.org/user/profile, in GBIF_USER, GBIF_PWD and GBIF_EMAIL. It is ordered when you say yes (or --yes), one
    at a time, and may take hours: stop whenever you like, the same command goes on. What it brings carries its DOI, to be cited.
    --snapshot reads the Parquet files of a month, such as s3://gbif-open-data-eu-central-1/occurrence/2026-11-01: no account and no
    order, and what --taxon names is a name in GBIF's classification; a whole snapshot has some 250 GB.
    --predicate takes what GBIF's own interface or rgbif made; the other options narrow it.
    A later pull brings what changed since; once a month, or with --full, everything, and then what GBIF no longer has goes here, too.

    BIODATA_CONTACT, an address of mail or of a page, is told to the services with every request.

    Example: biodata pull gbif --country LA --province Yunnan --taxon Mammalia --since 2010 --estimate

    Example: biodata pull gbif --predicate predicate.json --preview
    """
    from biodata.pull.gbif import GbifPull
    from biodata.pull.gbif_scope import scope_of
    from biodata.pull.kept import only_pull

    asked = (_codes(country), province or [], taxon or [], since, within, common.boundaries_for(data))
    scope = scope_of(*asked, predicate=predicate)
    if snapshot is not None:
        from biodata.pull.gbif_snapshot import Snapshot

        shot = Snapshot(
            snapshot, scope, common.settings_for(data), common.boundaries_for(data), progress=common.show_progress()
        )
        _run(shot, data, estimate=estimate, as_json=as_json)
        return
    pull = GbifPull(scope, common.settings_for(data), progress=common.show_progress())
    if estimate:
        _print_estimate(pull.estimate(), complete=pull.account.complete, as_json=as_json)
        return
    with only_pull(data), common.stages():
        if preview:
            _print_reports(pull.preview(), as_json=as_json)
            return
        if not pull.is_ordered:
            pull.check_account()
            found = pull.estimate()
            if not found.records:
                pull.raise_nothing()
            if not yes:
                _print_estimate(found, complete=True, as_json=False, err=True)
                _ask("Order this from GBIF?")
            pull.order(full=full)
        _print_reports(pull.deliver(wait_hours=wait_hours), as_json=as_json)


def region(
    country: CountryOption = None, province: ProvinceOption = None, taxon: TaxonOption = None,
    since: SinceOption = None, within: WithinOption = None, cell_m: CellOption = 90.0,
    estimate: EstimateOption = False, yes: YesOption = False, data: common.DataOption = common.DEFAULT_DATA,
) -> None:  # fmt: skip
    """Pull what a planner needs of some places: alien, red and CITES lists, protected areas, ground, and GBIF's records.

    First each source is counted; a source without its account is left out, and the reason says how to have it. Then
    GBIF's download is ordered when you say yes (or --yes), the others are taken in meanwhile, and the records last. A
    source that fails does not stop the others. Stop whenever you like: the same command goes on where it was. OBIS,
    iNaturalist and eBird are pulled by themselves.

    Example: biodata pull region --within area.geojson --taxon Mammalia --estimate
    """
    from biodata.pull.gbif_scope import scope_of
    from biodata.pull.kept import only_pull
    from biodata.pull.region import RegionPull

    boundaries = common.boundaries_for(data)
    scope = scope_of(_codes(country), province or [], taxon or [], since, within, boundaries)
    pull = RegionPull(
        scope, within, common.settings_for(data), boundaries, cell_m=cell_m, progress=common.show_progress()
    )
    for name, found in pull.estimate():
        counted = ", ".join(f"{count:,} {what}" for what, count in found.items()) if isinstance(found, dict) else ""
        missing = "left out: " if getattr(found, "code", None) == "ACCOUNT_MISSING" else ""
        common.say(f"{name}: {counted or f'{missing}{found}'}")
    if estimate:
        return
    if not yes:
        _ask("Take these in?")
    failed = []
    with only_pull(data), common.stages():
        for name, result in pull.pull():
            if isinstance(result, list):
                common.say(f"{name}:")
                _print_reports(result, as_json=False)
            elif getattr(result, "code", None) != "ACCOUNT_MISSING":
                failed.append(f"{name}: {result}")
    if failed:
        problem = f"{'; '.join(failed)}; the same command tries again"
        raise RemoteError(problem)


def _of_countries(module: str, name: str) -> Callable[..., None]:
    """Return the command of a source that is asked by country."""

    def command(
        country: CountryOption = None,
        estimate: EstimateOption = False,
        data: common.DataOption = common.DEFAULT_DATA,
        as_json: common.JsonOption = False,
    ) -> None:
        source = getattr(import_module(f"biodata.pull.{module}"), name)
        pull = source(_codes(country), common.settings_for(data), progress=common.show_progress())
        _run(pull, data, estimate=estimate, as_json=as_json)

    return command


def _of_area(name: str) -> Callable[..., None]:
    """Return the command of a raster of which an area is taken."""

    def command(
        country: CountryOption = None, province: ProvinceOption = None, within: WithinOption = None,
        cell_m: CellOption = 90.0, estimate: EstimateOption = False, data: common.DataOption = common.DEFAULT_DATA,
        as_json: common.JsonOption = False,
    ) -> None:  # fmt: skip
        from biodata.pull.gbif_scope import place_of

        label, area = place_of(_codes(country), province or [], within, common.boundaries_for(data))
        source = getattr(import_module("biodata.pull.rasters"), name)
        pull = source(label, area.bounds, common.settings_for(data), cell_m=cell_m, progress=common.show_progress())
        _run(pull, data, estimate=estimate, as_json=as_json)

    return command


def protection(
    taxon: Annotated[str | None, typer.Option(help="Only this name and what is below it.")] = None,
    estimate: EstimateOption = False,
    data: common.DataOption = common.DEFAULT_DATA,
    as_json: common.JsonOption = False,
) -> None:
    """Pull what CITES lists, with its appendix, from Species+: all of it, or below one taxon.

    It needs a token, free at https://api.speciesplus.net/users/sign_up, in SPECIESPLUS_TOKEN. Without one, the entries
    that concern the region are taken in as biodata ships them: groups and species of the appendices of 2023. The list
    of a national law in a file, with a column of levels, is taken in by `biodata ingest checklist FILE --option
    list=protection --option scope=CN --option year=2021`.

    Example: biodata pull protection --taxon Felidae
    """
    from biodata.pull.status_lists import Protection

    pull = Protection(taxon, common.settings_for(data), progress=common.show_progress())
    _run(pull, data, estimate=estimate, as_json=as_json)


def ebird(
    file: Annotated[
        Path | None, typer.Argument(help="A Basic Dataset file, unpacked.", exists=True, dir_okay=False)
    ] = None,
    country: CountryOption = None,
    province: ProvinceOption = None,
    since: SinceOption = None,
    estimate: EstimateOption = False,
    data: common.DataOption = common.DEFAULT_DATA,
    as_json: common.JsonOption = False,
) -> None:
    """Pull records of birds from eBird: a Basic Dataset file, or what its API has of some days.

    A file is asked for at https://ebird.org/data/download/ebd, unpacked, and needs no key; --country, --province and
    --since narrow it. The API needs a key, free at https://ebird.org/api/keygen, in EBIRD_KEY; it gives one observation
    of each species, region and day, of the last 30 days or those --since, at most 92. The terms forbid passing the data
    on.

    Example: biodata pull ebird ebd_LA_relOct-2026.txt --since 2020
    """
    from biodata.pull.ebird import EBird
    from biodata.pull.gbif_scope import checked_time, province_codes

    boundaries = common.boundaries_for(data)
    asked = (_codes(country), province_codes(province or [], boundaries), checked_time(since), file)
    pull = EBird(*asked, common.settings_for(data), boundaries, progress=common.show_progress())
    _run(pull, data, estimate=estimate, as_json=as_json)


def checklist(
    key: Annotated[str, typer.Argument(help="The dataset's key at ChecklistBank.")],
    taxon: Annotated[str | None, typer.Option(help="Only what is below this name.")] = None,
    estimate: EstimateOption = False,
    data: common.DataOption = common.DEFAULT_DATA,
    as_json: common.JsonOption = False,
) -> None:
    """Pull a checklist from ChecklistBank by its dataset's key; 3LR is the newest Catalogue of Life.

    The whole needs no account. A part, --taxon, is exported for an account of GBIF (GBIF_USER, GBIF_PWD, GBIF_EMAIL).

    Example: biodata pull checklist 2144
    """
    from biodata.pull.checklists import ChecklistBank

    _run(
        ChecklistBank(key, taxon, common.settings_for(data), progress=common.show_progress()),
        data,
        estimate=estimate,
        as_json=as_json,
    )


def obis(
    taxon: TaxonOption = None,
    since: SinceOption = None,
    within: WithinOption = None,
    estimate: EstimateOption = False,
    data: common.DataOption = common.DEFAULT_DATA,
    as_json: common.JsonOption = False,
) -> None:
    """Pull records of the sea from OBIS; without an account.

    Example: biodata pull obis --taxon Dugongidae --since 1990
    """
    from biodata.pull.gbif_scope import checked_time, outline
    from biodata.pull.obis import Obis

    area = None if within is None else outline(within)
    pull = Obis(taxon or [], checked_time(since), area, common.settings_for(data), progress=common.show_progress())
    _run(pull, data, estimate=estimate, as_json=as_json)


def inaturalist(
    country: CountryOption = None, taxon: TaxonOption = None, since: SinceOption = None, within: WithinOption = None,
    estimate: EstimateOption = False, data: common.DataOption = common.DEFAULT_DATA,
    as_json: common.JsonOption = False,
) -> None:  # fmt: skip
    """Pull observations of research grade from iNaturalist; without an account.

    A place that iNaturalist obscures comes as it gives it, with its uncertainty. The area is a file, or the land of
    --country.

    Example: biodata pull inaturalist --country LA --taxon Primates --since 2015
    """
    from biodata.pull.gbif_scope import checked_time, place_of
    from biodata.pull.inaturalist import INaturalist

    _, area = place_of(_codes(country), [], within, common.boundaries_for(data))
    pull = INaturalist(
        taxon or [], checked_time(since), area.wkt, common.settings_for(data), progress=common.show_progress()
    )
    _run(pull, data, estimate=estimate, as_json=as_json)


def _run(pull: Any, data: Path, *, estimate: bool, as_json: bool) -> None:
    """Count what a source has, or take it in."""
    from biodata.pull.kept import only_pull

    if estimate:
        counts = pull.estimate()
        lines = [*(f"{count:>10,} {what}" for what, count in counts.items()), f"licence: {pull.licence}"]
        common.say(
            json.dumps({"counts": counts, "licence": pull.licence}, ensure_ascii=False) if as_json else "\n".join(lines)
        )
        return
    with only_pull(data), common.stages():
        _print_reports(pull.pull(), as_json=as_json)


def _codes(countries: Sequence[str] | None) -> list[str]:
    """Return the codes of countries."""
    return [common.read_country(text, option="--country") for text in countries or []]


def _ask(question: str) -> None:
    """Go on if the answer is yes.

    Raises
    ------
    InputError
        With NOT_ORDERED, if it is not, or nobody is there to answer.
    """
    if not sys.stdin.isatty() or not typer.confirm(question, err=True):
        problem = "nothing was ordered"
        raise InputError(problem, expected="--yes orders without asking", code="NOT_ORDERED")


def _print_estimate(found: Any, *, complete: bool, as_json: bool, err: bool = False) -> None:
    """Print what GBIF has."""
    if as_json:
        common.say(json.dumps({**asdict(found), "account": complete}, ensure_ascii=False, indent=1))
        return
    lines = [f"{taxon.name} ({taxon.rank.lower()}): {taxon.key} in the Catalogue of Life, "
             f"{taxon.gbif_key or 'not certain'} in GBIF's backbone" for taxon in found.taxa]  # fmt: skip
    for place, one in found.places.items():
        lines.append(f"{place}: {one['records']:,} records")
        lines += [f"  {count:>10,} {name}" for name, count in one["classes"].items()]
        lines.append(
            f"  licences: {', '.join(f'{name} {count:,}' for name, count in one['licences'].items()) or 'none told'}"
        )
    box = ", at most: the outline is long, and its box was counted" if found.at_most else ""
    lines.append(
        f"{found.records:,} records of {found.datasets:,} datasets{box}; a download has about {found.megabytes:,} MB"
    )
    account = "an account stands in the environment: without --estimate the download is ordered"
    without = "without an account --preview takes 300 in; with GBIF_USER, GBIF_PWD and GBIF_EMAIL all of them, with a DOI to cite"
    lines.append(account if complete else without)
    typer.echo("\n".join(lines), err=err)


def _print_reports(reports: "Sequence[IngestReport]", *, as_json: bool) -> None:
    """Print what went into the lake."""
    from biodata.cli.ingest import print_reports

    if not reports and not as_json:
        common.say("nothing has changed since the last pull")
    print_reports(reports, as_json=as_json, dry_run=False)
