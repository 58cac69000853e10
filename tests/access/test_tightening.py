"""A taxon becomes sensitive by one command: nothing that was made before tells its places any more."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

import leaks
import releases as fixture
from biodata import pipeline
from biodata.access import downloads
from biodata.access.rule_changes import add_rule
from biodata.cli import app
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Rule, RuleSet
from biodata.sharing.rules import bundled_list
from biodata.store import audit, releases, sharing_rules
from biodata.store.models import AuditEntry, Citation, Download, Job
from biodata.store.registry import Registry
from biodata.store.sharing_rules import rules_of
from cited_records import BULBUL, HORNBILL, OPEN_RULES, ROWS, change, cite, record, replay
from rule_files import put_rules, rules_text

PLACES = [
    leaks.Place(row["source_record_id"], row["decimalLatitude"], row["decimalLongitude"])
    for row in ROWS
    if row["species"] == HORNBILL
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An installation with a release; tests copy it."""
    made = Settings(data=tmp_path_factory.mktemp("tightening") / "data")
    made.data.mkdir()
    put_rules(made.data, OPEN_RULES)
    change(made.data, ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        pipeline.release(made)
    return made


@pytest.fixture
def settings(made, tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    shutil.copytree(made.data, tmp_path / "data")
    return Settings(data=tmp_path / "data")


def told(settings):
    """Return what any file that is made for the public tells of the hornbills."""
    found = []
    for folder in ("releases", "downloads"):
        for path in (settings.data / folder).rglob("*"):
            if path.is_file():
                found += leaks.scan_file(path, PLACES)
    return found


def a_download(settings):
    """Plant a download that was made of the current release."""
    made = releases.current(settings.data)
    rows = releases.read(made, "occurrences")
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        job = Job(name=downloads.JOB, state="done", result={"file": "a.csv", "rules_hash": "older"})
        session.add(job)
        session.flush()
        session.add(Download(id="d1", job_id=job.id, request={"format": "csv", "release": made.id, "asked": []}))
    folder = settings.data / "downloads" / "d1"
    folder.mkdir(parents=True)
    rows.select("key", "species", "decimalLatitude", "decimalLongitude").write_csv(folder / "a.csv")


def test_one_command_hides_a_taxon_everywhere_and_the_audit_tells_it(settings):
    citation = cite(settings)
    change(settings.data, [record(99, BULBUL, "walks")])
    pipeline.release(settings)
    assert replay(settings, citation).identical
    a_download(settings)
    # A release that was added to may have free blocks, which the scanner tells, too.
    assert {finding.place for finding in told(settings)} >= {place.name for place in PLACES}
    old = [path.name for path in (settings.data / "releases").glob("*.duckdb")]
    words = ["sensitive", "Buceros", "--rank", "GENUS", "--category", "1_degree", "--reason", "hunted"]
    answer = CliRunner().invoke(app, [*words, "--data", str(settings.data), "--json"])
    assert answer.exit_code == 0, answer.output
    came = json.loads(answer.stdout)
    assert told(settings) == []
    found = [path.name for path in (settings.data / "releases").glob("*.duckdb")]
    assert found == [f"release-{came['release']}.duckdb"]
    assert came["removed"] == {"releases": len(old), "downloads": 1}
    shown = releases.read(releases.current(settings.data), "occurrences")
    # What comes in their place waits: at once, it would be known of which places it is.
    assert shown.filter(species=HORNBILL).is_empty()
    assert came["before"]["open"] - came["after"]["open"] == len(PLACES)
    again = replay(settings, citation)
    assert not again.identical
    assert told(settings) == []
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "sharing rule added")).one()
        assert (entry.subject, entry.details["release"]) == ("buceros", came["release"])
        assert entry.details["after"] == came["after"]
        assert audit.first_broken(session) is None
        assert session.get(Job, session.get(Citation, citation).replay_job_id).state == "queued"


def test_a_download_that_is_under_way_is_cancelled(settings):
    made = releases.current(settings.data)
    with Registry.open(settings) as registry:
        with registry.session() as session, session.begin():
            for name, state, release in (("d1", "running", made.id), ("d2", "queued", "older"),
                                         ("d3", "running", "new")):  # fmt: skip
                job = Job(name=downloads.JOB, state=state)
                session.add(job)
                session.flush()
                session.add(
                    Download(id=name, job_id=job.id, request={"format": "csv", "release": release, "asked": []})
                )
        downloads.drop_others(settings, registry, rules_hash="today", release="new")
        told = {name: downloads.look(settings, registry, name).state for name in ("d1", "d2", "d3")}
    assert told == {"d1": "cancelled", "d2": "cancelled", "d3": "running"}


