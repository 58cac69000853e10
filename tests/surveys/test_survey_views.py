"""What reviewers decide about: rows as they would be published, of their own side alone, and gone when nobody decides."""

import csv
import sqlite3
import threading

import pytest
from sqlalchemy import select

from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.sharing.rules import bundled_list
from biodata.store import folders, survey_files
from biodata.store.models import SubmissionView
from biodata.store.private_reports import read_report
from biodata.surveys import sides, submit, views
from biodata.worker import work
from commands import run
from english_left import OTHERS, english_in
from rule_files import put_rules
from survey_office import CHINA, LAOS, LAOS_TOO, SURVEYS, workbook

pytestmark = pytest.mark.usefixtures("no_results")
TIGER = ["SECRET-7", "2026-03-14", "Panthera tigris", 20.97345, 101.30678]
GIBBON = ["SECRET-8", "2026-03-15", "Nomascus concolor", 22.31234, 100.71987]
AT_BORDER = ["SECRET-9", "2026-03-16", "Manis javanica", 21.17654, 101.60321]
EXACT = ("20.97345", "101.30678", "22.31234", "100.71987", "21.17654", "101.60321", "SECRET", "2026-03-14",
         "2026-03-15")  # fmt: skip


@pytest.fixture(scope="module")
def survey(office):
    """A survey of both sides that waits, with sensitive records on each and at the border."""
    return office.hand_in("team", workbook(LAOS, LAOS_TOO, CHINA, TIGER, GIBBON, AT_BORDER))


def rows(office, who, number, **asked):
    answer = office.client.get(f"{SURVEYS}/{number}/rows", params=asked, headers=office.heads[who])
    assert answer.headers["cache-control"] == "private, no-store"
    return answer


def names(told):
    return sorted(row["scientificName"] for row in told["results"])


def test_each_side_sees_its_own_rows_as_they_would_be_published(office, survey):
    team, laos, china = (rows(office, who, survey).json() for who in ("team", "laos", "china"))
    assert names(team) == ["Manis javanica", "Muntiacus muntjak", "Muntiacus muntjak", "Nomascus concolor",
                           "Panthera tigris", "Rusa unicolor"]  # fmt: skip
    assert names(laos) == ["Manis javanica", "Muntiacus muntjak", "Panthera tigris", "Rusa unicolor"]
    assert names(china) == ["Manis javanica", "Muntiacus muntjak", "Nomascus concolor"]
    assert laos["counts"] == {"LA": {"records": 4, "coarse": 2, "withheld": 0}}
    assert set(team["counts"]) == {"CN", "LA"}
    deer = next(row for row in laos["results"] if row["scientificName"] == "Rusa unicolor")
    assert (deer["change"], deer["occurrenceID"], deer["eventDate"]) == ("new", "L-2", "2026-03-03")
    assert (deer["decimalLatitude"], deer["decimalLongitude"]) == (20.95, 101.35)
    tiger = next(row for row in laos["results"] if row["scientificName"] == "Panthera tigris")
    assert (tiger["cell_west"], tiger["cell_south"], tiger["year"]) == (101.3, 20.9, 2026)
    assert not {"occurrenceID", "eventDate", "eventID"} & tiger.keys()
    assert "poached" in tiger["informationWithheld"], "the rule says why"
    assert "which biodata default list can change" in tiger["informationWithheld"]
    assert set(team["flags"]) == {flag for row in team["results"] for flag in row.get("quality_flags", ())}


def test_what_is_kept_back_and_why_is_told_in_the_reader_s_language(office, survey):
    for language in OTHERS:
        told = rows(office, "laos", survey, language=language).json()["results"]
        tiger = next(row for row in told if row["scientificName"] == "Panthera tigris")
        assert english_in(tiger["informationWithheld"], language, ("panthera tigris", "panthera", "tigris")) == []


def test_who_is_no_reviewer_of_a_side_sees_none_of_it(office, survey):
    for who in ("rival", "vietnam", "administrator"):
        assert rows(office, who, survey).status_code == 404
    assert office.client.get(f"{SURVEYS}/{survey}/rows").status_code == 401
    for who, side in (("laos", "CN"), ("china", "LA"), ("team", "VN")):
        assert rows(office, who, survey, side=side).status_code == 422, (who, side)
    assert names(rows(office, "team", survey, side="LA").json()) == names(rows(office, "laos", survey).json())


