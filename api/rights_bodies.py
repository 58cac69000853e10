"""What is sent and answered about rights; a field that is not named here cannot be set."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from biodata.access.permits import Kind


class _Sent(BaseModel):
    """What is sent: every field is one of these, and of its type."""

    model_config = ConfigDict(extra="forbid")


class NewPermit(_Sent):
    """A permit that a dataset rests on."""

    dataset: str = Field(max_length=255)
    kind: Kind
    number: str = Field(max_length=255, description="Of a certificate as ABSCH-IRCC-IN-256843-1.")
    country: str | None = Field(
        default=None, max_length=2, description="ISO 3166-1 alpha-2; a certificate tells its own."
    )
    authority: str | None = Field(default=None, max_length=500)
    issued: date | None = Field(default=None, description="The first day that it holds.")
    expires: date | None = Field(default=None, description="The last day that it holds.")


class Acceptance(_Sent):
    """The version of the terms that somebody accepts."""

    version: int = Field(ge=1, strict=True)


class OnePermit(BaseModel):
    """A permit."""

    id: int
    dataset: str
    kind: str
    number: str
    country: str
    authority: str | None
    issued: str | None
    expires: str | None
    state: str = Field(description="valid, ends soon, ended, not yet valid or withdrawn.")


class PermitList(BaseModel):
    """Permits."""

    results: list[OnePermit]


class OneLicence(BaseModel):
    """A licence, the most permissive first."""

    license: str
    name: str
    url: str | None


class LicenceList(BaseModel):
    """Licences, the most permissive first."""

    results: list[OneLicence]


class OneLabel(BaseModel):
    """A label of a community."""

    code: str
    name: str
    kind: str
    url: str
    meaning: str
    sharing_category: str = Field(description="How coarse a record that carries it is published at least.")
    non_commercial: bool


class LabelList(BaseModel):
    """Labels of communities."""

    results: list[OneLabel]


class DatasetRights(BaseModel):
    """The terms of use of a dataset's published records."""

    key: str
    license: str | None = Field(description="As its publisher tells it.")
    licenses: list[dict[str, Any]] = Field(description="Licences that hold for its records, with reason and count.")
    community_labels: dict[str, int] = Field(description="Records by the labels that they carry.")
    media: str
    media_licenses: dict[str, int] = Field(description="Published pictures and sounds by the licence that each tells.")
    permits: list[OnePermit]
    notices: list[str] = Field(description="What has to be heeded of the permits, or that none is told.")


class OneTerms(BaseModel):
    """The terms of use that hold."""

    version: int
    text: str
    sha256: str
    created: str


class OneUse(BaseModel):
    """What was used of a country's records."""

    country: str
    year: int | None
    until: str = Field(description="The first day that is not counted: a month is counted when it is over.")
    downloads: int | str
    records: int | str
    purposes: dict[str, int]
    datasets: dict[str, int]
    licences: dict[str, int]
    step: int
