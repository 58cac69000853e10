"""What goes out of events: one that others are parts of never with a place of its own."""

from datetime import date

import polars as pl

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.places import load_boundaries
from biodata.sharing import Rule, RuleSet
from biodata.sharing.events import publish_events

BOUNDARIES = load_boundaries()


def let_out(*events: dict[str, object], rules: tuple[Rule, ...] = ()) -> list[tuple[str, bool]]:
    """Return the events that go out, and whether each has a place."""
    rows = [
        {"event_key": one["eventID"], "datasetKey": "d", "event_start": date(2024, 5, 1), "event_end": date(2024, 5, 1), **one}
        for one in events
    ]  # fmt: skip
    frame = terms.conform(pl.DataFrame(rows, infer_schema_length=None), terms.EVENT)
    frame = frame.with_columns(footprint=pl.lit(None, pl.Binary))
    out = publish_events(frame.iter_slices(1), RuleSet.of(rules), boundaries=BOUNDARIES, licences={})
    return [(name, place is not None) for name, place in out.select("eventID", "geometry").iter_rows()]


def at(name: str, longitude: float, parent: str | None = None) -> dict[str, object]:
    return {"eventID": name, "decimalLongitude": longitude, "decimalLatitude": 21.2, "parentEventID": parent}


def test_a_whole_of_which_no_part_goes_out_does_not_go_out_with_its_own_place():
    tree = (at("grid", 101.2), at("camera", 101.2, "grid"), at("alone", 103.2))
    assert let_out(*tree) == [("alone", True), ("camera", True), ("grid", True)]
    rule = Rule(
        "nest",
        SharingCategory.WITHHELD,
        "x",
        polygon="POLYGON ((101.1 21.1, 101.3 21.1, 101.3 21.3, 101.1 21.3, 101.1 21.1))",
    )
    assert let_out(*tree, rules=(rule,)) == [("alone", True)]


def test_a_whole_elsewhere_has_the_box_of_the_parts_that_go_out():
    tree = (at("grid", 103.2), at("hidden", 101.2, "grid"))
    rule = Rule(
        "nest",
        SharingCategory.WITHHELD,
        "x",
        polygon="POLYGON ((101.1 21.1, 101.3 21.1, 101.3 21.3, 101.1 21.3, 101.1 21.1))",
    )
    assert let_out(*tree) == [("grid", True), ("hidden", True)]
    assert let_out(*tree, rules=(rule,)) == []
