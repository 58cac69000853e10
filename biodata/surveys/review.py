"""What those whom it concerns see of a survey, are stated, ask, answer and decide: each reviewer for their side, whole or not at all."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from biodata.access.roles import Action, Principal, Role, may
from biodata.core.phrases import Phrase, joined
from biodata.store import jobs, sharing_memory, survey_files, survey_steps
from biodata.store.models import Job, Submission, SubmissionEvent
from biodata.store.registry import Registry
from biodata.store.sharing_rules import UNREADABLE
from biodata.store.survey_steps import COMMITTED, COMMITTING, JOB, MACHINE, NO_COUNTRY, OPEN_FOR_REVIEW, step
from biodata.surveys import problems, sides, words
from biodata.surveys.difference import OTHER_COLUMN, TABLES
from biodata.surveys.notices import of_waiting
from biodata.surveys.problems import refuse
from biodata.surveys.sides import REFUSED, WAITING
from biodata.text.proposals import names_a_place

MOST_WORDS: Final = 4_000  # characters of an answer, or of reasons
_DECISIONS: Final = {"accept": ("accepted", sides.ACCEPTED), "ask": ("asked", sides.WAITING), "refuse": ("refused", sides.REFUSED)}  # fmt: skip
"""What history calls each, and how a side stands then; one that asks after it accepted waits for the answer again."""
_LISTED: Final = 200


def look(registry: Registry, who: Principal | None, number: int, *, language: str = "en") -> dict[str, Any]:
    """Return a submission as its team, who reviews a side of it, or the machine's owner (None) sees it, in a language."""
    with registry.session(read_only=True) as session:
        return _to_dict(session, who, sides.need(session, who, number), language)


def listed(registry: Registry, who: Principal | None) -> list[dict[str, Any]]:
    """Return the submissions that concern somebody, the newest first."""
    with registry.session(read_only=True) as session:
        asked = select(Submission).order_by(Submission.id.desc()).limit(10 * _LISTED)
        found = (one for one in session.scalars(asked) if sides.concerns(who, one))
        return [_to_dict(session, who, one) for one, _ in zip(found, range(_LISTED), strict=False)]


def versions(registry: Registry, who: Principal | None, dataset: str) -> list[dict[str, Any]]:
    """Return the versions of the parts of a dataset, by part, the oldest first: what each changed, and its history."""
    with registry.session(read_only=True) as session:
        asked = select(Submission).where(Submission.dataset == dataset, Submission.part_version.is_not(None))
        found = session.scalars(asked.order_by(Submission.part, Submission.part_version))
        every = [
            _to_dict(session, who, one) | {"changes": _counts(one), "history": _history(session, who, one)}
            for one in found
            if sides.concerns(who, one)
        ]
    if not every and not (who is not None and may(who, Action.HAND_IN, dataset=dataset)):
        refuse("DATASET_UNKNOWN", "NO_VERSIONS", column="dataset", value=dataset)
    return every


def _counts(submission: Submission) -> dict[str, Any]:
    if submission.removes:
        report = submission.report or {}
        return {"occurrences": report.get("records", {}), "events": report.get("events", {})}
    kept = submission.difference or {}
    return {name: dict(kept[name]["counts"]) for name in TABLES if name in kept}


def submit(registry: Registry, who: Principal, number: int, *, seen: int) -> None:
    """Send a draft that was checked, in the version that its sender looked at, to those who review it."""
    with registry.session() as session, session.begin():
        found = sides.need(session, who, number)
        if not sides.is_own(who, found):
            sides.missing(number)
        sides.check_version(found, seen)
        if found.state != "draft" or found.report is None:
            problem = "IT_IS" if found.state != "draft" else "NOT_CHECKED"
            refuse("SUBMISSION_DECIDED", problem, "DRAFT_EXPECTED", a=found.state)
        found.wanted = True
        step(session, found, "submitted", state="submitted", actor=who.label, role=str(Role.UPLOADER), seen=seen)
        replace(session, found)
        _go_on(session, found)


def _go_on(session: Session, submission: Submission) -> None:
    if sides.accept_if_nobody_waits(session, submission):
        submission.job_id = jobs.add(session, JOB, {"submission": submission.id})


