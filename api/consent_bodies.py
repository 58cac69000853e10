"""What is sent and answered about the consent of countries to shared outputs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Sent(BaseModel):
    """What a country's node answers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    country: str = Field(min_length=2, max_length=2)
    answer: str = Field(max_length=10, description="agree, refuse or ask.")
    note: str = Field(default="", max_length=2000, description="Why, or what is asked.")
    signature: str | None = Field(
        default=None,
        max_length=200,
        description="The node's own, which `biodata consent sign` makes; to agree takes it.",
    )


class State(BaseModel):
    """How it stands with one country."""

    country: str
    state: str = Field(
        description="agree, refuse, ask, silent; or that it has no node here, none that is trusted, or did not sign."
    )
    since: datetime = Field(description="Of a silent country: since it was asked.")


class OneOfMany(BaseModel):
    """A shared output in a list."""

    output: str
    table: str
    content: str = Field(description="SHA-256 of what it says.")
    since: datetime = Field(description="Since when this content is asked about.")
    public: bool
    states: list[State]


class OutputList(BaseModel):
    """Shared outputs that concern a country of yours, by name."""

    results: list[OneOfMany]


class Given(BaseModel):
    """An answer that was given once."""

    country: str
    number: int
    answer: str
    note: str
    date: datetime
    signed: bool
    to_this: bool = Field(description="Whether it is to what the output says now.")


class OneOutput(OneOfMany):
    """A shared output with every answer to it, the oldest first."""

    history: list[Given]
    next: dict[str, int] = Field(description="The number of each country's next answer; it is part of what is signed.")
    row: dict[str, Any] = Field(description="The output as it would be published, bytes in hexadecimal.")
