"""Every form goes the one road of surveys: told by what it holds, checked, compared, published, purged; people stay out."""

import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

import appointed
import patrols
from biodata import pipeline, places, surveys
from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest import forms
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.surveys import accepting, review, submit
from biodata.surveys.check import check_files
from biodata.surveys.submit import purge_part
from sheets import book_of
from zips import zip_of

TEXT = b"occurrenceID,eventDate,scientificName,decimalLatitude,decimalLongitude\nR1,2026-03-01,Sus scrofa,20.9,101.3\n"


def patrol(*more):
    """Return a patrol of a day that saw an animal and a snare, and what more is told of it."""
    seen = (patrols.observation("animals.liveanimals."), patrols.observation("threat.snares."))
    day = '<n:days date="2026-03-01" startTime="08:00:00" endTime="12:00:00">'
    return patrols.patrol(day, patrols.waypoint(1, (101.3, 20.9), *seen), *more, "</n:days>")


PATROL = patrol()
FOLDERS = {"camtrapdp": "camtrapdp", "detections": "detections",
           "wildlife_insights": "wildlife-insights", "smart": "smart", "kobo": "kobo"}  # fmt: skip
NOBODY = ("Nobody Atall", "nobody walked there", "homo;sapiens")
"""Words of people and of what is never kept, in the samples."""


def zipped(**members):
    return zip_of({name.replace("__", "."): content for name, content in members.items()})


DWC = "http://rs.tdwg.org/dwc/terms/"


def archive(about="", **tables):
    """Return the members of a Darwin Core Archive: texts apart by tabs, by the type of their rows, the core first."""
    parts = []
    for at, (kind, text) in enumerate(tables.items()):
        tag, key = ("extension", "coreid") if at else ("core", "id")
        terms = enumerate(text.partition("\n")[0].split("\t"))
        fields = "".join(f'<field index="{n}" term="{term if ":" in term else DWC + term}"/>' for n, term in terms)
        parts.append(
            f'<{tag} encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" ignoreHeaderLines="1" rowType="{DWC}{kind}">'
            f'<files><location>{kind.lower()}.txt</location></files><{key} index="0"/>{fields}</{tag}>'
        )
    meta = f'<archive xmlns="http://rs.tdwg.org/dwc/text/"{about}>{"".join(parts)}</archive>'
    return {"meta__xml": meta} | {f"{kind.lower()}__txt": text for kind, text in tables.items()}


def of_sample(sample_data, folder):
    """Return a sample as one file, with the mapping and the programs' other files beside it as they come."""
    files = sorted(path for path in (sample_data / folder).iterdir() if path.name != "mapping.csv")
    if len(files) == 1:
        return files[0].name, files[0].read_bytes()
    return f"{folder}.zip", zipped(**{path.name: path.read_bytes() for path in files})


@pytest.fixture
def road(tmp_path):
    """Return an installation and its registry, with a team that uploads to the dataset `team`."""
    settings = Settings(data=tmp_path / "data", memory_limit="500MB", survey_review="not_required")
    with Registry.open(settings) as registry:
        appointed.new(registry, "team", roles=[RoleBinding(Role.UPLOADER, dataset="team")])
        yield settings, registry, accounts.find(registry, "team")


def hand_in(road, name, content, **sent):
    settings, registry, who = road
    number = surveys.receive(settings, registry, content, name, sender=who, dataset="team", **sent)
    return surveys.process(settings, registry, number) | {"number": number}


def kept(settings):
    """Return every byte that an installation keeps, but for the lake's."""
    found = [path for path in settings.data.rglob("*") if path.is_file()]
    contents = [path.read_bytes() for path in found]
    for path, content in zip(found, list(contents), strict=True):
        if path.suffix == ".taken":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                contents += [archive.read(name) for name in archive.namelist()]
    return b"\0".join(contents)


def told(contents, name):
    path = [contents] if isinstance(contents, bytes) else contents
    return check_files([(name, content) for content in path], places.load_boundaries())


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_form_is_told_by_what_it_holds_whatever_it_is_called(sample_data, tmp_path, folder):
    _, content = of_sample(sample_data, folder)
    path = tmp_path / "holiday.xlsx"
    path.write_bytes(content)
    assert forms.recognise([path]) == FOLDERS[folder]


