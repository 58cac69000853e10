"""What handing a survey in is answered: its licence told beside the file, where it stands, and what happens next."""

import pytest

from biodata.access.roles import Role, RoleBinding
from biodata.ingest.protocol import DatasetInfo
from biodata.store.private_reports import read_report
from biodata.surveys import words
from commands import run
from survey_office import CHINA, LAOS, SURVEYS, workbook

pytestmark = pytest.mark.usefixtures("no_results")


def send(office, content, who="team", *, language="en", **told):
    address = f"{SURVEYS}?language={language}"
    return office.client.post(address, files={"file": ("a.xlsx", content)}, data=told, headers=office.heads[who])


def test_the_answer_tells_what_happens_next(office):
    content = workbook(LAOS, [*CHINA[:1], "2026-04-02", *CHINA[2:]])
    for language in words.LANGUAGES:
        told = send(office, content, language=language).json()
        assert (told["state"], told["stage"]) == ("draft", "checking")
        assert told["next"] == words.message_of("NEXT_CHECKED_THEN_GOES_ON", {}, language)[0]
    office.settle()
    again = send(office, content).json()
    assert (again["id"], again["stage"]) == (told["id"], "submitted"), "sent once more, it tells how it stands by now"
    assert "it waits for the reviewers of CN, LA" in again["next"]
    assert office.client.post(f"{SURVEYS}?language=xx", headers=office.heads["team"]).status_code == 400


def test_no_side_of_a_draft_waits(office):
    made = send(office, workbook([*LAOS[:1], "2026-05-01", *LAOS[2:]]), submit="false").json()
    assert made["next"] == words.message_of("NEXT_CHECKED_THEN_WAITS", {}, "en")[0]
    office.settle()
    told = office.look("team", made["id"])
    assert (told["state"], told["stage"], told["sides"]) == ("draft", "draft", {"LA": "not_sent"})
    status = run("survey", "status", made["id"], "--data", office.settings.data, "--language", "th").stdout
    assert words.called("SIDE", "not_sent", "th") in status
    assert words.message_of("NEXT_SEND", {}, "th")[0] in status
    assert f"biodata survey submit --number {made['id']}" in status, "who works by command is told the command"
    sent = office.client.post(
        f"{SURVEYS}/{made['id']}/submit", headers=office.heads["team"] | {"If-Match": told["etag"]}
    )
    assert (sent.json()["stage"], sent.json()["sides"]) == ("submitted", {"LA": "waiting"})


def test_an_upload_that_tells_no_licence_keeps_its_dataset_s(office):
    office.person("keeper", RoleBinding(Role.UPLOADER, dataset="keeps"))
    office.person("khmer", RoleBinding(Role.REVIEWER, country="KH"))
    first, second, third = ([f"K-{n}", f"2026-03-0{n}", "Muntiacus muntjak", 12.5, 105.1] for n in (1, 2, 3))
    number = office.hand_in("keeper", workbook(first), license="CC BY 4.0")
    assert office.decide("khmer", number, "accept").status_code == 200
    office.settle()
    draft = office.hand_in("keeper", workbook(third), license="CC0 1.0", submit=False)
    both = workbook(first, second)
    number = office.hand_in("keeper", both)
    assert draft < number, "what is only looked at tells nothing of the dataset"
    counts = office.look("keeper", number)["difference"]["occurrences"]["counts"]
    assert (counts["unchanged"], counts["changed"], counts["new"]) == (1, 0, 1)
    assert office.hand_in("keeper", both) == number, "sent once more it is the same"
    told = office.client.post(f"{SURVEYS}?dry_run=true", files={"file": ("a.xlsx", workbook(first))},
                              data={"dataset": "keeps"}, headers=office.heads["keeper"]).json()  # fmt: skip
    found = [one["message"] for one in told["notices"]]
    assert found == [words.message_of("LICENSE_KEPT", {"licence": "cc by 4.0"}, "en")[0]]


def test_a_version_after_one_that_was_refused_keeps_its_licence(office):
    office.person("answers", RoleBinding(Role.UPLOADER, dataset="answered"))
    office.person("khmer", RoleBinding(Role.REVIEWER, country="KH"))
    row = ["A-1", "2026-03-01", "Muntiacus muntjak", 12.5, 105.1]
    refused = office.hand_in("answers", workbook(row), license="CC0 1.0")
    assert office.decide("khmer", refused, "refuse", reasons="not yet").status_code == 200
    again = office.client.post(f"{SURVEYS}?dry_run=true", files={"file": ("a.xlsx", workbook(row))},
                               data={"dataset": "answered"}, headers=office.heads["answers"])  # fmt: skip
    found = [one["message"] for one in again.json()["notices"]]
    assert found == [words.message_of("LICENSE_KEPT", {"licence": "cc0 1.0"}, "en")[0]]


def test_a_licence_that_the_dataset_is_registered_with_is_not_missing(office):
    office.person("archive", RoleBinding(Role.UPLOADER, dataset="registered"))
    office.registry.record_datasets({"registered": DatasetInfo("registered", license="CC_BY_4_0")})
    address, sent = f"{SURVEYS}?dry_run=true", {"files": {"file": ("a.xlsx", workbook(LAOS))}}
    for heads, codes in ((office.heads["archive"], []), ({}, ["LICENSE_MISSING"])):
        told = office.client.post(address, **sent, data={"dataset": "registered"}, headers=heads).json()
        assert [one["code"] for one in told["notices"]] == codes
    number = office.hand_in("archive", workbook(LAOS))
    kept = read_report(office.settings.data, f"submission-{number}")
    assert [one["code"] for one in kept["notices"]] == []
