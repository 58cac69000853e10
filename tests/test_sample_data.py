"""The synthetic sample data: as much of it as is promised, planted faults and no others, and made again the same."""

import io
import json
import re
import sys
import zipfile
from collections import Counter
from datetime import date
from types import SimpleNamespace

import defusedxml.ElementTree as ElementTree
import geopandas as gpd
import numpy as np
import openpyxl
import polars as pl
import pytest
import rasterio
import shapely

from biodata.flags import FLAGS
from biodata.geo import area_km2
from biodata.harmonise import Harmoniser
from biodata.places import country_geometry, load_boundaries, locate
from biodata.vocabularies import SharingCategory

GBIF, ARCHIVE = "occurrences_gbif.zip", "xishuangbanna_namha.zip"
MEMBERS = {GBIF: "occurrences_gbif.csv", ARCHIVE: "occurrence.txt"}
RANKS = ["kingdom", "phylum", "class", "order", "family", "genus"]


@pytest.fixture(scope="module")
def boundaries():
    return load_boundaries("natural_earth")


@pytest.fixture(scope="module")
def planted(sample_data):
    return json.loads((sample_data / "planted_dirt.json").read_text())


@pytest.fixture(scope="module")
def files(sample_data):
    """Return both occurrence files as text, with the line of each row."""
    frames = {}
    for name, member in MEMBERS.items():
        with zipfile.ZipFile(sample_data / name) as archive:
            content = archive.read(member)
        frame = pl.read_csv(io.BytesIO(content), separator="\t", quote_char=None, infer_schema=False)
        frames[name] = frame.with_row_index("line", offset=2).with_columns(pl.col("line").cast(pl.Int64))
    return frames


@pytest.fixture(scope="module")
def sound(files, planted):
    """Return the rows of both files that nothing was planted in, with numbers for coordinates."""
    frames = []
    for name, frame in files.items():
        spoilt = [
            line
            for entry in planted
            for line in entry["lines"]
            if entry["file"] == name and entry["fault"] != "border_band"
        ]
        frames.append(frame.filter(~pl.col("line").is_in(spoilt)).with_columns(file=pl.lit(name)))
    return pl.concat(frames, how="diagonal").with_columns(
        pl.col("decimalLatitude", "decimalLongitude").cast(pl.Float64)
    )


@pytest.fixture(scope="module")
def recipe(sample_data):
    sys.path.insert(0, str(sample_data))
    try:
        from recipe import area_files, camtrap, gbif, layers, lists, records, workbooks

        yield SimpleNamespace(
            area_files=area_files,
            camtrap=camtrap,
            gbif=gbif,
            layers=layers,
            lists=lists,
            records=records,
            workbooks=workbooks,
        )
    finally:
        sys.path.remove(str(sample_data))


@pytest.fixture(scope="module")
def checklist(sample_data):
    return pl.read_csv(sample_data / "checklist.csv", infer_schema=False)


@pytest.fixture(scope="module")
def areas(sample_data):
    return gpd.read_file(sample_data / "protected_areas.geojson")


# How much there is


def test_no_file_is_large(sample_data):
    sizes = {file.name: file.stat().st_size for file in sample_data.rglob("*") if file.is_file()}
    assert max(sizes.values()) < 5_000_000
    assert sum(sizes.values()) < 12_000_000


def test_there_are_twenty_thousand_records_of_some_sixty_species_in_several_datasets(files, sound):
    assert files[GBIF].height + files[ARCHIVE].height > 20_000
    assert 60 <= sound["species"].drop_nulls().n_unique() <= 75
    assert files[GBIF]["datasetKey"].drop_nulls().n_unique() == 8


def test_the_big_file_has_gbifs_fifty_columns(files, recipe):
    assert tuple(files[GBIF].columns[1:]) == recipe.gbif.COLUMNS
    assert len(recipe.gbif.COLUMNS) == 50