def decide(
    registry: Registry, who: Principal, number: int, decision: str, *, seen: int, country: str | None = None, reasons: str = ""
) -> None:  # fmt: skip
    """Put down what a reviewer decides (accept, ask, refuse) for a side, or all of theirs that wait, of the version they have seen."""
    if decision not in _DECISIONS:
        refuse("FIELD_INVALID", "NO_DECISION", ", ".join(_DECISIONS), column="decision", value=decision)
    reasons = reasons.strip()
    if decision != "accept" and not reasons:
        refuse("FIELD_INVALID", "NEEDS_REASON", "REASON_EXPECTED", column="reasons")
    if len(reasons) > MOST_WORDS:
        refuse("FIELD_INVALID", "TOO_LONG", "ANSWER_WORDS", column="reasons", n=1, n1=f"{MOST_WORDS:,}")
    _check_no_place("reasons", reasons)
    with registry.session() as session, session.begin():
        found = sides.need(session, who, number)
        mine = _own_sides(who, found, country)
        sides.check_version(found, seen)
        if found.state not in OPEN_FOR_REVIEW:
            problem = "REPLACED" if found.state == "replaced" else "IT_IS"
            refuse("SUBMISSION_DECIDED", problem, "OPEN_EXPECTED", a=found.state)
        before, (action, becomes) = found.sides or {}, _DECISIONS[decision]
        if decision == "accept" and all(before[side] == sides.ACCEPTED for side in mine):
            return  # a second time is no news
        others_ask = asking(session, found) - set(mine)
        found.sides = {**before, **dict.fromkeys(mine, becomes)}
        # A side that accepts does not take away what another still asks.
        state = "refused" if decision == "refuse" else "asked" if decision == "ask" or others_ask else "submitted"
        step(session, found, action, state=state, actor=who.label, role=_role(who, found.dataset, mine[0]), country=mine,
             note=reasons, seen=seen, details={"sides": mine, "reasons": reasons})  # fmt: skip
        if decision == "accept":
            _go_on(session, found)


def _own_sides(who: Principal, submission: Submission, country: str | None) -> list[str]:
    every, mine = submission.sides or {}, _to_decide(who, submission)
    wanted = country.strip().upper() if country is not None else None
    facts: dict[str, Any] = {"column": "country", "value": country}
    if sides.is_of_team(who, submission):
        refuse("REVIEW_FORBIDDEN", "OWN", "ANOTHER_REVIEWER", column="country")
    if wanted is not None and wanted not in every:
        refuse("FIELD_INVALID", "NO_SUCH_SIDE", "ONE_OF_SIDES", **facts, a=", ".join(every))
    if not mine and sides.reviewed(who, submission):
        refuse("REVIEW_FORBIDDEN", "SIDE_UNCHANGED", "SIDE_UNCHANGED_EXPECTED", **facts)
    if not mine:
        refuse("REVIEW_FORBIDDEN", "NO_SIDE", joined(map(_whose, every), "{a}; {b}"), **facts)
    if wanted is not None and wanted not in mine:
        refuse("REVIEW_FORBIDDEN", _whose(wanted), Phrase("your side: {a}", a=", ".join(mine)), **facts)
    return [wanted] if wanted is not None else [side for side in mine if every[side] == sides.WAITING] or mine


def _whose(side: str) -> Phrase:
    whole = "{a} is with whoever reviews the whole dataset"
    return Phrase(whole if side == NO_COUNTRY else "{a} is for the reviewers of {b}", a=side, b=side)


def _role(who: Principal, dataset: str, side: str) -> str:
    own = Principal(who.account_id, who.label, tuple(one for one in who.roles if one.role is Role.NODE_MANAGER))
    return str(Role.NODE_MANAGER if sides.reviews(own, dataset, side) else Role.REVIEWER)


def _to_decide(who: Principal, submission: Submission) -> list[str]:
    return [side for side in sides.reviewed(who, submission) if (submission.sides or {})[side] != sides.UNCHANGED]


def asking(session: Session, submission: Submission) -> set[str]:
    """Return the sides that asked something, and have neither an answer nor accepted since."""
    every, open_ones = set(submission.sides or {}), set[str]()
    for event in _events(session, submission):
        own = every if event.country is None else {event.country}
        if event.action == "asked":
            open_ones |= own
        elif event.action == "answered" or (event.action == "accepted" and event.country is not None):
            open_ones -= own
    return open_ones & every


def answer(registry: Registry, who: Principal, number: int, words: str, *, seen: int) -> None:
    """Put down what the team answers in words that state no place; the sides that asked look at the survey again."""
    words = words.strip()
    if not 0 < len(words) <= MOST_WORDS:
        refuse("FIELD_INVALID", "NO_ANSWER", "ANSWER_WORDS", column="answer", n=1, n1=f"{MOST_WORDS:,}")
    _check_no_place("answer", words)
    with registry.session() as session, session.begin():
        found = sides.need(session, who, number)
        if not sides.is_of_team(who, found):
            refuse("FORBIDDEN", "TEAM_ANSWERS", "TEAM_ACCOUNT")
        sides.check_version(found, seen)
        if found.state != "asked":
            refuse("SUBMISSION_DECIDED", "NOBODY_WAITS", "ASKED_EXPECTED", a=found.state)
        asked = sorted(asking(session, found)) or None  # the answer is theirs, and no other node's
        step(session, found, "answered", state="submitted", actor=who.label, role=str(Role.UPLOADER), country=asked, note=words,
             seen=seen)  # fmt: skip


