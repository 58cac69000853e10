"""The check over HTTP in the uploader's language and form, and what headings mean, kept for a dataset."""

import csv
import io

import openpyxl
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from biodata import pipeline
from biodata.access import credentials
from biodata.core.settings import Settings
from biodata.surveys.problems import SETTLED
from rule_files import put_rules, rules_text
from sheets import book_of, bytes_of

pytest_plugins = ("api_client",)
SURVEYS = "/v1/surveys"


@pytest.fixture(scope="module")
def faulty(sample_data):
    return (sample_data / "survey_with_faults.xlsx").read_bytes()


@pytest.fixture(scope="module")
def key(client):
    return {
        "Authorization": f"Bearer {credentials.key_for_uploads(client.app.state.service.registry, 'Xishuangbanna')}"
    }


@pytest.fixture(scope="module")
def lao():
    head = ["ລະຫັດບັນທຶກ", "ວັນທີ", "ຊື່ວິທະຍາສາດ", "ລະຕິຈູດ", "ລອງຈິຈູດ"]
    return bytes_of(book_of({"Sheet": [head, ["1", "2026-03-01", "Muntiacus muntjak", 21.05, 101.2]]}))


def form(content, name="survey.xlsx"):
    return {"file": (name, io.BytesIO(content), "application/octet-stream")}


def checked(client, content, *, params=None, headers=None, data=None, name="survey.xlsx"):
    params = {"dry_run": "true"} | (params or {})
    return client.post(SURVEYS, params=params, headers=headers, files=form(content, name), data=data)


@pytest.fixture(scope="module")
def problems(client, faulty):
    answer = checked(client, faulty)
    assert answer.headers["content-language"] == "en"
    return answer.json()["problems"]


def test_the_same_problems_as_a_table_in_the_language_of_the_header_where_no_parameter_tells_one(
    client, faulty, problems
):
    answer = checked(client, faulty, params={"format": "csv"}, headers={"Accept-Language": "fr, vi;q=0.8, lo;q=0.2"})
    told = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert answer.headers["content-language"] == "vi"
    assert "Accept-Language" in answer.headers["vary"]
    assert [(p["row"], p["code"]) for p in told] == [(str(p["row"] or ""), p["code"]) for p in problems]
    assert not any(p["message"] == e["message"] for p, e in zip(told, problems, strict=True))


def test_the_marked_workbook(client, faulty, problems):
    answer = checked(client, faulty, params={"format": "xlsx", "language": "th"})
    assert answer.headers["content-language"] == "th"
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    listed = [(row[0].value, row[1].value, row[5].value) for row in book.worksheets[0].iter_rows(min_row=2)]
    ordered = sorted(problems, key=lambda p: (not p["blocking"], p["code"] in SETTLED))
    assert listed == [(p["sheet"], p["row"], p["code"]) for p in ordered], "what blocks first, what is settled last"
    coloured = {(cell.row) for row in book["occurrences"].iter_rows() for cell in row if cell.comment}
    assert coloured == {p["row"] for p in problems if p["sheet"] == "occurrences" and p["row"]}
    assert "report.xlsx" in answer.headers["content-disposition"]