@pytest.mark.parametrize(
    "side", [("CN", "LA"), ("CN", "VN"), ("CN", "MM"), ("LA", "VN"), ("KH", "LA"), ("KH", "VN")], ids="-".join
)
def test_species_are_recorded_on_both_sides_of_each_border(sound, side):
    near = sound.filter(pl.col("countryCode").is_in(side)).with_columns(
        name=pl.coalesce("species", "scientificName"),
    )
    shared = near.group_by("name").agg(pl.col("countryCode").n_unique()).filter(pl.col("countryCode") == 2)
    assert shared.height >= 10


# What is planted, and nothing else

_LAT, _LON = pl.col("decimalLatitude"), pl.col("decimalLongitude")
_LATITUDE, _LONGITUDE = _LAT.cast(pl.Float64, strict=False), _LON.cast(pl.Float64, strict=False)
_COUNT = pl.col("individualCount").cast(pl.Int64)
_BOTH = _LAT.is_not_null() & _LON.is_not_null()
_PARTS = pl.date(pl.col("year").cast(pl.Int32), pl.col("month").cast(pl.Int32), pl.col("day").cast(pl.Int32))
_SERIAL = pl.col("eventDate").str.contains(r"^\d{5}(\.\d+)?$")
_KNOWN_COUNTRIES = ["CN", "LA", "VN", "KH", "MM", "TH"]

SEEN = {
    "zero_coordinates": (_LATITUDE == 0) & (_LONGITUDE == 0),
    "swapped_coordinates": (_LATITUDE > 90) & (_LATITUDE < 180),
    "sign_lost_latitude": _LATITUDE < 0,
    "sign_lost_longitude": _LONGITUDE < 0,
    "coordinates_out_of_range": _LONGITUDE > 180,
    "missing_coordinates": _LAT.is_null() & _LON.is_null() & pl.col("basisOfRecord").is_not_null(),
    "one_coordinate_missing": _LAT.is_not_null() & _LON.is_null(),
    "comma_decimals": _LAT.str.contains(",") & _LON.str.contains(","),
    "wrong_country_code": pl.col("countryCode").is_in(["ID", "PH", "MY", "BN"]),
    "unknown_country": pl.col("countryCode").is_in(["QQ", "X1", "Indochina"]),
    "missing_country": pl.col("countryCode").is_null() & _BOTH,
    "unknown_province": pl.col("stateProvince").is_in(["Northern zone", "Forest block 7"]),
    "excel_serial_dates": _SERIAL & pl.col("day").is_not_null(),
    "excel_serial_months": _SERIAL & pl.col("day").is_null() & pl.col("month").is_not_null(),
    "excel_serial_years": _SERIAL & pl.col("month").is_null(),
    "buddhist_era_dates": pl.col("eventDate").str.contains("^25[4-9]"),
    "day_month_ambiguous": pl.col("eventDate").str.contains(r"^(0\d|1[0-2])/(0\d|1[0-2])/\d{4}$"),
    "future_dates": pl.col("eventDate").str.contains("^20[6-9]"),
    "impossible_dates": pl.col("eventDate").str.ends_with("-02-30"),
    "date_mismatch": pl.col("eventDate").str.slice(5, 2).cast(pl.Int32, strict=False) != pl.col("month").cast(pl.Int32),
    "missing_date": pl.col("eventDate").is_null() & pl.col("year").is_null() & pl.col("basisOfRecord").is_not_null(),
    "unknown_basis_of_record": ~pl.col("basisOfRecord").str.contains("(?i)^(human|machine)_?observation|specimen$"),
    "missing_occurrence_id": pl.col("occurrenceID").is_null() & pl.col("gbifID").is_not_null(),
    "missing_identifiers": pl.all_horizontal(
        pl.col("occurrenceID").is_null(), pl.col("gbifID").is_null(), pl.col("basisOfRecord").is_not_null()
    ),
    "repeated_occurrence_id": ~pl.struct("datasetKey", "occurrenceID").is_first_distinct()
    & pl.col("occurrenceID").is_not_null(),
    "blank_row": pl.all_horizontal(pl.all().exclude("line").is_null()),
    "uncertainty_text": ~pl.col("coordinateUncertaintyInMeters").str.contains(r"^\d+(\.0)?$"),
    "negative_counts": _COUNT < 0,
    "zero_count_present": (_COUNT == 0) & (pl.col("occurrenceStatus") == "PRESENT"),
    "formula_cells": pl.col("locality").str.contains(r"^[=@+-]"),
    "html_locality": pl.col("locality").str.contains("<"),
    "unknown_datum": pl.col("geodeticDatum").is_in(["local grid 1", "old map"]),
    "missing_datum": pl.col("geodeticDatum").is_null(),
    "elevation_text": ~pl.col("minimumElevationInMeters").str.contains(r"^\d+$"),
    "missing_name": pl.col("scientificName").is_null(),
    "html_remarks": pl.col("occurrenceRemarks").str.contains("[<&]"),
    "formula_remarks": pl.col("occurrenceRemarks").str.contains(r"^[=@+-]"),
}
"""How each fault looks in the raw text, told without the recipe."""
ELSEWHERE = {
    "border_band",
    "coordinates_across_border",
    "across_border_inside_band",
    "wrong_province",
    "misspelt_names",
    "misspelt_sensitive_names",
}
"""Faults that a map or the checklist must tell: other tests look at them."""