@pytest.mark.parametrize(("content", "code"), [
    ({"datapackage__json": '{"profile": "x/camtrap-dp-profile.json"}', "meta__xml": "<archive/>"}, "FORM_AMBIGUOUS"),
    ({"patrol__xml": PATROL, "survey__csv": TEXT}, "FORM_AMBIGUOUS"),
    ({"a__csv": "_uuid,_id,_submission_time\n1,1,2\n", "b__csv": "File,RelativePath\na,b\n"}, "FORM_AMBIGUOUS"),
    ({"datapackage__json": '{"resources": [{"name": "rainfall"}]}'}, "FORM_UNKNOWN"),
    ({"notes__docx": b"x"}, "FORM_UNKNOWN"),
    (b'{"type": "FeatureCollection", "features": []}', "FORM_UNKNOWN"),
    (b"<kml/>", "FORM_UNKNOWN"),
    ({"../../a.csv": TEXT}, "ARCHIVE_UNSAFE"),
])  # fmt: skip
def test_what_cannot_be_told_apart_or_is_unsafe_is_refused(content, code, boundaries):
    content = content if isinstance(content, bytes) else zipped(**content)
    report = check_files([("a.zip", content)], boundaries)
    assert [(p["code"], p["blocking"], p["file"]) for p in report["problems"]] == [(code, True, "a.zip")]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_sample_goes_the_whole_road_and_people_are_kept_nowhere(sample_data, road, tmp_path, folder):
    settings, registry, _ = road
    name, content = of_sample(sample_data, folder)
    if folder == "kobo":
        meant = ["heading.What is the place like?=habitat", "heading.Your name=recordedBy"]
        with registry.session() as session, session.begin():
            accepting.remember(session, "team", meant, account_id=None)
    before = told(content, name)
    assert (before["ok"], before["form"]) == (True, FOLDERS[folder]), before["problems"][:5]
    done = hand_in(road, name, content)
    assert done["state"] == "committed", done["report"]
    assert done["report"]["form"] == FOLDERS[folder]
    assert before["rows"] == done["report"]["rows"]
    alone = Settings(data=tmp_path / "alone", memory_limit="500MB")
    path = tmp_path / name
    path.write_bytes(content)
    options = {}
    if folder == "kobo":
        options["mapping"] = str(sample_data / "kobo" / "mapping.csv")
    part = Path(name).stem
    pipeline.ingest(FOLDERS[folder], [path], alone, dataset="team", options=options, part=part)
    assert in_lake(settings) == in_lake(alone)
    assert not list((settings.data / "uploads").glob("*[!n]")), "only what was taken is kept"
    assert {path.stat().st_mode & 0o777 for path in (settings.data / "uploads").glob("*.taken")} == {0o600}
    every = kept(settings)
    assert not [secret for secret in NOBODY if secret.encode() in every]
    again = hand_in(road, name, content)
    assert again["number"] == done["number"]
    counts = surveys.difference([*(settings.data / "uploads").glob("*.taken")], "team", part, settings)
    assert counts["occurrences"].counts()["unchanged"] == before["rows"]
    assert len(review.versions(registry, road[2], "team")) == 1


def in_lake(settings):
    with Lake.open(settings.data) as lake:
        records = lake.read(
            "occurrences", columns=["source_record_id", "scientificName", "eventDate", "decimalLatitude"]
        )
        events = lake.read("events", columns=["eventID", "eventDate", "effort_value"])
    return sorted(records.rows(), key=str), sorted(events.rows(), key=str)


def test_a_patrol_in_a_zip_leaves_nothing_of_its_people_even_where_it_is_refused(road):
    settings, _, _ = road
    sound = hand_in(road, "patrol.zip", zipped(patrol__xml=PATROL))
    assert (sound["state"], sound["report"]["rows"]) == ("committed", 1)
    hand_in(road, "broken.xml", PATROL[:-40].encode() if isinstance(PATROL, str) else PATROL[:-40])
    hand_in(road, "both.zip", zipped(patrol__xml=PATROL, survey__csv=TEXT))
    every = kept(settings)
    for secret in (*patrols.SECRETS, "threat.snares"):
        assert secret.encode() not in every, secret


