"""The way of a survey as a table: what each state makes of each thing that somebody does; what is forbidden changes nothing."""

from dataclasses import replace

import pytest
from sqlalchemy import select

import appointed
from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.store import survey_files, survey_steps
from biodata.store.models import AuditEntry, Release, Submission, SubmissionEvent, SubmissionView
from biodata.store.registry import Registry
from biodata.store.survey_steps import STATES, WAITING, state_of
from biodata.surveys import receive, review, sides, submit
from biodata.surveys.submit import Sent

DECIDED = "SUBMISSION_DECIDED"
# What it leads to, or why not. Laos has asked where the state is asked; China waits in any case. Of what stays as it is,
# `more` tells that there is one more version of its part then.
TABLE = """
state       send        accept      ask         refuse      answer      remove      restore
kept_back   submitted   MISSING     MISSING     MISSING     DECIDED     withdrawn   UNKNOWN
unchecked   DECIDED     MISSING     MISSING     MISSING     DECIDED     withdrawn   UNKNOWN
submitted   DECIDED     submitted   asked       refused     DECIDED     withdrawn   UNKNOWN
asked       DECIDED     submitted   asked       refused     submitted   withdrawn   UNKNOWN
outdone     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     withdrawn   UNKNOWN
accepted    DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     withdrawn   UNKNOWN
committing  DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     UNKNOWN
committed   DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     more        DECIDED
published   DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     more        DECIDED
replaced    DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     more
removed     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     removed     more
removing    DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     removed     UNKNOWN
refused     DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     withdrawn   UNKNOWN
withdrawn   DECIDED     DECIDED     DECIDED     DECIDED     DECIDED     withdrawn   UNKNOWN
"""
_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    (row[0], action, told) for row in _ROWS for action, told in zip(_HEAD[1:], row[1:], strict=True)
]  # fmt: skip


OUT = 10
"""The version of the lake that the last release was made of."""
DERIVED = ("committed", "published", "replaced", "removed", "removing")


