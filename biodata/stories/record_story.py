"""Telling the story of a record of an installation: its values, its versions, and what goes out of it."""

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

import polars as pl

from biodata import places, sharing
from biodata.core import terms
from biodata.core.errors import InputError, StoreError
from biodata.core.flags import FLAGS
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise import rules
from biodata.harmonise.findings import Stated
from biodata.harmonise.rules import ADMINISTRATION, CHECKS, READERS, RULES, Kind, Way
from biodata.sharing.decide import decide
from biodata.sharing.grid import PLACES
from biodata.sharing.publish import REASON_BESIDE
from biodata.sharing.why import why
from biodata.store import folders, models, releases
from biodata.store.cluster import lake_exists
from biodata.store.lake import Lake
from biodata.store.query.filters import And, Compare, Filter, Or
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force
from biodata.stories.story import Change, Doubt, How, Proposal, Sharing, Story, Use, Value, Version

Row = dict[str, Any]
_OCCURRENCE_NAMES: Final = frozenset(terms.names(terms.OCCURRENCE))


def read_sharing(row: Row, settings: Settings, rules: sharing.RuleSet) -> Sharing:
    """Return what may be seen of a record today, and what its current release shows.

    Parameters
    ----------
    row : dict
        A row of the lake's table `occurrences`.
    settings : Settings
        The installation.
    rules : RuleSet
        Its rules in force.
    """
    frame = pl.DataFrame([{name: row.get(name) for name in _OCCURRENCE_NAMES}], schema=terms.schema(terms.OCCURRENCE))
    boundaries = places.load_boundaries(settings.boundaries)
    decided = decide(frame, rules, boundaries=boundaries)
    chain = why(frame, rules, boundaries=boundaries)
    category, rule, reason = (
        decided.select("category", "rule_id", "reason").row(0) if decided.height else (str(SharingCategory.OPEN), None, None)
    )  # fmt: skip
    key = row["key"]
    if rules.plan is not None:
        apart = rules.plan.apart
        mine = apart.hidden.filter(pl.col("key") == key)
        if mine.height and (not decided.height or mine["beside"][0]):
            category, rule, reason = mine["category"][0], mine["rule_id"][0], REASON_BESIDE
        owner = next((one.answerable for one in rules.rules if one.rule_id == rule), None)
        if owner is not None and reason is not None:
            reason = f"{reason}; {owner} can change it"
        waits = apart.waiting.filter(pl.col("key") == key)["places"]
        if len(waits):
            reason = f"{reason}; it waits: {waits[0]} of {PLACES} places of its dataset in the cell"
        out = sharing.presence_rows(rules, boundaries=boundaries, among=pl.Series([key]))["key"]
        key = out[0] if len(out) else key
    current = releases.current(settings.data)
    if current is None:
        return Sharing(category, rule, reason, None, None, None, (), chain)
    found = releases.read(current, "occurrences", where=Compare("key", "=", key))
    if found.is_empty():
        return Sharing(category, rule, reason, current.id, current.snapshot, None, (), chain)
    published = {name: value for name, value in found.row(0, named=True).items() if value is not None}
    return Sharing(category, rule, reason, current.id, current.snapshot, published, _differences(row, published), chain)


def _differences(row: Row, published: Row) -> tuple[tuple[str, Any, Any], ...]:
    """Return the columns in which the two rows differ; an empty list is nothing."""
    names = [*terms.names(terms.OCCURRENCE), *(name for name in published if name not in _OCCURRENCE_NAMES)]
    pairs = [(name, row.get(name), published.get(name)) for name in names]
    return tuple((name, inside, outside) for name, inside, outside in pairs if (inside or None) != (outside or None))


# The versions of a record, and what differs between them.
_NOT_COMPARED: Final = frozenset({"key", "source_file", "source_row", "datasetKey", "dataset_part", "source_record_id"})
_NOT_TOLD: Final = ("schema_version",)
"""What is kept with a commit that is not about one record."""
_LAYERS: Final = ("interpreted", "verbatim")


