"""Another boundary set tells nothing more of a coarse place: it is worked out by the first one for good."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import shapely

from biodata import pipeline
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.places import BoundarySet
from biodata.sharing.generalise import regions_of_size
from biodata.store import floor_set, releases
from landscapes import halves
from rule_files import put_rules

HEADING = "occurrenceID,scientificName,decimalLatitude,decimalLongitude,eventDate,countryCode\n"
RULES = "rule_id,scientificName,category,reason\nlist,Muntiacus muntjak,0_1_degree,hunted\n"


def coast(moved: float) -> BoundarySet:
    edge = 101.23 + moved
    land = shapely.box(90, 10, edge, 30)
    first = halves()
    units = first.units.head(1).with_columns(country_code=pl.lit("LA"), province_code=pl.lit(None, pl.String))
    return replace(first, name=f"coast {moved}", units=units, shapes=np.array([land]))


@pytest.fixture
def settings(tmp_path, monkeypatch):
    made = Settings(data=tmp_path / "data", memory_limit="500MB")
    made.data.mkdir()
    put_rules(made.data, RULES)
    rows = "".join(f"m{n},Muntiacus muntjak,20.{n}5,{101.05 + n / 10},2024-03-06,LA\n" for n in range(4))
    (tmp_path / "a.csv").write_text(HEADING + rows)
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: coast(0.0))
    pipeline.ingest("gbif", [tmp_path / "a.csv"], made)
    return made


def told(settings):
    made = pipeline.release(settings, full=True)
    columns = ["decimalLongitude", "decimalLatitude", "cell_west", "cell_east", "countryCode", "country_codes"]
    return releases.read(made, "occurrences").sort("key").select("key", *columns)


def test_two_releases_by_two_sets_tell_the_same_of_a_coarse_place(settings, monkeypatch):
    x, y = np.array([101.15, 101.25]), np.array([20.15, 20.25])
    assert regions_of_size(x, y, 10, coast(0.0)) != regions_of_size(x, y, 10, coast(0.3)), "the control: they differ"
    before = told(settings)
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: coast(0.3))
    after = told(settings)
    assert before.equals(after)
    assert before["cell_west"].null_count() < before.height
    (settings.data / "floor" / "boundaries.json").unlink()
    assert not told(settings).equals(before), "without the set that was kept it would be told otherwise"


def test_a_kept_set_that_is_damaged_stops_the_release(settings, monkeypatch):
    told(settings)
    first = releases.current(settings.data).id
    floor_set._units(coast(0.7)).write_parquet(settings.data / "floor" / "boundaries.parquet")
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: coast(0.3))
    with pytest.raises(StoreError, match="restore it"):
        pipeline.release(settings)
    assert releases.current(settings.data).id == first
