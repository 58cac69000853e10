"""Protected areas cleaned into two products from one run: `coverage` (what is protected) and `planning` (what is known)."""

from biodata.harmonise.area_cleaning.cleaning import Cleaned, clean
from biodata.harmonise.area_cleaning.report import (
    CleanedAreas,
    Report,
    clean_protected_areas,
    report_of,
    to_geodataframe,
)
from biodata.harmonise.area_cleaning.steps import Options

__all__ = [
    "Cleaned", "CleanedAreas", "Options", "Report", "clean", "clean_protected_areas", "report_of", "to_geodataframe",
]  # fmt: skip