@pytest.mark.parametrize("asked", [{"format": "pdf"}, {"language": "fr"}])
def test_what_is_not_told_is_refused(client, faulty, asked):
    answer = checked(client, faulty, params=asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAMETER_INVALID")


def test_what_a_heading_means_is_accepted_and_kept_for_those_who_upload_there(client, lao, key):
    mine = {"dataset": "xishuangbanna"}
    meant = mine | {"accept": "heading.ວັນທີ=eventDate"}
    said = [one["code"] for one in checked(client, lao, headers=key, data=mine).json()["problems"] if one["row"] == 1]
    assert "HEADING_TAKEN" in said
    assert checked(client, lao, data=meant).json()["problems"] == []
    assert client.post(SURVEYS, headers=key, files=form(lao), data=meant | {"submit": "false"}).status_code == 202
    assert checked(client, lao, headers=key, data=mine).json()["problems"] == []
    assert checked(client, lao, data=mine).json()["problems"] != []
    found = client.post(SURVEYS, headers=key, files=form(lao), data=mine | {"accept": "heading.X=lat"}).status_code
    assert found == 422


ROOST = """rule_id,category,reason,source,scientificName,polygon,dataset
roost,withheld,cave 7,Community,,"POLYGON((101 21, 101.1 21, 101.1 21.1, 101 21.1, 101 21))",
theirs,1_degree,asked,Owner,,,xishuangbanna
python,0_1_degree,sold,IUCN,Python bivittatus,,
"""


@pytest.fixture
def roost(settings):
    before = rules_text(settings)
    put_rules(settings, ROOST)
    yield
    put_rules(settings, before)


@pytest.mark.parametrize("uploads", [False, True], ids=["anybody", "who may upload to the dataset"])
def test_rules_of_places_are_told_to_nobody_who_may_send_any_points(client, key, roost, uploads):
    """With made-up records anybody could find the edges of a polygon, and that is where the roost is."""
    rows = ["occurrenceID,scientificName,eventDate,decimalLatitude,decimalLongitude"]
    rows += [
        f"{name}{n},{name},2026-03-01,{y},101.05"
        for n, y in enumerate((21.05, 21.5))
        for name in ("Sus scrofa", "Python bivittatus")
    ]
    content = "\n".join(rows).encode()
    data = {"dataset": "xishuangbanna"}
    answer = client.post(
        SURVEYS, params={"dry_run": "true"}, files=form(content, "s.csv"), data=data, headers=key if uploads else None
    )
    assert answer.json()["problems"] == [], "the release's checklist has others, but the reference list knows both"
    told = {one["name"]: one["category"] for one in answer.json()["notices"] if one["code"] != "LICENSE_MISSING"}
    assert told == (
        {"Sus scrofa": "withheld", "Python bivittatus": "withheld"} if uploads else {"Python bivittatus": "0_1_degree"}
    )
    assert "cave 7" not in answer.text


def test_the_check_knows_the_names_of_the_release(tmp_path):
    """A name that the lake's checklist ties to a protected species is told before it is sent; it makes none less strict."""
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    checklist = tmp_path / "names.csv"
    checklist.write_text(
        "taxonID,scientificName,taxonRank,taxonomicStatus,kingdom,phylum,class,order,family,genus,acceptedNameUsageID\n"
        "m1,Muntiacus vuquangensis,SPECIES,ACCEPTED,Animalia,Chordata,Mammalia,Artiodactyla,Cervidae,Muntiacus,\n"
        "m2,Muntiacus muntjak,SPECIES,SYNONYM,Animalia,Chordata,Mammalia,Artiodactyla,Cervidae,Muntiacus,m1\n"
        "m3,Cervulus nuperus,SPECIES,SYNONYM,Animalia,Chordata,Mammalia,Artiodactyla,Cervidae,Cervulus,m1\n",
        encoding="utf-8",
    )
    content = (
        "occurrenceID,eventDate,scientificName,decimalLatitude,decimalLongitude\n"
        "a,2026-03-01,Muntiacus muntjak,21.05,101.2\n"
        "b,2026-03-01,Cervulus nuperus,21.05,101.2\n"
    )
    with TestClient(create_app(settings), base_url="http://test") as client:

        def told():
            report = checked(client, content.encode(), name="survey.csv").json()
            return {one["name"]: (one["category"], one["may_mean"]) for one in report["notices"] if one["category"]}

        unknown = {"Cervulus nuperus": ("1_degree", [])}
        assert told() == unknown, "a name that nothing knows may be any protected one"
        pipeline.ingest("checklist", [checklist], settings)
        pipeline.release(settings)
        tied = {"Muntiacus muntjak": ("0_1_degree", ["Muntiacus vuquangensis"])}
        assert told() == {**unknown, **tied}, "whom the reference list does not know, no checklist makes known"
