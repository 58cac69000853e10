"""The way of a survey as a table: what each state makes of each thing that somebody does; what is forbidden changes nothing."""

import pytest
from sqlalchemy import select

import appointed
from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import survey_views
from biodata.store.models import AuditEntry, Submission
from biodata.store.registry import Registry
from biodata.store.survey_models import SubmissionEvent, SubmissionView
from biodata.store.survey_steps import STATES, VIEWED
from biodata.surveys import conversation, receive, review, withdrawing
from biodata.surveys.sending import Sent

DECIDED = "SUBMISSION_DECIDED"
# What it leads to, or why not. Laos has asked where the state is asked; China waits in any case.
TABLE = """
state       send        accept      ask         refuse      answer      upload      withdraw
kept_back   submitted   MISSING     MISSING     MISSING     DECIDED     DECIDED     withdrawn
unchecked   DECIDED     MISSING     MISSING     MISSING     DECIDED     DECIDED     withdrawn
submitted   DECIDED     submitted   asked       refused     DECIDED     DECIDED     withdrawn
asked       DECIDED     submitted   asked       refused     submitted   asked       withdrawn
accepted    DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     withdrawn
committing  DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED
committed   DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     committed   withdrawn
published   DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     published   withdrawn
refused     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     refused     withdrawn
replaced    DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     withdrawn
withdrawn   DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     withdrawn
"""
_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    (row[0], action, told) for row in _ROWS for action, told in zip(_HEAD[1:], row[1:], strict=True)
]  # fmt: skip


class Desk:
    """A registry with people, and surveys put into any state."""

    def __init__(self, settings, registry):
        self.settings, self.registry = settings, registry
        self.people = {}
        for name, *roles in (
            ("team", RoleBinding(Role.UPLOADER, dataset="border")),
            ("rival", RoleBinding(Role.UPLOADER, dataset="border")),
            ("laos", RoleBinding(Role.NODE_MANAGER, country="LA")),
            ("laos2", RoleBinding(Role.REVIEWER, country="LA")),
            ("china", RoleBinding(Role.REVIEWER, country="CN")),
            ("vietnam", RoleBinding(Role.REVIEWER, country="VN")),
            ("whole", RoleBinding(Role.REVIEWER, dataset="border")),
            ("both", RoleBinding(Role.UPLOADER, dataset="border"), RoleBinding(Role.REVIEWER, country="LA")),
        ):
            appointed.new(registry, name, roles=roles)
            self.people[name] = accounts.find(registry, name)

    def put(self, state, *, sender="team", asked=("LA",)):
        """Put a survey down in a state."""
        draft = state in ("kept_back", "unchecked")
        with self.registry.session() as session, session.begin():
            made = Submission(
                dataset="border", file_name="a.xlsx", file_sha256="0" * 64, state="draft" if draft else state,
                wanted=not draft, account_id=self.people[sender].account_id, version=5,
                report=None if state == "unchecked" else {"ok": True, "problems": []},
                sides=None if state == "unchecked" else {"CN": "waiting", "LA": "waiting"},
            )  # fmt: skip
            session.add(made)
            session.flush()
            if state == "asked":
                for side in asked:
                    session.add(
                        SubmissionEvent(submission_id=made.id, action="asked", role="reviewer", country=side, note="?")
                    )
            session.add(SubmissionView(submission_id=made.id, rules_hash="-", counts={}, occurrences=b"", events=b""))
            return made.id

    def stand(self, number):
        """Return all that could have changed."""
        with self.registry.session(read_only=True) as session:
            one = session.get_one(Submission, number)
            events = session.scalars(select(SubmissionEvent.id)).all()
            audit = session.scalars(select(AuditEntry.id)).all()
            surveys = session.scalars(select(Submission.id)).all()
            return (one.state, one.version, one.sides, one.wanted, one.job_id), events, audit, surveys

    def do(self, action, number, who, *, seen=5, **told):
        if action == "send":
            return review.submit(self.registry, who, number, seen=seen)
        if action == "answer":
            return conversation.answer(self.registry, who, number, "so it was", seen=seen)
        if action == "upload":
            return receive(
                self.settings, self.registry, f"new {number}".encode(), "b.xlsx", sender=who, dataset="border",
                sent=Sent(answers=number),
            )  # fmt: skip
        if action == "withdraw":
            return withdrawing.ask(self.registry, who, number)
        return review.decide(self.registry, who, number, action, seen=seen, reasons="why", **told)

    def refused(self, action, number, who, **told):
        before = self.stand(number)
        with pytest.raises(InputError) as caught:
            self.do(action, number, self.people[who], **told)
        assert self.stand(number) == before, "what is forbidden changes nothing"
        return caught.value


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    settings = Settings(data=tmp_path_factory.mktemp("desk"))
    with Registry.open(settings) as registry:
        yield Desk(settings, registry)


