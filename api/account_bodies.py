"""What is sent and answered about accounts; a field that is not named here cannot be set."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from biodata.access.roles import Role


class _Sent(BaseModel):
    """What is sent: every field is one of these, and of its type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NameAndPassword(_Sent):
    """A login."""

    name: str = Field(max_length=100)
    password: str


class Refresh(_Sent):
    """A token to exchange, or to end."""

    refresh_token: str = Field(max_length=200)


class CodeAndPassword(_Sent):
    """A one-time code, and the password that it is to set."""

    code: str = Field(max_length=200)
    password: str


class PasswordChange(_Sent):
    """The old password, and the new one."""

    old: str
    new: str


class LabelChange(_Sent):
    """What of one's own account can be changed."""

    label: str = Field(max_length=200)


class NewKey(_Sent):
    """A key that is wanted."""

    label: str = Field(max_length=200)
    role: str | None = Field(default=None, description="The only role that it has; all of the account's without it.")
    dataset: str | None = Field(default=None, max_length=255, description="The only dataset that it is good for.")


class NewAccount(_Sent):
    """An account that is wanted."""

    name: str = Field(max_length=100)
    label: str | None = Field(default=None, max_length=200)


class AccountChange(_Sent):
    """What an administrator changes of an account."""

    closed: bool


class NodeWord(BaseModel):
    """What a country's node signed on who manages it; `biodata node appoint` writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(max_length=1000)
    signature: str = Field(max_length=200)


class Bound(BaseModel):
    """A role, and what it is bound to."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: str = Field(json_schema_extra={"enum": [role for role in Role if role is not Role.PUBLIC]})
    country: str | None = Field(default=None, max_length=2)
    dataset: str | None = Field(default=None, max_length=255)
    area: str | None = Field(default=None, max_length=255)
    taxon: str | None = Field(default=None, max_length=255)
    signed: NodeWord | None = Field(
        default=None, description="Of a country that spoke here before, who manages its node is the node's own to say."
    )


class Confirmation(_Sent):
    """An appointment that is confirmed: whose role, and what it is bound to."""

    account: str = Field(max_length=100)
    role: str = Field(json_schema_extra={"enum": [role for role in Role if role is not Role.PUBLIC]})
    country: str | None = Field(default=None, max_length=2)
    dataset: str | None = Field(default=None, max_length=255)
    area: str | None = Field(default=None, max_length=255)
    taxon: str | None = Field(default=None, max_length=255)


class WaitingAppointment(BaseModel):
    """A role that nobody has confirmed yet: it gives no right."""

    account: str
    role: str
    country: str | None = None
    dataset: str | None = None
    area: str | None = None
    taxon: str | None = None
    given_by: str
    given: datetime


class AppointmentEntry(BaseModel):
    """What the audit has of a role: given, confirmed or taken, or of a code that sets a password."""

    number: int
    time: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    hash: str


class AppointmentList(BaseModel):
    """Who may act as whom, and who made it so, the oldest first."""

    waiting: list[WaitingAppointment]
    results: list[AppointmentEntry]


class OneTimeCode(_Sent):
    """A one-time code; without it whoever is logged in links their own account."""

    code: str | None = Field(default=None, max_length=200)


class OneProvider(BaseModel):
    """A provider."""

    name: str


class ProviderList(BaseModel):
    """Who one can log in by."""

    results: list[OneProvider]


class ProviderLocation(BaseModel):
    """Where the browser is to go."""

    location: str


class TokenPair(BaseModel):
    """What a login gives."""

    access_token: str = Field(description="Shown as Authorization: Bearer.")
    token_type: str = Field(description="Always Bearer.")
    expires_in: int = Field(description="Seconds that the access token is good for.")
    refresh_token: str = Field(description="Exchanged once, at /v1/login/refresh, for the next pair.")


class OneAccount(BaseModel):
    """An account."""

    name: str
    label: str
    roles: list[Bound]
    unconfirmed: list[Bound] = Field(description="Given, and without any right until somebody else confirms them.")
    closed: bool
    created: datetime


class AccountList(BaseModel):
    """Accounts, by name."""

    results: list[OneAccount]


class OneKey(BaseModel):
    """A key, without the key."""

    id: int
    label: str
    role: str | None = None
    dataset: str | None = None
    created: datetime
    revoked: bool


class KeyList(BaseModel):
    """One's keys, the oldest first."""

    results: list[OneKey]


class OneIdentity(BaseModel):
    """A provider that an account is linked to."""

    id: int
    issuer: str
    created: datetime


class IdentityList(BaseModel):
    """Who one can log in by, the oldest first."""

    results: list[OneIdentity]


class MadeKey(BaseModel):
    """A key, told this once."""

    key: str


class MadeCode(BaseModel):
    """A one-time code, told this once."""

    code: str
    expires_in: int = Field(description="Seconds that it is good for.")