def _check_no_place(column: str, words: str) -> None:
    """Refuse words that state a place, without repeating them: they are read by others than those who may know it, and kept."""
    if names_a_place(words):
        refuse("FIELD_INVALID", "TELLS_PLACE", "TELLS_PLACE_EXPECTED", column=column)


def replace(session: Session, submission: Submission) -> None:
    """Let a version that its reviewers see now take the place of those of its part that still wait."""
    for earlier in session.scalars(_of_part(submission).where(Submission.state.in_(OPEN_FOR_REVIEW))).all():
        step(session, earlier, "replaced", state="replaced", actor=MACHINE, role=MACHINE, details={"by": submission.id})


def _of_part(submission: Submission) -> Select[Submission]:
    before = (Submission.dataset == submission.dataset) & (Submission.part == submission.part)
    return select(Submission).where(before, Submission.id < submission.id).order_by(Submission.id)


def _events(session: Session, submission: Submission) -> Collection[SubmissionEvent]:
    own = SubmissionEvent.submission_id == submission.id
    return session.scalars(select(SubmissionEvent).where(own).order_by(SubmissionEvent.id)).all()


def _history(session: Session, who: Principal | None, submission: Submission) -> list[dict[str, Any]]:
    """Return what happened to a submission, the oldest first: when, what, as what, for which side; never who.

    What was written for other sides than somebody reads is left out: it may name their rows.
    """
    reads_all, facts = who is None or sides.is_of_team(who, submission), []
    for e in _events(session, submission):
        is_read = reads_all or e.country is None or e.country in sides.visible_sides(who, submission)
        note = (e.note or None) if is_read else None
        one = {"action": e.action, "role": e.role, "country": e.country, "note": note, "date": e.created}
        facts.append({name: value for name, value in one.items() if value is not None})
    return facts


def _whole_history(session: Session, who: Principal | None, submission: Submission) -> list[dict[str, Any]]:
    """Return the history of a submission behind those of the ones of its part before it, back to the last that came in."""
    every = list(session.scalars(_of_part(submission)))
    last = max((place for place, one in enumerate(every) if one.part_version is not None), default=-1)
    before = [one for one in every[last + 1 :] if sides.concerns(who, one)]
    earlier = [{**one, "survey": old.id} for old in before for one in _history(session, who, old)]
    return earlier + _history(session, who, submission)


def _to_dict(session: Session, who: Principal | None, one: Submission, language: str | None = None) -> dict[str, Any]:
    where, after, is_open = stage(session, one), survey_steps.replaced_by(session, one), one.state in OPEN_FOR_REVIEW
    asked_by = asking(session, one) if is_open else set[str]()
    facts = {
        "id": one.id, "state": one.state if where in (CHECKING, REMOVING) else where, "stage": where,
        "version": one.version, "created": one.created, "changed": one.changed, "dataset": one.dataset, "part": one.part,
        "part_version": one.part_version, "file": None if one.removes else one.file_name,
        "sides": side_states(one), "restores": one.restores, "mine": sides.is_of_team(who, one),
        "replaced_by": after and after.id, "asking": sorted(asked_by) or None,
        "waits_for_you": sides.waits_for(who, one, asked_by),
    }  # fmt: skip
    if language is not None:
        if is_open:
            facts["sides"] = sides.now(session, one, one.sides or {})
        yours = _to_decide(who, one) or None if who is not None and is_open else None
        facts |= {"job": one.job_id, "left_alone": halted(session, one) == NO_WORKER or None, "snapshot": one.snapshot,
                 "release": survey_steps.shown_since(session, one) if where == "published" else None,
                 "next": what_next(session, one, language),
                 "report": None if one.report is None else problems.read(one.report, language), "yours": yours,
                 "difference": difference(one, language, whole=set(one.sides or {}) <= set(sides.visible_sides(who, one))),
                 "waits": waits(session, one, language) or None,
                 "rows": survey_files.hash_of(session, one.id) is not None,
                 "history": _whole_history(session, who, one)}  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


WAITS: Final = "waits"  # beside a survey's difference: how many sensitive records wait, by how many places there are
_LISTS: Final = ("new", "changed", "gone")
CHECKING, REMOVING, NOT_SENT, UNDECIDED = "checking", "removing", "not_sent", "undecided"
NO_WORKER: Final = "NEXT_NO_WORKER"  # it waits for a worker where none seems to run
_ENDED: Final = ("refused", "replaced", "withdrawn")
_NEXT: Final = {
    "draft": "NEXT_SEND", "published": "MAP_SHOWN", COMMITTED: "MAP_NEXT_RELEASE", "removed": "MAP_REMOVED", "replaced": "MAP_REPLACED",
    "accepted": "MAP_BEING_MADE", COMMITTING: "MAP_BEING_MADE", "submitted": "MAP_AFTER_REVIEW", "asked": "MAP_AFTER_ANSWER",
    REMOVING: "MAP_REMOVING", "refused": "NEXT_REFUSED",
}  # fmt: skip
"""What is said of the map, or of what comes next, in each state that has anything of either."""


