"""Events as a sheet tells them, interpreted without a lake."""

from datetime import date

import polars as pl

from biodata import places
from biodata.harmonise import Harmoniser
from biodata.harmonise.events import events

TODAY = date(2026, 11, 26)
PLACE = {"decimalLatitude": "21.05", "decimalLongitude": "101.35"}  # in Laos, 20 km from China


def interpreted(*rows, place=PLACE, declarations=None):
    """Return the events of some rows; each gets an eventID and a place where it tells none."""
    told = [{"eventID": f"E{number}", **place, **row} for number, row in enumerate(rows, start=1)]
    names = dict.fromkeys(name for row in told for name in row)
    frame = pl.DataFrame(
        {name: [row.get(name) for row in told] for name in names}, schema=dict.fromkeys(names, pl.String)
    )
    frame = frame.select(pl.lit("survey.xlsx").alias("source_file"), pl.lit("events").alias("source_sheet"),
                         pl.int_range(2, len(told) + 2).cast(pl.Int64).alias("source_row"), pl.all())  # fmt: skip
    harmoniser = Harmoniser(boundaries=places.load_boundaries(), secret=b"x", today=TODAY)
    found, refusals = events(frame, harmoniser, dataset_key="test", declarations=declarations or {})
    assert refusals == []
    return found


def event(**row):
    """Return one interpreted event as a mapping."""
    return interpreted(row).row(0, named=True)
