"""Sharing rules from the command line: listed, taken back, and refused where their taxon's name is a slip."""

import json

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

import releases as fixture
from biodata import pipeline
from biodata.cli import app
from biodata.core.settings import Settings
from biodata.store import audit, releases
from biodata.store.models import AuditEntry
from biodata.store.registry import Registry
from biodata.store.sharing_rules import rules_of
from cited_records import HORNBILL, ROWS, change
from rule_files import put_rules, rules_text

RULES = (
    "rule_id,scientificName,rank,category,reason,review_date\n"
    "hornbills,Buceros,GENUS,1_degree,hunted,\ngibbons,Nomascus,GENUS,withheld,few are left,2099-01-31\n"
)
HORNBILLS = sum(row["species"] == HORNBILL for row in ROWS)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    made = Settings(data=tmp_path_factory.mktemp("rules") / "data")
    made.data.mkdir()
    put_rules(made.data, RULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        change(made.data, ROWS)
        pipeline.release(made)
        yield made


def run(settings, *words, code=0):
    done = CliRunner().invoke(app, [*words, "--data", str(settings.data)])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else str(done.exception)


def test_the_rules_are_listed(settings):
    said = run(settings, "rules", "list")
    assert said.splitlines() == ["gibbons: withheld, Nomascus. few are left", "hornbills: 1_degree, Buceros. hunted",
                                 "2 rules"]  # fmt: skip
    told = json.loads(run(settings, "rules", "list", "--json"))
    assert told[0]["review_date"] == "2099-01-31"
    assert told[1] == {"rule_id": "hornbills", "scientificName": "Buceros", "rank": "GENUS", "category": "1_degree",
                       "reason": "hunted"}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "read"), [("Buceros bicorniss", "Buceros"), ("Bucerus bicornis", "Buceros"), ("Quercus rara", None)]
)
def test_a_taxon_that_nothing_here_has_is_refused(settings, name, read):
    words = ("sensitive", name, "--category", "withheld", "--reason", "hunted")
    said = run(settings, *words, code=1)
    assert f"column name, value '{name}': no rule, checklist or record here has this name" in said
    assert (f"read as {read}" in said) is (read is not None)
    assert len(rules_of(settings).rules) == 2


def test_a_rule_is_taken_back_and_what_becomes_finer_is_told_before_and_after(settings):
    before, file = releases.current(settings.data).id, rules_text(settings)
    assert "no sharing rule has this name" in run(settings, "rules", "remove", "hornbill", code=1)
    said = run(settings, "rules", "remove", "hornbills", "--dry-run")
    assert f"  1_degree → open: {HORNBILLS} records" in said.splitlines()
    assert rules_text(settings) == file
    assert releases.current(settings.data).id == before
    said = run(settings, "rules", "remove", "hornbills")
    assert f"  1_degree → open: {HORNBILLS} records" in said.splitlines()
    assert "no later rule takes it back" in said
    assert [rule.rule_id for rule in rules_of(settings).rules] == ["gibbons"]
    shown = releases.read(releases.current(settings.data), "occurrences")
    assert shown.filter(species=HORNBILL)["sharing_category"].unique().to_list() == ["open"]
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "sharing rule removed")).one()
        assert (entry.subject, entry.details["rule"]["scientificName"]) == ("hornbills", "Buceros")
        assert entry.details["finer"] == [{"from": "1_degree", "to": "open", "records": HORNBILLS}]
        assert audit.first_broken(session) is None
