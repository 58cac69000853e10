"""Templates of surveys that are filled in, and the effort of their examples."""

import io

import openpyxl

from biodata.core.vocabularies import SurveyDesign
from biodata.surveys import templates
from biodata.surveys.designs import DESIGNS, word
from sheets import bytes_of

EFFORT = {"camera_trap": 21.0, "line_transect": 2.5, "listening_post": 4.0, "sign_transect": 2.5, "point_count": 10.0,
          "mist_net": 300.0, "plot": 60.0, "conflict_incident": 31.0}  # fmt: skip
"""Effort of an event as the examples tell it: a camera silent for 9 of 30 nights, nets of 60 m open for 5 hours, …"""


def filled(design, language, *, records=True):
    """Return a template with two sites, an event at each, and records of the first."""
    book = openpyxl.load_workbook(io.BytesIO(templates.template(design, language)))
    for kind, columns in DESIGNS[SurveyDesign(design)].sheets.items():
        sheet = book[word(f"sheet.{kind}", language)]
        if kind == "occurrences" and not records:
            continue
        for number in (1, 2):
            own = {"locationID": f"S0{number}", "eventID": f"E0{number}", "occurrenceID": f"R0{number}",
                   "cameraID": f"C0{number}"}  # fmt: skip
            if kind == "sites":
                own["decimalLatitude"] = f"21.0{number}123"
            if kind == "occurrences":
                own["eventID"] = "E01"
            if design == "conflict_incident" and kind == "occurrences":
                own["scientificName"] = "Elephas maximus"
            cells = [own.get(column.term, sheet.cell(2, at).value) for at, column in enumerate(columns, start=1)]
            sheet.append(cells)
    return io.BytesIO(bytes_of(book))
