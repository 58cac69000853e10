"""A survey from its upload to the map: who decides, what two at once get, what stays of each version, what is gone."""

import threading

import pytest

import appointed
from biodata.access.roles import Role, RoleBinding
from biodata.store import jobs
from biodata.store.models import AuditEntry
from biodata.surveys import words
from commands import run
from survey_office import CHINA, LAOS, LAOS_TOO, SURVEYS, workbook

pytestmark = pytest.mark.usefixtures("no_results")


def test_each_country_accepts_its_own_side_and_then_it_is_published(office):
    number = office.hand_in("team", workbook(LAOS, CHINA))
    told = office.look("team", number)
    assert (told["state"], told["sides"]) == ("submitted", {"CN": "waiting", "LA": "waiting"})
    assert told["difference"]["occurrences"]["counts"]["new"] == 2
    assert office.records() == {}
    assert office.client.get(f"{SURVEYS}/{number}", headers=office.heads["vietnam"]).status_code == 404
    assert office.decide("china", number, "accept").status_code == 200
    office.settle()
    assert office.look("laos", number)["sides"] == {"CN": "accepted", "LA": "waiting"}
    assert office.records() == {}, "one side is not the whole"
    assert office.decide("laos", number, "accept").json()["state"] == "accepted"
    office.settle()
    told = office.look("team", number)
    assert (told["state"], told["part"], told["part_version"]) == ("published", "a", 1)
    assert set(office.records()) == {"L-1", "C-1"}
    happened = [(one["action"], one["role"], one.get("country")) for one in told["history"]]
    assert happened == [("received", "uploader", None), ("submitted", "biodata", None), ("accepted", "reviewer", "CN"),
                        ("accepted", "node_manager", "LA"), ("accepted", "biodata", None),
                        ("committed", "biodata", None)]  # fmt: skip
    with office.registry.session(read_only=True) as session:
        done = {(e.actor, e.action) for e in session.query(AuditEntry).filter_by(subject=f"survey {number}")}
    assert {("team", "survey received"), ("china", "survey accepted"), ("laos", "survey accepted")} <= done
    assert "china" not in str(told), "names stand in the audit alone"


def test_a_question_and_its_answer(office):
    number = office.hand_in("team", workbook(LAOS, LAOS_TOO))
    empty = office.decide("laos", number, "ask")
    assert (empty.status_code, empty.json()["field"]) == (422, "reasons")
    placed = office.decide("laos", number, "ask", reasons="is it at 20.9134, 101.2457?")
    assert (placed.status_code, placed.json()["field"], "20.9134" in placed.text) == (422, "reasons", False)
    asked = office.decide("laos", number, "ask", reasons="row 3 is doubtful")
    assert asked.json()["state"] == "asked"
    assert office.look("team", number)["history"][-1]["note"] == "row 3 is doubtful"
    answer = office.hand_in("team", workbook(LAOS, [*LAOS_TOO[:2], "Rusa unicolor equina", *LAOS_TOO[3:]]))
    assert office.look("team", number)["state"] == "replaced", "the same part came again"
    late = office.decide("laos", number, "accept")
    assert (late.status_code, late.json()["code"]) == (409, "SUBMISSION_DECIDED")
    refused = office.decide("laos", answer, "refuse", reasons="a subspecies that is not here")
    assert refused.json()["state"] == "refused"
    office.settle()
    assert "L-2" not in office.records()
    assert office.look("team", answer)["history"][-1]["note"] == "a subspecies that is not here"