def read_versions(occurrences: pl.DataFrame, verbatim: pl.DataFrame) -> tuple[Version, ...]:
    """Return the versions of a record, the oldest first.

    Parameters
    ----------
    occurrences, verbatim : polars.DataFrame
        `Lake.history` of the two tables.
    """
    layers = [{row["snapshot"]: row for row in frame.iter_rows(named=True)} for frame in (occurrences, verbatim)]
    states: list[Row] = [{}, {}]
    versions: list[Version] = []
    for snapshot in sorted(layers[0].keys() | layers[1].keys()):
        written = [layer.get(snapshot) for layer in layers]
        commit = next(row for row in written if row is not None)
        gone = written[0] is not None and written[0]["gone"]
        emptied = not gone and any(row is not None and row["source_record_id"] is None for row in written)
        changes: list[Change] = []
        for at, row in enumerate(written):
            if row is None or gone or emptied:
                continue
            if states[at]:
                changes += _changes(_LAYERS[at], states[at], row)
            states[at] = row
        was_gone = bool(versions) and versions[-1].what == "gone"
        what = (
            "gone" if gone else "emptied" if emptied else "new" if not versions else "back" if was_gone else "changed"
        )
        facts = _kept_with(commit["extra"])
        rules = facts.pop("rules", None)
        place = {} if gone else next(row for row in reversed(written) if row is not None)
        versions.append(
            Version(
                snapshot, _time(commit["time"]), what, commit["author"], commit["message"], place.get("source_file"),
                place.get("source_row"), facts.pop("biodata", None), rules,
                _newer(versions[-1].rules if versions else None, rules), facts.pop("declared", None) or {}, facts,
                tuple(changes),
            )
        )  # fmt: skip
    return tuple(versions)


def last_state(history: pl.DataFrame) -> Row:
    """Return the row that was written last; an empty one where there is none."""
    written = history.filter(~pl.col("gone"))
    return dict(written.row(-1, named=True)) if written.height else {}


def _changes(layer: str, before: Row, after: Row) -> list[Change]:
    """Return the cells that differ, in the order of the table's columns."""
    columns = terms.OCCURRENCE if layer == "interpreted" else terms.VERBATIM
    return [
        Change(layer, column.name.removeprefix("v_"), before[column.name], after[column.name])
        for column in columns
        if column.name not in _NOT_COMPARED and before[column.name] != after[column.name]
    ]


def _newer(before: dict[str, int] | None, after: dict[str, int] | None) -> dict[str, tuple[int | None, int]]:
    """Return the rules whose versions differ, where both are known."""
    if before is None or after is None:
        return {}
    return {name: (before.get(name), version) for name, version in after.items() if before.get(name) != version}


def _kept_with(extra: str | None) -> dict[str, Any]:
    """Return what was kept with a commit beside its message."""
    try:
        content = json.loads(extra or "{}")
    except ValueError:
        return {}
    return (
        {name: value for name, value in content.items() if name not in _NOT_TOLD}
        if isinstance(content, Mapping)
        else {}
    )


def _time(value: Any) -> datetime:
    """Return a commit's time; DuckDB always gives one."""
    if not isinstance(value, datetime):
        message = "a version of the lake has no time"
        raise TypeError(message)
    return value


# Telling the story of a record of an installation.
_MATCH: Final = (
    "match_type", "match_confidence", "match_note", "match_alternatives", "checklist", "taxon_id", "col_key",
)  # fmt: skip
_IDENTITY: Final = ("datasetKey", "source_record_id", "occurrenceID", "gbifID", "source_file", "source_row")
_ASSESSED: Final = ("cluster_id", "cluster_reasons", "rule_version")


