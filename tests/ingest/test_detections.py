"""Results of MegaDetector and SpeciesNet: machine observations with their score; people, blanks and low scores counted."""

import json
import tracemalloc
from collections import Counter

import polars as pl
import pytest

from biodata.core.errors import InputError
from biodata.ingest import detections, open_source
from biodata.ingest.detections import of_label
from case_tables import cases
from detections_rows import DEPLOYMENTS, image, megadetector
from zips import zip_of, zip_of_folder

MUNTJAC = "animalia;chordata;mammalia;artiodactyla;cervidae;muntiacus;muntiacus vaginalis"


def written(folder, results, deployments=DEPLOYMENTS):
    folder.mkdir(exist_ok=True)
    if deployments is not None:
        (folder / "deployments.csv").write_text(deployments)
    text = results if isinstance(results, str) else json.dumps(results)
    (folder / "results.json").write_text(text)
    return folder


def read(folder, **options):
    tables = list(open_source("detections", [folder], options=options).read())
    frames = [pl.concat(table.batches) for table in tables]
    return frames[0], frames[-1], tables[-1]


def codes(table):
    return [(refusal.row, refusal.code) for refusal in table.refusals]


def test_an_animal_is_a_record_of_animalia_with_its_score_and_deployment(tmp_path):
    events, found, table = read(
        written(tmp_path / "p", megadetector(image("park/cam1/a.jpg", ("1", 0.93), ("1", 0.4))))
    )
    (row,) = found.rows(named=True)
    assert (row["scientificName"], row["taxonRank"], row["parentEventID"]) == ("Animalia", "kingdom", "d1")
    assert (row["classificationProbability"], row["boxes"]) == ("0.93", "2")
    assert row["identificationVerificationStatus"] == "machine only"
    assert row["eventDate"] == "2026-01-01T00:00:00+07:00/2026-01-31T00:00:00+07:00"
    assert events["eventID"].to_list() == ["d1", "d2"]
    assert events["timeZone"].to_list() == ["+07:00", "+07:00"]
    assert "Khamla" not in str([events.to_dicts(), found.to_dicts()])
    assert not table.refusals


def test_people_vehicles_blanks_and_low_scores_are_counted(tmp_path):
    images = [
        image("park/cam1/1.jpg", ("2", 0.9)),
        image("park/cam1/2.jpg", ("3", 0.9)),
        image("park/cam1/3.jpg"),
        image("park/cam1/4.jpg", ("1", 0.19)),
        image("park/cam1/5.jpg", ("9", 0.9)),
        {"file": "park/cam1/6.jpg", "failure": "Failure image access", "detections": None},
        image("elsewhere/7.jpg", ("1", 0.9)),
        image("park/cam1/1.jpg", ("1", 0.9)),
    ]
    _, found, table = read(written(tmp_path / "p", megadetector(*images)))
    assert found.is_empty()
    assert [code for _, code in codes(table)] == ["PERSON_LEFT_OUT", "VEHICLE_LEFT_OUT", "BLANK_LEFT_OUT", "SCORE_LOW",
                                                  "UNCLASSIFIED_LEFT_OUT", "PICTURE_FAILED", "DEPLOYMENT_UNKNOWN",
                                                  "PICTURE_REPEATED"]  # fmt: skip


def test_the_threshold_is_an_option(tmp_path):
    folder = written(tmp_path / "p", megadetector(image("park/cam1/a.jpg", ("1", 0.5))))
    assert read(folder, min_score="0.5")[1].height == 1
    assert codes(read(folder, min_score="0.51")[2]) == [(1, "SCORE_LOW")]
    for told in ("nan", "1.5", "much", "-1"):
        with pytest.raises(InputError) as caught:
            read(folder, min_score=told)
        assert caught.value.code == "OPTION_INVALID"