def test_each_fault_stands_in_the_stated_rows_and_nowhere_else(files, planted):
    wrong = {}
    for entry in planted:
        if entry["fault"] in ELSEWHERE:
            continue
        lines = files[entry["file"]].filter(SEEN[entry["fault"]])["line"].to_list()
        if lines != entry["lines"]:
            wrong[entry["file"], entry["fault"]] = sorted(set(lines) ^ set(entry["lines"]))
    assert not wrong


def test_every_list_of_rows_is_as_long_as_stated_and_no_row_has_two_faults(planted):
    assert all(len(e["lines"]) == len(e["identifiers"]) == e["count"] for e in planted)
    rows = Counter((e["file"], line) for e in planted for line in e["lines"])
    assert set(rows.values()) == {1}


def test_identifiers_beside_the_lines_are_those_of_the_rows(files, planted):
    for entry in planted:
        column = "gbifID" if entry["file"] == GBIF else "occurrenceID"
        told = dict(files[entry["file"]].select("line", column).iter_rows())
        assert [told[line] or "" for line in entry["lines"]] == entry["identifiers"], entry["fault"]


def test_the_readme_says_synthetic_first_and_states_every_number(sample_data, planted):
    text = (sample_data / "README.md").read_text()
    assert "SYNTHETIC" in text.splitlines()[0]
    assert "{{" not in text
    for entry in planted:
        assert f"| `{entry['fault']}` | {entry['count']} |" in text
    for file in sample_data.iterdir():
        if file.name not in {"README.md", "make.py", "layers", "recipe", "__pycache__"}:
            assert file.name in text, file.name


def test_records_across_the_border_lie_deep_inside_or_within_the_band(files, planted, boundaries):
    lines = {entry["fault"]: entry["lines"] for entry in planted if entry["file"] == GBIF}
    for fault, ambiguous in (("coordinates_across_border", False), ("across_border_inside_band", True)):
        rows = files[GBIF].filter(pl.col("line").is_in(lines[fault]))
        found = locate(*rows.select(_LONGITUDE, _LATITUDE).to_numpy().T, boundaries)
        assert (found["located_country_code"] != rows["countryCode"]).all()
        assert (found["ambiguous"] == ambiguous).all()
        told = [code in codes for code, codes in zip(rows["countryCode"], found["country_codes"], strict=True)]
        assert set(told) == {ambiguous}