def explain(
    key: int | None,
    settings: Settings,
    *,
    occurrence_id: str | None = None,
    dataset: str | None = None,
    gbif_id: str | None = None,
) -> Story:
    """Tell the story of a record: each value beside what was stated, by which rule, and what became of it since.

    It reads the lake, exact places among it: it is for the owner of an installation.

    Parameters
    ----------
    key : int, optional
        The record's number; None where it is named in another way.
    settings : Settings
        The installation.
    occurrence_id : str, optional
        The publisher's identifier instead of the number, or what else identifies it in its dataset.
    dataset : str, optional
        Its dataset; needed where records of several datasets have the identifier.
    gbif_id : str, optional
        GBIF's number instead of the record's.

    Returns
    -------
    Story

    Raises
    ------
    InputError
        If there is no such record, or it is not clear which is meant.
    StoreError
        If there is no installation, or it cannot be read.

    Notes
    -----
    A record that was removed has a story too: that of its last version.
    """
    with _lake(settings) as lake:
        if key is None:
            key = _find(lake, occurrence_id=occurrence_id, dataset=dataset, gbif_id=gbif_id)
        occurrences = lake.history("occurrences", key)
        if occurrences.is_empty():
            raise InputError(_no_such(lake, key), code="RECORD_UNKNOWN")
        verbatim = lake.history("verbatim", key)
        assessed = lake.read("assessments", where=Compare("key", "=", key))
        rules = rules_in_force(settings, lake)
    row, facts = last_state(occurrences), last_state(verbatim)
    history = read_versions(occurrences, verbatim)
    written = next(v for v in reversed(history) if v.snapshot == row["snapshot"])
    book, cells = Rulebook(written.rules), Cells(facts)
    assessment: dict[str, Any] = dict(assessed.row(0, named=True)) if assessed.height else {}
    return Story(
        key=key,
        gone=history[-1].what == "gone",
        identity={name: row[name] for name in _IDENTITY},
        dataset=_dataset(settings, row["datasetKey"]),
        interpreted=read_values(row, cells, book),
        doubts=read_doubts(row, assessment, book),
        name_match={name: row[name] for name in _MATCH if row[name] is not None} if row["match_type"] else {},
        also_told=unread_cells(cells, _other(facts.get("other"))),
        assessment={name: assessment[name] for name in _ASSESSED if assessment.get(name) not in (None, [])},
        sharing=read_sharing(row, settings, rules),
        history=history,
    )


def _lake(settings: Settings) -> Lake:
    """Open the lake of an installation that is there: looking must not make one."""
    if not lake_exists(settings.data):
        message = f"{settings.data} is no installation: there is no lake in it; `biodata ingest` makes one"
        raise StoreError(message)
    return Lake.open(settings.data, memory_limit=settings.memory_limit)


def _find(lake: Lake, *, occurrence_id: str | None, dataset: str | None, gbif_id: str | None) -> int:
    """Return the number of the record that an identifier names, among those that are there, else among those that were."""
    if gbif_id is not None:
        named, value, either = "gbifID", gbif_id, [Compare("gbifID", "=", gbif_id)]
    elif occurrence_id is not None:
        named, value = "occurrenceID", occurrence_id
        either = [Compare("occurrenceID", "=", occurrence_id), Compare("source_record_id", "=", occurrence_id)]
    else:
        problem = "no record is named"
        raise InputError(problem, expected="a KEY, an occurrenceID with its dataset, or GBIF's number")
    there = lake.read("occurrences", columns=["key", "datasetKey"], where=_in(dataset, Or(tuple(either))))
    if there.is_empty():
        was = _in(dataset, Compare("source_record_id", "=", value))
        there = lake.read("identities", columns=["key", "datasetKey"], where=was)
    if there.height == 1:
        return int(there["key"][0])
    if there.is_empty():
        problem = "there is no such record" + (f" in the dataset {dataset}" if dataset else "")
        expected = "an identifier as it stands in its file"
        raise InputError(problem, column=named, value=value, expected=expected, code="RECORD_UNKNOWN")
    datasets = sorted(there["datasetKey"].unique())
    keys = ", ".join(str(k) for k in there["key"].sort()[:5])
    problem = f"{there.height} records are called so, in {', '.join(datasets[:5])}"
    expected = f"--dataset KEY, or one of their numbers: {keys}"
    raise InputError(problem, column=named, value=value, expected=expected, code="RECORD_AMBIGUOUS")


def _in(dataset: str | None, condition: Filter) -> Filter:
    """Return the condition inside a dataset, where one is stated."""
    return condition if dataset is None else And((Compare("datasetKey", "=", dataset), condition))


