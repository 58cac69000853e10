"""A story of a record: what it is made of, as plain values and as text."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from biodata.sharing.why import Step


class How(StrEnum):
    """How an interpreted value came about."""

    AS_TOLD = "as told"
    READ = "read"
    FILLED = "filled"
    REPAIRED = "repaired"
    WORKED_OUT = "worked out"
    PROPOSED = "proposed, not applied"
    NO_VALUE = "no value"


@dataclass(frozen=True, slots=True)
class Use:
    """A rule where it was used.

    Attributes
    ----------
    name, meaning, source : str
        As in `harmonise.rules`; meaning and source are empty for a rule that is there no more.
    version : int, optional
        Its version when the record was interpreted; None where that was not kept.
    today : int, optional
        Its version today; None where it is there no more.
    detail : str, optional
        What it did this time.
    """

    name: str
    meaning: str
    source: str
    version: int | None
    today: int | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value that waits for somebody's decision, and the rules that gave it."""

    value: str | None
    rules: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One interpreted value.

    Attributes
    ----------
    column : str
        A column of `terms.OCCURRENCE`.
    value : object
        The value as the lake has it; None where there is none.
    how : How
        How it came about.
    stated : dict of str to str
        By verbatim term what it was read from, as it came.
    worked_out_from : tuple of str
        The other interpreted columns that it comes from.
    rules : tuple of Use
        The rules that gave it; none for a value that is as stated.
    proposals : tuple of Proposal
        Other values.
    """

    column: str
    value: Any
    how: How
    told: dict[str, str]
    worked_out_from: tuple[str, ...]
    rules: tuple[Use, ...]
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A flag of the record.

    Attributes
    ----------
    name, meaning : str
        As in `biodata.core.flags`.
    rule : Use or None
        What found it.
    bdq : tuple of str
        Tests of TDWG BDQ Core that ask for the same.
    details : str, optional
        The reason in words, where it was found beside other records.
    """

    name: str
    meaning: str
    rule: Use | None
    bdq: tuple[str, ...]
    details: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that one version has other than the version before; `layer` is interpreted or verbatim."""

    layer: str
    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the record.

    Attributes
    ----------
    snapshot : int
        The lake's version that has it first.
    time : datetime
        When, UTC.
    what : str
        new, changed, gone, back, or emptied where what it said was taken back.
    author, message : str, optional
        Who made it, and by what.
    source_file : str, optional
        The file that it was read from.
    source_row : int, optional
        Line of that file.
    biodata : str, optional
        The program's version.
    rules : dict of str to int, optional
        The rules' versions; None where they were not kept.
    newer_rules : dict of str to (int or None, int)
        Rules that had another version when the version before was interpreted: that one, and this one.
    declared : dict of str to str
        What was declared of the dataset's values.
    notes : dict
        What else was kept with the commit, such as a submission's number.
    changes : tuple of Change
        What differs from the version before.
    """

    snapshot: int
    time: datetime
    what: str
    author: str | None
    message: str | None
    source_file: str | None
    source_row: int | None
    biodata: str | None
    rules: dict[str, int] | None
    newer_rules: dict[str, tuple[int | None, int]]
    declared: dict[str, str]
    notes: dict[str, Any]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Sharing:
    """What may be seen of the record, and what is.

    Attributes
    ----------
    category : str
        open, or the category of the rule that decides today.
    rule, reason : str, optional
        That rule.
    release : str, optional
        The current release; None where there is none.
    release_snapshot : int, optional
        The lake's version that it was made from.
    published : dict of str to object, optional
        The record's row of the release; None where it is not in it.
    differences : tuple of (column, inside, outside)
        Where the release says something else than the lake, or nothing.
    chain : tuple of Step
        Every rule that may apply, the strictest first.
    """

    category: str
    rule: str | None
    reason: str | None
    release: str | None
    release_snapshot: int | None
    published: dict[str, Any] | None
    differences: tuple[tuple[str, Any, Any], ...]
    chain: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Story:
    """The story of a record; `print(story)` gives it as text.

    Attributes
    ----------
    key : int
        The record's number.
    gone : bool
        True where the record is no more in the lake; its story is that of its last version.
    identity : dict
        datasetKey, source_record_id, occurrenceID, gbifID, source_file, source_row.
    dataset : dict
        What the registry knows of the dataset: title, license, citation, doi.
    interpreted : tuple of Value
        The values.
    doubts : tuple of Doubt
        The flags.
    name_match : dict
        match_type, match_confidence, match_note, match_alternatives, checklist, taxon_id; empty without a checklist.
    also_told : dict of str to str
        Verbatim terms that no value is read from, and headings that are no term.
    assessment : dict
        What only the other records tell: its cluster; empty where nothing was found.
    sharing : Sharing
        What goes out.
    history : tuple of Version
        Its versions, the oldest first.
    """

    key: int
    gone: bool
    identity: dict[str, Any]
    dataset: dict[str, Any]
    interpreted: tuple[Value, ...]
    doubts: tuple[Doubt, ...]
    name_match: dict[str, Any]
    also_told: dict[str, str]
    assessment: dict[str, Any]
    sharing: Sharing
    history: tuple[Version, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the story as plain values for JSON."""
        names = {"interpreted": "values", "doubts": "flags", "history": "versions"}
        return {names.get(name, name): _plain(value) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        from biodata.stories.words import as_text

        return as_text(self)


def plain_text(value: Any) -> str | None:
    """Return a value as one text; None stays None."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value).removesuffix(".0")
        case list() | tuple():
            return "; ".join(plain_text(part) or "" for part in value)
        case dict():
            return ", ".join(f"{name}: {plain_text(part)}" for name, part in value.items() if part is not None)
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M UTC")
        case _:
            return str(value)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    match value:
        case dict():
            return {str(name): _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case datetime() | date():
            return value.isoformat()
        case StrEnum():
            return str(value)
        case _:
            return value