def by(action):
    return "laos" if action in ("accept", "ask", "refuse") else "team"


@pytest.mark.parametrize(("state", "action", "told"), CASES, ids=lambda value: value)
def test_what_each_state_makes_of_each_thing_that_is_done(desk, state, action, told):
    number = desk.put(state)
    if told.isupper():
        code = {"MISSING": "RECORD_MISSING", "DECIDED": DECIDED}[told]
        assert desk.refused(action, number, by(action)).code == code
        return
    desk.do(action, number, desk.people[by(action)])
    assert desk.stand(number)[0][0] == told
    with desk.registry.session(read_only=True) as session:
        there = survey_views.hash_of(session, number) is not None
    if action not in ("upload",) and (state, action) != ("withdrawn", "withdraw"):
        assert there == (told in VIEWED), "its rows stay while somebody decides, and no longer"


def test_every_state_stands_in_the_table():
    assert {row[0] for row in _ROWS} - {"kept_back", "unchecked"} == set(STATES) - {"draft"}


@pytest.mark.parametrize("action", ["send", "accept", "ask", "refuse", "answer"])
def test_whoever_looked_at_another_version_is_told_so(desk, action):
    number = desk.put({"send": "kept_back", "answer": "asked"}.get(action, "submitted"))
    error = desk.refused(action, number, by(action), seen=4)
    assert (error.code, error.column) == ("SUBMISSION_CHANGED", "If-Match")
    assert "look at it again" in str(error)
    assert f"GET /v1/surveys/{number}" in str(error.expected)


NOT_THEIRS = [
    ("accept", "team", {}, "REVIEW_FORBIDDEN"), ("accept", "vietnam", {}, "RECORD_MISSING"),
    ("accept", "rival", {}, "RECORD_MISSING"), ("accept", "china", {"country": "LA"}, "REVIEW_FORBIDDEN"),
    ("accept", "laos", {"country": "cn"}, "REVIEW_FORBIDDEN"), ("accept", "laos", {"country": "VN"}, "FIELD_INVALID"),
    ("answer", "laos", {}, "FORBIDDEN"), ("answer", "rival", {}, "RECORD_MISSING"), ("answer", "vietnam", {}, "RECORD_MISSING"),
    ("withdraw", "laos", {}, "FORBIDDEN"), ("withdraw", "rival", {}, "RECORD_MISSING"), ("send", "laos", {}, "RECORD_MISSING"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "who", "told", "code"), NOT_THEIRS)
def test_what_is_not_theirs(desk, action, who, told, code):
    assert desk.refused(action, desk.put("asked"), who, **told).code == code


def test_whose_a_side_is_is_told(desk):
    error = desk.refused("accept", desk.put("submitted"), "laos", country="CN")
    assert "the side CN is with the node of CN" in str(error)
    assert error.expected == "your side: LA"


def test_nobody_reviews_what_they_handed_in(desk):
    number = desk.put("submitted", sender="both")
    for action in ("accept", "ask", "refuse"):
        assert desk.refused(action, number, "both").code == "REVIEW_FORBIDDEN"
    desk.do("accept", number, desk.people["laos"])


def look(desk, number, who):
    return review.look(desk.registry, desk.people[who], number)


