"""A survey that is taken in by a command, not sent: rows that its dataset has under another identifier are asked about first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.errors import InputError
from biodata.ingest import forms, open_source
from biodata.ingest.protocol import DECLARABLE
from biodata.pipeline import dataset_key
from biodata.settings import Settings
from biodata.store import heading_mappings
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.surveys import renaming
from biodata.surveys.comparing import SAME
from biodata.surveys.difference import Difference, difference

_YES: Final = ("yes", "true", "1")
_ANSWERS = "--renamed same, if they are the same ones; --renamed new, if they are others that are alike"


class Moves(NamedTuple):
    """What has another identifier now, as `pipeline.ingest` takes it.

    Attributes
    ----------
    records : mapping of str to str
        Records: before → now.
    events : tuple of str
        The earlier identifiers of events.
    """

    records: Mapping[str, str] = MappingProxyType({})
    events: tuple[str, ...] = ()


def moves(
    paths: Sequence[Path], dataset: str | None, settings: Settings, *, options: Mapping[str, str], answer: str | None,
    source: str = forms.SHEETS,
) -> Moves:  # fmt: skip
    """Return which rows of a survey are those that its dataset has under another identifier.

    Parameters
    ----------
    paths : sequence of Path
        The files of one survey.
    dataset : str, optional
        Where it goes; else where its files say.
    settings : Settings
        The installation.
    options : mapping of str to str
        As `pipeline.ingest` takes them.
    answer : str or None
        What is said of such rows: `same`, `new`, or nothing.
    source : str
        What reads the files, of `biodata.ingest.SOURCES`.

    Raises
    ------
    InputError
        With RENAMED_UNANSWERED, if there are such rows and nothing is said of them; RENAMED_EVENT_LEFT or RENAMED_SHIFTED,
        if they cannot be the same ones; FIELD_INVALID, if it is no answer.
    """
    renaming.checked(answer)
    told = {name: value for name, value in options.items() if name not in DECLARABLE}
    is_whole = told.get("complete", "no").lower() in _YES
    key = dataset if source == forms.SHEETS else _dataset_of(paths, dataset, source, told)
    if key is None or is_whole or not _has_rows(key, settings):
        return Moves()
    if source == forms.SHEETS:
        with Registry.open(settings) as registry:
            told = heading_mappings.options(registry, key) | told
    found = difference(paths, key, settings, source=source, options=told, answer=answer)
    if not found.asked():
        return Moves()
    file = ", ".join(path.name for path in paths)
    if answer is None:
        example = found.as_dict(values=False)["renamed"]
        rows = f"such as row {example['row']} (row {example['was_row']} of an earlier file)"
        problem = (
            f"{found.asked()} rows seem to be in dataset {key} already under another identifier, {rows}; nothing was "
            "taken in"
        )
        raise InputError(problem, file=file, expected=_ANSWERS, code=renaming.UNANSWERED)
    if answer != SAME:
        return Moves()
    _refuse_impossible(found, file)
    return Moves(found.occurrences.renamed(), tuple(found.events.renamed()))


def _dataset_of(paths: Sequence[Path], dataset: str | None, source: str, options: Mapping[str, str]) -> str | None:
    """Return the dataset of a survey in another form; None where its files are no survey, or are missing."""
    first = next(iter(open_source(source, paths, dataset=dataset, options=options).read()), None)
    if first is None or first.kind != "events":
        return None
    return dataset or first.dataset.key or dataset_key(first.name)


def _has_rows(dataset: str, settings: Settings) -> bool:
    """Tell whether there is anything of a dataset yet."""
    if not settings.data.is_dir():
        return False
    where = Compare("datasetKey", "=", dataset)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        return any(lake.read(name, columns=("datasetKey",), where=where).height for name in ("events", "occurrences"))


def _refuse_impossible(found: Difference, file: str) -> None:
    """Refuse rows that cannot be the same ones."""
    code = "RENAMED_EVENT_LEFT" if found.left else "RENAMED_SHIFTED" if found.shifted() else None
    if code is None:
        return
    problem = (
        f"{found.left} rows that the file lacks belong to events that it calls otherwise; nothing was taken in"
        if found.left
        else f"{found.shifted()} rows have an identifier that another row of the dataset has; nothing was taken in"
    )
    expected = (
        "all rows of these events" if found.left else "the rows with the identifiers that they had; or --renamed new"
    )
    raise InputError(problem, file=file, expected=expected, code=code)