def test_no_exact_place_of_a_sensitive_record_is_told_by_any_way(office, survey):
    """Neither in any answer, nor in the order of rows, nor in what the service's user can read."""
    asked = [{}, {"table": "events"}, {"change": "new"}, {"limit": 1, "offset": 3}, {"event": "SECRET-7"},
             {"side": "LA"}]  # fmt: skip
    for who in ("team", "laos", "china"):
        for one in asked:
            text = rows(office, who, survey, **one).text
            assert not [told for told in EXACT if told in text], (who, one)
        text = office.client.get(f"{SURVEYS}/{survey}", headers=office.heads[who]).text
        assert not [told for told in EXACT if told in text], who
    with office.registry.session(read_only=True) as session:
        view = survey_files.read_view(session, survey)
        kept = session.scalars(select(SubmissionView)).all()
    for frame in (view.occurrences, view.events):
        assert not [told for told in EXACT if told in frame.write_ndjson()]
        assert not {"source_row", "source_file", "key", "recordedBy"} & set(frame.columns)
    for one in kept:
        assert not [told for told in EXACT if told.encode() in one.occurrences + one.events]
    # Coarse rows stand behind the others, by what is published of them: where they stood in the file is not told.
    assert [row["scientificName"] for row in rows(office, "team", survey).json()["results"]][3:] == [
        "Manis javanica", "Nomascus concolor", "Panthera tigris",
    ]  # fmt: skip


def test_the_order_of_the_file_changes_nothing(office, survey):
    other = office.hand_in("team", workbook(TIGER, AT_BORDER, CHINA, LAOS_TOO, GIBBON, LAOS), part="turned")
    for who in ("laos", "china"):
        one, two = rows(office, who, survey).json(), rows(office, who, other).json()
        assert one["results"] == two["results"]
    office.client.delete(f"{SURVEYS}/{other}", headers=office.heads["team"])
    office.settle()


def test_what_is_asked_for_wrongly_is_told(office, survey):
    for wrong in ({"table": "accounts"}, {"change": "all"}, {"limit": "many"}, {"offset": -1}, {"sort": "row"}):
        assert rows(office, "laos", survey, **wrong).status_code == 400, wrong
    assert rows(office, "laos", survey, limit=0).json()["count"] == 4
    assert rows(office, "laos", survey, limit=999999).json()["limit"] == 500


def test_exact_rows_are_for_the_machine_s_owner_and_an_account_s_own_side(office, survey):
    found = views.exact_rows(office.settings, office.registry, None, survey)
    assert sorted(found["decimalLatitude"])[1:3] == [20.95, 20.97345]
    data = office.settings.data
    done = run("survey", "review", survey, "--rows", "--account", "china", "--data", data)
    assert done.returncode == 0, done.stderr
    told = list(csv.DictReader(done.stdout.splitlines()))
    assert {row["occurrenceID"] for row in told} == {"C-1", "SECRET-8", "SECRET-9"}
    assert {row["sides"] for row in told} == {"CN", "CN LA"}
    shown = run("survey", "review", survey, "--account", "laos", "--data", data).stdout
    (tiger,) = (one for one in shown.splitlines() if "scientificName Panthera tigris" in one)
    assert tiger.endswith("□ 20.9–21.0, 101.3–101.4  LA")
    assert "Side CN: for the reviewers of CN. waits." in shown
    assert not [told for told in EXACT if told in shown]
    assert run("survey", "review", survey, "--rows", "--account", "vietnam", "--data", data).returncode == 1


def test_rules_that_change_are_followed_before_anybody_accepts(office, survey):
    """What was looked at is not what would be told any more; nor does anybody see what other rules let out."""
    waits = office.hand_in("team", workbook(["R-1", *LAOS_TOO[1:]]), submit=False, part="kept back")
    for who in ("laos", "china"):
        assert office.decide(who, survey, "accept").status_code == 200
    put_rules(office.settings.data, "rule_id,scientificName,category,reason\nrusa,Rusa unicolor,0_1_degree,hunted\n")
    try:
        hidden = rows(office, "team", waits)
        assert (hidden.status_code, "sharing rules have changed" in hidden.json()["detail"]) == (409, True)
        office.settle()
        told = office.look("team", survey)
        assert (told["state"], told["sides"]) == ("submitted", {"CN": "waiting", "LA": "waiting"})
        assert "outdated" in [one["action"] for one in told["history"]]
        assert office.look("team", waits)["state"] == "draft", "what its sender keeps back stays with them"
        for number in (survey, waits):
            shown = rows(office, "team", number).json()["results"]
            assert all(("cell_west" in row) == (row["scientificName"] == "Rusa unicolor") for row in shown), shown
            office.client.delete(f"{SURVEYS}/{number}", headers=office.heads["team"])
    finally:
        put_rules(office.settings.data, bundled_list())
    office.settle()