def test_misspelt_names_are_one_letter_off_a_name_of_the_checklist(files, planted, checklist):
    from rapidfuzz.distance import Levenshtein

    known = checklist["scientificName"].to_list()
    for entry in planted:
        if entry["fault"].startswith("misspelt"):
            rows = files[entry["file"]].filter(pl.col("line").is_in(entry["lines"]))
            for name in rows["verbatimScientificName" if entry["file"] == GBIF else "scientificName"]:
                assert name not in known
                assert min(Levenshtein.distance(name, other) for other in known) == 1


def test_the_harmoniser_says_of_each_fault_what_is_expected(files, planted, boundaries):
    for name, frame in files.items():
        batch = frame.rename({"line": "source_row"}).drop("id", strict=False).with_columns(source_file=pl.lit(name))
        harmoniser = Harmoniser(boundaries=boundaries, secret=b"sample", today=date(2026, 11, 24))
        result = harmoniser.occurrences(batch, dataset_key="sample", declarations={})
        said = dict(result.interpreted.select("source_row", "quality_flags").iter_rows())
        refused = {refusal.row: f"refused {refusal.code}" for refusal in result.refusals}
        for entry in planted:
            if entry["file"] == name and entry["expected"].removeprefix("refused ") in {
                *FLAGS,
                "IDENTIFIER_MISSING",
                "ROW_BLANK",
            }:
                answers = [[*(said.get(line) or ()), refused.get(line)] for line in entry["lines"]]
                assert all(entry["expected"] in answer for answer in answers), entry["fault"]


# Sound rows


def test_sound_rows_lie_in_the_country_and_province_that_they_state(sound, boundaries):
    found = locate(sound["decimalLongitude"].to_numpy(), sound["decimalLatitude"].to_numpy(), boundaries)
    assert (found["located_country_code"] == sound["countryCode"]).all()
    assert set(found["located_country_code"]) == set(_KNOWN_COUNTRIES)
    provinces = sound.with_columns(code=found["province_code"]).group_by("stateProvince").agg(pl.col("code").unique())
    assert provinces.filter(pl.col("code").list.len() > 1).is_empty()
    assert sound["stateProvince"].null_count() == 0


def test_the_border_band_is_listed(sound, planted, boundaries):
    found = locate(sound["decimalLongitude"].to_numpy(), sound["decimalLatitude"].to_numpy(), boundaries)
    inside = sound.filter(found["ambiguous"])
    for file in MEMBERS:
        listed = next(e["lines"] for e in planted if (e["file"], e["fault"]) == (file, "border_band"))
        assert inside.filter(file=file)["line"].to_list() == listed


def test_sound_rows_lie_in_the_region(sound):
    assert sound["decimalLatitude"].is_between(12, 29).all()
    assert sound["decimalLongitude"].is_between(96.5, 109).all()


def test_names_and_classification_are_those_of_the_checklist(sound, checklist):
    accepted = checklist.filter(taxonomicStatus="ACCEPTED").select(pl.col("scientificName").alias("species"), *RANKS)
    told = sound.with_columns(species=pl.coalesce("species", "scientificName")).select("species", *RANKS).unique()
    assert told.join(accepted, on=["species", *RANKS], how="anti").is_empty()
    names = checklist.select(
        name=pl.col("scientificName"),
        full=pl.concat_str("scientificName", "scientificNameAuthorship", separator=" "),
    )
    assert set(sound.filter(file=GBIF)["scientificName"]) <= set(names["full"])
    assert set(sound.filter(file=GBIF)["verbatimScientificName"]) <= set(names["name"])


def test_only_teams_and_numbered_observers_are_named(files):
    for frame in files.values():
        names = frame["recordedBy"].drop_nulls()
        assert names.str.contains(r"^(Survey team|Observer) \d+$").all()


def test_gibbons_and_elephants_stand_on_both_sides_of_the_china_laos_border(sound):
    south = sound.filter(pl.col("decimalLatitude").is_between(20, 22.5), pl.col("decimalLongitude") < 103)
    for family in ("Hylobatidae", "Elephantidae"):
        assert {"CN", "LA"} <= set(south.filter(family=family)["countryCode"])


