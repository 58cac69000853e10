"""The shapes of what is answered about citations and their replays, for the documentation."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class CitedParameter(BaseModel):
    """A parameter as it was given."""

    name: str
    value: str


class CitedQuery(BaseModel):
    """What was asked."""

    parameters: list[CitedParameter]
    filter: dict[str, Any] | None = Field(default=None, description="The same as a tree, look-ups answered.")


class CitedContent(BaseModel):
    """The hash of what was published."""

    hash: str
    algorithm: str
    columns: str = Field(description="Name of the set of columns that it is made of.")


class CitedDataset(BaseModel):
    """A dataset's part of what is cited."""

    model_config = ConfigDict(extra="allow")

    key: str | None = None
    title: str | None = None
    publisher: str | None = None
    license: str | None = None
    doi: str | None = None
    citation: str | None = None
    community_labels: list[str] | None = Field(default=None, description="Labels of communities that records carry.")
    count: int


class CitationLink(BaseModel):
    """Where something of a citation stands."""

    rel: str
    href: str
    type: str


class Citation(BaseModel):
    """A citation; what comes out of a large answer is there when its state is done."""

    id: str
    state: str = Field(description="queued, running, done or failed.")
    error: str | None = Field(default=None, description="Why it failed.")
    created: str
    release: str
    snapshot: int = Field(description="The lake's version.")
    rulesHash: str
    query: CitedQuery
    downloadId: str | None = None
    doi: str | None = None
    doiNote: str | None = Field(default=None, description="Why there is none, or what becomes of it.")
    url: str
    count: int | None = None
    datasets: list[CitedDataset] | None = None
    content: CitedContent | None = None
    released: str | None = None
    text: str | None = Field(default=None, description="How to cite it.")
    links: list[CitationLink]


class ReplayGroup(BaseModel):
    """Records of one cause that share dataset, rule and category, as far as these may be told."""

    model_config = ConfigDict(extra="allow")

    count: int
    absent: int = Field(description="Those that the answer does not have any more.")


class ReplayCause(BaseModel):
    """Records that are not told as they were, for one reason."""

    count: int
    absent: int
    by: list[ReplayGroup]


class ReplayResult(BaseModel):
    """What came out."""

    identical: bool
    statement: str
    cited: dict[str, Any]
    today: dict[str, Any]
    unchanged: int
    causes: dict[str, ReplayCause]
    added: ReplayCause
    known: bool
    replayed: str


class Replay(BaseModel):
    """How a replay stands, and what came out."""

    citation: str
    state: str = Field(description="queued, running, done, failed or cancelled.")
    progress: float | None = None
    error: str | None = None
    result: ReplayResult | None = None
    links: list[CitationLink]