def _no_such(lake: Lake, key: int) -> str:
    """Say that there is no such record; a number may be GBIF's."""
    same = lake.read("occurrences", columns=["key"], where=Compare("gbifID", "=", str(key)))
    hint = f"; {key} is GBIF's number of record {same['key'][0]}" if same.height else ""
    return f"no record has the number {key}, and none ever had{hint}"


def _dataset(settings: Settings, key: str) -> dict[str, Any]:
    """Return what the registry knows of a dataset."""
    if settings.registry_url is None and not (folders.service(settings.data) / "registry.sqlite").is_file():
        return {}
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        found = session.get(models.Dataset, key)
        names = ("title", "license", "citation", "doi")
        return {} if found is None else {name: getattr(found, name) for name in names if getattr(found, name)}


def _other(text: str | None) -> dict[str, str]:
    """Return the headings of a row that are no term."""
    return {} if text is None else {str(name): str(value) for name, value in json.loads(text).items()}


_HOW: Final = {Kind.READ: How.READ, Kind.FILL: How.FILLED, Kind.REPAIR: How.REPAIRED, Kind.CHECK: How.READ}
_FOLLOWS: Final = {"name_match": "taxon_id", "date": "eventDate"}
"""Rules that may set a stated value aside: where the checklist, or the whole date, says otherwise."""


class Cells:
    """The verbatim cells of one record.

    Parameters
    ----------
    row : dict
        A row of the lake's table `verbatim`.

    Attributes
    ----------
    raw : dict of str to str
        By term each cell that is filled, as it came.
    cleaned : dict of str to str
        The same as the harmonising saw them: without placeholders for nothing.
    """

    def __init__(self, row: Row) -> None:
        self.raw: dict[str, str] = {
            term: row[f"v_{term}"] for term in terms.VERBATIM_TERMS if row.get(f"v_{term}") is not None
        }
        frame = pl.DataFrame({**self.raw, "source_file": "", "source_row": 1}, strict=False)
        reported = Stated(frame)
        self.cleaned: dict[str, str] = {
            term: text for term in self.raw if (text := reported[term][0]) is not None
        }  # fmt: skip


class Rulebook:
    """The rules as a record met them.

    Parameters
    ----------
    kept : mapping of str to int, optional
        Their versions when it was interpreted; None where that was not kept.
    """

    def __init__(self, kept: Mapping[str, int] | None) -> None:
        self._kept = kept or {}

    def use(self, name: str, detail: str | None = None) -> Use:
        """Return a rule as it was used."""
        rule = RULES.get(name)
        version = self._kept.get(name)
        if rule is None:
            return Use(name, "", "", version, None, detail)
        return Use(name, rule.meaning, rule.source, version, rule.version, detail)

    def uses(self, noted: str | None) -> tuple[Use, ...]:
        """Return the rules that stand in a repair."""
        names, detail = rules.split(noted or "")
        return tuple(self.use(name, detail if name == names[-1] else None) for name in names)


def read_values(row: Row, cells: Cells, book: Rulebook) -> tuple[Value, ...]:
    """Return how each interpreted value came about.

    Parameters
    ----------
    row : dict
        A row of the lake's table `occurrences`.
    cells : Cells
        The verbatim cells of the same record.
    book : Rulebook
        The rules as it met them.
    """
    found = (_value(column.name, row, cells, book) for column in terms.OCCURRENCE if column.name not in ADMINISTRATION)
    return tuple(value for value in found if value is not None)


def read_doubts(row: Row, assessment: Row, book: Rulebook) -> tuple[Doubt, ...]:
    """Return what is doubtful about a record; flags that only the other records state come last."""
    # What was found beside other records was not found by the ingest's rules.
    flags = [(name, book, None) for name in row.get("quality_flags") or ()]
    details, today = assessment.get("details") or (), Rulebook(None)
    flags += [(name, today, detail) for name, detail in zip_longest(assessment.get("flags") or (), details)]
    doubts = []
    for name, rulebook, detail in flags:
        flag, rule = FLAGS.get(name), CHECKS.get(name)
        use = rulebook.use(rule) if rule else None
        doubts.append(Doubt(name, flag.meaning if flag else "", use, flag.bdq if flag else (), detail))
    return tuple(doubts)