def test_dates_are_as_exact_as_their_kind_of_record(sound):
    specimens = sound.filter(pl.col("basisOfRecord") == "PRESERVED_SPECIMEN")
    lengths = specimens["eventDate"].str.len_chars()
    assert set(lengths) == {4, 7, 10}
    parts = sound.filter(pl.col("day").is_not_null())
    assert (parts["eventDate"].str.slice(0, 10).str.to_date() == parts.select(_PARTS).to_series()).all()


# The archive


def test_the_archives_meta_xml_tells_its_columns(sample_data):
    with zipfile.ZipFile(sample_data / ARCHIVE) as archive:
        meta = ElementTree.fromstring(archive.read("meta.xml"))
        ElementTree.fromstring(archive.read("eml.xml"))
        for part in meta:
            location = part.find("{*}files/{*}location").text
            heading = archive.read(location).decode().split("\n", 1)[0].split("\t")
            told = {int(f.get("index")): f.get("term").rsplit("/", 1)[1] for f in part.findall("{*}field[@index]")}
            assert [told.get(number, heading[0]) for number in range(len(heading))] == heading
        core = {line.split("\t", 1)[0] for line in archive.read("occurrence.txt").decode().splitlines()[1:]}
        measured = archive.read("measurementorfact.txt").decode().splitlines()[1:]
    assert len(core) == 3980
    assert len(measured) == 900
    assert {line.split("\t", 1)[0] for line in measured} <= core


# Protected areas


def test_there_are_forty_areas_on_both_sides_of_the_five_borders(areas):
    assert len(areas) >= 40
    assert set(areas["ISO3"]) == {"CHN", "LAO", "VNM", "KHM", "MMR"}
    assert areas.geometry.is_valid.all()
    assert areas["SITE_PID"].is_unique
    assert (areas["SITE_ID"] >= 999_000_001).all()
    assert areas["SUPP_INFO"].str.contains("SYNTHETIC").all()
    assert areas.groupby("NAME_ENG")["SITE_ID"].nunique().max() == 1


def test_shapes_have_about_the_area_reported(areas):
    computed = area_km2(areas.geometry.to_numpy())
    assert np.abs(computed / areas["REP_AREA"].to_numpy() - 1).max() < 0.03


def test_only_the_two_documented_areas_spill_over_a_border(areas, boundaries):
    codes = {"CHN": "CN", "LAO": "LA", "VNM": "VN", "KHM": "KH", "MMR": "MM"}
    spilling = {}
    for name, iso3, shape in zip(areas["NAME_ENG"], areas["ISO3"], areas.geometry, strict=True):
        spill = shapely.difference(shape, country_geometry(codes[iso3], boundaries))
        if area_km2(np.array([spill]))[0] > 0.01:
            corners = shapely.get_coordinates(shapely.segmentize(spill, 0.005))
            spilling[name] = locate(corners[:, 0], corners[:, 1], boundaries)["border_distance_m"].max()
    assert set(spilling) == {"Nam Ha", "Hkakaborazi"}
    assert spilling["Nam Ha"] < boundaries.band_m < spilling["Hkakaborazi"] < 12_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Xishuangbanna (Shangyong sub-reserve)", "Nam Ha"),
        ("Bangliang Gibbon", "Trung Khanh Cao Vit Gibbon"),
        ("Nakai-Nam Theun", "Vu Quang"),
        ("Dong Ampham", "Virachey"),
    ],
)
def test_areas_face_each_other_across_a_border(areas, one, other):
    shapes = areas.set_index("NAME_ENG").geometry
    assert 0 < shapely.distance(shapes[one], shapes[other]) < 0.03


def test_the_old_schema_has_the_older_names(sample_data):
    old = gpd.read_file(sample_data / "protected_areas_old_schema.gpkg")
    assert {"WDPAID", "WDPA_PID", "NAME", "ORIG_NAME", "MARINE", "DESIG_ENG", "PARENT_ISO3"} <= set(old.columns)
    assert not {"SITE_ID", "NAME_ENG", "REALM"} & set(old.columns)
    assert len(old) == 6


