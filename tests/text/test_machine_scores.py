"""How sure a machine was is published where the place is: in a release, an archive and a package; a person's words are not."""

import csv
import io
import json
import zipfile

import polars as pl
import pytest

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.exports.request import ExportRequest
from biodata.exports.write import Format, export
from biodata.store import releases

DEPLOYMENTS = (
    "deploymentID,latitude,longitude,deploymentStart,deploymentEnd,folder\n"
    "cam1,20.9,101.3,2026-03-01T00:00:00+07:00,2026-03-10T00:00:00+07:00,cam1\n"
    "cam0,19.5,102.9,2026-03-01T00:00:00+07:00,2026-03-10T00:00:00+07:00,cam0\n"
)
RESULTS = {
    "info": {"format_version": "1.4", "detector": "md_v5a", "classifier": "seen by Nobody Atall"},
    "detection_categories": {"1": "animal"},
    "classification_categories": {"0": "sus scrofa", "1": "panthera tigris"},
    "classification_category_descriptions": {
        "0": "00000000-0000-4000-8000-000000000001;mammalia;cetartiodactyla;suidae;sus;scrofa;wild boar",
        "1": "00000000-0000-4000-8000-000000000002;mammalia;carnivora;felidae;panthera;tigris;tiger",
    },
    "images": [
        {"file": f"cam{kind}/1.jpg", "datetime": f"2026:03:0{5 + int(kind)} 05:00:00",
         "detections": [{"category": "1", "conf": 0.95, "bbox": [0, 0, 1, 1], "classifications": [[kind, 0.8765]]}]}
        for kind in ("0", "1")
    ],
}  # fmt: skip
TOLD = ("identificationVerificationStatus", "identificationRemarks", "classificationProbability")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    (folder / "deployments.csv").write_text(DEPLOYMENTS)
    (folder / "results.json").write_text(json.dumps(RESULTS))
    settings = Settings(data=folder / "data", memory_limit="500MB")
    paths = [folder / "deployments.csv", folder / "results.json"]
    pipeline.ingest("detections", paths, settings, dataset="cameras")
    (folder / "persons").mkdir()
    pl.DataFrame(
        {"occurrenceID": ["R1"], "scientificName": ["Rusa unicolor"], "eventDate": ["2026-03-01"],
         "decimalLatitude": ["20.9"], "decimalLongitude": ["101.3"], "identificationVerificationStatus": ["by Nobody"],
         "identificationRemarks": ["at Nobody's camp"], "classificationProbability": ["1"]}
    ).write_csv(folder / "persons" / "occurrence.csv")  # fmt: skip
    pipeline.ingest("dwca", [folder / "persons"], settings, dataset="d")
    pipeline.release(settings)
    return releases.current(settings.data)


def test_a_release_tells_it_of_an_open_record_alone_and_never_what_a_person_writes(released):
    rows = {row["scientificName"]: row for row in releases.read(released, "occurrences").to_dicts()}
    assert [rows["Sus scrofa"][name] for name in TOLD] == ["machine only", "determined by a machine, score 0.8765",
                                                           0.8765]  # fmt: skip
    hidden = rows.get("Panthera tigris", dict.fromkeys(TOLD))
    assert [hidden[name] for name in TOLD] == [None, None, None]
    assert [rows["Rusa unicolor"][name] for name in TOLD] == [None, None, None]


@pytest.mark.parametrize("form", [Format.DWCA, Format.CAMTRAPDP])
def test_exports_tell_it_in_their_own_terms(released, tmp_path, form):
    out = tmp_path / "out.zip"
    export(released.path, form, ExportRequest(name="0123abcd", created="2026-11-24T10:00:00+00:00"), out)
    member, separator = ("occurrence.txt", "\t") if form is Format.DWCA else ("observations.csv", ",")
    with zipfile.ZipFile(out) as archive:
        text = archive.read(member).decode()
    rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    score = "identificationRemarks" if form is Format.DWCA else "classificationProbability"
    found = [row[score] for row in rows if row[score]]
    assert found == ["determined by a machine, score 0.8765"] if form is Format.DWCA else ["0.8765"]
    assert "Nobody" not in text