def unread_cells(cells: Cells, other: Mapping[str, str]) -> dict[str, str]:
    """Return what was stated and no value is read from: known terms, then the row's other headings."""
    read = {term for ways in READERS.values() for way in ways for term in way.terms} | {"datasetKey", "id"}
    rest = {term: text for term, text in cells.raw.items() if term not in read and term in cells.cleaned}
    return {**rest, **other}


def _value(column: str, row: Row, cells: Cells, book: Rulebook) -> Value | None:
    """Return how one column's value came about; None where there is nothing to tell."""
    value = row.get(column)
    noted = [repair for repair in row.get("repairs") or () if repair["term"] == column]
    applied = [repair for repair in noted if repair["applied"]]
    proposals = tuple(Proposal(r["value"], book.uses(r["rule"])) for r in noted if not r["applied"])
    facts, way = _way(column, value, row, cells)
    empty = value is None or value == []
    if empty and not proposals and not _is_own(column, facts):
        return None
    uses = tuple(dict.fromkeys(use for repair in applied for use in book.uses(repair["rule"])))
    from_columns = tuple(name for name in way.columns if row.get(name) is not None) if way else ()
    if empty:
        how, uses = (How.PROPOSED, ()) if proposals else (How.NO_VALUE, (book.use(way.rule),) if way else ())
    elif uses:
        kinds = [RULES[use.name].kind for use in uses if use.name in RULES]
        how = next((_HOW[kind] for kind in (Kind.REPAIR, Kind.FILL) if kind in kinds), How.READ)
    elif way is None:
        how = How.WORKED_OUT
    elif not from_columns and any(_same(value, cells.cleaned[term]) for term in facts):
        how = How.AS_TOLD
        facts = {term: text for term, text in facts.items() if _same(value, cells.cleaned[term])}
    else:
        uses = (book.use(way.rule),)
        how = _HOW[RULES[way.rule].kind] if way.terms or way.rule != "date" else How.WORKED_OUT
    return Value(column, value, how, facts, from_columns, uses, proposals)


def _way(column: str, value: Any, row: Row, cells: Cells) -> tuple[dict[str, str], Way | None]:
    """Return what was stated of a column, and the way that gave it its value."""
    ways = READERS[column]
    if _DERIVED.get(column) in (row.get("quality_flags") or ()):
        facts = {term: cells.raw[term] for way in ways for term in way.terms if term in cells.cleaned}
        return facts, next((way for way in ways if way.columns), None)
    for at, way in enumerate(ways):
        facts = {term: cells.raw[term] for term in way.terms if term in cells.cleaned}
        if facts:
            if value is not None and not any(_fits(value, cells.cleaned[term], way) for term in facts):
                for later in ways[at + 1 :]:
                    if later.columns and row.get(_FOLLOWS.get(later.rule, "")) is not None:
                        return facts, later
            return facts, way
        if not way.terms and (not way.columns or any(row.get(name) is not None for name in way.columns)):
            return {}, way
    return {}, None


def _is_own(column: str, facts: Mapping[str, str]) -> bool:
    """Return whether what was stated is stated of this column, so that it matters when nothing could be read."""
    return column in facts or (bool(facts) and READERS[column][0].terms[:1] == (column,) and column in _STOOD_IN)


_DERIVED: Final = {"countryCode": "COUNTRY_DERIVED_FROM_COORDINATES"}
"""Columns that are worked out where what was stated cannot be read, and the flag that says so."""

_STOOD_IN: Final = ("eventDate", "countryCode", "license", "decimalLatitude", "decimalLongitude", "elevation", "depth")
"""Columns for which another term may stand in."""


def _fits(value: Any, text: str, way: Way) -> bool:
    """Tell whether a value can be what was told, or a part of it where the text is taken apart."""
    in_parts = way.rule == "name_parts" or way.terms == ("eventTime",)
    return _same(value, text) or (in_parts and str(value) in text)


def _same(value: Any, text: str) -> bool:
    """Return whether a value is what was stated."""
    match value:
        case bool() | None:
            return False
        case int() | float():
            try:
                return float(text) == value
            except ValueError:
                return False
        case list():
            return ";".join(map(str, value)) == text
        case _:
            return str(value) == text
