"""What a record's row does not tell of its method, its event's design does: noted, and only where the row is silent."""

import polars as pl
import pytest

from biodata.harmonise import records
from biodata.harmonise.findings import Stated


def interpret(**row):
    """Return one row's columns, and what was filled as (term, value, rule, applied)."""
    found = records.interpret(
        Stated(pl.DataFrame({"source_file": ["f"], "source_row": [2], **{name: [cell] for name, cell in row.items()}}))
    )
    noted = pl.concat(found.repairs).select("term", "value", "rule", "applied").rows()
    return {name: column[0] for name, column in found.columns.items()}, set(noted)


@pytest.mark.parametrize(("design", "basis", "protocol"), [
    ("camera_trap", "MACHINE_OBSERVATION", "camera trap"),
    (" Camera trap ", "MACHINE_OBSERVATION", "camera trap"),
    ("line_transect", "HUMAN_OBSERVATION", "line transect"),
    ("conflict_incident", "HUMAN_OBSERVATION", "conflict incident"),
])  # fmt: skip
def test_a_silent_row_has_what_the_design_of_its_event_tells(design, basis, protocol):
    found, noted = interpret(eventID="E1", design=design)
    assert (found["basisOfRecord"], found["samplingProtocol"]) == (basis, protocol)
    assert noted == {
        ("basisOfRecord", basis, "design_of_event", True),
        ("samplingProtocol", protocol, "design_of_event", True),
    }


def test_what_a_row_tells_itself_stays():
    found, noted = interpret(design="camera_trap", basisOfRecord="HumanObservation", samplingProtocol="by hand")
    assert (found["basisOfRecord"], found["samplingProtocol"]) == ("HUMAN_OBSERVATION", "by hand")
    assert not noted


def test_a_basis_that_nobody_can_read_is_not_replaced():
    found, _ = interpret(design="camera_trap", basisOfRecord="maybe")
    assert found["basisOfRecord"] is None


@pytest.mark.parametrize("row", [{"eventID": "E1"}, {"design": "our own way"}, {"design": None}])
def test_without_a_design_that_is_known_nothing_is_filled(row):
    found, noted = interpret(**row)
    assert found.get("basisOfRecord") is None
    assert found.get("samplingProtocol") is None
    assert not noted