@pytest.mark.parametrize("score", ['"0.9"', "null", "true", "2", "-0.1", "1e300", "[0.9]"])
def test_a_score_that_is_none_leaves_its_result_out(tmp_path, score):
    text = json.dumps(megadetector(image("park/cam1/a.jpg", ("1", 0.93)))).replace("0.93", score)
    _, found, table = read(written(tmp_path / "p", text))
    assert found.is_empty()
    assert codes(table) == [(1, "SCORE_INVALID")]


@pytest.mark.parametrize("score", ["NaN", "Infinity", "0x1", "1e", "--1"])
def test_what_is_no_json_is_told_and_nothing_comes_in(tmp_path, score):
    text = json.dumps(megadetector(image("park/cam1/a.jpg", ("1", 0.93)))).replace("0.93", score)
    with pytest.raises(InputError) as caught:
        read(written(tmp_path / "p", text))
    assert caught.value.code == "JSON_INVALID"
    assert "\n" not in str(caught.value)


def test_another_version_of_the_format_is_told(tmp_path):
    with pytest.raises(InputError) as caught:
        read(written(tmp_path / "p", megadetector(info={"format_version": "2.0"})))
    assert (caught.value.code, caught.value.value) == ("VERSION_UNKNOWN", "2.0")


def test_without_deployments_it_says_what_is_needed(tmp_path):
    with pytest.raises(InputError, match="deploymentID, latitude, longitude") as caught:
        read(written(tmp_path / "p", megadetector(), deployments=None))
    assert caught.value.code == "DEPLOYMENTS_MISSING"


def test_a_classifier_is_believed_only_where_it_is_sure_and_names_a_taxon(tmp_path):
    classes = {"0": "muntjac", "1": "black bear"}
    boxes = [
        [["0", 0.8], ["1", 0.1]],  # sure, with a described taxon
        [["0", 0.1]],  # not sure: an animal
        [["1", 0.9]],  # a common name alone names no species
        [],
    ]
    images = [image(f"park/cam1/{n}.jpg") for n in range(4)]
    for one, told in zip(images, boxes, strict=True):
        one["detections"] = [{"category": "1", "conf": 0.9, "classifications": told}]
    results = megadetector(
        *images, classification_categories=classes, classification_category_descriptions={"0": MUNTJAC, "1": ""}
    )
    _, found, _ = read(written(tmp_path / "p", results))
    assert found["scientificName"].to_list() == ["Muntiacus vaginalis", "Animalia", "Animalia", "Animalia"]
    assert found["vernacularName"].to_list() == [None, None, "black bear", None]
    assert found["classificationProbability"].to_list() == ["0.8", "0.9", "0.9", "0.9"]


@pytest.mark.parametrize(("label", "name", "rank", "left_out"), cases("detections", "test_what_a_label_names"))
def test_what_a_label_names(label, name, rank, left_out):
    found = of_label(label)
    assert (found.name, found.rank, found.left_out) == (name, rank, left_out)


def test_speciesnet_is_read_by_its_ensemble(tmp_path):
    predictions = [
        {"filepath": "park\\cam1\\late\\a.jpg", "prediction_score": 0.9,
         "prediction": "00000000-0000-4000-8000-000000000001;mammalia;carnivora;felidae;neofelis;nebulosa;clouded leopard"},
        {"filepath": "park/cam1/b.jpg", "prediction": "f1856211-cfb7-4a5b-9158-c0f72fd09ee6;;;;;;blank", "prediction_score": 1},
        {"filepath": "park/cam1/c.jpg", "failures": ["DETECTOR"]},
        {"filepath": 5}, "text", None,
        {"filepath": "park/cam1/d.jpg", "prediction": ["x"], "prediction_score": 0.9},
    ]  # fmt: skip
    _, found, table = read(written(tmp_path / "p", {"predictions": predictions}))
    (row,) = found.rows(named=True)
    assert (row["scientificName"], row["parentEventID"], row["family"]) == ("Neofelis nebulosa", "d2", "Felidae")
    assert [code for _, code in codes(table)] == ["BLANK_LEFT_OUT", "PICTURE_FAILED", "PICTURE_INVALID",
                                                  "PICTURE_INVALID", "PICTURE_INVALID", "PICTURE_INVALID"]  # fmt: skip


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "park/cam1/../../x.jpg", "\x00/a.jpg"])
def test_a_pictures_path_is_only_compared(tmp_path, path):
    _, found, table = read(written(tmp_path / "p", megadetector(image(path, ("1", 0.9)))))
    assert found.height + len(table.refusals) == 1


