"""What handing a survey in is answered: its licence told beside the file, where it stands, and what happens next."""

import polars as pl

from biodata.access.roles import Role, RoleBinding
from biodata.store.lake import Lake
from biodata.surveys import words
from commands import run
from test_survey_review import CHINA, LAOS, SURVEYS, workbook
from test_survey_review import office as office


def send(office, content, who="team", *, language="en", **told):
    address = f"{SURVEYS}?language={language}"
    return office.client.post(address, files={"file": ("a.xlsx", content)}, data=told, headers=office.heads[who])


def test_a_licence_is_told_beside_the_file(office):
    office.person("alone", RoleBinding(Role.UPLOADER, dataset="licensed"))
    office.person("khmer", RoleBinding(Role.REVIEWER, country="KH"))
    content = workbook(["K-1", "2026-03-01", "Muntiacus muntjak", 12.5, 105.1])
    wrong = send(office, content, "alone", license="ask me")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "license")
    without = office.hand_in("alone", content)
    told = office.hand_in("alone", content, license="CC BY 4.0")
    assert told != without, "it is handed in on purpose once more"
    assert office.hand_in("alone", content, license="CC BY 4.0") == told
    assert office.hand_in("alone", content) == without
    for number in (without, told):
        assert office.decide("khmer", number, "accept").status_code == 200
        office.settle()
        with Lake.open(office.settings.data) as lake:
            kept = lake.read("occurrences").filter(pl.col("datasetKey") == "licensed")["license"].to_list()
        assert kept == [None if number == without else "CC_BY_4_0"]


def test_a_check_notices_that_nothing_tells_a_licence(office):
    address = f"{SURVEYS}?dry_run=true"
    for told, codes in (({}, ["LICENSE_MISSING"]), ({"license": "CC0 1.0"}, [])):
        answer = office.client.post(address, files={"file": ("a.xlsx", workbook(LAOS))}, data=told).json()
        assert (answer["problems"], [one["code"] for one in answer["notices"]]) == ([], codes)


def test_the_answer_tells_what_happens_next(office):
    content = workbook(LAOS, [*CHINA[:1], "2026-04-02", *CHINA[2:]])
    for language in words.LANGUAGES:
        told = send(office, content, language=language).json()
        assert (told["state"], told["stage"]) == ("draft", "checking")
        assert told["next"] == words.told("NEXT_CHECKED_THEN_GOES_ON", {}, language)[0]
    office.settle()
    again = send(office, content).json()
    assert (again["id"], again["stage"]) == (told["id"], "submitted"), "sent once more, it tells how it stands by now"
    assert "it waits for the reviewers of CN, LA" in again["next"]
    assert office.client.post(f"{SURVEYS}?language=xx", headers=office.heads["team"]).status_code == 400


def test_no_side_of_a_draft_waits(office):
    made = send(office, workbook([*LAOS[:1], "2026-05-01", *LAOS[2:]]), submit="false").json()
    assert made["next"] == words.told("NEXT_CHECKED_THEN_WAITS", {}, "en")[0]
    office.settle()
    told = office.look("team", made["id"])
    assert (told["state"], told["stage"], told["sides"]) == ("draft", "draft", {"LA": "not_sent"})
    assert f"--number {made['id']}" in told["next"]
    status = run("survey", "status", made["id"], "--data", office.settings.data, "--language", "th").stdout
    assert words.called("SIDE", "not_sent", "th") in status
    assert words.told("NEXT_SEND", {"number": made["id"]}, "th")[0] in status
    sent = office.client.post(
        f"{SURVEYS}/{made['id']}/submit", headers=office.heads["team"] | {"If-Match": told["etag"]}
    )
    assert (sent.json()["stage"], sent.json()["sides"]) == ("submitted", {"LA": "waiting"})