# Layers

WINDOWS = ["china_laos", "cambodia_laos_vietnam", "china_vietnam"]


@pytest.mark.parametrize("window", WINDOWS)
def test_layers_cover_both_sides_of_a_border_at_a_kilometre_or_finer(sample_data, boundaries, recipe, window):
    with rasterio.open(sample_data / f"layers/landcover_{window}.tif") as cover:
        classes = cover.read(1)
        assert cover.dtypes[0] == "uint8"
        assert cover.compression.name == "deflate"
        assert cover.res[0] <= (0.009 if cover.crs.is_geographic else 1000)
    with rasterio.open(sample_data / f"layers/elevation_{window}.tif") as elevation:
        heights = elevation.read(1)
        assert elevation.dtypes[0] == "int16"
    known = pl.read_csv(sample_data / "layers/landcover_classes.csv")["class_value"].to_list()
    assert set(np.unique(classes)) <= set(known)
    assert heights.min() > 0
    forest = np.isin(classes, [1, 2, 4, 5])
    assert 0.5 < forest.mean() < 0.95
    assert heights[forest].mean() > heights[classes == 12].mean()
    longitude, latitude = recipe.layers.centres(next(w for w in recipe.layers.WINDOWS if w.name == window))
    found = locate(longitude[::50], latitude[::50], boundaries)["located_country_code"]
    shares = found.value_counts(normalize=True).filter(pl.col("proportion") > 0.05)
    assert (
        set(shares["located_country_code"])
        >= {
            "china_laos": {"CN", "LA"},
            "cambodia_laos_vietnam": {"KH", "LA", "VN"},
            "china_vietnam": {"CN", "VN"},
        }[window]
    )


def test_records_tell_the_elevation_of_the_layer(sample_data, files):
    rows = files[ARCHIVE].with_columns(_LATITUDE, _LONGITUDE).filter(_LAT > 20.5, _LAT < 22.8, _LON < 102.9)
    rows = rows.filter(pl.col("minimumElevationInMeters").str.contains(r"^\d+$"))
    with rasterio.open(sample_data / "layers/elevation_china_laos.tif") as layer:
        cells = [cell[0] for cell in layer.sample(rows.select(_LON, _LAT).iter_rows())]
    difference = np.abs(np.array(cells) - rows["minimumElevationInMeters"].cast(pl.Float64).to_numpy())
    assert np.median(difference) < 40


def test_every_class_has_a_resistance_of_at_least_one(sample_data):
    resistance = pl.read_csv(sample_data / "resistance.csv")
    assert resistance.columns == ["class_value", "class_name", "resistance", "note", "linear"]
    assert (resistance["resistance"] >= 1).all()
    classes = pl.read_csv(sample_data / "layers/landcover_classes.csv")
    assert resistance["class_value"].to_list() == classes["class_value"].to_list()


# Checklist and rules


def test_the_checklist_holds_together(checklist):
    accepted = checklist.filter(taxonomicStatus="ACCEPTED")
    assert (accepted["taxonID"] == accepted["acceptedNameUsageID"]).all()
    assert set(checklist["acceptedNameUsageID"]) == set(accepted["taxonID"])
    assert checklist["taxonID"].is_unique().all()
    assert checklist["scientificName"].is_unique().all()
    assert accepted["scientificName"].str.contains(r"^[A-Z][a-z]+ [a-z]+$").all()
    assert (accepted["scientificName"].str.split(" ").list.first() == accepted["genus"]).all()
    assert accepted.select(RANKS).null_count().sum_horizontal().item() == 0


def test_each_rank_has_one_parent(checklist):
    for child, parent in zip(RANKS[1:], RANKS[:-1], strict=True):
        parents = checklist.group_by(child).agg(pl.col(parent).n_unique())
        assert (parents[parent] == 1).all(), child


