"""`biodata rules`: which sharing rules hold, what they come to, and how one is taken back."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    add_group,
    installation,
    open_registry,
    say,
    settings_for,
    show_progress,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biodata.sharing import Rule
import re
from datetime import UTC, date, datetime
from typing import Final

from biodata.cli.options import say_held_runs
from biodata.core.errors import InputError

ConsentsOption = Annotated[Path | None, typer.Option(help="CSV of consents.", dir_okay=False)]
LabelsOption = Annotated[Path | None, typer.Option(help="CSV of labels of communities.", dir_okay=False)]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    _add_sensitive(app)
    add_group(
        app, "rules", "Sharing rules: what is hidden, and whose say it is.", check, list_rules, remove, import_,
        export, versions,
    )  # fmt: skip


def check(
    data: DataOption = DEFAULT_DATA,
    days: Annotated[int, typer.Option(min=0, help="Review dates within so many days count as due.")] = 90,
    as_json: JsonOption = False,
) -> None:
    """Look at the sharing rules, and tell how many records of the lake each one decides.

    Told are review dates that are due, rules that contradict each other, taxa and areas that the lake does not have, and
    consents of rules that are not there.

    Rules stand in the registry, with versions; `biodata rules export` writes them as CSV, `biodata rules import` reads
    them (columns: rule_id, category, reason; and where wanted source, source_kind, owner, scientificName, rank,
    country_code, province_code, area_id, polygon, dataset, publishing_country, label, month_from, month_to,
    review_date); `biodata sensitive` adds one. A looser rule acts once every stricter owner has consented (columns of
    consents: looser_rule, stricter_owner, given_by, given_on, valid_until). `biodata explain` tells which rule decided
    a record.

    Example: biodata rules check --data biodata_data
    """
    from biodata.pipeline.rule_check import check_rules

    found = check_rules(installation(data), days=days)
    if as_json:
        say(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    for line in found.lines():
        say(line)


def list_rules(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """List the sharing rules that hold: name, category, taxon, where and when, and why.

    Example: biodata rules list --data biodata_data
    """
    from biodata.sharing.rules import cells
    from biodata.store.sharing_rules import rules_of

    rules = rules_of(installation(data)).rules
    if as_json:
        say(json.dumps([{k: v for k, v in cells(rule).items() if v} for rule in rules], ensure_ascii=False))
        return
    for rule in rules:
        say(f"{rule.rule_id}: {rule.category}, {_meant(rule)}. {rule.reason}")
    say(f"{len(rules)} rules")


def remove(
    rule_id: Annotated[str, typer.Argument(help="The rule's name, as `biodata rules list` tells it.")],
    data: DataOption = DEFAULT_DATA,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would become finer; change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take a sharing rule back, and make a release without it.

    Records that it alone made coarse become finer. A place that was published can be copied and is never taken back:
    look first with --dry-run, which counts what would become finer and changes nothing. Records that other rules hide
    stay so. The audit keeps the rule, and who took it back.

    Example: biodata rules remove peafowl_yunnan --data biodata_data --dry-run
    """
    from biodata import pipeline
    from biodata.access.exact_building import must_follow
    from biodata.access.rule_changes import remove_rule
    from biodata.pipeline.rule_check import changed_under, without

    settings = installation(data)
    finer = changed_under(settings, without(rule_id))
    lines, counted = _lines(finer), _counted(finer)
    if dry_run:
        if as_json:
            say(json.dumps({"rule": rule_id, "finer": counted}))
            return
        say(f"without the rule {rule_id} these would become finer:" if lines else "nothing would become finer")
        for line in lines:
            say(line)
        return
    made = remove_rule(
        settings,
        rule_id,
        finer=counted,
        release=lambda settings: pipeline.release(settings, full=True, progress=show_progress()),
    )
    if as_json:
        say(
            json.dumps(
                {"rule": rule_id, "release": made.release.id, "finer": counted, "before": made.before}
                | {"after": made.after, "citations": made.citations}
            )
        )
        must_follow(settings)
        return
    say(f"the rule {rule_id} holds no more; release {made.release.id} is made without it")
    for line in lines or ["nothing became finer: other rules hide its records as much, or it met none"]:
        say(line)
    if lines:
        say("what is published now can be copied, and no later rule takes it back from those who have it")
    say(f"{made.citations} citations are asked again by the worker")
    must_follow(settings)


