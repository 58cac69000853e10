"""Surveys that are taken in, released and written as archives."""

import csv
import io
import zipfile

import openpyxl

from biodata import pipeline
from biodata.core.vocabularies import SurveyDesign
from biodata.exports.request import ExportRequest
from biodata.exports.write import Format, export
from biodata.store import releases
from biodata.surveys.designs import DESIGNS, word
from filled_templates import filled
from sheets import bytes_of

ASKED = ExportRequest(name="0123abcd", created="2026-11-27T10:00:00+00:00")
OPEN, SECRET = "Sus scrofa", "Elephas maximus"


def workbook(design, species):
    """Return a template that is filled in, with records of one species."""
    book = openpyxl.load_workbook(filled(design, "en"))
    terms = [column.term for column in DESIGNS[SurveyDesign(design)].sheets["occurrences"]]
    sheet = book[word("sheet.occurrences", "en")]
    for row in sheet.iter_rows(min_row=3):
        row[terms.index("scientificName")].value = species
    return bytes_of(book)


def out(settings, path):
    pipeline.release(settings)
    export(releases.current(settings.data).path, Format.DWCA, ASKED, path)
    return path


def rows(path, table):
    with zipfile.ZipFile(path) as archive:
        text = archive.read(f"{table}.txt").decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))