def test_a_zip_is_read_and_an_unsafe_one_is_not(tmp_path):
    folder = written(tmp_path / "p", megadetector(image("park/cam1/a.jpg", ("1", 0.9))))
    (tmp_path / "good.zip").write_bytes(zip_of_folder(folder))
    assert read(tmp_path / "good.zip")[1].height == 1
    (tmp_path / "bad.zip").write_bytes(zip_of({"../results.json": "{}"}))
    with pytest.raises(InputError) as caught:
        read(tmp_path / "bad.zip")
    assert caught.value.code == "ARCHIVE_UNSAFE"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"images": [' + '{"file": "' + "a" * 2_000_000 + '"}]}', "INPUT_TOO_LARGE"),
        ('{"images": [{"detections": [' + '{"a": "b"}, ' * 500_000 + "0]}]}", "INPUT_TOO_LARGE"),
        ('{"info": {' + ", ".join(f'"{n}": 1' for n in range(30_000)) + '}, "images": []}', "INPUT_TOO_LARGE"),
        ('{"images": ' + "[" * 2_000_000, "INPUT_TOO_LARGE"),
        ('{"a": ' * 2_000 + "1" + "}" * 2_000, "INPUT_TOO_LARGE"),
        ('{"images": ' + "[" * 20_000 + "]" * 20_000 + "}", "INPUT_TOO_LARGE"),
        ("[]", "JSON_INVALID"),
        ('{"images": [', "JSON_INVALID"),
        ('{"pictures": []}', "TABLE_MISSING"),
    ],
    ids=["a long text", "a large item", "many values", "deep arrays", "deep objects", "deep and whole", "no object",
         "half", "other"],
)  # fmt: skip
def test_hostile_json_gets_its_answer(tmp_path, text, code):
    folder = written(tmp_path / "p", text)
    tracemalloc.start()
    with pytest.raises(InputError) as caught:
        read(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (caught.value.code, "results.json" in str(caught.value)) == (code, True)
    assert peak < 100_000_000


def test_memory_stays_flat_over_many_pictures(tmp_path):
    path = tmp_path / "many.json"

    def peak(count):
        with path.open("w") as file:
            file.write('{"images": [')
            file.writelines(f'{"," if n else ""}{{"file": "{n}.jpg", "detections": []}}' for n in range(count))
            file.write("]}")
        tracemalloc.start()
        assert sum(1 for _ in detections.items(lambda: path.open("rb"), "images", file="many.json")) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(20_000) < peak(2_000) + 200_000


def test_the_samples_results_add_up(sample_data):
    tables = list(open_source("detections", [sample_data / "detections"]).read())
    told = Counter()
    for table in tables[1:]:
        told.update({"taken": sum(frame.height for frame in table.batches)})
        told.update(refusal.code for refusal in table.refusals)
    assert told.total() == 120
    assert told["PERSON_LEFT_OUT"] > 0


def test_the_times_of_blank_pictures_tell_of_the_clock(tmp_path):
    told = {"datetime": "2026:01:05 06:07:08"}
    images = (image("park/cam1/a.jpg", ("1", 0.93), **told), image("park/cam1/b.jpg", **told),
              image("park/cam1/c.jpg", ("2", 0.9), **told), image("park/cam1/d.jpg"), image("elsewhere/e.jpg", **told))  # fmt: skip
    _, _, table = read(written(tmp_path / "p", megadetector(*images)))
    assert pl.concat(table.images).rows() == [("d1", 2, "2026-01-05T06:07:08", None)], (
        "no person's, and no other camera's"
    )
