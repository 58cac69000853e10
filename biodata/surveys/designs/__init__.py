"""Designs of surveys: what a sheet of each asks for, and what it is called in the region's languages."""

from biodata.surveys.designs.columns import DESIGNS, Asked, Design
from biodata.surveys.designs.words import LANGUAGES, word

__all__ = ["DESIGNS", "LANGUAGES", "Asked", "Design", "word"]
