"""Surveys of monitoring projects: checked at once, reviewed by the countries they tell of, taken in whole or not at all."""

from biodata.surveys.check import check, check_files
from biodata.surveys.difference import difference
from biodata.surveys.leftovers import sweep
from biodata.surveys.submit import receive, take_up_again
from biodata.surveys.taking import take

__all__ = ["check", "check_files", "difference", "receive", "sweep", "take", "take_up_again"]
