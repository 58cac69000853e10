"""`biodata sensitive`: what is hidden from now on."""

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Final

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say, say_held_runs, show_progress
from biodata.core.errors import InputError

_SENSITIVE = """Make a taxon sensitive from now on: add a rule, make a release under it, and remove what older rules let out.

Earlier releases and files of downloads go; every citation is asked again by `biodata worker` and says
what is withheld of it. The audit keeps the rule, who added it, and how many records it touches. A rule never makes a
record less sensitive: the strictest decides. A rule of a country also holds for cells that only reach into it. `biodata
rules remove` takes a rule back. A name that no rule, checklist or record here has may be misspelt and is refused, unless
with --anyway.

Example: biodata sensitive "Nomascus concolor" --category 1_degree --reason "hunted" --data biodata_data
"""
_COUNTRY: Final = "[A-Z]{2}"
_PROVINCE: Final = "[A-Z]{2}-[A-Z0-9]{1,3}"


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="sensitive", help=_SENSITIVE)(sensitive)


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
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")] = False,
) -> None:
    """Add the rule and let it act."""
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
        told = {
            "rule": made.rule.rule_id,
            "release": made.release.id,
            "before": made.before,
            "after": made.after,
            "removed": made.removed,
            "citations": made.citations,
            "read_as": [name] if near is None else near,
        }
        say(json.dumps(told, ensure_ascii=False))
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
    """Refuse a place that is told in words."""
    if value is not None and not re.fullmatch(shape, value.upper()):
        problem, expected = "this is no code of a place", "LA" if shape == _COUNTRY else "CN-YN"
        raise InputError(problem, column=option, value=value, expected=f"an ISO 3166 code, as {expected}")
