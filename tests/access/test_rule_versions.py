"""Sharing rules have versions in the registry: one that is lost, cut or changed opens nothing and stops publication."""

import sqlite3

import pytest
from sqlalchemy import delete, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

import releases as fixture
from api.app import create_app
from biodata import pipeline
from biodata.cli import app
from biodata.core.errors import InputError, RulesUnreadableError, SharingError
from biodata.core.settings import Settings
from biodata.sharing.rules import RuleSet
from biodata.store import folders, releases, sharing_rules
from biodata.store.models import AuditEntry, RuleVersion
from biodata.store.registry import Registry
from cited_records import HORNBILL, ROWS, change
from rule_files import put_rules, rules_text

RULES = "rule_id,scientificName,category,reason\nhornbills,Buceros,1_degree,hunted\ngibbons,Nomascus,withheld,few\n"
LABELS = "label,dataset\nTK-SS,village\n"
CONSENTS = "looser_rule,stricter_owner,given_by,given_on\nhornbills,gibbons,an office,2026-01-01\n"


@pytest.fixture
def settings(tmp_path):
    made = Settings(data=tmp_path / "data")
    put_rules(made, RULES, consents=CONSENTS, labels=LABELS)
    return made


def test_a_new_installation_begins_with_the_list_that_is_shipped_and_says_so(tmp_path):
    with Registry.open(Settings(data=tmp_path)) as registry:
        assert sharing_rules.rules_of(registry).hash == RuleSet.read(None).hash
        with registry.session(read_only=True) as session:
            (first,) = sharing_rules.versions(session)
    assert first.number == 1
    assert first.reason.startswith("bundled list ")


def test_a_version_is_not_flipped_or_cut_unseen(settings):
    with Registry.open(settings) as registry:
        for column in ("rules", "consents", "labels", "sha256"):
            with registry.session(read_only=True) as session:
                row = session.scalars(select(RuleVersion).order_by(RuleVersion.number.desc())).first()
                text = getattr(row, column)
            flipped = [text[:n] + chr(ord(text[n]) ^ 1) + text[n + 1 :] for n in range(0, len(text), 11)]
            for wrong in (*flipped, *(text[:n] for n in range(0, len(text), 11))):
                with registry.session() as session, session.begin():
                    setattr(session.get_one(RuleVersion, row.number), column, wrong)
                with pytest.raises(RulesUnreadableError, match=r"changed since|not the last one"):
                    sharing_rules.rules_of(registry)
            with registry.session() as session, session.begin():
                setattr(session.get_one(RuleVersion, row.number), column, text)
        assert len(sharing_rules.rules_of(registry).rules) == 2


@pytest.mark.parametrize(("lose", "said"), [
    pytest.param(delete(RuleVersion), "has no version", id="all versions"),
    pytest.param(delete(RuleVersion).where(RuleVersion.number == 2), "not the last one", id="the last version"),
    pytest.param(delete(AuditEntry).where(AuditEntry.action == sharing_rules.WRITTEN, AuditEntry.subject == "2"),
                 "not the last one", id="the last one's entry of the audit"),
])  # fmt: skip
def test_an_older_version_or_none_never_takes_the_place_of_one_that_is_lost(settings, lose, said):
    with Registry.open(settings) as registry:
        with registry.session() as session, session.begin():
            session.execute(lose)
        with pytest.raises(SharingError, match=f"{said}.*biodata rules import"):
            sharing_rules.rules_of(registry)


@pytest.mark.parametrize("gone", ["the registry", "the whole folder of the service"])
def test_a_lost_registry_is_no_new_installation(settings, gone):
    change(settings.data, ROWS)
    paths = [(settings.data / folders.REGISTRY)]
    paths = [*paths, *(settings.data / "service").rglob("*")] if gone != "the registry" else paths
    for path in paths:
        path.unlink(missing_ok=True)
    with pytest.raises(RulesUnreadableError, match="the registry has no version of them"):
        pipeline.release(settings)
    assert releases.current(settings.data) is None
    with pytest.raises(RulesUnreadableError), TestClient(create_app(settings)):
        pass
    put_rules(settings, RULES)
    assert sharing_rules.rules_of(settings).rules


def test_damaged_rules_stop_release_and_service_and_the_release_before_stays(settings, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    change(settings.data, ROWS)
    before = pipeline.release(settings)
    with sqlite3.connect(settings.data / folders.REGISTRY) as connection:
        connection.execute("UPDATE rule_version SET rules = replace(rules, 'withheld', 'open')")
    connection.close()
    with pytest.raises(RulesUnreadableError):
        pipeline.release(settings)
    assert releases.current(settings.data).id == before.id
    with pytest.raises(RulesUnreadableError), TestClient(create_app(settings)):
        pass


def test_rules_are_exported_changed_and_imported_with_what_becomes_finer(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())

    def run(*words):
        done = CliRunner().invoke(app, ["rules", *map(str, words), "--data", str(settings.data)])
        assert done.exit_code == 0, done.output + str(done.exception)
        return done.stdout

    change(settings.data, ROWS)
    put_rules(settings, consents="looser_rule,stricter_owner,given_by,given_on\n", labels="label,dataset\n")
    first = pipeline.release(settings)
    rules, labels = tmp_path / "rules.csv", tmp_path / "labels.csv"
    run("export", rules, "--labels", labels)
    assert run("import", rules, "--labels", labels) == "nothing changes\n"
    rules.write_text(rules.read_text().replace("1_degree", "open").replace("gibbons,", "gibbons-2,"))
    count = sum(row["species"] == HORNBILL for row in ROWS)
    said = run("import", rules, "--dry-run")
    assert "rules: 1 added, 1 removed, 1 changed; consents: 0 added, 0 removed; labels: 0 added, 0 removed" in said
    assert f"  1_degree → open: {count} records" in said
    assert releases.current(settings.data).id == first.id
    assert "version 4 of the rules holds: 2 rules" in run("import", rules, "--reason", "yearly review")
    assert "gibbons-2" in rules_text(settings)
    shown = releases.read(releases.current(settings.data), "occurrences").filter(species=HORNBILL)
    assert shown["sharing_category"].unique().to_list() == ["open"]
    found = [path.stem for path in (settings.data / "releases").glob("*.duckdb")]
    assert found == [f"release-{releases.current(settings.data).id}"]
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "sharing rules imported")).one()
        assert entry.details["finer"] == [{"from": "1_degree", "to": "open", "records": count}]
    assert run("versions").splitlines()[-1].endswith("command line: yearly review")


def test_a_file_with_a_fault_changes_nothing(settings, tmp_path):
    before = rules_text(settings)
    (tmp_path / "rules.csv").write_text("rule_id,category,reason\nx,secret,hunted\n")
    done = CliRunner().invoke(app, ["rules", "import", str(tmp_path / "rules.csv"), "--data", str(settings.data)])
    assert isinstance(done.exception, InputError)
    assert "rules.csv, row 2, column category" in str(done.exception)
    assert rules_text(settings) == before
