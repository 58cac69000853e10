"""Surveys of monitoring projects: checked at once, taken in whole or not at all."""

from biodata.surveys.check import check, check_files
from biodata.surveys.submit import publish, receive

__all__ = ["check", "check_files", "publish", "receive"]
