"""Small surveys of two sides as events and records, with the columns that analyses read."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from biodata.analysis.surveys import results
from biodata.core import terms

RANKS = {
    "Muntiacus vaginalis": ("Muntiacus", "Cervidae", "Artiodactyla", "Mammalia"),
    "Gallus gallus": ("Gallus", "Phasianidae", "Galliformes", "Aves"),
    "Elephas maximus": ("Elephas", "Elephantidae", "Proboscidea", "Mammalia"),
}


def event(name, *, site=None, side="LA", start="2026-01-01", days=30, effort=None, failures=None, **more):
    """A camera's deployment, unless `more` tells otherwise."""
    first = datetime.fromisoformat(start)
    return {
        "datasetKey": "survey", "eventID": name, "event_key": f"survey:{name}", "locationID": site or name,
        "design": "camera_trap", "event_start": first, "event_end": first + timedelta(days=days - 1),
        "decimalLatitude": 21.0, "decimalLongitude": 101.0, "coordinateUncertaintyInMeters": 30.0, "country_codes": [side],
        "effort_value": float(days if effort is None else effort), "effort_unit": "trap-night",
        "targetTaxonomicScope": ["Mammalia"], "isAbsenceReported": True,
        "failure_periods": failures and failures.split("|"), **more,
    }  # fmt: skip


def record(of, when, species="Muntiacus vaginalis", *, n=1, **more):
    """A record of an event at a moment."""
    moment = datetime.fromisoformat(when)
    genus, family, order, group = RANKS[species]
    return {
        "datasetKey": "survey", "eventID": of, "species": species, "scientificName": species, "genus": genus,
        "family": family, "order": order, "class": group, "occurrenceStatus": "PRESENT", "individualCount": n,
        "eventDate": when, "event_start": moment.date(), "event_end": moment.date(),
        "event_time": when[11:16] or None, "event_zone": when[19:] or None,
        "decimalLatitude": 21.0, "decimalLongitude": 101.0, "coordinateUncertaintyInMeters": 30.0,
        "basisOfRecord": "MACHINE_OBSERVATION", "country_codes": ["LA"], "countryCode": "LA", **more,
    }  # fmt: skip


def events(*rows):
    return terms.conform(pl.DataFrame(list(rows), infer_schema_length=None), terms.EVENT)


def records(*rows):
    numbered = [{"key": n, "occurrenceID": f"o{n}", **row} for n, row in enumerate(rows, start=1)]
    if not numbered:
        return pl.DataFrame(schema=terms.schema(terms.OCCURRENCE))
    return terms.conform(pl.DataFrame(numbered, infer_schema_length=None), terms.OCCURRENCE)


@pytest.fixture
def no_floors(monkeypatch):
    """Tell numbers of however little: small worlds are there to be counted by hand."""
    monkeypatch.setattr(results, "LEAST_SITES", 1)
