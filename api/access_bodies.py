"""What is sent and answered about access to exact records."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

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
    anyway: bool = Field(default=False, description="Ask although nothing public here knows the taxon or the country.")


class Decision(_Sent):
    """What a country's node decides: the grant's text with its signature, or a reason to refuse."""

    country: str = Field(min_length=2, max_length=2)
    grant: str | None = Field(default=None, max_length=90_000)
    signature: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=2000)
    review: Annotated[date, Field(strict=False)] | None = Field(
        default=None, description="When the node wants to look at the grant again."
    )


class Longer(_Sent):
    """Until when what was granted is needed, and why."""

    purpose: str = Field(max_length=2000)
    expires: str = Field(max_length=40, description="When it is to end, ISO 8601 with a zone.")


class UseReport(_Sent):
    """What was made of granted records."""

    made: str = Field(max_length=10_000)
    links: list[str] = Field(default=[], max_length=50)


class OneCountry(_Sent):
    """A country."""

    country: str = Field(min_length=2, max_length=2)


class CountryState(BaseModel):
    """How a request stands in one country."""

    country: str
    state: str = Field(description="waiting, granted, refused, revoked or expired")
    reason: str | None = Field(default=None, description="Told to whoever asked and to the country's own node.")
    review: date | None = Field(default=None, description="When the node wants to look at it again.")


class Used(BaseModel):
    """How much was read of what was granted."""

    first: datetime
    last: datetime
    reads: int
    rows: int


class ToldReport(BaseModel):
    """What was made of it, as whoever read it told."""

    made: str
    links: list[str]
    created: datetime


class OneAccessRequest(BaseModel):
    """A request; how many records it is about is told to nobody."""

    id: str
    account: str
    purpose: str
    created: datetime
    wanted: dict[str, Any]
    extends: str | None = Field(default=None, description="The request that this one asks to go on with.")
    decisions: list[CountryState]
    use: Used | None = None
    reports: list[ToldReport]
    due: list[str] = Field(description="What somebody has to do about it, in words.")


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
    after: int | None = Field(default=None, description="Go on behind this key; absent at the end.")
    unsigned: list[str] | None = Field(
        default=None,
        description="Countries whose grant is not signed with their node's key: their records are not here, and their "
        "node can decide again.",
    )
