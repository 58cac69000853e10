"""`biodata dataset`, what is stated of a dataset as a whole, and `biodata rights`: labels, permits, terms, what was used."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli import options as common

DatasetOption = Annotated[str, typer.Option(help="Key of the dataset.")]
EventOption = Annotated[str | None, typer.Option(help="Only this event of it, and its parts, by eventID.")]
KeyOption = Annotated[str | None, typer.Option(help="Only this record of it, by its number.")]
LabelArgument = Annotated[str, typer.Argument(help="The label, as TK-S or BC-P.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    common.add_group(
        app, "rights", "Labels of communities, permits, terms of use.", label, unlabel, labels, permit, permits,
        withdraw, terms, use,
    )  # fmt: skip
    common.add_group(
        app, "dataset", "What is stated of each dataset: title, licence, citation, DOI.", set_description, list_datasets
    )


def label(
    name: LabelArgument,
    dataset: DatasetOption,
    data: common.DataOption = common.DEFAULT_DATA,
    event: EventOption = None,
    key: KeyOption = None,
    community: Annotated[str | None, typer.Option(help="Whose label it is.")] = None,
    project: Annotated[str | None, typer.Option(help="The project at Local Contexts Hub.")] = None,
    until: Annotated[str | None, typer.Option(help="The last day that it holds, 2027-01-31.")] = None,
) -> None:
    """Put a community's label on a dataset, an event or a record; `biodata release` follows it.

    TK-SS, "TK Secret / Sacred" and the label's page mean the same. A label can withhold records or make places coarser,
    whatever the rules say, and travels with every export.

    Example: biodata rights label TK-SS --dataset nam-ha --event camp-3 --community "Akha of Ban Na" --data biodata_data
    """
    from biodata.access import accounts, rule_changes
    from biodata.sharing.rules import assignment

    facts = {"label": name, "dataset": dataset, "event": event, "key": key, "community": community}
    wanted = assignment({**facts, "project": project, "valid_until": until})
    settings = common.settings_for(data)
    with common.open_registry(settings) as registry:
        new = rule_changes.put_label(registry, wanted, actor=accounts.COMMAND_LINE)
    count = rule_changes.records_carrying(settings, wanted)
    common.say(f"{wanted.label} {'is put on' if new else 'was on'} {dataset}: {count} records of the lake carry it")
    common.say(
        "no record carries it: look at dataset, event and key again" if not count else "the next release follows it"
    )


def unlabel(
    name: LabelArgument,
    dataset: DatasetOption,
    data: common.DataOption = common.DEFAULT_DATA,
    event: EventOption = None,
    key: KeyOption = None,
) -> None:
    """Take a label away again.

    Example: biodata rights unlabel TK-SS --dataset nam-ha --event camp-3 --data biodata_data
    """
    from biodata.access import accounts, rule_changes
    from biodata.sharing.rules import assignment

    unwanted = assignment({"label": name, "dataset": dataset, "event": event, "key": key})
    with common.open_registry(common.settings_for(data)) as registry:
        rule_changes.take_label(registry, unwanted, actor=accounts.COMMAND_LINE)
    common.say(f"{unwanted.label} is taken from {dataset}; the next release follows it")


def labels(data: common.DataOption = common.DEFAULT_DATA) -> None:
    """Tell which labels stand on what.

    Example: biodata rights labels --data biodata_data
    """
    from biodata.access import rule_changes
    from biodata.sharing.labels import category_of

    with common.open_registry(common.settings_for(data)) as registry:
        held = rule_changes.labels_put(registry)
    for one in held:
        what = one.dataset + (f", event {one.event}" if one.event else f", record {one.key}" if one.key else "")
        whose = f", of {one.community}" if one.community else ""
        ends = f", until {one.valid_until}" if one.valid_until else ""
        common.say(f"{one.label:<7} {what}: {category_of([one.label])}{whose}{ends}")


def permit(
    kind: Annotated[str, typer.Argument(help="ircc, permit, consent or terms.")],
    number: Annotated[str, typer.Argument(help="As its authority writes it.")],
    dataset: DatasetOption,
    data: common.DataOption = common.DEFAULT_DATA,
    country: Annotated[str | None, typer.Option(help="ISO code of the country that gave it.")] = None,
    authority: Annotated[str | None, typer.Option(help="The office that gave it.")] = None,
    issued: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day that it holds.")] = None,
    expires: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day.")] = None,
) -> None:
    """Keep a permit that a dataset rests on; the number of a certificate of compliance is checked.

    Example: biodata rights permit ircc ABSCH-IRCC-VN-256843-1 --dataset nam-ha --expires 2028-12-31 --data biodata_data
    """
    from biodata.access import accounts, permits, rule_changes
    from biodata.core.errors import InputError

    if kind not in list(permits.Kind):
        problem, expected = "no kind of permit", f"one of {', '.join(permits.Kind)}"
        raise InputError(problem, column="kind", value=kind, expected=expected, code="PERMIT_INVALID")
    first, last = (None if moment is None else moment.date() for moment in (issued, expires))
    permit_data = permits.PermitData(dataset, permits.Kind(kind), number, country, authority, first, last)
    settings = common.settings_for(data)
    with common.open_registry(settings) as registry:
        made = permits.record(registry, permit_data, actor=accounts.COMMAND_LINE)
        kept = permits.get(registry, made)
    assert kept is not None
    common.say(f"{made}: {permits.permit_in_words(kept)}, for {kept['dataset']}")
    if not rule_changes.dataset_in_lake(settings, dataset):
        common.say("no record of the lake is of this dataset: look at its key again")


def permits(
    data: common.DataOption = common.DEFAULT_DATA,
    dataset: Annotated[str | None, typer.Option(help="Only of this dataset.")] = None,
) -> None:
    """Tell permits and which end soon.

    Example: biodata rights permits --data biodata_data
    """
    from biodata.access import permits

    with common.open_registry(common.settings_for(data)) as registry:
        for one in permits.of_dataset(registry, dataset):
            common.say(f"{one['id']:>4}  {one['dataset']}: {permits.permit_in_words(one)}")


def withdraw(
    number: Annotated[int, typer.Argument(help="The permit's number here.")],
    data: common.DataOption = common.DEFAULT_DATA,
) -> None:
    """Take a permit back, by the number that `biodata rights permits` tells first.

    Example: biodata rights withdraw 1 --data biodata_data
    """
    from biodata.access import accounts, permits

    with common.open_registry(common.settings_for(data)) as registry:
        permits.withdraw(registry, number, actor=accounts.COMMAND_LINE)
    common.say(f"permit {number} is withdrawn")


def terms(
    data: common.DataOption = common.DEFAULT_DATA,
    text: Annotated[Path | None, typer.Option("--set", help="A text file: the terms from now on.")] = None,
) -> None:
    """Tell the terms of use, or set them: whoever asks for a download of restricted records has to accept them.

    Restricted are records with a label, of a dataset with a permit, or without a licence that everybody knows.

    Example: biodata rights terms --set terms.txt --data biodata_data
    """
    from biodata.access import accounts, terms_of_use
    from biodata.core.errors import InputError

    with common.open_registry(common.settings_for(data)) as registry:
        if text is not None:
            try:
                stated = text.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(
                    str(error), file=text.name, expected="a text in UTF-8", code="TERMS_INVALID"
                ) from error
            made = terms_of_use.put(registry, stated, actor=accounts.COMMAND_LINE)
            common.say(f"version {made.version} of the terms of use holds")
            return
        held = terms_of_use.current(registry)
    common.say(
        "no terms of use: nothing has to be accepted" if held is None else f"version {held.version}\n\n{held.text}"
    )


def use(
    country: Annotated[str, typer.Argument(help="ISO code of the country that the records are from, LA.")],
    data: common.DataOption = common.DEFAULT_DATA,
    year: Annotated[int | None, typer.Option(help="Only downloads that were asked for in this year.")] = None,
    as_json: common.JsonOption = False,
) -> None:
    """Tell what was used of a country's records, for which purpose and how much; never by whom.

    Example: biodata rights use LA --year 2026 --data biodata_data
    """
    import pycountry

    from biodata.access import terms_of_use
    from biodata.core.errors import InputError

    if pycountry.countries.get(alpha_2=country.upper()) is None:
        problem = "this is no country"  # "0 downloads" of it would be a wrong answer
        raise InputError(problem, column="country", value=country, expected="an ISO 3166-1 alpha-2 code such as LA")
    with common.open_registry(common.settings_for(data)) as registry:
        use_report = terms_of_use.use_report(registry, country.upper(), year=year)
    if as_json:
        common.say(json.dumps(use_report.as_dict(), ensure_ascii=False, indent=1))
        return
    asked = f"asked for before {use_report.until}"
    common.say(
        f"{use_report.country}, {use_report.year or 'all years'}: {use_report.downloads} downloads {asked}, with {use_report.records} of its records"
    )
    for title, counts in (
        ("purpose", use_report.purposes),
        ("dataset", use_report.datasets),
        ("licence", use_report.licences),
    ):
        for name, count in counts.items():
            common.say(f"  {title} {name}: {count}")
    common.say(f"Counted in steps of {terms_of_use.STEP}; what was used less often is left out or stands together.")


def set_description(
    key: Annotated[str, typer.Argument(help="The dataset's key.")],
    data: common.DataOption = common.DEFAULT_DATA,
    title: Annotated[str | None, typer.Option(help="Its title.")] = None,
    licence: Annotated[
        str | None,
        typer.Option("--license", help="CC0 1.0, CC BY 4.0, CC BY-NC 4.0, or the address of another licence."),
    ] = None,
    citation: Annotated[str | None, typer.Option(help="How to cite it.")] = None,
    doi: Annotated[str | None, typer.Option(help="Its DOI.")] = None,
    scope: Annotated[
        str | None,
        typer.Option(help="The taxon that it is about, such as Aves: a name in it that nobody knows is of that taxon."),
    ] = None,
) -> None:
    """State a dataset's title, licence, citation or DOI; the next `biodata release` has it, and every citation from then on.

    Example: biodata dataset set checklist --data biodata_data --title "Checklist of our region" --license "CC BY 4.0"
    """
    from biodata.access import accounts
    from biodata.core.errors import InputError
    from biodata.pipeline import descriptions

    values = {"title": title, "license": licence, "citation": citation, "doi": doi, "scope": scope}
    if not any(value is not None for value in values.values()):
        problem = "nothing is stated"
        raise InputError(problem, expected="--title, --license, --citation, --doi or --scope", code="OPTION_MISSING")
    changed = descriptions.describe(common.installation(data), key, values, actor=accounts.COMMAND_LINE)
    for name, value in changed.items():
        common.say(f"{key}: {name} is {value}")
    common.say(f"`biodata release --data {data}` publishes it" if changed else f"{key}: this was stated before")


def list_datasets(data: common.DataOption = common.DEFAULT_DATA, as_json: common.JsonOption = False) -> None:
    """List the datasets of an installation with their titles and licences, one a line.

    Example: biodata dataset list --data biodata_data
    """
    with common.open_registry(common.installation(data)) as registry:
        rows = registry.datasets().to_dicts()
    if as_json:
        common.say(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        common.say(f"{row['key']}: {row['title'] or 'no title'}, {row['license'] or 'no licence of the whole'}")