def test_a_conversation_goes_on_until_nobody_asks(desk):
    number = desk.put("submitted")
    desk.do("ask", number, desk.people["laos"])
    assert look(desk, number, "team")["asking"] == ["LA"]
    desk.do("ask", number, desk.people["china"], seen=6)
    assert look(desk, number, "china")["asking"] == ["CN", "LA"]
    waits = {who: look(desk, number, who)["waits_for_you"] for who in ("team", "laos", "china")}
    assert waits == {"team": True, "laos": False, "china": False}
    desk.do("answer", number, desk.people["team"], seen=7)
    told = look(desk, number, "laos")
    assert (told["state"], "asking" in told, told["waits_for_you"]) == ("submitted", False, True)
    asked, other = ("asked", "node_manager", "LA", "why"), ("asked", "reviewer", "CN", "why")
    answers = [("answered", "uploader", side, "so it was") for side in ("CN", "LA")]

    def said(who):
        history = look(desk, number, who)["history"]
        return [(one["action"], one["role"], one.get("country"), one.get("note")) for one in history]

    assert said("team") == said("whole") == [asked, other, *answers], "both see the same"
    # What was written for another side may name its rows.
    assert said("laos") == [asked, (*other[:3], None), (*answers[0][:3], None), answers[1]]
    assert said("china") == [(*asked[:3], None), other, answers[0], (*answers[1][:3], None)]
    desk.do("accept", number, desk.people["laos"], seen=8)
    assert not look(desk, number, "laos")["waits_for_you"]
    assert look(desk, number, "china")["waits_for_you"]
    desk.do("accept", number, desk.people["china"], seen=9)
    assert look(desk, number, "team")["state"] == "accepted"


def test_who_reviews_both_sides_asks_for_each(desk):
    number = desk.put("submitted")
    desk.do("ask", number, desk.people["whole"])
    told = look(desk, number, "team")
    assert [(one["action"], one["country"]) for one in told["history"]] == [("asked", "CN"), ("asked", "LA")]
    assert look(desk, number, "whole")["yours"] == ["CN", "LA"]
    assert look(desk, number, "laos2")["yours"] == ["LA"]
    desk.do("accept", number, desk.people["laos2"], seen=6)
    assert look(desk, number, "team")["asking"] == ["CN"], "a side that accepts asks no more; the other does"


def test_a_new_upload_takes_the_place_of_the_old_one_when_its_reviewers_see_it(desk):
    number = desk.put("asked")
    new = desk.do("upload", number, desk.people["team"])
    assert look(desk, number, "laos")["state"] == "asked", "it is not checked yet"
    assert "answered_by" not in look(desk, number, "laos"), "and nobody else sees it"
    assert desk.refused("upload", number, "rival").code == DECIDED
    with desk.registry.session() as session, session.begin():
        conversation.replace(session, session.get_one(Submission, new))
    told = look(desk, number, "laos")
    assert (told["state"], told["waits_for_you"], told["rows"]) == ("replaced", False, False)
    with desk.registry.session() as session, session.begin():
        session.get_one(Submission, new).sides = {"LA": "waiting"}
    assert look(desk, number, "laos")["answered_by"] == new
    history = look(desk, new, "laos")["history"]
    assert [(one["action"], one.get("survey")) for one in history] == [
        ("asked", number), ("replaced", number), ("received", None),
    ]  # fmt: skip


def test_an_answer_that_is_taken_back_lets_another_follow(desk):
    number = desk.put("asked")
    first = desk.do("upload", number, desk.people["team"])
    withdrawing.ask(desk.registry, desk.people["team"], first)
    assert desk.do("upload", number, desk.people["team"]) != first


def test_an_idempotency_key_is_of_one_thing(desk):
    def send(**told):
        team, dataset = desk.people["both"], told.pop("dataset", "border")
        return receive(desk.settings, desk.registry, b"same", "c.xlsx", sender=team, dataset=dataset,
                       idempotency_key="k", sent=Sent(**told))  # fmt: skip

    number = send()
    assert send() == number
    appointed.bind(desk.registry, "both", RoleBinding(Role.UPLOADER, dataset="elsewhere"))
    desk.people["both"] = accounts.find(desk.registry, "both")
    for told in ({"complete": True}, {"dataset": "elsewhere"}):
        with pytest.raises(InputError) as caught:
            send(**told)
        assert caught.value.code == "IDEMPOTENCY_KEY_REUSED", told


def test_what_is_withdrawn_tells_nothing_more(desk):
    number = desk.put("asked")
    withdrawing.ask(desk.registry, desk.people["team"], number)
    withdrawing.remove(desk.settings, desk.registry, number)
    told = look(desk, number, "laos")
    assert (told["state"], told["rows"], "report" in told, "yours" in told) == ("withdrawn", False, False, False)
    assert all("note" not in one for one in told["history"])