def test_a_purged_patrol_is_gone_with_what_a_worker_left_that_was_cut_off(road):
    settings, registry, _ = road
    done = hand_in(road, "patrol.xml", PATROL if isinstance(PATROL, bytes) else PATROL.encode())
    (taken,) = (settings.data / "uploads").glob("*.taken")
    taken.with_name(f"{'0' * 64}.{done['number']}.taken").write_bytes(taken.read_bytes())
    purge_part(settings, registry, dataset="team", part="patrol", reason="a law", actor="a test")
    assert not list((settings.data / "uploads").glob("*"))
    with Lake.open(settings.data) as lake:
        assert lake.count("occurrences") == 0


def test_a_row_of_another_dataset_is_refused(road):
    text = "occurrenceID\tscientificName\thttp://rs.gbif.org/terms/1.0/datasetKey\nR1\tSus scrofa\tsomebody-elses\n"
    done = hand_in(road, "a.zip", zipped(**archive(Occurrence=text)))
    blocking = [problem["code"] for problem in done["report"]["problems"] if problem["blocking"]]
    assert (done["state"], blocking) == ("refused", ["DATASET_OTHER"])


def test_measurements_beside_texts_make_them_an_archive(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(event__csv="eventID,eventDate\nE,2026\n", o__csv=TEXT,
                            emof__csv="eventID,measurementType,measurementValue\nE,pH,7\n"))  # fmt: skip
    assert forms.recognise([path]) == "dwca"


def test_an_empty_archive_of_pictures_is_no_survey(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(a__jpg=b"\xff\xd8"))
    with pytest.raises(InputError) as caught:
        forms.recognise([path])
    assert caught.value.code == "FORM_UNKNOWN"


def test_a_workbook_with_kobos_columns_is_kobos(tmp_path):
    path = tmp_path / "a.xlsx"
    book_of({"Sheet": [["scientificName", "_uuid", "_submission_time"]]}).save(path)
    assert forms.recognise([path]) == "kobo"


def test_what_an_answer_names_is_what_the_sender_calls_it(boundaries):
    report = check_files([("Nam Ha.json", json.dumps({"images": [], "detections": []}).encode())], boundaries)
    assert [(p["code"], p["file"]) for p in report["problems"]] == [("DEPLOYMENTS_MISSING", "Nam Ha.json")]


def test_a_difference_is_told_before_it_is_handed_in(sample_data, road, tmp_path):
    name, content = of_sample(sample_data, "smart")
    path = tmp_path / name
    path.write_bytes(content)
    found = surveys.difference([path], "team", "smart", road[0])
    assert found["occurrences"].counts()["new"] == told(content, name)["rows"]


def test_a_row_of_a_sheet_that_names_anothers_dataset_is_refused_in_its_cell(road):
    content = TEXT.replace(b"decimalLongitude\n", b"decimalLongitude,datasetKey\n").replace(
        b"101.3\n", b"101.3,somebody-elses\n"
    )
    done = hand_in(road, "a.csv", content)
    found = [(p["row"], p["column"], p["code"]) for p in done["report"]["problems"]]
    assert found == [(2, "datasetKey", "DATASET_OTHER")]
    assert done["state"] == "refused"
    with Lake.open(road[0].data) as lake:
        assert lake.count("occurrences") == 0


def test_a_version_of_a_programs_form_comes_back_whole(road):
    settings, registry, who = road
    animal = patrols.observation("animals.liveanimals.")
    more = patrols.waypoint(2, (101.31, 20.91), animal)
    first, second = (hand_in(road, "a.zip", zipped(patrol__xml=one)) for one in (patrol(more), patrol()))
    assert [one["report"]["rows"] for one in (first, second)] == [2, 1]
    number = submit.restore(registry, who, first["number"])
    assert surveys.process(settings, registry, number)["state"] == "committed"
    changes = review.versions(registry, who, "team")[-1]["changes"]
    assert changes["occurrences"] == {"new": 1, "changed": 0, "gone": 0, "unchanged": 1}
    assert changes["events"]["unchanged"] == sum(changes["events"].values())


