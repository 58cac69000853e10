"""The printable report over the API: of the release alone, found from a feature, asking for nothing else."""

import re

import pytest
from starlette.testclient import TestClient

import releases as fixture
from biodata.exports.reports import material, page

pytest_plugins = ("api_client",)
RESULTS = [("reserve_candidates", "run-1-1"), ("corridors", "c1"), ("considered_ground", "run-1-considered-1")]


@pytest.mark.parametrize(("collection", "identifier"), RESULTS)
def test_a_feature_leads_to_its_report(client: TestClient, collection, identifier):
    feature = client.get(f"/ogc/collections/{collection}/items/{identifier}").json()
    links = [link for link in feature["links"] if link["rel"] == "describedby"]
    assert [link["type"] for link in links] == ["text/html"]
    answer = client.get(links[0]["href"])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert page.STYLE_SOURCE in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "/v1/reports/" in client.get(f"/ogc/collections/{collection}/items/{identifier}?f=html").text
    for secret in (str(fixture.SECRET_LATITUDE), str(fixture.SECRET_LONGITUDE), *fixture.SECRET_WORDS):
        assert secret not in answer.text


def test_a_pair_without_a_link_tells_the_reason_that_its_run_kept(client: TestClient):
    told = client.get("/v1/reports/c2").text
    assert f'<p class="warning">{fixture.NO_WAY}</p>' in told
    assert "cost limit" not in told


def test_the_numbers_are_had_alone_and_other_features_have_no_report(client: TestClient):
    told = client.get("/v1/reports/run-1-1?f=json").json()
    assert told["feature"]["id"] == "run-1-1"
    assert told["release"]["id"] == client.get("/v1/reports/run-1-1").headers["x-biodata-release"]
    assert told["boundaries"] == client.get("/ogc/collections/boundaries").json()["boundarySet"]
    assert told["citation"].endswith("….")
    area = client.get("/ogc/collections/protected_areas/items").json()["features"][0]["id"]
    links = client.get(f"/ogc/collections/protected_areas/items/{area}").json()["links"]
    assert "describedby" not in {link["rel"] for link in links}


def test_a_report_of_a_release_is_made_once(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    first = client.get("/v1/reports/run-1-1").text
    monkeypatch.setattr(material, "read", None)
    assert client.get("/v1/reports/run-1-1").text == first


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [("nowhere", 404, "result_id"), ("%00'%3Cb%3E", 404, "result_id"), ("run-1-1?f=pdf", 400, "f"), ("run-1-1?a=b", 400, "a")],
)  # fmt: skip
def test_what_there_is_not_is_a_problem_that_names_the_field(client: TestClient, path, status, field):
    answer = client.get(f"/v1/reports/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert not re.search("Traceback|SELECT", answer.text)