def test_two_reviewers_at_once_one_is_too_late(office):
    office.person("laos2", RoleBinding(Role.REVIEWER, country="LA"))
    number = office.hand_in("team", workbook(LAOS, ["L-9", *LAOS_TOO[1:]]))
    seen = office.look("laos", number)["etag"]
    start, got = threading.Barrier(2), []

    def act(who, decision):
        start.wait()
        got.append(office.decide(who, number, decision, etag=seen, reasons="so it is").status_code)

    threads = [threading.Thread(target=act, args=pair) for pair in (("laos", "refuse"), ("laos2", "ask"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [200, 412]
    assert office.look("team", number)["state"] in ("refused", "asked")
    body, url = {"decision": "accept"}, f"{SURVEYS}/{number}/decisions"
    assert office.client.post(url, json=body, headers=office.heads["laos"]).status_code == 428
    wrong = office.client.post(url, json=body | {"by": "me"}, headers=office.heads["laos"] | {"If-Match": seen})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "FIELD_INVALID")


def test_the_side_that_refuses_is_told_and_what_becomes_of_the_others(office):
    number = office.hand_in("pair", workbook(["L-31", *LAOS[1:]], ["C-31", *CHINA[1:]]))
    holds = words.message_of("SIDE_REFUSAL_HOLDS", {}, "en")[0]
    assert office.look("pair", number)["next"].endswith(holds), "it is said beforehand"
    told = office.decide("china", number, "refuse", reasons="not ours").json()
    assert (told["state"], told["sides"]) == ("refused", {"CN": "refused", "LA": "undecided"})
    assert "CN refused it" in office.look("pair", number)["next"]
    done = run("survey", "status", str(number), "--data", str(office.settings.data), "--language", "lo")
    assert f"CN {words.called('SIDE', 'refused', 'lo')}" in done.stdout
    one = office.hand_in("pair", workbook(["L-32", *LAOS[1:]]), part="b")
    assert holds not in office.look("pair", one)["next"], "there is one side alone"


def test_a_survey_that_no_worker_takes_up_says_so(office, monkeypatch):
    answer = office.client.post(
        SURVEYS, files={"file": ("a.xlsx", workbook(["L-41", *LAOS[1:]]))}, headers=office.heads["pair"]
    )
    number = answer.json()["id"]
    told = office.look("pair", number)
    assert "left_alone" not in told, "a moment is nothing"
    monkeypatch.setattr(jobs, "UNTAKEN_S", -1)  # nobody waits here
    told = office.look("pair", number)
    assert told["left_alone"] is True
    assert told["next"] == words.message_of("NEXT_NO_WORKER", {}, "en")[0]
    done = run("survey", "status", str(number), "--data", str(office.settings.data), "--language", "lo")
    assert words.message_of("NEXT_NO_WORKER", {}, "lo")[0] in done.stdout
    other = jobs.enqueue(office.registry, "test", {}, priority=9)
    held = jobs.claim(office.registry, "somebody", names=["test"])
    assert "left_alone" not in office.look("pair", number), "the worker has something else in hand"
    jobs.finish(office.registry, held, {})
    assert office.look("pair", number)["left_alone"] is True
    monkeypatch.undo()
    assert jobs.look(office.registry, other).state == "done"
    office.settle()
    assert "left_alone" not in office.look("pair", number)


def test_where_nobody_reviews_it_is_published_at_once_unless_the_settings_say_otherwise(office):
    office.person("khmer", RoleBinding(Role.UPLOADER, dataset="kh"))
    row = ["K-1", "2026-03-01", "Muntiacus muntjak", 12.5, 105.0]
    office.settings = office.settings.model_copy(update={"survey_review": "required"})
    try:
        number = office.hand_in("khmer", workbook(["K-2", "2026-03-02", *row[2:]]))
        assert office.look("khmer", number)["sides"] == {"KH": "nobody"}, "which the settings ask for"
        office.settings = office.settings.model_copy(update={"survey_unreviewed": ("khmer",)})
        number = office.hand_in("khmer", workbook(["K-3", "2026-03-03", *row[2:]]))
        assert office.look("khmer", number)["state"] == "published"
    finally:
        office.settings = office.client.app.state.service.settings


def test_what_was_accepted_is_looked_at_again_where_the_dataset_has_gone_on(office):
    appointed.bind(office.registry, "team", RoleBinding(Role.UPLOADER, dataset="late"))
    office.person("team")
    first = office.hand_in("team", workbook(LAOS), dataset="late")
    draft = office.hand_in("team", workbook(LAOS_TOO), dataset="late", submit=False)
    office.decide("laos", first, "accept")
    headers = office.heads["team"] | {"If-Match": office.look("team", draft)["etag"]}
    assert office.client.post(f"{SURVEYS}/{draft}/submit", headers=headers).json()["state"] == "submitted"
    second = draft
    office.decide("laos", second, "accept")
    office.settle()
    assert office.look("team", first)["state"] == "published"
    told = office.look("team", second)
    assert (told["state"], told["sides"]) == ("submitted", {"LA": "waiting"})
    assert told["difference"]["occurrences"]["counts"]["gone"] == 1, "which nobody had seen"


def test_what_waits_is_taken_back_and_what_is_published_is_removed_and_comes_back(office):
    appointed.bind(office.registry, "team", RoleBinding(Role.UPLOADER, dataset="gone"))
    office.person("team")
    waits = office.hand_in("team", workbook(["W-1", *LAOS[1:]]), dataset="gone")
    taken = office.client.delete(f"{SURVEYS}/{waits}", headers=office.heads["team"])
    assert (taken.status_code, taken.json()["state"]) == (202, "withdrawn")
    data = office.settings.data
    kept = {path.name for path in data.rglob("*") if "uploads" in path.parts or "reports" in path.parts}
    assert not [name for name in kept if name in (f"submission-{waits}.json", f"difference-{waits}.json")]
    assert "report" not in office.look("team", waits)
    assert office.decide("laos", waits, "accept").status_code == 409
    again = office.hand_in("team", workbook(["W-1", *LAOS[1:]]), dataset="gone")
    other = office.hand_in("team", workbook(["W-2", *LAOS_TOO[1:]]), dataset="gone", part="b")
    for number in (again, other):
        assert office.decide("laos", number, "accept").status_code == 200
    office.settle()
    assert {office.look("team", number)["state"] for number in (again, other)} == {"published"}
    was = office.records("gone")
    assert set(was) == {"W-1", "W-2"}
    key = office.person("team", key=True)
    with_key = office.client.delete(f"{SURVEYS}/{again}", headers=key)
    assert (with_key.status_code, with_key.json()["code"]) == (403, "FORBIDDEN"), "a key removes nothing published"
    office.person("team")
    answer = office.client.delete(f"{SURVEYS}/{again}", headers=office.heads["team"])
    removal = answer.json()["id"]
    assert (answer.status_code, answer.json()["state"], removal > other) == (202, "accepted", True)
    assert office.look("team", again)["state"] == "published", "the map shows it until the next release"
    office.settle()
    assert {name: row["key"] for name, row in office.records("gone").items()} == {"W-2": was["W-2"]["key"]}
    assert office.client.get("/v1/occurrence/search?datasetKey=gone").json()["count"] == 1
    states = {number: office.look("team", number)["state"] for number in (again, removal, other)}
    assert states == {again: "removed", removal: "removed", other: "published"}
    assert office.look("team", again)["next"] == words.message_of("MAP_REMOVED", {}, "en")[0]
    back = office.client.post(f"{SURVEYS}/{again}/restore", headers=office.heads["team"]).json()["id"]
    office.settle()
    assert office.decide("laos", back, "accept").status_code == 200
    office.settle()
    assert office.records("gone") == was, "each record has its number again"
    assert office.client.get("/v1/occurrence/search?datasetKey=gone").json()["count"] == 2


def test_twenty_identical_uploads_at_once_are_one(office):
    content, start, got = workbook(["T-1", "2026-05-01", *LAOS[2:]]), threading.Barrier(20), []

    def send():
        start.wait()
        answer = office.client.post(SURVEYS, files={"file": ("a.xlsx", content)}, headers=office.heads["team"], data={"dataset": "border", "part": "twenty"})  # fmt: skip
        got.append((answer.status_code, answer.json().get("id")))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1
    assert got[0][0] == 202
    office.settle()
    office.decide("laos", got[0][1], "accept")
    office.settle()
    assert office.look("team", got[0][1])["part_version"] is not None
    versions = office.client.get(f"{SURVEYS}/versions/border", headers=office.heads["team"]).json()["results"]
    assert [one["id"] for one in versions].count(got[0][1]) == 1
