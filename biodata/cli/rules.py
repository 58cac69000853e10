"""`biodata rules`: which sharing rules hold, what they come to, and how one is taken back."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say, show_progress

if TYPE_CHECKING:
    from biodata.sharing import Rule

_CHECK = """Look at the sharing rules: review dates that are due, rules that contradict each other, taxa and areas that the lake
does not have, consents of rules that are not there; and how many records of the lake each rule decides.

Rules are lines of sharing_rules.csv in the data folder (columns: rule_id, category, reason; and where wanted source,
source_kind, owner, scientificName, rank, country_code, province_code, area_id, polygon, dataset, publishing_country, label,
month_from, month_to, review_date); `biodata sensitive` adds one. A looser rule acts once every stricter owner stands in
sharing_consents.csv beside it (columns: looser_rule, stricter_owner, given_by, given_on, valid_until). `biodata explain`
tells which rule decided a record.

Example: biodata rules check --data biodata_data
"""
_LIST = """List the sharing rules that hold: name, category, taxon, where and when, and why.

Example: biodata rules list --data biodata_data
"""
_REMOVE = """Take a sharing rule back, and make a release without it.

Records that it alone made coarse become finer. A place that was published can be copied and is never taken back: look
first with --dry-run, which counts what would become finer and changes nothing. Records that other rules hide stay so.
The audit keeps the rule, and who took it back.

Example: biodata rules remove peafowl_yunnan --data biodata_data --dry-run
"""
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    rules = typer.Typer(help="Sharing rules: what is hidden, and whose say it is.", no_args_is_help=True)
    rules.command(name="check", help=_CHECK)(check)
    rules.command(name="list", help=_LIST)(list_rules)
    rules.command(name="remove", help=_REMOVE)(remove)
    app.add_typer(rules, name="rules")


def check(
    data: DataOption = DEFAULT_DATA,
    days: Annotated[int, typer.Option(min=0, help="Review dates within so many days count as due.")] = 90,
    as_json: JsonOption = False,
) -> None:
    """Print what is to be looked at."""
    from biodata.pipeline.rule_check import check_rules

    found = check_rules(installation(data), days=days)
    if as_json:
        say(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    for line in found.lines():
        say(line)


def list_rules(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Print the rules."""
    from biodata.sharing import RuleSet
    from biodata.sharing.rule_lines import cells

    rules = RuleSet.read(installation(data).rules_file).rules
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
    """Take it back, or tell what that would do."""
    from biodata import pipeline
    from biodata.access.exact_building import must_follow
    from biodata.access.loosening import remove_rule
    from biodata.pipeline.rule_check import finer_without

    settings = installation(data)
    finer = finer_without(settings, rule_id)
    told = [f"  {was} → {now}: {count} records" for (was, now), count in finer.items()]
    counted = [{"from": was, "to": now, "records": count} for (was, now), count in finer.items()]
    if dry_run:
        if as_json:
            say(json.dumps({"rule": rule_id, "finer": counted}))
            return
        say(f"without the rule {rule_id} these would become finer:" if told else "nothing would become finer")
        for line in told:
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
    for line in told or ["nothing became finer: other rules hide its records as much, or it met none"]:
        say(line)
    if told:
        say("what is published now can be copied, and no later rule takes it back from those who have it")
    say(f"{made.citations} citations are asked again by the worker")
    must_follow(settings)


def _meant(rule: "Rule") -> str:
    """Return what a rule means, in words."""
    where = [rule.province_code or rule.country_code, rule.area_id, "in a polygon" if rule.polygon else None]
    where += [f"dataset {rule.dataset}" if rule.dataset else None]
    where += [f"published in {rule.publishing_country}" if rule.publishing_country else None]
    where += [f"label {rule.label}" if rule.label else None]
    where += [f"months {rule.month_from} to {rule.month_to}" if rule.month_from else None]
    return ", ".join([rule.scientific_name or "every taxon", *filter(None, where)])
