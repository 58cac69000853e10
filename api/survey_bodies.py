"""What is sent and answered about surveys on their way."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Question(BaseModel):
    """What a reviewer asks about a row."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sheet: str | None = Field(default=None, max_length=200)
    row: int | None = Field(default=None, ge=1, le=2_000_000)
    column: str | None = Field(default=None, max_length=200)
    question: str = Field(min_length=1, max_length=1000)


class Decision(BaseModel):
    """What a reviewer decides for their side."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision: str = Field(max_length=10, description="accept, ask or refuse.")
    country: str | None = Field(
        default=None, min_length=2, max_length=2,
        description="The side; all of yours that wait where none is told. ZZ: records of no country.",
    )  # fmt: skip
    reasons: str = Field(default="", max_length=4000, description="Why, or what is asked; it must tell no place.")
    questions: list[Question] = Field(default=[], max_length=200)


class Answer(BaseModel):
    """What the team answers to its reviewers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    answer: str = Field(min_length=1, max_length=4000, description="In words; it must tell no place.")


class WantedVersion(BaseModel):
    """The version that a dataset is to be again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: int = Field(ge=1, le=1_000_000)


class Happened(BaseModel):
    """Something that happened to a survey; never by whom."""

    action: str = Field(
        description="received, checked, held (its sender is asked about renamed rows), clarified, submitted, accepted, asked, answered, refused, outdated (it is checked again), replaced "
        "(by a new version), committed, published or withdrawn."
    )
    survey: int | None = Field(
        default=None, description="The earlier version to which it happened; this one where none is told."
    )
    role: str = Field(description="As what it was done: uploader, reviewer, node_manager, biodata or command line.")
    country: str | None = Field(default=None, description="The side that decided or asked: with that country's node.")
    note: str | None = Field(default=None, description="Reasons, what is asked, or the answer.")
    questions: list[Question] | None = None
    date: datetime


class SubmissionSummary(BaseModel):
    """A survey on its way, in a list."""

    id: int
    state: str = Field(
        description="draft, submitted, asked, accepted, committing, committed, published, refused, replaced or withdrawn."
    )
    stage: str = Field(
        description="Where it stands: as `state`, but a draft is `checking` until the service has looked at it, and `held` while "
        "its sender is asked something."
    )
    version: int = Field(
        description="Grows with every change; the ETag tells it, and a decision's If-Match repeats it."
    )
    created: datetime
    changed: datetime
    dataset: str | None = None
    file: str | None = None
    complete: bool = Field(description="The file is the dataset's whole state: what it does not hold goes.")
    sides: dict[str, str] | None = Field(
        default=None,
        description="By country: waiting, accepted, open (nobody reviews it), unchanged (no row of it becomes another one), refused, of a draft not_sent, "
        "and of a survey that has ended undecided.",
    )
    answers: int | None = Field(
        default=None,
        description="The survey that it is a new version of; of a published one it is the corrected version.",
    )
    returns_to: int | None = Field(default=None, description="The survey whose published state it brings back.")
    dataset_version: int | None = None
    mine: bool = Field(description="You handed it in.")
    asking: list[str] | None = Field(default=None, description="Sides that asked something and have no answer yet.")
    waits_for_you: bool = Field(
        description="It goes no further before you do something: decide about your side, answer, or send your draft."
    )


class SenderQuestion(BaseModel):
    """What the sender of a draft has to say before it goes on: POST …/submit?renamed= one of the answers."""

    code: str = Field(description="RENAMED_UNANSWERED: the dataset may have rows of it under another identifier.")
    message: str = Field(description="In the language that is asked for.")
    count: int = Field(description="How many rows it is about.")
    answers: list[str] = Field(description="same: they are the same ones. new: they are others, which are alike.")


class OnMap(BaseModel):
    """Whether the map shows a survey, and else when it will."""

    shown: bool
    release: str | None = Field(default=None, description="The first that has it.")
    message: str = Field(description="In the language that is asked for.")


class Withdrawal(BaseModel):
    """What withdrawing a survey that is published would do, as its sender asked for it."""

    state: str = Field(description="counting, told, or halted: it could not be counted.")
    message: str = Field(description="In the language that is asked for.")
    confirm: int | None = Field(
        default=None, description="How many records are removed: what DELETE repeats to withdraw it."
    )
    refused: bool | None = Field(
        default=None, description="It was to be withdrawn, and was not, since something in its dataset had changed."
    )


class Submission(SubmissionSummary):
    """A survey on its way."""

    job: int | None = None
    snapshot: int | None = None
    on_map: OnMap | None = None
    left_alone: bool | None = Field(
        default=None, description="True where it waits for the service's worker and none seems to run."
    )
    next: str | None = Field(
        default=None, description="What happens next, or who has to do what, in the language that is asked for."
    )
    report: dict[str, Any] | None = Field(
        default=None, description="What the check found, in the language that is asked for; no value of the file."
    )
    difference: dict[str, Any] | None = Field(
        default=None,
        description="What it would change: counts, where in the file, and `notes` to be read before it is accepted. "
        "`gone` lists what goes, with the `survey` whose file told it, `was_sheet` and `was_row` there, and in `before` the "
        "identifier that is published of it; of a corrected version (`corrects` a survey) that is what the survey alone said. `goes` counts it by survey. `lacking` counts what the file lacks and stays. `renamed` tells how many rows the "
        "dataset may have under another identifier, and what the sender says of them; `likely` those that no cell proves. "
        "Before and after are told of cells that can tell no place and no taxon, such as a count.",
    )
    waits: list[str] | None = Field(
        default=None,
        description="Of the dataset's sensitive records that are not published yet: how many, and how many of ten places there are, in the language that is asked for.",
    )
    question: SenderQuestion | None = None
    withdrawal: Withdrawal | None = None
    answered_by: int | None = None
    yours: list[str] | None = Field(default=None, description="The sides that you may decide about now.")
    rows: bool = Field(description="GET /v1/surveys/{number}/rows tells its rows as they would be published.")
    history: list[Happened] = Field(description="The oldest first, behind that of the versions that it answers.")


class RowCounts(BaseModel):
    """Of the records of a side."""

    records: int = Field(description="Those that would be published.")
    coarse: int = Field(description="Of these, told as a cell.")
    withheld: int = Field(description="Those that no rule lets out.")
    waiting: int = Field(
        default=0, description="Those that are published once their dataset has more places, or the year has ended."
    )


class SubmissionRows(BaseModel):
    """Rows of a survey as they would be published: those of your sides."""

    submission: int
    table: str
    counts: dict[str, RowCounts]
    count: int = Field(description="Rows that were asked for, on all pages.")
    offset: int
    limit: int
    results: list[dict[str, Any]] = Field(
        description="Published terms, `sides`, and of records `change` (new, changed, unchanged, gone) with `before`: the "
        "published values that would become others."
    )
    flags: dict[str, str] = Field(description="What the quality_flags of these rows mean.")


class SubmissionList(BaseModel):
    """Surveys that concern you, the newest first."""

    results: list[SubmissionSummary]


class DatasetVersion(BaseModel):
    """A version of a dataset that a survey made."""

    version: int
    submission: int
    state: str
    snapshot: int | None = None
    complete: bool
    returns_to: int | None = Field(default=None, description="The dataset's version that it brought back.")
    changes: dict[str, Any] | None = Field(
        default=None, description="How many records and events were new, changed, renamed, gone and unchanged."
    )
    undone: dict[str, dict[str, int]] | None = Field(
        default=None,
        description="Of a version that was taken back: how many records and events are gone, are again what they were "
        "(changed) and came back.",
    )
    history: list[Happened]


class VersionList(BaseModel):
    """The versions of a dataset that surveys made, the oldest first."""

    results: list[DatasetVersion]
    may_return: bool = Field(description="You may hand in what the dataset was after one of them.")
