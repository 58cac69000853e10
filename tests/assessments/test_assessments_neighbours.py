"""What is found of changed records and their neighbours is what a look at all of them finds."""

import random
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

import releases as fixture
from biodata import places
from biodata.assessments import of_release
from biodata.assessments.neighbours import Neighbours
from biodata.core import terms
from biodata.text.cluster_facts import plain_numbers

SPECIES = ["Nomascus nasutus", "Hylobates lar", "Panthera tigris"]
COLUMNS = terms.PUBLISHED_OCCURRENCE


class Contents:
    """Stands for a lake: the rows that nothing but their content identifies, by version."""

    def __init__(self) -> None:
        self.versions: dict[int, dict[int, str]] = {}

    def read(self, table, *, columns, where, among, snapshot):
        known = self.versions[snapshot].items()
        found = pl.DataFrame(list(known), schema={"key": pl.Int64, "source_record_id": pl.String}, orient="row")
        return found if among is None else found.join(among, on="key", how="semi")


def drawn(chance: random.Random, key: int) -> dict:
    """Return a record of few places, days, people and numbers, so that many share them."""
    day = date(2020, 1, 1) + timedelta(days=chance.randrange(4))
    year = chance.choice([2001, 2020])
    place = chance.choice([(101.0, 20.5), (101.0, 20.5), (101.0031, 20.5), (103.123, 17.321), None])
    number = chance.randrange(6)
    content = chance.random() < 0.2
    return {
        "key": key, "sharing_category": "open", "datasetKey": chance.choice("abcd"), "species": chance.choice(SPECIES),
        "occurrenceStatus": chance.choice(["PRESENT", "PRESENT", "PRESENT", "ABSENT"]),
        "basisOfRecord": "HUMAN_OBSERVATION", "eventDate": str(day), "event_start": day, "event_end": day, "year": year,
        "event_time": chance.choice([None, "07:10:00", "07:10:20", "06:12:00"]), "countryCode": chance.choice(["LA", "VN"]),
        "event_zone": chance.choice([None, "+07:00", "+08:00"]),
        "decimalLongitude": place and place[0], "decimalLatitude": place and place[1],
        "recordedBy": chance.choice([None, *(f"Observer {letter}" for letter in "ABCDEF")]),
        "occurrenceID": None if content else chance.choice([None, f"urn:x:{number}", f"own-{key}"]),
        "gbifID": None if content else chance.choice([None, None, f"10{number}"]),
        "institutionCode": chance.choice([None, "KUN"]), "catalogNumber": chance.choice([None, f"K-{number}000", f"k{key}00000"]),
        "otherCatalogNumbers": chance.choice([None, None, None, f"KUN k{number}000 | own-{number}"]),
        "content": f"content:{number % 2}#{key}" if content else None,
        "quality_flags": chance.choice([[], ["COORDINATE_ROUNDED"], ["NEAR_COUNTY_SEAT"]]),
    }  # fmt: skip


def frame(rows: list[dict]) -> pl.DataFrame:
    schema = {c.name: c.dtype for c in COLUMNS if rows and c.name in rows[0]}
    return terms.conform(pl.DataFrame([{n: row[n] for n in schema} for row in rows], schema=schema), COLUMNS)


def released(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return records with what was found beside each, as the file of a release has them."""
    told = rows.drop("isInCluster", "cluster_id", "cluster_reason").join(found, on="key", how="left")
    more = pl.col("flags").fill_null([]).list.set_difference("quality_flags").list.sort()
    return told.with_columns(
        quality_flags=pl.concat_list("quality_flags", more), isInCluster=pl.col("isInCluster").fill_null(value=False)
    ).select(c.name for c in COLUMNS)


@pytest.mark.parametrize("seed", range(2))
def test_neighbours_of_what_changed_are_as_in_a_look_at_all(tmp_path, seed):
    chance, lake = random.Random(seed), Contents()
    gazetteer = places.load_gazetteer(fixture.neighbours())
    rows = {key: drawn(chance, key) for key in range(40)}

    def whole(version: int) -> pl.DataFrame:
        lake.versions[version] = {key: row["content"] for key, row in rows.items() if row["content"]}
        published = frame(list(rows.values()))
        published.write_parquet(tmp_path / "all.parquet")
        told = lake.read("", columns=[], where=None, among=None, snapshot=version)
        found = of_release([tmp_path / "all.parquet"], gazetteer=gazetteer, work=tmp_path, rows_told=told)
        return released(published, found).sort("key")

    before = whole(0)
    for step in range(1, 7):
        new = range(max(rows) + 1, max(rows) + 1 + chance.randrange(4))
        changed = [*chance.sample(sorted(rows), 2), *new]
        rows |= {key: drawn(chance, key) for key in changed}
        gone = chance.sample(sorted(rows), chance.randrange(2))
        rows = {key: row for key, row in rows.items() if key not in gone}
        after = whole(step)
        keys = pl.Series("key", [*changed, *gone], dtype=pl.Int64)
        part = tmp_path / "part.parquet"
        frame([rows[key] for key in changed if key in rows]).write_parquet(part)
        with duckdb.connect() as connection:
            connection.register("told", before.hstack(plain_numbers(before)))
            connection.execute("CREATE TABLE occurrences AS FROM told")
            beside = Neighbours(
                connection, lake, snapshots=(step - 1, step), keys=keys, parts=[part], gazetteer=gazetteer
            ).assess()
        asked = pl.concat([keys, beside["key"]])
        again = frame([row for key, row in rows.items() if key in set(asked)])
        now = pl.concat([before.filter(~pl.col("key").is_in(asked.implode())), released(again, beside)]).sort("key")
        assert now.equals(after)
        before = after
    assert before["isInCluster"].any()