def test_of_two_rules_that_are_added_at_once_none_is_lost(tmp_path, monkeypatch):
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    put_rules(settings.data, OPEN_RULES)
    write = sharing_rules.write

    def slowly(*given, **more):
        time.sleep(0.2)
        return write(*given, **more)

    def no_release(_settings):
        message = "no room"
        raise StoreError(message)

    def add(name):
        with pytest.raises(StoreError):
            add_rule(settings, Rule(name, SharingCategory.WITHHELD, "x", scientific_name="Buceros"), release=no_release)

    monkeypatch.setattr(sharing_rules, "write", slowly)
    with ThreadPoolExecutor() as pool:
        list(pool.map(add, ("one", "two")))
    assert {rule.rule_id for rule in rules_of(settings).rules} == {"gibbons", "one", "two"}
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "sharing rule added")).all()
    assert {entry.subject: entry.details["release"] for entry in told} == {"one": None, "two": None}


def test_a_rule_that_is_not_valid_changes_nothing(settings):
    before, file = releases.current(settings.data).id, rules_text(settings)

    def never(_settings):
        raise AssertionError

    for rule in (
        Rule("gibbons", SharingCategory.WITHHELD, "again", scientific_name="Nomascus"),
        Rule("x", SharingCategory.WITHHELD, "", scientific_name="Nomascus"),
        Rule("x", SharingCategory.WITHHELD, "hunted", country_code="Laos"),
    ):
        with pytest.raises(InputError):
            add_rule(settings, rule, release=never)
    assert rules_text(settings) == file
    assert releases.current(settings.data).id == before


def test_the_bundled_list_stays_when_the_first_rule_is_added(settings):
    put_rules(settings, bundled_list())
    add_rule(settings, Rule("x", SharingCategory.WITHHELD, "hunted", scientific_name=BULBUL), release=pipeline.release)
    rules = rules_of(settings).rules
    assert {rule.rule_id for rule in rules} == {"x", *(rule.rule_id for rule in RuleSet.read(None).rules)}
    assert set(RuleSet.read(None).rules) <= set(rules)


def test_rules_are_checked_beside_the_lake(settings):
    put_rules(
        settings,
        "rule_id,scientificName,category,reason,review_date,area_id\n"
        "a,Buceros,1_degree,hunted,2020-01-31,\nb,Buceros,0_1_degree,hunted,,\nc,Nomascus,withheld,hunted,,\n"
        "d,Panthera tigris,withheld,hunted,,wdpa:404\n",
        consents="looser_rule,stricter_owner,given_by,given_on,valid_until\nb,nobody,an office,2020-01-01,\n",
    )
    answer = CliRunner().invoke(app, ["rules", "check", "--data", str(settings.data), "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout) == {"due": [["a", "2020-01-31"]], "contradictions": [["a", "b"]],
                                         "without_records": ["c"], "unknown_areas": [["d", "wdpa:404"]],
                                         "unknown_consents": [["b", "nobody"]], "decided": {"a": 8, "d": 4}}  # fmt: skip


def sensitive(settings, *words):
    name, *options = words
    asked = ["sensitive", name, "--category", "withheld", "--reason", "hunted", *options, "--data", str(settings.data)]
    return CliRunner().invoke(app, asked)


@pytest.mark.parametrize(("words", "said"), [
    (("\u0e8a\u0ec9\u0eb2\u0e87",), "a rule is written for a scientific name"),
    ((HORNBILL, "--country", "Laos"), "column --country, value 'Laos'"),
    ((HORNBILL, "--province", "Yunnan"), "column --province, value 'Yunnan'"),
    ((HORNBILL, "--review", "2020-12-31"), "column --review, value '2020-12-31': this day is over"),
    ((HORNBILL, "--review", "31/12/2099"), "column --review, value '31/12/2099': no date"),
])  # fmt: skip
def test_what_cannot_be_a_rule_is_told_by_the_option(settings, words, said):
    before = rules_text(settings)
    answer = sensitive(settings, *words)
    assert answer.exit_code == 1
    assert said in str(answer.exception)
    assert rules_text(settings) == before


def test_withheld_records_are_counted_and_a_rule_that_touches_nothing_says_so(settings):
    answer = sensitive(settings, HORNBILL)
    assert f"withheld: 0 records before, {len(PLACES)} now" in answer.stdout
    assert "nothing became coarser" in sensitive(settings, "Ailurus fulgens", "--anyway").stdout
