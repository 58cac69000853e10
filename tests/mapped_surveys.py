"""A data folder whose release has surveys of every design, at the border of China and Laos: what a map has to draw."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.core.vocabularies import EFFORT_UNITS, SurveyDesign
from cited_records import OPEN_RULES
from rule_files import put_rules
from survey_events import commit, event, seen

MUNTJAC: Final = "Muntiacus muntjak"
TIGER: Final = "Panthera tigris"
RULES: Final = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\n"
CAMERA: Final = (101.4312, 21.1187)
"""A station that is told exactly, and was visited three times."""
HIDDEN: Final = (101.2567, 20.9534)
"""A station with a tiger."""
PATROL: Final = (101.55, 20.95)
WAY: Final = "LINESTRING (101.52 21.20, 101.535 21.215, 101.55 21.22, 101.56 21.235)"
SIGNS: Final = "LINESTRING (101.60 21.16, 101.62 21.165, 101.63 21.18)"
OUTLINE: Final = "POLYGON ((101.70 21.10, 101.72 21.10, 101.72 21.115, 101.70 21.115, 101.70 21.10))"


def place(longitude: float, latitude: float) -> dict[str, float]:
    return {"decimalLongitude": longitude, "decimalLatitude": latitude}


def of_design(design: SurveyDesign, number: int, **more: Any) -> dict[str, Any]:
    """Return an event of a design on a grid, with an effort in its unit."""
    told = {"design": str(design), "samplingProtocol": str(design).replace("_", " "),
            "effort_unit": EFFORT_UNITS[design]}  # fmt: skip
    at = place(101.40 + 0.06 * (number % 4), 21.02 - 0.05 * (number // 4))
    return event(f"{design}-{number}", "nam-ha", **{**told, "effort_value": 4.0 + number, **at, **more})


def events() -> list[dict[str, Any]]:
    """Return the events of two datasets, one of a patrol among them."""
    start = datetime.fromisoformat("2024-05-01")
    visits = [
        event(f"visit-{n}", "nam-ha", event_start=start + timedelta(days=40 * n), **place(*CAMERA)) for n in range(3)
    ]
    return [
        *visits,
        *(of_design(design, number) for number, design in enumerate(SurveyDesign)),
        of_design(SurveyDesign.LINE_TRANSECT, 20, footprintWKT=WAY, **place(101.54, 21.217)),
        of_design(SurveyDesign.SIGN_TRANSECT, 21, footprintWKT=SIGNS, **place(101.615, 21.168)),
        of_design(SurveyDesign.PLOT, 22, footprintWKT=OUTLINE, **place(101.71, 21.107)),
        event("tiger", "nam-ha", effort_value=37.4, **place(*HIDDEN)),
        event("far", "elsewhere", **place(103.9, 18.2)),
        event("patrol", "nam-ha", samplingProtocol="Ranger patrol on foot", effort_value=9.9, **place(*PATROL)),
    ]


def make(data: Path, *, with_surveys: bool = True) -> None:
    """Make the data folder and its release; without surveys it has a record of no method."""
    data.mkdir(parents=True, exist_ok=True)
    put_rules(data, RULES)
    records = [seen(n, MUNTJAC, "visit-0", "nam-ha", **place(*CAMERA)) for n in range(2)]
    records += [seen(3, TIGER, "tiger", "nam-ha", **place(*HIDDEN))]
    lone = [seen(1, MUNTJAC, "none", "nam-ha", **{**place(*CAMERA), "eventID": None, "samplingProtocol": None})]
    commit(data, events() if with_surveys else [], records if with_surveys else lone)
    pipeline.release(Settings(data=data))
