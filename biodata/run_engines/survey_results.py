"""Results of a monitoring project as an engine of kept runs."""

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata.errors import InputError
from biodata.run_engines.work import Outcome, Parameters, Work, number, parameter, told_table
from biodata.vocabularies import EvidenceView

if TYPE_CHECKING:
    from biodata.run_engines.survey_reading import SurveyRead

PARAMETERS: Final = Parameters(
    ("dataset",),
    MappingProxyType(
        {
            "records": "public", "species": None, "scope": None, "occasion_days": 5, "gap_minutes": 30.0,
            "within_m": 200.0, "distance_m": 5_000.0, "hours": 72.0,
        }
    ),
    format=2,  # the tables of 1 named sites by exact coordinates, in the public view too
)  # fmt: skip


def run(work: Work) -> Outcome:
    """Compute the results of surveys; a table for each kind of result, and all of them as JSON.

    Parameters are `dataset` (a key, or a list of them: those of the sides of one project), and optionally `records` (public or exact),
    `species` (a list), `scope` (taxa that events which tell no scope are taken to have looked for), `occasion_days`,
    `gap_minutes`, `within_m`, `distance_m` and `hours`, see `analysis.surveys.asked.Parameters`.
    """
    from biodata.analysis.surveys import asked as questions
    from biodata.analysis.surveys import results
    from biodata.run_engines.survey_reading import read

    asked = questions.Parameters(
        species=_names(work, "species"), assumed_scope=_names(work, "scope"),
        occasion_days=_whole(work, "occasion_days"), seed=work.seed,
        **{name: _above(work, name) for name in ("gap_minutes", "within_m", "distance_m", "hours")},
    )  # fmt: skip
    read_of = read(work.settings, _names(work, "dataset") or (), view=_view(work))
    told = results.results(read_of.joined, asked)
    if asked.species is not None:
        _refuse_unknown(asked.species, told, read_of)
    told = {**told, "facts": read_of.facts}
    return Outcome(read_of.inputs, {**tables(told), "told": told_table(told)}, read_of.snapshot, _notes(told))


def tables(told: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return the results as tables, a row for each number."""
    out = {name: _flat(told[name]) for name in ("effort", "effort_by_month", "effort_by_site", "totals")}
    for name in ("abundance", "occupancy", "trends", "activity"):
        out[name] = _flat(
            [
                {**{k: v for k, v in one.items() if k not in ("by", "compared", "left_out")}, "part": part, **found}
                for one in told[name]
                for part, found in one["by"].items()
            ]
        )
    out["accumulation"] = _flat(
        [
            {"method": method, "part": part, "sites": n, "species": mean, "low": low, "high": high}
            for method, found in told["richness"].items()
            for part, of in found["by"].items()
            for n, mean, low, high in zip(of["sites"], of["species"], of["low"], of["high"], strict=True)
        ]
    )
    out["richness"] = _flat(
        [
            {"method": method, "part": part, **of["estimates"]}
            for method, found in told["richness"].items()
            for part, of in found["by"].items()
        ]
    )
    return {name: frame for name, frame in out.items() if frame.width}


def _flat(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows as a table; lists and mappings as JSON."""
    plain = [
        {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | tuple) else value
            for name, value in row.items()
        }
        for row in rows
    ]
    return pl.DataFrame(plain, infer_schema_length=None) if plain else pl.DataFrame()


def _notes(told: dict[str, Any]) -> tuple[str, ...]:
    """Return what has to be said of results."""
    summary, facts = told["summary"], told["facts"]
    notes = []
    if summary["without_scope"]:
        notes.append(
            f"{summary['without_scope']} of {summary['events']} events tell no scope: what they did not find is no absence"
        )
    if summary["events_of_no_side"]:
        notes.append(f"{summary['events_of_no_side']} events lie surely on no side and are in joint results alone")
    if facts["sharing_category"] != "open":
        notes.append(f"made of exact places of category {facts['sharing_category']}: not to be passed on")
    return tuple(notes)


def _names(work: Work, name: str) -> tuple[str, ...] | None:
    """Return a parameter that is a text or a list of texts."""
    told = parameter(work, name, str | list | tuple | None)
    return None if told is None else (told,) if isinstance(told, str) else tuple(str(one) for one in told)


def _whole(work: Work, name: str) -> int:
    """Return a parameter that is a whole number of 1 or more."""
    value = parameter(work, name, int)
    if value < 1:
        problem = "the parameter is too small"
        raise InputError(problem, column=name, value=str(value), expected="1 or more", code="PARAMETERS_INVALID")
    return int(value)


def _above(work: Work, name: str) -> float:
    """Return a parameter that is a number of 0 or more."""
    value = number(work, name)
    if value is None or not 0 <= value < float("inf"):
        problem = "the parameter is no such number"
        raise InputError(problem, column=name, value=str(value), expected="0 or more", code="PARAMETERS_INVALID")
    return value


def _view(work: Work) -> EvidenceView:
    """Return the view of the records."""
    from biodata.species_layers.reading import view_of

    return view_of(parameter(work, "records", str))


def _refuse_unknown(wanted: tuple[str, ...], told: dict[str, Any], read_of: "SurveyRead") -> None:
    """Raise where a species that was asked has no record in this view."""
    known = {one["species"] for one in told["abundance"]}
    records = read_of.joined.records
    for name in wanted:
        if name not in known:
            view = read_of.facts["evidence_view"]
            problem = told["summary"]["not_told"].get(name) or f"there is no {view} record of this species"
            some = ", ".join(records["name"].unique().sort()[:5]) or "none"
            raise InputError(
                " ".join(problem.split()), column="species", value=name, expected=f"a species of the survey, such as {some}",
                code="SPECIES_UNKNOWN",
            )  # fmt: skip
