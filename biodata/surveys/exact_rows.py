"""The rows of a survey's file with their exact places, on the machine that the data lie on: the service cannot read it."""

from typing import Final

import polars as pl

from biodata.access.roles import Principal
from biodata.errors import InputError
from biodata.pipeline import interpreted
from biodata.pipeline.row_countries import countries_of
from biodata.settings import Settings
from biodata.store import survey_files
from biodata.store.registry import Registry
from biodata.store.survey_steps import NO_COUNTRY
from biodata.surveys import seeing
from biodata.surveys.views import own_sides

_EXACT: Final = (
    "occurrenceID", "scientificName", "individualCount", "eventDate", "eventID", "decimalLatitude", "decimalLongitude",
    "locality", "quality_flags",
)  # fmt: skip


def rows(
    settings: Settings, registry: Registry, who: Principal | None, number: int, *, side: str | None = None
) -> pl.DataFrame:
    """Return the rows of a submission's file as they were interpreted, with their exact places: of the sides of `who`, or of all.

    Only the owner of the installation can read that file: the service keeps it sealed, and never calls this.

    Raises
    ------
    InputError
        With RECORD_MISSING, if it does not concern them; SUBMISSION_DECIDED, if its file is not checked yet, or gone;
        FIELD_INVALID, if they see no such side.
    """
    with registry.session(read_only=True) as session:
        found = seeing.need(session, who, number)
        mine = own_sides(seeing.seen_sides(who, found), side)
    taken = survey_files.taken(settings.data, found.file_sha256, number)
    path = taken if taken.exists() else survey_files.kept(settings.data, found.file_sha256, found.file_name)
    if not path.exists():
        problem = f"its file is not here: it is {found.state}"
        raise InputError(problem, column="number", value=str(number), code="SUBMISSION_DECIDED")
    _, records = interpreted("survey", [path], settings, dataset=found.dataset, part=found.part)
    codes = countries_of(records)
    codes = pl.when(codes.list.len() > 0).then(codes).otherwise([NO_COUNTRY])
    told = records.with_columns(codes.alias("sides")).select("source_row", *_EXACT, "sides")
    return told.filter(pl.col("sides").list.eval(pl.element().is_in(mine)).list.any())
