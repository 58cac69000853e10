"""What is stated of datasets as a whole: by their files, by their rows, by a person; and what is missing is named."""

import polars as pl
import pytest

from biodata import pipeline
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.pipeline import descriptions
from biodata.pipeline.report import IngestReport
from biodata.pipeline.tables import Table
from biodata.sharing import RuleSet
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force
from commands import run

CHECKLIST = "scientificName,taxonRank\nPanthera tigris,species\n"
FISH, BIRDS, OTHER = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc")


def table(rows, *, info=None, datasets=None):
    schema = dict.fromkeys(("datasetKey", "datasetName", "license"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    verbatim = VerbatimTable(
        "occurrences", "0001.csv", info or DatasetInfo(None), iter(()), [], datasets=datasets or {}
    )
    made = Table(verbatim, IngestReport("0001", "occurrences", "0001.csv"), orders=None)
    made.note_stated(frame)
    made.datasets = {key or "0001" for key in frame["datasetKey"]}
    return made


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "mammals.csv").write_text(CHECKLIST)
    return Settings(data=tmp_path / "data")


def known(settings):
    with Registry.open(settings) as registry:
        return {row["key"]: row for row in registry.datasets().to_dicts()}


def test_each_dataset_of_a_download_has_the_title_that_the_download_states():
    download = DatasetInfo(None, title="GBIF Occurrence Download", citation="GBIF.org (2026)", doi="10.15468/dl.abc")
    rows = [(FISH, None, "CC0_1_0"), (BIRDS, "Birds of Laos", "CC_BY_4_0"), (OTHER, None, None)]
    found = descriptions.of_table(
        table(rows, info=download, datasets={FISH: DatasetInfo(FISH, title="Fish of Laos", doi="10.15468/fish")}),
        "gbif",
        {},
    )
    assert [(key, one.title, one.doi) for key, one in sorted(found.items())] == [
        (FISH, "Fish of Laos", "10.15468/fish"),
        (BIRDS, "Birds of Laos", "10.15468/dl.abc"),
        (OTHER, None, "10.15468/dl.abc"),
    ]
    assert {one.key for one in found.values()} == set(found)


def test_several_names_of_one_dataset_are_no_title():
    found = descriptions.of_table(table([(BIRDS, "Birds", None), (BIRDS, "Birds 2024", None)]), "gbif", {})
    assert found[BIRDS].title is None


def test_a_description_is_of_the_only_dataset_that_the_rows_name():
    eml = DatasetInfo("0001", title="Transects", license="CC_BY_4_0", metadata="<eml/>")
    assert descriptions.of_table(table([(BIRDS, None, None)], info=eml), "dwca", {})[BIRDS].title == "Transects"
    both = descriptions.of_table(table([(BIRDS, None, None), (FISH, None, None)], info=eml), "dwca", {})
    assert {one.title for one in both.values()} == {None}


def test_a_licence_of_each_row_is_not_missing(settings):
    rows = [(BIRDS, "Birds", "CC0_1_0"), (FISH, "Fish", None), (OTHER, None, "CC0_1_0")]
    found = descriptions.missing([table(rows)], "gbif", {}, settings)
    assert [line.split(",")[0] for line in found] == [f"dataset {FISH} has no licence", f"dataset {OTHER} has no title"]


def test_title_and_licence_of_a_plain_table_are_asked_for_and_stated(settings, tmp_path):
    (report,) = pipeline.ingest("checklist", tmp_path / "mammals.csv", settings)
    (note,) = [note for note in report.notes if "biodata dataset set" in note]
    assert note.startswith("dataset mammals has no title and no licence")
    assert known(settings)["mammals"]["title"] is None
    options = {"title": "Mammals", "license": "CC BY 4.0", "citation": "X (2026)", "doi": "https://doi.org/10.1234/ab"}
    (report,) = pipeline.ingest("checklist", str(tmp_path / "mammals.csv"), settings, options=options)
    assert report.notes == []
    stated = {"title": "Mammals", "license": "CC_BY_4_0", "citation": "X (2026)", "doi": "10.1234/ab"}
    assert known(settings)["mammals"] == {"key": "mammals", **stated}
    pipeline.ingest("checklist", [tmp_path / "mammals.csv"], settings)
    assert known(settings)["mammals"] == {"key": "mammals", **stated}, "a file that states nothing takes nothing away"


def test_the_command_states_it_afterwards(settings, tmp_path):
    pipeline.ingest("checklist", [tmp_path / "mammals.csv"], settings)
    done = run("dataset", "set", "mammals", "--title", "Mammals of Laos", "--license", "CC0", "--data", settings.data)
    assert done.returncode == 0, done.stderr
    assert "license is CC0_1_0" in done.stdout
    assert "mammals: Mammals of Laos, CC0_1_0" in run("dataset", "list", "--data", settings.data).stdout
    again = run("dataset", "set", "mammals", "--title", "Mammals of Laos", "--data", settings.data)
    assert "stated before" in again.stdout


@pytest.mark.parametrize(
    "values", [{"title": " "}, {"license": "CC BZ 4.0"}, {"doi": "abc"}], ids=["no title", "no licence", "no DOI"]
)
def test_what_cannot_be_is_refused(values):
    with pytest.raises(InputError):
        descriptions.checked(values)


def test_one_title_for_several_datasets_is_refused(settings, tmp_path):
    (tmp_path / "two.csv").write_text(
        "gbifID,datasetKey,scientificName,decimalLatitude,decimalLongitude\n"
        f"1,{FISH},Panthera tigris,20.1,101.1\n2,{BIRDS},Panthera tigris,20.2,101.2\n"
    )
    with pytest.raises(InputError, match="these rows are of 2"):
        pipeline.ingest("gbif", [tmp_path / "two.csv"], settings, options={"title": "Both"})
    assert known(settings) == {}


def test_a_declared_scope_is_kept_by_the_next_ingest_and_bounds_names_that_are_not_known(settings):
    with Registry.open(settings) as registry:
        registry.record_datasets({"birds": DatasetInfo("birds")}, declarations={"datum": "WGS84"})
    with pytest.raises(InputError, match="no such group"):
        descriptions.describe(settings, "birds", {"scope": "Avess"}, actor="a test")
    assert descriptions.describe(settings, "birds", {"scope": "Aves"}, actor="a test") == {"scope": "Aves"}
    assert descriptions.describe(settings, "birds", {"scope": "Aves"}, actor="a test") == {}
    with Registry.open(settings) as registry:
        registry.record_datasets({"birds": DatasetInfo("birds")}, declarations={"datum": "Indian 1960"})
        assert registry.scopes() == {"birds": "Aves"}
    with Lake.open(settings.data) as lake:
        rules = rules_in_force(settings, lake, planned=False)
    frame = pl.DataFrame({"scientificName": ["Qqzqz qqzqz"] * 2, "datasetKey": ["birds", "mammals"]})
    found = rules.resolver.resolve(frame)
    named = [{rules.rules[n].scientific_name for n in numbers} for numbers in found.of_rows()]
    assert ["Panthera tigris" in names for names in named] == [False, True]
    assert all("Pavo muticus" in names for names in named)
    assert rules.hash != RuleSet.read(None).hash