def test_an_archive_that_r_wrote_says_na_where_nothing_is_told(boundaries):
    events = "eventID\tsamplingProtocol\tsampleSizeValue\tsampleSizeUnit\teventDate\teventTime\tdecimalLatitude\tdecimalLongitude\n"
    events += "L1\tline transect\t3000\tmetre\t2026-03-01\tNA\t20.9\t101.3\n"
    events += "L1:1\tline transect\tNA\tNA\t2026-03-01\tNA\t20.9\t101.3\n"
    records = "eventID\toccurrenceID\tbasisOfRecord\tscientificName\tindividualCount\nL1:1\tR1\tHumanObservation\tSus scrofa\tNA\n"
    report = check_files([("lines.zip", zipped(**archive(Event=events, Occurrence=records)))], boundaries)
    assert [problem["code"] for problem in report["problems"] if problem["blocking"]] == []
    assert report["rows"] == 1


def test_a_description_that_cannot_be_read_is_a_warning_that_names_its_file(boundaries):
    text = "occurrenceID\tscientificName\teventDate\tdecimalLatitude\tdecimalLongitude\nR1\tSus scrofa\t2026-03-01\t20.65\t101.95\n"
    members = archive(' metadata="eml.xml"', Occurrence=text) | {"eml__xml": "<eml><dataset>"}
    report = check_files([("records.zip", zipped(**members))], boundaries)
    (problem,) = (one for one in report["problems"] if one["code"] == "PROPERTY_INVALID")
    assert (problem["file"], problem["blocking"], report["ok"]) == ("records.zip/eml.xml", False, True)


def test_a_record_that_nothing_identifies_is_told_and_blocks_in_no_form(sample_data, boundaries):
    folder = sample_data / "wildlife_insights"
    images = (folder / "images.csv").read_text().replace("sample-image-0002", "")
    content = zipped(deployments__csv=(folder / "deployments.csv").read_bytes(), images__csv=images)
    report = check_files([("insights.zip", content)], boundaries)
    (problem,) = (one for one in report["problems"] if one["code"] == "IDENTIFIER_MISSING")
    assert (problem["row"], problem["column"], problem["blocking"]) == (3, "image_id", False)
    assert report["ok"]


@pytest.mark.parametrize("lost", ["event__txt", "occurrence__txt"])
def test_a_file_of_an_archive_that_lost_even_its_headings_is_no_empty_survey(boundaries, lost):
    whole = archive(
        Event="eventID\teventDate\tdecimalLatitude\tdecimalLongitude\nE1\t2026-03-01\t20.9\t101.3\n",
        Occurrence="eventID\toccurrenceID\tbasisOfRecord\tscientificName\nE1\tR1\tHumanObservation\tSus scrofa\n",
    )

    def blocking(members):
        problems = check_files([("a.zip", zipped(**members))], boundaries)["problems"]
        return [(one["code"], one["row"]) for one in problems if one["blocking"]]

    assert blocking(whole) == []
    assert [code for code, _ in blocking(whole | {lost: ""})] == ["INPUT_EMPTY"]
    assert ("HEADING_LOST", 1) in blocking(whole | {lost: whole[lost].partition("\n")[2]})


def test_a_survey_without_a_title_is_called_by_its_dataset(road):
    members = {
        "event__csv": "eventID,eventDate,decimalLatitude,decimalLongitude\ne1,2026-03-01,20.9,101.3\n",
        "occurrence__csv": "occurrenceID,eventID,scientificName\no1,e1,Muntiacus muntjak\n",
        "emof__csv": "eventID,measurementType,measurementValue\ne1,wind,3\n",
    }
    done = hand_in(road, "s.zip", zipped(**members))
    assert done["state"] == "committed"
    (title,) = road[1].datasets().filter(pl.col("key") == "team")["title"]
    assert title in (None, "team")