def import_(
    file: Annotated[
        Path | None, typer.Argument(help="CSV of all rules; none with --bundled.", exists=True, dir_okay=False)
    ] = None,
    data: DataOption = DEFAULT_DATA,
    consents: ConsentsOption = None,
    labels: LabelsOption = None,
    bundled: Annotated[bool, typer.Option("--bundled", help="The list of sensitive species that is shipped.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change; change nothing.")] = False,
) -> None:
    """Put the rules of a CSV file in the place of those in force: a new version of them, and a release under it.

    The file has every rule, as `biodata rules export` writes them; one that is not in it holds no more. Consents and
    labels stay as they are where no file is given. Everything is checked first: a file with a fault changes nothing.
    With --dry-run it is only told which rules come and go, and how many records become coarser or finer; a place that
    was published can be copied and is never taken back. Older releases and files of downloads go. The versions before
    stay in the registry, and the audit keeps who imported which.

    Example: biodata rules import rules.csv --data biodata_data --dry-run

    Example: biodata rules import rules.csv --consents consents.csv --labels labels.csv --reason "yearly review" --data biodata_data
    """
    from dataclasses import replace
    from datetime import UTC, datetime
    from importlib.metadata import version

    from biodata import pipeline
    from biodata.access.exact_building import must_follow
    from biodata.access.rule_changes import Difference, import_rules, read_files
    from biodata.core.errors import InputError
    from biodata.pipeline.rule_check import changed_under, finer
    from biodata.store.cluster import lake_exists

    if (file is None) is not bundled:
        problem, expected = (
            "which rules are to be imported is not clear",
            "a CSV file, or --bundled for the list that is shipped",
        )
        raise InputError(problem, column="FILE", value=str(file or ""), expected=expected)
    settings = settings_for(data)
    with open_registry(settings) as registry:
        before, after = read_files(registry, file, consents=consents, labels=labels)
    changed = {}
    if before is None:
        say("the version in force cannot be read: what becomes finer cannot be told")
    elif before.texts() == after.texts():
        say("nothing changes")
        return
    else:
        say(Difference.between(before, after).line())
        then = after.on(datetime.now(tz=UTC).date())
        if lake_exists(settings.data):
            changed = changed_under(
                settings, lambda rules: replace(rules, rules=then.rules, consents=then.consents, labels=then.labels)
            )
        for line in _lines(changed) or ["no record becomes coarser or finer"]:
            say(line)
    if dry_run:
        return
    why = reason or (f"bundled list {version('biodata')}" if file is None else f"imported from {file.name}")
    number, made = import_rules(
        settings, after, reason=why, finer=_counted(finer(changed)),
        release=lambda settings: pipeline.release(settings, full=True, progress=show_progress()),
    )  # fmt: skip
    say(f"version {number} of the rules holds: {len(after.rules)} rules")
    if made is None:
        say("the next release follows it")
        return
    say(f"release {made.id} follows it; what older rules let out is removed")
    must_follow(settings)


def export(
    file: Annotated[Path, typer.Argument(help="CSV of the rules to write.", dir_okay=False)],
    data: DataOption = DEFAULT_DATA,
    consents: ConsentsOption = None,
    labels: LabelsOption = None,
) -> None:
    """Write the rules in force as CSV, and where wanted the consents and the labels, to be edited and imported again.

    Example: biodata rules export rules.csv --consents consents.csv --labels labels.csv --data biodata_data
    """
    from biodata.store.sharing_rules import current

    with open_registry(installation(data)) as registry, registry.session(read_only=True) as session:
        content = current(session)
    for path, text in zip((file, consents, labels), content.texts(), strict=True):
        if path is not None:
            path.write_text(text, encoding="utf-8")
    say(f"{len(content.rules)} rules are in {file}")


