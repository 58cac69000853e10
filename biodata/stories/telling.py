"""Telling the story of a record of an installation."""

import json
from typing import Any, Final

from biodata.errors import InputError, StoreError
from biodata.settings import Settings
from biodata.store import folders, models
from biodata.store.cluster import lake_exists
from biodata.store.lake import Lake
from biodata.store.query.filters import And, Compare, Filter, Or
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force
from biodata.stories.outside import read_sharing
from biodata.stories.story import Story
from biodata.stories.values import Cells, Rulebook, also_told, read_doubts, read_values
from biodata.stories.versions import last_state, read_versions

_MATCH: Final = (
    "match_type",
    "match_confidence",
    "match_note",
    "match_alternatives",
    "checklist",
    "taxon_id",
    "col_key",
)
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
    """Tell the story of a record: each value beside what was told, by which rule, and what became of it since.

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
    row, told = last_state(occurrences), last_state(verbatim)
    history = read_versions(occurrences, verbatim)
    written = next(v for v in reversed(history) if v.snapshot == row["snapshot"])
    book, cells = Rulebook(written.rules), Cells(told)
    assessment: dict[str, Any] = dict(assessed.row(0, named=True)) if assessed.height else {}
    return Story(
        key=key,
        gone=history[-1].what == "gone",
        identity={name: row[name] for name in _IDENTITY},
        dataset=_dataset(settings, row["datasetKey"]),
        interpreted=read_values(row, cells, book),
        doubts=read_doubts(row, assessment, book),
        name_match={name: row[name] for name in _MATCH if row[name] is not None} if row["match_type"] else {},
        also_told=also_told(cells, _other(told.get("other"))),
        assessment={name: assessment[name] for name in _ASSESSED if assessment.get(name) not in (None, [])},
        sharing=read_sharing(row, settings, rules),
        history=history,
    )


def find_key(
    settings: Settings, *, occurrence_id: str | None = None, dataset: str | None = None, gbif_id: str | None = None
) -> int:
    """Return the number of the record that an identifier names; parameters and errors as in `explain`."""
    with _lake(settings) as lake:
        return _find(lake, occurrence_id=occurrence_id, dataset=dataset, gbif_id=gbif_id)


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
    """Return the condition inside a dataset, where one is told."""
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
