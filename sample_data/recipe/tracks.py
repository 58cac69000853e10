"""Three made-up tracked elephants on both sides of the China-Laos border, as Movebank exports them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from recipe import files, ground
from recipe.tables import chance

COLUMNS: Final = (
    "event-id", "visible", "timestamp", "location-long", "location-lat", "gps:hdop", "manually-marked-outlier",
    "sensor-type", "individual-taxon-canonical-name", "tag-local-identifier", "individual-local-identifier",
    "study-name",
)  # fmt: skip
STUDY: Final = "SYNTHETIC elephants of Shangyong and Nam Ha"
ANIMALS: Final = (("SYN-E1", "9001", 101.55, 21.24, "f"), ("SYN-E2", "9002", 101.50, 21.16, "m"),
                  ("SYN-E3", "9003", 101.42, 21.08, "f"))  # fmt: skip
"""Animal, tag, where it starts, sex."""
FIXES: Final = 300
HOURS: Final = 4
FOREST: Final = (2, 5)
SELECTION: Final = 1.2
"""How much more often a step ends in forest: logarithm of the odds."""
LENGTH_M: Final = (1.4, 900.0)
"""Shape and scale of the steps' lengths (gamma)."""
CONCENTRATION: Final = 0.8
"""Of the turns (von Mises)."""
CHOICES: Final = 40
METRES_PER_DEGREE: Final = 111_000.0


def make(out: Path) -> None:
    """Write `movebank/events.csv` and `movebank/reference.csv`."""
    folder = out / "movebank"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for animal in ANIMALS for row in _track(*animal)]
    rows = _with_faults(rows)
    for number, row in enumerate(rows):
        row["event-id"] = str(9_900_000_001 + number) if row.get("event-id") is None else row["event-id"]
    frame = pl.DataFrame([[row[c] for c in COLUMNS] for row in rows], schema=list(COLUMNS), orient="row")
    (folder / "events.csv").write_bytes(files.delimited(frame))
    reference = pl.DataFrame(
        {
            "tag-id": [tag for _, tag, *_ in ANIMALS],
            "animal-id": [name for name, *_ in ANIMALS],
            "animal-taxon": ["Elephas maximus"] * len(ANIMALS),
            "animal-sex": [sex for *_, sex in ANIMALS],
            "deploy-on-date": ["2025-01-05 00:00:00.000"] * len(ANIMALS),
            "deploy-off-date": ["2025-02-23 20:00:00.000", "", ""],
        }
    )
    (folder / "reference.csv").write_bytes(files.delimited(reference))


def _track(animal: str, tag: str, longitude: float, latitude: float, sex: str) -> list[dict[str, Any]]:
    """Return the fixes of one animal: of steps drawn by length and turn one is taken, forest preferred."""
    rng = chance(f"track {animal} {sex}")
    heading = float(rng.uniform(-np.pi, np.pi))
    start = datetime(2025, 1, 5, 2, 0, tzinfo=UTC)
    home = np.array([longitude, latitude])
    at, rows = home.copy(), []
    for number in range(FIXES):
        rows.append(
            {
                "visible": "true", "timestamp": _stamp(start + timedelta(hours=HOURS * number)),
                "location-long": f"{at[0]:.6f}", "location-lat": f"{at[1]:.6f}",
                "gps:hdop": f"{rng.uniform(0.8, 2.4):.1f}", "manually-marked-outlier": "", "sensor-type": "gps",
                "individual-taxon-canonical-name": "Elephas maximus", "tag-local-identifier": tag,
                "individual-local-identifier": animal, "study-name": STUDY,
            }
        )  # fmt: skip
        length = rng.gamma(*LENGTH_M, CHOICES)
        headings = heading + rng.vonmises(0, CONCENTRATION, CHOICES)
        north = METRES_PER_DEGREE
        east = north * np.cos(np.radians(at[1]))
        ends = at + np.column_stack([length * np.sin(headings) / east, length * np.cos(headings) / north])
        weight = np.exp(SELECTION * np.isin(ground.landcover(ends[:, 0], ends[:, 1]), FOREST))
        weight *= np.hypot(*(ends - home).T) < 0.2  # it keeps to its home range
        if not weight.sum():
            weight = 1 / np.hypot(*(ends - home).T)
        chosen = int(rng.choice(CHOICES, p=weight / weight.sum()))
        at, heading = ends[chosen], float(headings[chosen])
    return rows


def _with_faults(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Plant what real files have: a gap, outliers, hidden fixes, a repetition, one without a place."""
    kept = [row for number, row in enumerate(rows) if not 400 <= number < 418]  # three days without a fix
    kept[50] = kept[50] | {"location-lat": "0.000000", "manually-marked-outlier": "true"}
    kept[120] = kept[120] | {"visible": "false", "location-long": "104.500000"}
    kept[200] = kept[200] | {"location-long": "", "location-lat": ""}
    kept.insert(321, dict(kept[320]))
    return kept


def _stamp(moment: datetime) -> str:
    """Return a moment as Movebank writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.000")