def difference(submission: Submission, language: str, *, whole: bool = True) -> dict[str, Any] | None:
    """Return the difference as it is kept, with what has to be known of it before anybody accepts it."""
    if submission.difference is None:
        return None
    found = {name: value for name, value in submission.difference.items() if name != WAITS}
    if not whole:
        found |= {name: {**found[name], **{kind: [] for kind in _LISTS}, "all_told": False} for name in TABLES}
    found |= {name: _in_words(found[name], language) for name in TABLES}
    kept_back = any(one.get("shown") is False for name in TABLES for one in found[name]["changed"])
    codes = ["DIFFERENCE_VALUES_NOT_KEPT"] if kept_back else []
    # Why the map may show a version that came back coarser than it did then.
    codes += ["RETURN_KEEPS_COARSE"] if submission.restores is not None else []
    return {**found, "notes": [{"code": code, "message": words.message_of(code, {}, language)[0]} for code in codes]}


def _in_words(table: Mapping[str, Any], language: str) -> dict[str, Any]:
    other = {OTHER_COLUMN: words.message_of("DIFFERENCE_OTHER_COLUMN", {}, language)[0]}
    changed = [{**one, "column": other.get(one["column"], one["column"])} for one in table["changed"]]
    counts = {other.get(name, name): count for name, count in table["changed_cells"].items()}
    return {**table, "changed": changed, "changed_cells": counts}


def stage(session: Session, submission: Submission) -> str:
    """Return where a submission stands: its state; of a draft whether it is being checked, of a removal whether the map has it."""
    if submission.state == "draft" and submission.report is None:
        return CHECKING
    state = survey_steps.state_of(session, submission)
    return REMOVING if submission.removes and state in ("accepted", COMMITTING, COMMITTED) else state


def side_states(submission: Submission) -> dict[str, str] | None:
    """Return how each side stands; none waits before a survey was sent to them, or after it has ended."""
    facts: dict[str, str] | None = submission.sides
    instead = NOT_SENT if submission.state == "draft" else UNDECIDED if submission.state in _ENDED else None
    if facts is None or instead is None:
        return facts
    return {side: instead if how == WAITING else how for side, how in facts.items()}


def what_next(session: Session, submission: Submission, language: str) -> str | None:
    """Return whether the map shows a submission, what happens next, or who has to do what; None where nothing does any more."""
    every, after = submission.sides or {}, survey_steps.replaced_by(session, submission)
    where = stage(session, submission)
    checking = "NEXT_CHECKED_THEN_GOES_ON" if submission.wanted else "NEXT_CHECKED_THEN_WAITS"
    code = halted(session, submission) or (checking if where == CHECKING else _NEXT.get(where))
    meant = REFUSED if where == "refused" else WAITING
    lines = [side for side, how in every.items() if how == meant and (meant == REFUSED or side != NO_COUNTRY)]
    if code is None or (where == "refused" and not lines) or (where == "replaced" and after is None):
        return None
    params = {
        "number": (after or submission).id, "part": submission.part, "version": after and after.part_version,
        "sides": ", ".join(lines),
        "release": survey_steps.shown_since(session, submission) if where == "published" else None,
        "holds": words.message_of("SIDE_REFUSAL_HOLDS", {}, language)[0] if len(every) > 1 else None,
    }  # fmt: skip
    return words.message_of(code, params, language)[0]


def waits(session: Session, submission: Submission, language: str) -> list[str]:
    """Return how many sensitive records wait for more places: of the file, and once the map shows it of its dataset."""
    counts: Mapping[str, int] = (submission.difference or {}).get(WAITS, {})
    if survey_steps.state_of(session, submission) == "published":
        counts = sharing_memory.waiting(session, submission.dataset)
    by_places = {int(places): count for places, count in counts.items()}
    return [words.message_of("RECORDS_WAIT", of_waiting(by_places), language)[0]] if counts else []


def halted(session: Session, submission: Submission) -> str | None:
    """Return the code of what holds the service up with a submission; None where it goes on, waits for people, or has ended."""
    working = stage(session, submission) in (CHECKING, "accepted", COMMITTING, COMMITTED, REMOVING)
    job = session.get(Job, submission.job_id) if working and submission.job_id is not None else None
    if job is not None and jobs.is_left_alone(session, job):
        return NO_WORKER
    if job is None or job.state != "failed":
        return None
    return "NEXT_RULES_UNREADABLE" if (job.error or "").startswith(UNREADABLE) else "NEXT_HALTED"
