"""Permits, terms of use and the use report, in the registry and by the service."""

from datetime import UTC, date, datetime, timedelta

import pytest

import appointed
from biodata.access import downloads, permits, rule_changes, terms_of_use
from biodata.access.permits import Kind, PermitData
from biodata.access.terms_of_use import FEWER, Purpose
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.exports.catalogue import DatasetEntry
from biodata.exports.write import Format
from biodata.sharing.rule import Assignment
from biodata.store import audit
from biodata.store.models import AuditEntry, Job
from biodata.store.sharing_rules import WRITTEN, rules_of


@pytest.mark.parametrize(("number", "kept"), [
    pytest.param("ABSCH-IRCC-IN-256843-1", "ABSCH-IRCC-IN-256843-1", id="as the Clearing-House writes it"),
    pytest.param(" absch-ircc-vn-1234567-12 ", "ABSCH-IRCC-VN-1234567-12", id="small letters and blanks"),
    pytest.param("ABSCH\u2013IRCC\u2013LA\u2013256843\u20131", "ABSCH-IRCC-LA-256843-1",
                 id="dashes of a text processor"),
])  # fmt: skip
def test_the_number_of_a_certificate_is_read(number, kept):
    found = permits.checked(PermitData("d", Kind.IRCC, number))
    assert (found.number, found.country) == (kept, kept[11:13])


@pytest.mark.parametrize(("told", "column"), [
    pytest.param(PermitData("d", Kind.IRCC, "ABSCH-IRCC-IN-256843"), "number", id="without a revision"),
    pytest.param(PermitData("d", Kind.IRCC, "ABSCH-IRCC-IN-25684-1"), "number", id="five digits"),
    pytest.param(PermitData("d", Kind.IRCC, "ABSCH-IRCC-IN-256843-0"), "number", id="no revision is 0"),
    pytest.param(PermitData("d", Kind.IRCC, "ABSCH-NDB-IN-256843-1"), "number", id="another kind of document"),
    pytest.param(PermitData("d", Kind.IRCC, "ABSCH-IRCC-XX-256843-1"), "number", id="no such country"),
    pytest.param(PermitData("d", Kind.IRCC, "ABSCH-IRCC-IN-\u0662\u0665\u0666\u0668\u0664\u0663-1"), "number",
                 id="Arabic digits"),
    pytest.param(PermitData("d", Kind.IRCC, "ABSCH-IRCC-IN-256843-1", "LA"), "country", id="another country's number"),
    pytest.param(PermitData("d", Kind.PERMIT, "12/2026"), "country", id="a national permit without its country"),
    pytest.param(PermitData("d", Kind.PERMIT, "", "LA"), "number", id="without a number"),
    pytest.param(PermitData("", Kind.PERMIT, "12", "LA"), "dataset", id="of nothing"),
    pytest.param(PermitData("d", Kind.PERMIT, "12", "LA", None, date(2026, 2, 1), date(2026, 1, 1)), "expires",
                 id="ends first"),
])  # fmt: skip
def test_what_is_wrong_with_a_permit_is_named(told, column):
    with pytest.raises(InputError) as caught:
        permits.checked(told)
    assert caught.value.column == column
    assert caught.value.expected


@pytest.mark.parametrize(("day", "state"), [
    pytest.param(date(2025, 12, 31), "not yet valid", id="the day before"),
    pytest.param(date(2026, 1, 1), "valid", id="its first day"),
    pytest.param(date(2026, 12, 31), "ends soon", id="its last day"),
    pytest.param(date(2027, 1, 1), "ended", id="the day after"),
])  # fmt: skip
def test_a_permit_holds_from_its_first_to_its_last_day(registry, day, state):
    told = PermitData("nam-ha", Kind.PERMIT, "12/2026", "LA", "DoF", date(2026, 1, 1), date(2026, 12, 31))
    permits.record(registry, told, actor="t")
    assert [p["state"] for p in permits.of_dataset(registry, "nam-ha", day=day)] == [state]


def test_a_withdrawn_permit_stays_told_and_every_change_stands_in_the_audit(registry):
    number = permits.record(registry, PermitData("nam-ha", Kind.CONSENT, "C-1", "LA"), actor="ana")
    permits.withdraw(registry, number, actor="ana")
    assert [p["state"] for p in permits.of_dataset(registry)] == ["withdrawn"]
    with pytest.raises(InputError):
        permits.withdraw(registry, number, actor="ana")
    with registry.session(read_only=True) as session:
        assert [e.action for e in session.query(AuditEntry)][1:] == ["permit recorded", "permit withdrawn"]
        assert audit.first_broken(session) is None


def test_terms_have_versions_and_only_those_that_hold_are_accepted(registry):
    account = appointed.new(registry, "ana")
    assert terms_of_use.accepted(registry, None)
    assert terms_of_use.put(registry, "Ask before commerce.", actor="t").version == 1
    assert terms_of_use.put(registry, " Ask before commerce.\n", actor="t").version == 1
    assert not terms_of_use.accepted(registry, account)
    terms_of_use.accept(registry, account, 1, actor="ana")
    assert terms_of_use.accepted(registry, account)
    assert not terms_of_use.accepted(registry, None)
    assert terms_of_use.put(registry, "Ask before any use.", actor="t").version == 2
    assert not terms_of_use.accepted(registry, account)
    with pytest.raises(InputError, match="do not hold"):
        terms_of_use.accept(registry, account, 1, actor="ana")


NEXT_MONTH = datetime.now(UTC).date() + timedelta(days=31)