def test_only_the_two_sourced_categories_are_called_sourced(checklist):
    sourced = checklist.filter(pl.col("status_date").is_not_null())
    assert set(sourced["scientificName"]) == {"Nomascus nasutus", "Rhinopithecus strykeri"}
    assert set(sourced["iucnRedListCategory"]) == {"CR"}
    rest = checklist.filter(pl.col("status_date").is_null(), taxonomicStatus="ACCEPTED")
    assert set(rest["status_source"]) == {"memory", "not evaluated here"}


def test_mammals_are_known_to_the_mammal_diversity_database(shared, checklist):
    known = pl.read_csv(
        shared / "data/tax_mdd/MDD_v1.2_6485species.csv", infer_schema=False, encoding="utf8-lossy"
    ).select(pl.col("sciName").str.replace("_", " "), pl.col("order", "family").str.to_titlecase())
    mammals = checklist.filter(pl.col("class") == "Mammalia", taxonomicStatus="ACCEPTED")
    unknown = mammals.join(known, left_on=["scientificName", "order", "family"], right_on=known.columns, how="anti")
    # The database of 2020 has this serow in Capricornis sumatraensis.
    assert unknown["scientificName"].to_list() == ["Capricornis milneedwardsii"]


def test_alien_species_are_on_the_regions_lists(shared, sound):
    lists = pl.read_csv(shared / "data/griis_asean_china/griis_combined.csv", infer_schema=False)
    known = set(lists["scientificName"].str.split(" ").list.head(2).list.join(" "))
    aliens = sound.filter(establishmentMeans="INTRODUCED")
    names = {*aliens["species"], "Eichhornia crassipes"} - {"Pontederia crassipes"}
    assert names <= known


def test_sharing_rules_name_known_taxa_and_categories(sample_data, checklist):
    rules = pl.read_csv(sample_data / "sensitive_species.csv", infer_schema=False)
    expected = "rule_id source scientificName rank country_code province_code dataset month_from month_to category"
    assert rules.columns == [*expected.split(), "reason", "review_date"]
    assert set(rules["category"]) <= {category.value for category in SharingCategory} - {"open"}
    assert rules["rule_id"].is_unique().all()
    for name, rank in rules.select("scientificName", "rank").iter_rows():
        column = "scientificName" if rank == "SPECIES" else rank.lower()
        assert name in set(checklist[column]), name
    assert {"Hylobatidae", "Elephas maximus"} <= set(rules["scientificName"])


# The survey's workbooks


def cells(path, sheet):
    """Return a sheet's heading and rows."""
    workbook = openpyxl.load_workbook(path, read_only=True)
    rows = [list(row) for row in workbook[sheet].iter_rows(values_only=True)]
    workbook.close()
    return rows[0], rows[1:]


def test_the_template_explains_every_column(sample_data):
    path = sample_data / "survey_template.xlsx"
    _, guide = cells(path, "README")
    explained = {(row[0], row[1]) for row in guide if row[3] and row[4]}
    for sheet in ("occurrences", "events"):
        heading, rows = cells(path, sheet)
        assert {(sheet, column) for column in heading} <= explained
        assert not rows


def test_the_faulty_workbook_differs_from_the_good_one_where_stated(sample_data):
    heading, good = cells(sample_data / "survey_namha.xlsx", "occurrences")
    _, faulty = cells(sample_data / "survey_with_faults.xlsx", "occurrences")
    stated = {
        (fault["row"], fault["column"]): fault["value"]
        for fault in json.loads((sample_data / "survey_faults.json").read_text())
    }
    found = {
        (number, column): wrong
        for number, (right_row, wrong_row) in enumerate(zip(good, faulty, strict=True), start=2)
        for column, right, wrong in zip(heading, right_row, wrong_row, strict=True)
        if right != wrong
    }
    swapped = next(row for row, column in stated if column == "decimalLatitude" and (row, "decimalLongitude") in found)
    assert found.pop((swapped, "decimalLongitude")) == good[swapped - 2][heading.index("decimalLatitude")]
    assert found == stated
    assert len(good) == 40
    assert len(stated) == 18


