"""What is answered about the templates of surveys."""

from pydantic import BaseModel, Field


class Template(BaseModel):
    """A design that there are templates of."""

    design: str
    unit: str = Field(description="The unit of its effort.")
    title: str
    languages: list[str] = Field(description="Languages of its templates.")


class TemplateList(BaseModel):
    """Every design."""

    templates: list[Template]
