"""Areas, records and corridors from which candidate reserves are found, on made-up ground."""

import json
from datetime import date

import numpy as np
import polars as pl
import shapely

from biodata.analysis import areas as areas_of
from biodata.analysis import corridors, evidence
from biodata.analysis.candidates import ground as habitat
from biodata.analysis.candidates import search
from biodata.analysis.candidates.criteria import CandidateParameters
from biodata.analysis.candidates.measuring import Surroundings
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.core import terms
from biodata.core.vocabularies import EvidenceView, SharingCategory
from landscapes import halves, local, square_grid, table

WEST = shapely.box(-9000, -3000, -1500, 3000)
EAST = shapely.box(1500, -3000, 9000, 3000)


def frame(*rows, **columns) -> pl.DataFrame:
    """Return protected areas of the local system as the lake has them."""
    made = table(*rows)
    data = {
        "area_id": made["area_id"].to_list(),
        "name": made["name"].to_list(),
        "country_codes": [list(codes) for codes in made["country_codes"]],
        "geometry": [shapely.to_wkb(shape) for shape in made.geometry],
    }
    return terms.conform(
        pl.DataFrame(data | columns, schema_overrides={"country_codes": pl.List(pl.String)}), terms.PROTECTED_AREA
    )


def records(*rows: dict[str, object]) -> pl.DataFrame:
    """Return occurrences, by default good records of a threatened species at x, y metres of the local system."""
    made = []
    for number, row in enumerate(rows):
        x, y = row.pop("x"), row.pop("y", 0.0)
        longitude, latitude = local(shapely.Point(x, y)).coords[0]
        made.append(
            {
                "key": number,
                "species": "Nomascus nasutus",
                "iucnRedListCategory": "CR",
                "occurrenceStatus": "PRESENT",
                "basisOfRecord": "HUMAN_OBSERVATION",
                "decimalLongitude": longitude,
                "decimalLatitude": latitude,
                "coordinateUncertaintyInMeters": 30.0,
                "located_country_code": "LA" if x < 0 else "VN",
                "ambiguous": False,
                "border_distance_m": abs(float(x)),
                "year": 2024,
                "event_start": date(2024, 5, 1),
                "quality_flags": [],
            }
            | row
        )
    return terms.conform(
        pl.DataFrame(made, infer_schema_length=None, schema_overrides={"quality_flags": pl.List(pl.String)}),
        terms.OCCURRENCE,
    )


def counted(occurrences, boundaries):
    if occurrences is None:
        return None
    parameters = evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=1000.0)
    return evidence.counted(occurrences, boundaries=boundaries, parameters=parameters)


def run(
    areas,
    found=None,
    occurrences=None,
    boundaries=None,
    view=EvidenceView.PUBLIC,
    category=SharingCategory.OPEN,
    around=None,
    **parameters,
):
    boundaries = boundaries or halves()
    everything = counted(occurrences, boundaries)
    return search.find(
        areas,
        pl.DataFrame(schema=terms.schema(terms.CORRIDOR)) if found is None else found,
        None if everything is None else everything.threatened(),
        boundaries=boundaries,
        parameters=CandidateParameters(draws=500, **parameters),
        view=view,
        category=category,
        surroundings=around,
        everything=everything,
    )


def corridors_of(areas, ground=None, cell_m=250.0):
    one = square_grid(12_000, cell_m)
    ground = np.ones(one.shape) if ground is None else ground
    return corridors.between(
        areas_of.geodataframe(areas), ground, one, parameters=CorridorParameters(), boundaries=halves()
    )


def ground_of(resistance=None, cell_m=250.0) -> Surroundings:
    """Return habitat everywhere, or where the resistance is low."""
    one = square_grid(12_000, cell_m)
    resistance = np.ones(one.shape) if resistance is None else resistance
    return Surroundings(habitat=habitat.of_resistance(resistance, one, limit=10.0))


TWO = (("west", ("LA",), WEST), ("east", ("VN",), EAST))
BOTH = ({"x": -3000}, {"x": 3000})


def both() -> pl.DataFrame:
    return records(*(dict(one) for one in BOTH))


def parts(row) -> dict:
    return json.loads(row["parts"])


def told(row) -> dict:
    return json.loads(row["evidence"])


def check_of(row) -> dict:
    return {name: one["passed"] for name, one in told(row)["hard_criteria"].items()}


def several():
    """Return four areas, their corridors and records of two species, one of them only in the south."""
    west_b, east_b = shapely.box(-9000, -11_000, -1500, -8000), shapely.box(1500, -11_000, 9000, -8000)
    areas = frame(
        *TWO, ("west b", ("LA",), west_b), ("east b", ("VN",), east_b), status=["Designated"] * 3 + ["Proposed"]
    )
    resistance = np.ones((96, 96))
    resistance[60:, 30:60] = 40.0
    south = [{"x": x, "y": -9500.0, "species": "Pseudoryx nghetinhensis"} for x in (-3000, 3000)]
    return areas, resistance, records(*(dict(one) for one in BOTH), *south)
