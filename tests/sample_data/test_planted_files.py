"""What commands write of two installations whose hidden records lie elsewhere in what is published of them: byte by byte.

Exports, reports, designs of surveys, figures, gaps, inputs for other programs, validation of corridors, downloads,
citations and replays; the names of files and what commands say are compared too.
"""

import re
import threading

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from biodata.cli import app
from biodata.exports import write
from biodata.worker import work
from planted_lakes import AREAS, CATEGORIES, CHANCE, LAYER, contents, name_of, public, started, two_of

pytestmark = [pytest.mark.attacks, pytest.mark.timeout(1200)]
MADE = ("gaps", "report", "resistance", "analysis-inputs", "corridors-validate", "export", "candidates")
BOX = "106.1,22.6,107,23.3"
ID = re.compile(
    rb"\bbiodata-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b\d{7}-[0-9a-z]+\b"
)
"""The number of a citation or download, which chance gives."""
KINDS = ("csv", "dwca", "geoparquet", "gpkg", "geojson", "species-list", "cube", "camtrapdp")


def ending(kind):
    return write.KINDS[write.Format(kind)].suffix


@pytest.fixture(scope="module")
def pair(tmp_path_factory, sample_data):
    start = started(tmp_path_factory.mktemp("start"), sample_data)
    return two_of(start, tmp_path_factory.mktemp("pair"), sample_data, seed=5)


def test_every_export_survey_and_kept_run_is_the_same(pair, tmp_path, monkeypatch, sample_data):
    tables = public(pair[0])
    result = tables["reserve_candidates"]["candidate_id"][0]
    told = []
    for settings in pair:
        home = tmp_path / str(len(told)) / "out"
        home.mkdir(parents=True)
        monkeypatch.chdir(home)
        data = ["--data", str(settings.data)]
        commands = [
            *(["export", *data, "--format", kind, "--out", f"all-{kind}.{ending(kind)}"] for kind in KINDS),
            *(["survey-design", result, *data, "--species", name_of(n), "--as-of", "2026-11-26", "--stations", "6", "--out",
               f"survey-{n}.geojson"] for n in range(len(CATEGORIES))),
            ["analysis-inputs", "marxan", *data, "--box", "106.1,22.6,107,23.3", "--side-m", "10000", "--out", "marxan"],
            ["resistance", str(sample_data / "resistance.csv"), "--layers", str(settings.data), "--use",
             f"land_cover={LAYER}", "--out", "resistance.tif"],
            ["analysis-inputs", "circuitscape", *data, "--raster", "resistance.tif", "--out", "circuit"],
            ["corridors-validate", "--raster", "resistance.tif", "--areas", str(AREAS), "--records", "all-csv.csv", "--species",
             "Muntiacus muntjak", "--cell-m", "1000", "--moves", "19", "--out", "validation.json"],
            ["analysis-inputs", "conefor", *data, "--corridors", "--out", "conefor"],
            *(["species", "figures", name_of(n), *data, "--as-of", "2026-11-26", "--out", f"figures-{n}.json"] for n in range(5)),
            ["species", "richness", "Fagaceae", *data, "--box", "106.1,22.6,107,23.3", "--as-of", "2026-11-26", "--out", "richness.gpkg"],
            ["gaps", str(AREAS), "--country", "CN", "--country", "VN", "--as-of", "2026-01-01", *data, "--out", "gaps"],
            *(["report", one, *data, "--out", f"{number}.html"] for number, one in enumerate(
                [result, *tables["corridors"]["corridor_id"][:2], *tables["considered_ground"]["considered_id"][:2]])),
            ["runs", "list", *data, "--json"], ["runs", "show", "corridors", *data], ["candidates", *data, "--considered", "--out", "candidates.gpkg"],
        ]  # fmt: skip
        said = []
        for command in commands:
            done = CliRunner().invoke(app, command)
            # An error that was not caught by a shell is told by the exception.
            text = f"{done.output} {done.exception}".replace(str(settings.data), "DATA").replace(str(home), "HOME")
            said.append((command[0], done.exit_code, without_chance(text.encode())))
        told.append((said, {str(path.relative_to(home)): contents(path) for path in home.rglob("*") if path.is_file()}))
    (first_said, first), (second_said, second) = told
    assert sum(code == 0 for _, code, *_ in first_said) > len(KINDS) + 6
    assert all(code == 0 for name, code, *_ in first_said if name in MADE)
    assert [one for one, other in zip(first_said, second_said, strict=True) if one != other] == []
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_downloads_citations_and_replays_are_the_same(pair):
    told = []
    for settings in pair:
        answers = []
        with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
            for question in (
                "country=VN",
                "geometry=POLYGON((106.3 22.8,106.7 22.8,106.7 23.1,106.3 23.1,106.3 22.8))",
            ):
                asked = [client.post(f"/v1/downloads?format={kind}&{question}") for kind in ("csv", "species-list")]
                asked += [client.post(f"/v1/citations?{question}")]
                work(settings, stop=threading.Event(), once=True)
                cited = asked[-1].headers["location"]
                asked += [client.post(f"{cited}/replay")]
                work(settings, stop=threading.Event(), once=True)
                asked += [client.get(f"{cited}/replay"), client.get(cited)]
                for one in asked[:2]:
                    asked += [client.get(one.headers["location"]), client.get(f"{one.headers['location']}/file")]
                answers += [(one.status_code, without_chance(one.content)) for one in asked]
        told.append(answers)
    assert {status for status, _ in told[0]} <= {200, 201, 202}
    assert [one for one, other in zip(*told, strict=True) if one != other] == []


def without_chance(data: bytes) -> bytes:
    """Return an answer without times and numbers of jobs."""
    return ID.sub(b"", CHANCE.sub(b"", data))
