"""Sharing rules that cannot be read hold a survey up, in words, and it goes on by itself when they are mended."""

import threading

import pytest
from sqlalchemy import select

from biodata import worker
from biodata.store import jobs
from biodata.store.models import RuleVersion
from biodata.surveys import words
from biodata.worker import work
from survey_office import LAOS, LAOS_TOO, workbook

pytestmark = pytest.mark.usefixtures("no_results")
SAID = words.message_of("NEXT_RULES_UNREADABLE", {}, "en")[0]


@pytest.fixture
def broken(office):
    """Damage the version in force; mend it by calling."""
    damaged, sound = damage(office, "rule_id,no such heading\nx,y\n"), []

    def mend():
        if not sound:
            sound.append(damage(office, damaged))

    yield mend
    mend()


def damage(office, text):
    """Write another text over the rules in force; return what was there."""
    with office.registry.session() as session, session.begin():
        row = session.scalars(select(RuleVersion).order_by(RuleVersion.number.desc())).first()
        before, row.rules = row.rules, text
    return before


def test_an_accepted_survey_waits_for_mended_rules(office, broken):
    broken()
    number = office.hand_in("team", workbook(LAOS))
    sound = damage(office, "")
    assert office.decide("laos", number, "accept").json()["state"] == "accepted"
    office.settle()
    for who in ("team", "laos"):
        told = office.look(who, number)
        assert (told["state"], told["next"]) == ("accepted", SAID)
    damage(office, sound)
    office.settle()
    assert office.look("team", number)["state"] == "published"


def test_a_survey_is_not_refused_for_rules_that_are_not_its_own(office, broken, monkeypatch):
    monkeypatch.setattr(worker, "RULES_S", 0.0)
    number = office.hand_in("team", workbook(LAOS_TOO))
    told = office.look("team", number)
    assert (told["stage"], told["next"]) == ("checking", SAID)
    # A worker that runs on does it without being started again.
    stop = threading.Event()
    running = threading.Thread(target=work, args=(office.settings,), kwargs={"stop": stop})
    running.start()
    broken()
    for _ in range(600):
        if office.look("team", number)["state"] == "submitted":
            break
        stop.wait(0.1)
    stop.set()
    running.join()
    assert office.look("team", number)["state"] == "submitted"


def test_of_another_fault_it_is_told_that_it_stopped(office, monkeypatch):
    def breaks(*_):
        raise OSError

    monkeypatch.setattr(worker, "HANDLERS", {**worker.HANDLERS, "survey": breaks})
    number = office.hand_in("team", workbook([*LAOS[:1], "2026-06-01", *LAOS[2:]]))
    told = office.look("team", number)
    assert jobs.look(office.registry, told["job"]).state == "failed"
    assert told["next"] == words.message_of("NEXT_HALTED", {}, "en")[0]


# PLUGIN
