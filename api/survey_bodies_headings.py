"""What is sent and answered about the headings of surveys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class HeadingProposal(BaseModel):
    """What one heading may mean."""

    heading: str
    term: str | None = Field(description="The term; null where the column is of none, or none is likely.")
    confidence: float = Field(ge=0, le=1)
    certain: bool = Field(description="True where nothing else can be meant.")
    unit: str | None = Field(description="The unit that stands in the heading.")
    code: str = Field(description="Why; a stable name.")
    why: str = Field(description="Why, in the language that was asked for.")
    expected: str | None
    others: list[str] = Field(description="Terms that it may mean, too, the likeliest first.")


class HeadingSheet(BaseModel):
    """The headings of one table."""

    file: str
    sheet: str | None
    row: int
    headings: list[HeadingProposal]


class HeadingAnswer(BaseModel):
    """What the headings of a file mean; nothing was kept."""

    language: str
    sheets: list[HeadingSheet]


class Mapping(BaseModel):
    """What a dataset's headings mean, as it was decided."""

    model_config = ConfigDict(extra="forbid")

    mapping: dict[Annotated[str, Field(min_length=1, max_length=300)], Annotated[str, Field(max_length=80)]] = Field(
        max_length=1000, description="Heading → term; an empty term says that the column is of none."
    )


class KeptMapping(Mapping):
    """All that is kept for a dataset."""

    dataset: str