def used(registry, settings, purposes, countries):
    for purpose in purposes:
        made = downloads.ask(settings, registry, Format.CSV, None, release="r", asked=[], purpose=purpose)
        with registry.session() as session, session.begin():
            row = session.get(downloads.Download, made)
            job = session.get(Job, row.job_id)
            job.state, job.result = "done", {"license": "CC_BY_4_0", "countries": countries}


def test_the_use_report_tells_a_country_what_was_used_in_steps_and_never_by_whom(registry, tmp_path):
    settings = Settings(data=tmp_path)
    used(registry, settings, [Purpose.RESEARCH] * 12, {"LA": {"nam-ha": 100}, "VN": {"other": 7}})
    used(registry, settings, [Purpose.EDUCATION] * 3 + [Purpose.COMMERCIAL] * 2, {"LA": {"nam-ha": 1, "rare": 2}})
    told = terms_of_use.use_report(registry, "LA", day=NEXT_MONTH).as_dict()
    assert told["downloads"] == 15
    assert told["purposes"] == {"research": 10, "all with fewer downloads": 5}
    assert told["datasets"] == {"nam-ha": 15, "rare": 5}
    assert told["records"] == 1200
    assert terms_of_use.use_report(registry, "LA", year=2001, day=NEXT_MONTH).downloads == 0


def test_the_use_of_few_is_not_told_apart(registry, tmp_path):
    used(registry, Settings(data=tmp_path), [Purpose.COMMERCIAL, Purpose.RESEARCH], {"LA": {"nam-ha": 3}})
    told = terms_of_use.use_report(registry, "LA", day=NEXT_MONTH)
    assert told.downloads == FEWER
    assert not told.purposes
    assert not told.datasets
    assert not told.licences
    assert "3" not in str(told.records)


def test_a_month_is_counted_when_it_is_over(registry, tmp_path):
    """Who asks each day must not see the number step up when a fifth download comes."""
    used(registry, Settings(data=tmp_path), [Purpose.RESEARCH] * 9, {"LA": {"nam-ha": 10}})
    today = datetime.now(UTC).date()
    for day in (today, today.replace(day=1)):
        told = terms_of_use.use_report(registry, "LA", day=day)
        assert (told.downloads, told.until) == (0, today.replace(day=1))
    assert terms_of_use.use_report(registry, "LA", day=NEXT_MONTH).downloads == 5
    this_year = terms_of_use.use_report(registry, "LA", year=today.year, day=NEXT_MONTH + timedelta(days=400))
    assert (this_year.downloads, this_year.until) == (5, date(today.year + 1, 1, 1))
    assert terms_of_use.use_report(registry, "LA", year=9999).downloads == 0


def test_how_large_a_single_download_is_is_not_told(registry, tmp_path):
    used(registry, Settings(data=tmp_path), [Purpose.RESEARCH] * 6, {"LA": {"nam-ha": 10}})
    used(registry, Settings(data=tmp_path), [Purpose.RESEARCH], {"LA": {"nam-ha": 61}})
    told = terms_of_use.use_report(registry, "LA", day=NEXT_MONTH)
    assert (told.downloads, told.records) == (5, terms_of_use.MOSTLY_ONE)
    used(registry, Settings(data=tmp_path), [Purpose.RESEARCH], {"LA": {"nam-ha": 10}})
    assert terms_of_use.use_report(registry, "LA", day=NEXT_MONTH).records == 130


def test_a_single_rare_purpose_is_not_told_by_standing_alone(registry, tmp_path):
    used(registry, Settings(data=tmp_path), [Purpose.RESEARCH] * 6 + [Purpose.COMMERCIAL] * 4, {"LA": {"nam-ha": 1}})
    assert terms_of_use.use_report(registry, "LA", day=NEXT_MONTH).purposes == {"research": 5}


def test_labels_are_put_and_taken_with_an_entry_and_hold_with_the_bundled_rules(registry, tmp_path):
    before = rules_of(registry)
    wanted = Assignment("TK-SS", "nam-ha", event="camp-3", community="Akha")
    assert rule_changes.put_label(registry, wanted, actor="ana")
    assert not rule_changes.put_label(registry, wanted, actor="ana")
    after = rules_of(registry)
    assert (after.rules, after.labels.assignments) == (before.rules, (wanted,))
    rule_changes.take_label(registry, Assignment("TK-SS", "nam-ha", event="camp-3"), actor="ana")
    assert rules_of(registry).hash == before.hash
    with pytest.raises(InputError):
        rule_changes.take_label(registry, wanted, actor="ana")
    with registry.session(read_only=True) as session:
        assert [e.action for e in session.query(AuditEntry)] == [WRITTEN, WRITTEN, "label put", WRITTEN, "label taken"]


@pytest.mark.parametrize(("held", "notices", "end"), [
    ((), (permits.MISSING,), permits.MISSING),
    (("permit 12/2026 of LA", "consent 3 of LA"), (), "It rests on permit 12/2026 of LA; consent 3 of LA."),
    (("permit 7 of LA",), ("7 ends on 2026-12-01.",), "It rests on permit 7 of LA. 7 ends on 2026-12-01."),
])  # fmt: skip
def test_what_a_dataset_rests_on_is_told_in_whole_sentences(held, notices, end):
    entry = DatasetEntry(key="d", url="u", title="t", description=(), publisher=None, license="CC0_1_0", citation=None,
                         doi=None, records=1, placed=1, generalised=0, species=1, bounds=None, years=None, issued="",
                         modified="", release="r", permits=held, permit_notices=notices)  # fmt: skip
    assert entry.rights.endswith(f" {end}")