# Camera traps


def test_the_camera_trap_package_holds_together(sample_data, boundaries):
    folder = sample_data / "camtrapdp"
    package = json.loads((folder / "datapackage.json").read_text())
    tables = {r["name"]: pl.read_csv(folder / r["path"], infer_schema=False) for r in package["resources"]}
    deployments, observations = tables["deployments"], tables["observations"]
    assert (deployments.height, observations.height) == (6, 120)
    place = deployments.select("longitude", "latitude").cast(pl.Float64).to_numpy()
    found = locate(place[:, 0], place[:, 1], boundaries)
    assert Counter(found["located_country_code"]) == {"CN": 3, "LA": 3}
    for table in ("media", "observations"):
        assert set(tables[table]["deploymentID"]) == set(deployments["deploymentID"])
    kinds = Counter(observations["observationType"])
    assert min(kinds[kind] for kind in ("animal", "human", "blank")) >= 5
    assert (observations["eventStart"] <= observations["eventEnd"]).all()


def test_the_camera_trap_package_fits_the_standards_schemas(sample_data, shared):
    for name in ("deployments", "media", "observations"):
        schema = json.loads((shared / f"data/camtrapdp_example/schemas/{name}-table-schema.json").read_text())
        frame = pl.read_csv(sample_data / f"camtrapdp/{name}.csv", infer_schema=False)
        assert frame.columns == [field["name"] for field in schema["fields"]]
        for field in schema["fields"]:
            limits, values = field.get("constraints", {}), frame[field["name"]]
            assert not (limits.get("required") and values.null_count()), field["name"]
            assert set(values.drop_nulls()) <= set(limits.get("enum", values.drop_nulls()))
            if field["type"] == "datetime":
                assert values.drop_nulls().str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$").all()


# Made again


def test_what_comes_from_tables_alone_is_made_again_byte_for_byte(sample_data, recipe, tmp_path):
    recipe.lists.make(tmp_path)
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (sample_data / file.name).read_bytes(), file.name


def test_two_runs_give_the_same_bytes(recipe, tmp_path):
    for run in ("one", "two"):
        for subject in (recipe.area_files, recipe.lists, recipe.workbooks, recipe.camtrap):
            (tmp_path / run).mkdir(exist_ok=True)
            subject.make(tmp_path / run)
    made = {file.relative_to(tmp_path / "one") for file in (tmp_path / "one").rglob("*") if file.is_file()}
    assert len(made) == 12
    for name in made:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_a_dataset_is_drawn_again_the_same_and_as_it_stands_in_the_file(recipe, files):
    again = recipe.records.clean("partner")
    assert again.equals(recipe.records.clean("partner"))
    key = recipe.records.dataset_key("partner")
    told = files[GBIF].filter(pl.col("datasetKey") == key, pl.col("occurrenceID").is_not_null())
    names = dict(told.select("occurrenceID", "species").iter_rows())
    same = [names.get(f"urn:biodata-sample:partner:{n:05d}") == s for n, s in enumerate(again["species"], start=1)]
    assert np.mean(same) > 0.95


def test_no_member_of_an_archive_carries_the_time_of_its_making(sample_data):
    for file in (*sample_data.glob("*.zip"), *sample_data.glob("*.xlsx")):
        with zipfile.ZipFile(file) as archive:
            assert {member.date_time for member in archive.infolist()} == {(2026, 11, 24, 0, 0, 0)}


def test_no_host_but_those_of_standards_and_licences_is_named(sample_data):
    allowed = {"rs.tdwg.org", "purl.org", "creativecommons.org", "eml.ecoinformatics.org", "sample.invalid"}
    allowed |= {"raw.githubusercontent.com"}
    for file in sample_data.rglob("*"):
        if file.suffix in {".csv", ".json", ".geojson", ".md", ".py"}:
            hosts = set(re.findall(r"https?://([^/\"'\s)]+)", file.read_text()))
            assert hosts <= allowed, file.name