def test_whose_records_go_is_asked_though_the_file_tells_nothing_of_it(office):
    office.person("pair", RoleBinding(Role.UPLOADER, dataset="pair"))
    first = office.hand_in("pair", workbook(LAOS, CHINA))
    for who in ("laos", "china"):
        office.decide(who, first, "accept")
    office.settle()
    assert office.look("pair", first)["state"] == "published"
    gone = rows(office, "laos", first)
    assert (gone.status_code, gone.json()["code"]) == (409, "SUBMISSION_DECIDED"), "the map tells them now"
    number = office.hand_in("pair", workbook([*LAOS[:2], "Rusa unicolor", *LAOS[3:]]))
    assert office.look("china", number)["sides"] == {"CN": "waiting", "LA": "waiting"}
    (china,) = rows(office, "china", number).json()["results"]
    assert (china["change"], china["occurrenceID"]) == ("gone", "C-1")
    (laos,) = rows(office, "laos", number, change="changed").json()["results"]
    assert (laos["scientificName"], laos["before"]) == ("Rusa unicolor", {"scientificName": "Muntiacus muntjak"})
    refused = office.decide("china", number, "refuse", reasons="why is ours gone?")
    assert refused.json()["state"] == "refused"
    assert rows(office, "laos", number).status_code == 409


def test_a_survey_that_is_taken_back_while_it_is_checked_leaves_nothing(office, monkeypatch):
    answer = office.client.post(SURVEYS, files={"file": ("a.xlsx", workbook(["W-1", *TIGER[1:]]))},
                                data={"dataset": "pair"}, headers=office.heads["pair"])  # fmt: skip
    number = answer.json()["id"]
    check, who = sides.countries, accounts.find(office.registry, "pair")

    def taken_back(*given, **told):
        submit.remove(office.settings, office.registry, who, number)
        return check(*given, **told)

    monkeypatch.setattr(sides, "countries", taken_back)
    work(office.settings, stop=threading.Event(), once=True)
    data = office.settings.data
    assert office.look("pair", number)["state"] == "withdrawn"
    assert read_report(data, f"submission-{number}") is None
    assert read_report(data, f"difference-{number}") is None
    with sqlite3.connect(folders.service(data) / "registry.sqlite") as plain:
        assert plain.execute("SELECT count(*) FROM submission_view WHERE submission_id = ?", [number]).fetchone() == (
            0,
        )
    assert not [path for path in (data / "uploads").glob("*") if TIGER[0].encode() in path.read_bytes()]


def test_events_stand_beside_their_records(office, tmp_path):
    from survey_versions import FIRST, FIRST_EVENTS, save

    office.person("events", RoleBinding(Role.UPLOADER, dataset="events"))
    content = save(tmp_path / "e.xlsx", FIRST, FIRST_EVENTS).read_bytes()
    number = office.hand_in("events", content)
    told = rows(office, "laos", number, table="events").json()
    assert [(row["eventID"], row["records"]) for row in told["results"]] == [("E1", 2), ("E2", 1), ("E3", 2)]
    first = told["results"][0]
    own = rows(office, "laos", number, event="E1").json()
    assert own["count"] == first["records"] == 2
    assert {row["eventID"] for row in own["results"]} == {"E1"}
    assert names(rows(office, "laos", number, event="E2").json()) == ["Rusa unicolor"], "the elephant of it waits"
    (waits,) = office.look("events", number)["waits"]
    assert waits.startswith("waits: 1 of 10 places; records of sensitive species: 1.")
    assert (
        "1 wait for more places"
        in run("survey", "review", number, "--account", "laos", "--data", office.settings.data).stdout
    )
