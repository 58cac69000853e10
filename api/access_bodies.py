"""What is sent and answered about access to exact records."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Sent(BaseModel):
    """What is sent: every field is one of these, and of its type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Polygon(_Sent):
    """A GeoJSON polygon of at most 1,000 positions."""

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any]


class NewAccessRequest(_Sent):
    """What is asked for, and why."""

    purpose: str = Field(max_length=2000)
    countries: list[str] = Field(max_length=20, description="Countries of occurrence; each decides of its own part.")
    taxon: str | None = Field(default=None, max_length=255, description="Accepted name of a taxon, for all within it.")
    area: list[float] | Polygon | None = Field(
        default=None,
        description="West, south, east, north in degrees, or a GeoJSON polygon; a record is inside where all of its "
        "published cell is.",
    )
    since: str | None = Field(default=None, max_length=10)
    until: str | None = Field(default=None, max_length=10)
    fields: list[str] = Field(min_length=1, max_length=100)
    rows: int = Field(default=10_000, ge=1, le=1_000_000)
    rows_a_day: int = Field(default=10_000, ge=1, le=1_000_000)
    requests: int = Field(default=100, ge=1, le=1_000_000)
    expires: str = Field(max_length=40, description="When it is to end, ISO 8601 with a zone.")


class Decision(_Sent):
    """What a country's node decides: the grant's text with its signature, or a reason to refuse."""

    country: str = Field(min_length=2, max_length=2)
    grant: str | None = Field(default=None, max_length=90_000)
    signature: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=2000)


class OneCountry(_Sent):
    """A country."""

    country: str = Field(min_length=2, max_length=2)


class CountryState(BaseModel):
    """How a request stands in one country."""

    country: str
    state: str = Field(description="waiting, granted, refused, revoked or expired")
    reason: str | None = None


class OneAccessRequest(BaseModel):
    """A request; how many records it is about is told to nobody."""

    id: str
    account: str
    purpose: str
    created: datetime
    wanted: dict[str, Any]
    decisions: list[CountryState]


class AccessRequestList(BaseModel):
    """Requests, the oldest first."""

    results: list[OneAccessRequest]


class TextToSign(BaseModel):
    """What a node signs with its own key, at home, to grant all that was asked of it."""

    grant: str


class ExactRecords(BaseModel):
    """Exact records, in the order of their keys; the public answer without these keys makes the whole."""

    snapshot: int
    records: list[dict[str, Any]]