def versions(data: DataOption = DEFAULT_DATA) -> None:
    """List the versions of the sharing rules: number, when, by whom, and why. The last is in force.

    Example: biodata rules versions --data biodata_data
    """
    from biodata.store import sharing_rules

    with open_registry(installation(data)) as registry, registry.session(read_only=True) as session:
        for one in sharing_rules.versions(session):
            say(f"{one.number}: {one.created:%Y-%m-%d %H:%M}, {one.actor}: {one.reason}")


def _lines(changed: "Mapping[tuple[str, str], int]") -> list[str]:
    """Return a line for each change of category."""
    return [f"  {was} → {now}: {count} records" for (was, now), count in changed.items()]


def _counted(changed: "Mapping[tuple[str, str], int]") -> "list[dict[str, Any]]":
    """Return the same for JSON and the audit."""
    return [{"from": was, "to": now, "records": count} for (was, now), count in changed.items()]


def _meant(rule: "Rule") -> str:
    """Return what a rule means, in words."""
    where = [rule.province_code or rule.country_code, rule.area_id, "in a polygon" if rule.polygon else None]
    where += [f"dataset {rule.dataset}" if rule.dataset else None]
    where += [f"published in {rule.publishing_country}" if rule.publishing_country else None]
    where += [f"label {rule.label}" if rule.label else None]
    where += [f"months {rule.month_from} to {rule.month_to}" if rule.month_from else None]
    return ", ".join([rule.scientific_name or "every taxon", *filter(None, where)])


_COUNTRY: Final = "[A-Z]{2}"
_PROVINCE: Final = "[A-Z]{2}-[A-Z0-9]{1,3}"


def _add_sensitive(app: typer.Typer) -> None:
    """Add `biodata sensitive`."""
    app.command(name="sensitive")(sensitive)


