"""Surveys of monitoring projects: checked at once, taken in whole or not at all."""

from biodata.surveys.check import check
from biodata.surveys.submit import publish, receive

__all__ = ["check", "publish", "receive"]
