"""What can go wrong with a record: each function spoils one row the way real files are spoiled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

Row = dict[str, Any]
"""One record: its columns as text, and helpers of the recipe whose names begin with an underscore."""
Chance = np.random.Generator


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault: how many are planted, what biodata should say, and how a row is spoiled."""

    name: str
    count: int
    meaning: str
    expected: str
    spoil: Callable[[Row, Chance], None]
    fits: Callable[[Row], bool] = lambda row: True


def put(**values: str) -> Callable[[Row, Chance], None]:
    """Return a fault that writes these values; DwC terms that are Python words end with an underscore."""

    def spoil(row: Row, _: Chance) -> None:
        row.update({name.rstrip("_"): value for name, value in values.items()})

    return spoil


def one_of(column: str, *values: str) -> Callable[[Row, Chance], None]:
    """Return a fault that writes one of several values."""

    def spoil(row: Row, rng: Chance) -> None:
        row[column] = str(rng.choice(values))

    return spoil


def swap(row: Row, _: Chance) -> None:
    """Change latitude and longitude round."""
    row["decimalLatitude"], row["decimalLongitude"] = row["decimalLongitude"], row["decimalLatitude"]


def negate(column: str) -> Callable[[Row, Chance], None]:
    """Return a fault that gives a coordinate the wrong sign."""

    def spoil(row: Row, _: Chance) -> None:
        row[column] = f"-{row[column]}"

    return spoil


def comma_decimals(row: Row, _: Chance) -> None:
    """Write the coordinates with decimal commas."""
    for column in ("decimalLatitude", "decimalLongitude"):
        row[column] = row[column].replace(".", ",")


def excel_serial(row: Row, rng: Chance) -> None:
    """Write the date as a spreadsheet's day number."""
    told = date(int(row["year"]), int(row["month"]), int(row["day"]))
    row["eventDate"] = str((told - date(1899, 12, 30)).days)
    if rng.random() < 0.3:
        row["eventDate"] += f"{rng.uniform(0.2, 0.8):.5f}"[1:]


def excel_serial_of_year(row: Row, _: Chance) -> None:
    """Write a whole year as the day number of its first day: the day is the spreadsheet's invention."""
    row["eventDate"] = str((date(int(row["year"]), 1, 1) - date(1899, 12, 30)).days)
    row["month"] = row["day"] = ""


def excel_serial_of_month(row: Row, _: Chance) -> None:
    """Write a whole month as the day number of its first day."""
    row["eventDate"] = str((date(int(row["year"]), int(row["month"]), 1) - date(1899, 12, 30)).days)
    row["day"] = ""


def buddhist_era(row: Row, _: Chance) -> None:
    """Write the year of the Buddhist Era, 543 more."""
    row["year"] = str(int(row["year"]) + 543)
    row["eventDate"] = f"{row['year']}-{int(row['month']):02d}-{int(row['day']):02d}"


def day_or_month(row: Row, _: Chance) -> None:
    """Write the date so that day and month could be either way round."""
    row["eventDate"] = f"{int(row['day']):02d}/{int(row['month']):02d}/{row['year']}"
    row["month"] = row["day"] = ""


def future(row: Row, rng: Chance) -> None:
    """Write a year that has not come."""
    row["year"] = str(2060 + int(rng.integers(0, 30)))
    row["eventDate"] = f"{row['year']}-{int(row['month']):02d}-{int(row['day']):02d}"


def impossible_day(row: Row, _: Chance) -> None:
    """Write the 30th of February."""
    row["eventDate"] = f"{row['year']}-02-30"
    row["month"], row["day"] = "2", "30"


def other_month(row: Row, _: Chance) -> None:
    """Let the month beside the date tell another month."""
    row["month"] = str(int(row["month"]) % 12 + 1)


def no_date(row: Row, _: Chance) -> None:
    """Leave the date out."""
    row["eventDate"] = row["year"] = row["month"] = row["day"] = ""


def foreign_country(row: Row, rng: Chance) -> None:
    """State a country that is far away."""
    row["countryCode"] = str(rng.choice(["ID", "PH", "MY", "BN"]))


def far_province(row: Row, _: Chance) -> None:
    """State a real province of the same country that is far away."""
    north = float(row["decimalLatitude"]) > 16.5
    row["stateProvince"] = {
        "CN": "Chongqing",
        "LA": "Champasak" if north else "Bokeo",
        "VN": "Gia Lai" if north else "Lang Son",
    }[row["countryCode"]]


def misspell(row: Row, rng: Chance) -> None:
    """Drop, double or change one letter of the species epithet wherever the name stands."""
    species = row["species"] if "species" in row else row["scientificName"]
    genus, epithet = species.split(" ")[:2]
    at = int(rng.integers(2, len(epithet) - 1))
    wrong = [
        epithet[:at] + epithet[at + 1 :],
        epithet[:at] + epithet[at] + epithet[at:],
        epithet[:at] + ("y" if epithet[at] != "y" else "i") + epithet[at + 1 :],
    ][int(rng.integers(0, 3))]
    for column in ("scientificName", "verbatimScientificName", "species", "specificEpithet"):
        if column in row:
            row[column] = row[column].replace(epithet, wrong)
    row["_misspelt"] = f"{genus} {wrong}"


def full_date(row: Row) -> bool:
    """Tell whether the row tells year, month and day, and no interval."""
    return bool(row["year"] and row["month"] and row["day"]) and "/" not in row["eventDate"]