class Desk:
    """A registry with people, and surveys put into any state."""

    def __init__(self, settings, registry):
        self.settings, self.registry = settings, registry
        self.people = {}
        with registry.session() as session, session.begin():
            session.add(Release(id="made", snapshot=OUT, rules_hash="-", counts={}))
        for name, *roles in (
            ("team", RoleBinding(Role.UPLOADER, dataset="border")),
            ("mate", RoleBinding(Role.UPLOADER, dataset="border")),
            ("rival", RoleBinding(Role.UPLOADER, dataset="elsewhere")),
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
        """Put a survey down in a state, in a part of its own; one that took its place, where the state is made by that."""
        kept = {"kept_back": "draft", "unchecked": "draft", "outdone": "replaced"} | dict.fromkeys(DERIVED, "committed")
        with self.registry.session() as session, session.begin():
            made = Submission(
                dataset="border", part=f"part {self.count(session)}", file_name="a.xlsx", file_sha256="0" * 64,
                state=kept.get(state, state), wanted=kept.get(state) != "draft", account_id=self.people[sender].account_id,
                version=5, report=None if state == "unchecked" else {"ok": True, "problems": []},
                sides=None if state == "unchecked" else {"CN": "waiting", "LA": "waiting"}, removes=state == "removing",
            )  # fmt: skip
            if state in DERIVED:
                made.part_version, made.snapshot = 1, OUT + 1 if state == "committed" else OUT
            session.add(made)
            session.flush()
            if state in ("replaced", "removed"):
                session.add(Submission(dataset="border", part=made.part, file_name="b.xlsx", file_sha256="1" * 64,
                                       state="committed", part_version=2, snapshot=OUT, removes=state == "removed",
                                       account_id=made.account_id))  # fmt: skip
            if state == "asked":
                for side in asked:
                    session.add(
                        SubmissionEvent(submission_id=made.id, action="asked", role="reviewer", country=side, note="?")
                    )
            if state in (*WAITING, "kept_back", "unchecked"):
                view = SubmissionView(submission_id=made.id, rules_hash="-", counts={}, occurrences=b"", events=b"")
                session.add(view)
            return made.id

    def count(self, session):
        return len(session.scalars(select(Submission.id)).all())

    def stand(self, number):
        with self.registry.session(read_only=True) as session:
            one = session.get_one(Submission, number)
            events = session.scalars(select(SubmissionEvent.id)).all()
            audit = session.scalars(select(AuditEntry.id)).all()
            surveys = sorted(session.scalars(select(Submission.id)))
            return (state_of(session, one), one.version, one.sides, one.wanted, one.job_id), events, audit, surveys

    def do(self, action, number, who, *, seen=5, **told):
        if action == "send":
            return review.submit(self.registry, who, number, seen=seen)
        if action == "answer":
            return review.answer(self.registry, who, number, "so it was", seen=seen)
        if action == "remove":
            return submit.remove(self.settings, self.registry, who, number)
        if action == "restore":
            return submit.restore(self.registry, who, number)
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
    before = desk.stand(number)
    if told.isupper():
        code = {"MISSING": "RECORD_MISSING", "DECIDED": DECIDED, "UNKNOWN": "VERSION_UNKNOWN"}[told]
        assert desk.refused(action, number, by(action)).code == code
        return
    made = desk.do(action, number, desk.people[by(action)])
    after = desk.stand(number)
    if told == "more":
        assert (after[0], len(after[3])) == (before[0], len(before[3]) + 1)
        more = look(desk, made, "team")
        as_it_was = ("draft", None, number) if action == "restore" else ("accepted", None, None)
        assert (more["state"], more.get("part_version"), more.get("restores")) == as_it_was
        assert more.get("file") == ("a.xlsx" if action == "restore" else None)
        return
    assert (after[0][0], after[3]) == (told, before[3])
    with desk.registry.session(read_only=True) as session:
        there = survey_files.hash_of(session, number) is not None
    assert there == (told in WAITING), "its rows stay while somebody decides, and no longer"


def test_every_state_stands_in_the_table():
    assert {row[0] for row in _ROWS} - {"kept_back", "unchecked", "outdone", "removing"} == set(STATES) - {"draft"}


@pytest.mark.parametrize("action", ["send", "accept", "ask", "refuse", "answer"])
def test_whoever_looked_at_another_version_is_told_so(desk, action):
    number = desk.put({"send": "kept_back", "answer": "asked"}.get(action, "submitted"))
    error = desk.refused(action, number, by(action), seen=4)
    assert (error.code, error.column) == ("SUBMISSION_CHANGED", "If-Match")
    assert "look at it again" in str(error)
    assert f"GET /v1/surveys/{number}" in str(error.expected)


@pytest.mark.parametrize(("action", "who", "told", "code"), [
    ("accept", "team", {}, "REVIEW_FORBIDDEN"), ("accept", "vietnam", {}, "RECORD_MISSING"),
    ("accept", "rival", {}, "RECORD_MISSING"), ("accept", "china", {"country": "LA"}, "REVIEW_FORBIDDEN"),
    ("accept", "laos", {"country": "cn"}, "REVIEW_FORBIDDEN"), ("accept", "laos", {"country": "VN"}, "FIELD_INVALID"),
    ("answer", "laos", {}, "FORBIDDEN"), ("answer", "rival", {}, "RECORD_MISSING"), ("answer", "vietnam", {}, "RECORD_MISSING"),
    ("remove", "laos", {}, "FORBIDDEN"), ("remove", "mate", {}, "FORBIDDEN"), ("remove", "rival", {}, "RECORD_MISSING"),
    ("restore", "laos", {}, "FORBIDDEN"), ("restore", "rival", {}, "RECORD_MISSING"), ("send", "laos", {}, "RECORD_MISSING"),
    ("send", "mate", {}, "RECORD_MISSING"),
])  # fmt: skip
def test_what_is_not_theirs(desk, action, who, told, code):
    assert desk.refused(action, desk.put("asked"), who, **told).code == code


def test_whose_a_side_is_is_told(desk):
    error = desk.refused("accept", desk.put("submitted"), "laos", country="CN")
    assert "CN is for the reviewers of CN" in str(error)
    assert error.expected == "your side: LA"


@pytest.mark.parametrize("sender", ["both", "team"])
def test_nobody_reviews_what_their_team_handed_in(desk, sender):
    number = desk.put("submitted", sender=sender)
    for action in ("accept", "ask", "refuse"):
        assert desk.refused(action, number, "both").code == "REVIEW_FORBIDDEN"
    told = look(desk, number, "both")
    assert ("yours" in told, told["waits_for_you"], told["mine"]) == (False, False, True)
    desk.do("accept", number, desk.people["laos"])


def test_a_side_that_only_its_team_might_review_says_so(desk):
    for name, *roles in (
        ("closed-ranger", RoleBinding(Role.UPLOADER, dataset="closed")),
        ("closed-both", RoleBinding(Role.UPLOADER, dataset="closed"), RoleBinding(Role.REVIEWER, country="KH")),
    ):
        appointed.new(desk.registry, name, roles=roles)
        desk.people[name] = accounts.find(desk.registry, name)
    required, both = desk.settings.model_copy(update={"survey_review": "required"}), {"KH", "LA"}
    with desk.registry.session() as session, session.begin():
        one = Submission(dataset="closed", part="a", file_name="a.csv", file_sha256="0" * 64, state="submitted",
                         account_id=desk.people["closed-ranger"].account_id, version=5)  # fmt: skip
        session.add(one)
        session.flush()
        assert sides.asked(session, desk.settings, one, both, concerned=both) == {"KH": "open", "LA": "waiting"}
        one.sides = sides.asked(session, required, one, both, concerned=both)
        assert one.sides == {"KH": "waiting", "LA": "waiting"}
        number = one.id
    for who in ("closed-ranger", "closed-both", "laos"):
        assert look(desk, number, who)["sides"] == {"KH": "nobody", "LA": "waiting"}, who
    appointed.new(desk.registry, "cambodia", roles=[RoleBinding(Role.REVIEWER, country="KH")])
    assert look(desk, number, "closed-ranger")["sides"] == {"KH": "waiting", "LA": "waiting"}


def test_a_removal_says_that_it_goes_off_the_map_until_it_has(desk):
    number = desk.put("published")
    made = desk.do("remove", number, desk.people["team"])
    with desk.registry.session() as session, session.begin():
        survey_steps.committed(session, session.get_one(Submission, made), snapshot=OUT + 1)
    told = look(desk, made, "team")
    assert (told["state"], told["stage"]) == ("committed", "removing")
    assert told["next"].startswith("It goes off the map with the next release"), told["next"]
    assert look(desk, number, "team")["state"] == "published", "the map has it still"


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
    desk.do("ask", number, desk.people["laos2"], seen=7)
    told = look(desk, number, "team")
    assert (told["asking"], told["sides"]["LA"]) == (["CN", "LA"], "waiting"), "what was accepted is taken back"


def test_the_team_sees_answers_and_removes_together(desk):
    number = desk.put("asked")
    assert look(desk, number, "mate")["waits_for_you"], "what one of them sent any of them answers"
    desk.do("answer", number, desk.people["mate"])
    assert look(desk, number, "team")["state"] == "submitted"
    published = desk.put("published")
    made = desk.do("remove", published, desk.people["mate"])
    assert look(desk, made, "team")["state"] == "accepted"
    assert desk.refused("remove", published, "rival").code == "RECORD_MISSING"
    draft = desk.put("kept_back")
    for action in ("remove", "send"):
        assert desk.refused(action, draft, "mate").code == "RECORD_MISSING", "a draft is its sender's alone"


def test_what_is_published_is_removed_after_a_login_alone(desk):
    number, who = desk.put("published"), desk.people["team"]
    desk.people["with a key"] = replace(who, key_id=1)
    assert desk.refused("remove", number, "with a key").code == "FORBIDDEN"
    desk.do("remove", desk.put("submitted"), desk.people["with a key"])


def test_a_part_is_removed_once(desk):
    number, who = desk.put("published"), desk.people["team"]
    made = desk.do("remove", number, who)
    before = desk.stand(number)
    assert desk.do("remove", number, who) == made == desk.do("remove", number, desk.people["mate"])
    assert desk.stand(number) == before, "it waits already"
    desk.do("remove", made, who)
    assert look(desk, made, "team")["state"] == "withdrawn", "a removal that waits is taken back as anything else is"
    made = desk.do("remove", number, who)
    with desk.registry.session() as session, session.begin():
        survey_steps.committed(session, session.get_one(Submission, made), snapshot=OUT)
    assert [look(desk, one, "team")["state"] for one in (number, made)] == ["removed", "removed"]
    before = desk.stand(number)
    assert desk.do("remove", number, who) == made == desk.do("remove", made, who)
    assert desk.stand(number) == before, "a second time is no news"
    back = desk.do("restore", number, who)
    with desk.registry.session() as session, session.begin():
        survey_steps.committed(session, session.get_one(Submission, back), snapshot=OUT)
    told = {one: look(desk, one, "team") for one in (number, made, back)}
    assert [one["state"] for one in told.values()] == ["replaced", "replaced", "published"]
    assert [one.get("replaced_by") for one in told.values()] == [made, back, None]
    assert told[back]["part_version"] == 3


def test_a_new_version_takes_the_place_of_one_that_waits_when_its_reviewers_see_it(desk):
    number = desk.put("asked")
    part = look(desk, number, "team")["part"]
    new = receive(desk.settings, desk.registry, b"new", "b.xlsx", sender=desk.people["mate"], dataset="border",
                  sent=Sent(part=part))  # fmt: skip
    assert look(desk, number, "laos")["state"] == "asked", "it is not checked yet"
    with desk.registry.session() as session, session.begin():
        review.replace(session, session.get_one(Submission, new))
    told = look(desk, number, "laos")
    assert (told["state"], told["waits_for_you"], told["rows"]) == ("replaced", False, False)
    with desk.registry.session() as session, session.begin():
        session.get_one(Submission, new).sides = {"LA": "waiting"}
    history = look(desk, new, "laos")["history"]
    assert [(one["action"], one.get("survey")) for one in history] == [
        ("asked", number), ("replaced", number), ("received", None),
    ]  # fmt: skip
    assert look(desk, desk.put("asked"), "laos")["state"] == "asked", "a part of another name is another thing"


def test_the_same_file_is_the_same_upload_of_one_part_of_one_dataset(desk):
    def send(dataset="border", **told):
        return receive(desk.settings, desk.registry, b"same", "c.xlsx", sender=desk.people["both"], dataset=dataset,
                       sent=Sent(**told))  # fmt: skip

    appointed.bind(desk.registry, "both", RoleBinding(Role.UPLOADER, dataset="elsewhere"))
    desk.people["both"] = accounts.find(desk.registry, "both")
    number = send()
    assert send() == number
    assert len({number, send(part="another"), send("elsewhere")}) == 3


def test_what_is_withdrawn_tells_nothing_more(desk):
    number = desk.put("asked")
    desk.do("remove", number, desk.people["team"])
    told = look(desk, number, "laos")
    assert (told["state"], told["rows"], "report" in told, "yours" in told) == ("withdrawn", False, False, False)
    assert all("note" not in one for one in told["history"])