def sensitive(
    name: Annotated[str, typer.Argument(help="Scientific name of the taxon; all that is below it is meant too.")],
    category: Annotated[str, typer.Option(help="withheld, 1_degree, 0_1_degree, 0_01_degree or 0_001_degree.")],
    reason: Annotated[str, typer.Option(help="Why, in words that are published with its records.")],
    data: DataOption = DEFAULT_DATA,
    rule: Annotated[str | None, typer.Option(help="Name of the rule; else made from the taxon's.")] = None,
    rank: Annotated[str | None, typer.Option(help="The taxon's rank, as GENUS.")] = None,
    country: Annotated[str | None, typer.Option(help="Only in this country, as LA.")] = None,
    province: Annotated[str | None, typer.Option(help="Only in this division, as CN-YN.")] = None,
    area: Annotated[str | None, typer.Option(help="Only in this protected area, by its area_id.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only in this dataset.")] = None,
    source: Annotated[str | None, typer.Option(help="Whose list it comes from.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who must consent before a looser rule acts.")] = None,
    review: Annotated[str | None, typer.Option(help="When to look at it again, as 2028-01-31.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also where nothing here has that name.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a taxon sensitive from now on: add a rule, make a release under it, and remove what older rules let out.

    Earlier releases and files of downloads go; every citation is asked again by `biodata worker` and says what is
    withheld of it. The audit keeps the rule, who added it, and how many records it touches. A rule never makes a record
    less sensitive: the strictest decides. A rule of a country also holds for cells that only reach into it. `biodata
    rules remove` takes a rule back. A name that no rule, checklist or record here has may be misspelt and is refused,
    unless with --anyway.

    Example: biodata sensitive "Nomascus concolor" --category 1_degree --reason "hunted" --data biodata_data
    """
    from biodata import pipeline
    from biodata.access.exact_building import must_follow
    from biodata.access.rule_changes import add_rule
    from biodata.core.vocabularies import SharingCategory
    from biodata.pipeline.rule_check import look_up_taxon
    from biodata.sharing import Rule

    known = [str(c) for c in SharingCategory if c is not SharingCategory.OPEN]
    if category not in known:
        problem = "no category of a sensitive taxon"
        raise InputError(problem, column="--category", value=category, expected=f"one of {', '.join(known)}")
    _scientific(name)
    _coded("--country", country, _COUNTRY)
    _coded("--province", province, _PROVINCE)
    settings = installation(data)
    near = look_up_taxon(settings, name)
    if near is not None and not anyway:
        read = f"; it would be read as {', '.join(near)}" if near else ""
        problem = f"no rule, checklist or record here has this name{read}"
        expected = "the name as it is written there, or --anyway where it is right"
        raise InputError(problem, column="name", value=name, expected=expected, code="TAXON_UNKNOWN")
    made = add_rule(
        settings,
        Rule(
            rule_id=rule
            or re.sub(r"[^a-z0-9]+", "-", f"{name} {province or country or area or ''}".lower()).strip("-"),
            category=SharingCategory(category),
            reason=reason,
            source=source,
            scientific_name=name,
            rank=rank,
            country_code=(country or (province[:2] if province else "")).upper() or None,
            province_code=province.upper() if province else None,
            dataset=dataset,
            area_id=area,
            owner=owner,
            review_date=_day(review),
        ),
        release=lambda settings: pipeline.release(settings, full=True, progress=show_progress()),
    )
    if as_json:
        facts = {
            "rule": made.rule.rule_id, "release": made.release.id, "before": made.before, "after": made.after,
            "removed": made.removed, "citations": made.citations, "read_as": [name] if near is None else near,
        }  # fmt: skip
        say(json.dumps(facts, ensure_ascii=False))
        must_follow(settings)
        return
    say(f"the rule {made.rule.rule_id} holds; release {made.release.id} follows it")
    if near:
        say(f"  nothing here is called {name}: it also meets records of {', '.join(near)}")
    for each in sorted(made.before.keys() | made.after.keys()):
        say(f"  {each}: {made.before.get(each, 0)} records before, {made.after.get(each, 0)} now")
    if made.before == made.after:
        say(
            f"nothing became coarser: no record here may be {name} there, or each is as coarse already; "
            "`biodata rules check` tells which rules meet no record, misspelt ones among them"
        )
    elif made.rule.country_code is not None:
        say(
            f"a cell that reaches into {made.rule.country_code} follows this rule also where it lies in a neighbour: "
            "`biodata audit leaks` counts by country"
        )
    say(f"removed: {', '.join(f'{n} {what}' for what, n in made.removed.items())}")
    say(f"{made.citations} citations are asked again by the worker")
    say_held_runs(settings)
    must_follow(settings)


def _day(text: str | None) -> date | None:
    """Return a day that is to come."""
    try:
        day = None if text is None else date.fromisoformat(text)
    except ValueError:
        problem = "no date"
        raise InputError(problem, column="--review", value=text, expected="a day as 2028-01-31") from None
    if day is not None and day <= datetime.now(UTC).date():
        problem = "this day is over"
        raise InputError(
            problem, column="--review", value=text, expected="a day to come, when to look at the rule again"
        )
    return day


def _scientific(name: str) -> None:
    """Refuse a common name: a rule is written for a taxon, and names in all languages are led to it."""
    if not re.search("[A-Za-z]{2}", name):
        problem = "a rule is written for a scientific name"
        expected = f"the one that `biodata checklist find {name}` tells; records under common names follow it"
        raise InputError(problem, column="name", value=name, expected=expected)


def _coded(option: str, value: str | None, shape: str) -> None:
    """Refuse a place that is stated in words."""
    if value is not None and not re.fullmatch(shape, value.upper()):
        problem, expected = "this is no code of a place", "LA" if shape == _COUNTRY else "CN-YN"
        raise InputError(problem, column=option, value=value, expected=f"an ISO 3166 code, as {expected}")
