"""Surveys of monitoring projects: checked at once, reviewed by the countries they tell of, taken in whole or not at all.

A dataset is a set of parts that its team names; what is sent is a version of one part and takes the place of the version
before it, whole. `check` tells what is wrong with files, `receive` keeps them, and `process` takes them as far as they can
go. Nothing here publishes: a release does.
"""

from biodata.surveys.check import check, check_files
from biodata.surveys.difference import difference
from biodata.surveys.process import process
from biodata.surveys.submit import receive, sweep, take_up_again

__all__ = ["check", "check_files", "difference", "process", "receive", "sweep", "take_up_again"]
