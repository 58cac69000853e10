"""Templates over HTTP: for anybody, in the language that is asked for."""

import pytest

from biodata.surveys import templates
from biodata.surveys.problems import MEDIA_TYPES

pytest_plugins = ("api_client",)
TEMPLATES = "/v1/surveys/templates"


@pytest.mark.parametrize(("query", "header", "language"), [
    ({"language": "lo"}, "th", "lo"),
    ({}, "fr, th;q=0.9, en;q=0.1", "th"),
    ({}, None, "en"),
    ({"language": "zh-Hant-TW"}, None, "zh"),
])  # fmt: skip
def test_the_language_is_asked_for(client, query, header, language):
    headers = {} if header is None else {"Accept-Language": header}
    answer = client.get(f"{TEMPLATES}/camera_trap", params=query, headers=headers)
    assert answer.status_code == 200
    assert answer.content == templates.template("camera_trap", language)
    assert answer.headers["content-type"] == MEDIA_TYPES["xlsx"]
    assert answer.headers["content-language"] == language
    assert f"survey_camera_trap_{language}.xlsx" in answer.headers["content-disposition"]


def test_what_there_is_not_is_said(client):
    missing = client.get(f"{TEMPLATES}/trawl")
    assert (missing.status_code, missing.json()["field"]) == (404, "design")
    assert "camera_trap" in missing.json()["detail"]
    assert client.get(f"{TEMPLATES}/plot", params={"language": "fr"}).status_code == 400
    assert client.get(f"{TEMPLATES}/plot", params={"x": "1"}).status_code == 400
