"""What the worker does with a submission: opens it, checks it, tells what it would change, and takes in what it may.

Each step ends in the registry; a worker that dies in between begins that step again, and the lake knows by the number
that each commit carries whether it has a survey already. So there is never half of one.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import pipeline, places
from biodata.access import purges
from biodata.access.consent import RELEASE_JOB
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.ingest import forms, interpreted_tables
from biodata.ingest.protocol import Finding
from biodata.store import checksums, jobs, survey_files, survey_steps
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.private_reports import keep_report
from biodata.store.purging import CODE
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.sharing_rules import rules_in, rules_of
from biodata.store.survey_steps import COMMITTING, JOB, MACHINE
from biodata.surveys import accepting, problems, review, sides, views
from biodata.surveys.accepting import known_of
from biodata.surveys.check import check_paths
from biodata.surveys.difference import RECORD, as_dict, difference_of, of_upload
from biodata.surveys.notices import rules_and_taxa
from biodata.surveys.problems import Problem, problem_of, problem_of_file, report_of, with_problems

logger = logging.getLogger(__name__)
_TWO_PARTS: Final = "IDENTIFIER_IN_TWO_PARTS"
_IDENTIFIED: Final = (("occurrences", RECORD, "occurrenceID"), ("events", "eventID", "eventID"))
_ONE_BY_ONE: Final = 10  # of more rows in one other part it is stated once, at the first: the file is that part's


@dataclass(frozen=True, eq=False)
class _Change:
    difference: Mapping[str, Any]
    view: survey_files.View
    concerned: set[str]
    countries: set[str]


class UploadReading(ExitStack):
    """What was read of a submission's file, once for all that a job asks of it; use it in a `with` block."""

    def __init__(self, settings: Settings, lake: Lake) -> None:
        super().__init__()
        self.lake, self._settings = lake, settings
        self._read: tuple[Any, pipeline.Interpreted] | None = None

    def read(self, submission: Submission, path: Path) -> pipeline.Interpreted:
        """Return what a file brings, as its check wrote it down; refuse one that cannot be taken in."""
        asked = submission.id, path, self.lake.snapshot(), pipeline.tombstones(self._settings)
        if self._read is None or self._read[0] != asked:
            self.close()
            self._read = None
            opened = pipeline.Opened(forms.SHEETS, [path], self._settings, dataset=submission.dataset)
            asking: dict[str, Any] = {"extra": {"submission": submission.id}, "part": submission.part, "with_countries": True}  # fmt: skip
            self._read = asked, self.enter_context(pipeline.interpreting(opened, self.lake, self._settings, **asking))
        return self._read[1]


class _MovedOnError(Exception):
    """Another version of the part came in since it was worked out what changes; nothing is written."""


def process(settings: Settings, registry: Registry, number: int) -> dict[str, Any]:
    """Take a submission as far as it can go without anybody; a second call after a cut goes on where the first was."""
    # Rules that are missing are whoever runs the service's to mend, and no fault of the survey: it waits.
    rules_of(registry)
    submission = _read(registry, number)
    unchecked = submission.state == "draft" and submission.report is None
    if unchecked or submission.state in ("accepted", COMMITTING):
        with (
            Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
            UploadReading(settings, lake) as reading,
        ):
            if unchecked:
                _prepare(settings, registry, submission, reading)
                submission = _read(registry, number)
            if submission.state in ("accepted", COMMITTING):
                _commit(settings, registry, submission, reading)
    with _changing(registry, number) as (session, submission):  # a job that was cut off comes here, too
        if survey_steps.state_of(session, submission) == survey_steps.COMMITTED:
            # Released once, with all others that are in the lake and not on the map.
            submission.job_id = jobs.add_once(session, RELEASE_JOB)
        return {"submission": number, "state": submission.state, "report": submission.report}


@contextmanager
def _changing(registry: Registry, number: int) -> Iterator[tuple[Session, Submission]]:
    with registry.session() as session, session.begin():
        yield session, session.get_one(Submission, number)


def _read(registry: Registry, number: int) -> Submission:
    with registry.session(read_only=True) as session:
        return session.get_one(Submission, number)


def _prepare(settings: Settings, registry: Registry, submission: Submission, reading: UploadReading) -> None:
    base, shown = _current(registry, submission), None
    try:
        path, report = _checked(settings, registry, submission, reading.lake)
        if report["ok"]:
            read = reading.read(submission, path)
            brought = of_upload(read, submission.dataset)
            faults = _in_two_parts(brought, reading.lake, submission)
            report = with_problems(report, [*_withdrawn(read, path.name, submission.file_name), *faults])
        if report["ok"]:
            shown = pipeline.preview(read, reading.lake, settings, dataset=submission.dataset)
            # Whose records go, or are stated anew, is asked too, whatever the file itself tells.
            countries = sides.countries(read) | shown.touched
    except InputError as error:
        report, shown = _one_problem(submission.file_name, error), None
    change = None
    if shown is not None:
        part, published = (submission.dataset, submission.part), _published(shown)
        found = difference_of(brought, reading.lake, *part, published=published)
        keep_report(settings.data, f"difference-{submission.id}", as_dict(found))
        waits = shown.waiting["places"].value_counts().sort("places").iter_rows()
        facts = {"base": base, **as_dict(found, values=False), review.WAITS: {str(n): count for n, count in waits}}
        change = _Change(facts, *views.view_of(shown, found, countries), countries)
    _settle(settings, registry, submission.id, report, change)


def _in_two_parts(brought: Mapping[str, pl.DataFrame], lake: Lake, submission: Submission) -> list[Problem]:
    """Return the rows of a file (`difference.of_upload`) whose identifiers another part has; of many rows the first, with their number."""
    where = Compare("datasetKey", "=", submission.dataset)
    found = []
    for table, name, term in _IDENTIFIED:
        had = lake.read(table, columns=[name, "dataset_part", "source_row"], where=where)
        had = had.filter(~pl.col("dataset_part").eq_missing(submission.part)).rename({name: "identifier"})
        rows = brought[table].select("identifier", "sheet", "row").join(had, on="identifier", maintain_order="left")
        for (part,), both in rows.group_by("dataset_part", maintain_order=True):
            many = both.height > _ONE_BY_ONE
            for row in both[:1].iter_rows(named=True) if many else both.iter_rows(named=True):
                more = {"count": str(both.height)} if many else {"other_row": str(row["source_row"] or "-")}
                place = (submission.file_name, row["sheet"], row["row"], term, row["identifier"], _TWO_PARTS, True)
                found.append(problem_of(Finding(*place, {"part": str(part or "-"), **more}), "en"))
    return found


def _withdrawn(read: pipeline.Interpreted, kept_as: str, name: str) -> list[Problem]:
    refused = [one for table in read.tables for one in table.report.refusals if one.code == CODE]
    blocks = bool(refused) and read.frames()[1].is_empty()
    placed = [(name if one.file in ("", kept_as) else one.file, one.sheet, one.row) for one in refused]
    return [problem_of(Finding(*place, None, None, CODE, blocks), "en") for place in placed]


def _current(registry: Registry, submission: Submission) -> int | None:
    with registry.session(read_only=True) as session:
        last = survey_steps.last_of(session, submission.dataset, submission.part)
        return None if last is None else last.id


def _published(shown: pipeline.Preview) -> dict[str, Sequence[str]]:
    called = shown.had.join(shown.before.select("key", "occurrenceID"), on="key")
    records = called.filter(pl.col("identifier") == pl.col("occurrenceID"))["identifier"]
    return {"events": sorted(shown.events_before), "occurrences": records.to_list()}


def _checked(settings: Settings, registry: Registry, submission: Submission, lake: Lake) -> tuple[Path, dict[str, Any]]:
    boundaries = places.load_boundaries(settings.boundaries)
    path, name = _opened(settings, submission), submission.file_name
    rules, known = rules_and_taxa(settings, lake)
    # The licence that was stated with an earlier file stands in `license`.
    of_dataset = known_of(registry, submission.dataset) | {"inherited": None}
    target = survey_files.stripped_file(settings.data, submission.file_sha256, submission.id)
    is_taken = path.suffix == interpreted_tables.SUFFIX
    report = check_paths(
        [(name, path)], boundaries, rules=rules, known=known, licence=submission.license, **of_dataset,
        dataset=submission.dataset, target=None if is_taken else target, params=True,
    )  # fmt: skip
    if is_taken:
        return path, report
    if report["form"] != forms.SHEETS:
        path.unlink()  # it may hold people; nobody knows what one of no form holds
    with registry.session() as session, session.begin():  # what was marked in the workbook itself, too
        accepting.remember(session, submission.dataset, report["accepts"], account_id=submission.account_id)
    return target, report


def _commit(settings: Settings, registry: Registry, submission: Submission, reading: UploadReading) -> None:
    """Take a submission into the lake, whole or not at all: its part has these rows then, or none where it removes the part."""
    lake, number, part = reading.lake, submission.id, (submission.dataset, submission.part)
    base, is_in = _current(registry, submission), _version_of(lake, number) is not None
    read: pipeline.Interpreted | None = None

    def see_base() -> None:
        _put_down_others(registry, submission, lake)
        if read is not None and not is_in and _current(registry, submission) != base:
            raise _MovedOnError

    try:
        if not submission.removes:
            read = reading.read(submission, _tables(settings, submission))
        with _changing(registry, number) as (session, found):
            if found.state not in ("accepted", COMMITTING):  # taken back meanwhile
                return
            if read is not None and not is_in and _is_outdated(session, found, read):
                _look_again(session, found)
                return
            found.state = COMMITTING
        report = submission.report
        doing: dict[str, Any] = {"extra": {"submission": number}, "check": see_base}
        if read is not None:
            snapshot = pipeline.commit(read, lake, settings, **doing)[-1].snapshot
        else:
            message = f"part {part[1]} of {part[0]} removed"
            with lake.staging() as nothing, lake.row_files("events") as no_events:
                records, events = lake.commit_survey(nothing, no_events, part=part, author="survey", message=message, **doing)  # fmt: skip
            snapshot, gone = records.snapshot, {"records": {"gone": records.gone}, "events": {"gone": events.gone}}
            report = {"file": None, "ok": True, "problems": [], **gone}
    except _MovedOnError:
        with _changing(registry, number) as (session, found):
            _look_again(session, found)
        return
    except InputError as error:  # a checklist is another, or a row stands in another part by now
        logger.warning("survey %d cannot go in: %s", number, error)
        _settle(settings, registry, number, _one_problem(submission.file_name, error))
        return
    with _changing(registry, number) as (session, found):
        found.report = report
        survey_steps.committed(session, found, snapshot=_version_of(lake, number) or snapshot)


def _tables(settings: Settings, submission: Submission) -> Path:
    """Return where the tables lie that come in: a submission's own, else those of the one that it restores."""
    own, *earlier = (survey_files.stripped_file(settings.data, submission.file_sha256, number)
                     for number in (submission.id, submission.restores) if number is not None)  # fmt: skip
    return own if own.exists() or not earlier else earlier[0]


def _put_down_others(registry: Registry, submission: Submission, lake: Lake) -> None:
    """Put down the versions of a part that the lake has and a worker that was cut off did not, so that they keep their order."""
    with registry.session() as session, session.begin():
        own = (Submission.dataset == submission.dataset) & (Submission.part == submission.part)
        others = (Submission.state == COMMITTING) & (Submission.id != submission.id)
        versions = {_version_of(lake, one.id): one for one in session.scalars(select(Submission).where(own, others))}
        for snapshot in sorted(version for version in versions if version is not None):
            survey_steps.committed(session, versions[snapshot], snapshot=snapshot)


def _version_of(lake: Lake, number: int) -> int | None:
    versions = lake.snapshots()
    own = versions.filter(versions["extra"].str.json_path_match("$.submission") == str(number))
    return None if own.is_empty() else int(own["snapshot"][0])


def _is_outdated(session: Session, submission: Submission, read: pipeline.Interpreted) -> bool:
    """Return whether what was accepted is not what would happen: its part has gone on since, the rules have, or rows were withdrawn."""
    known = sum(one["code"] == CODE for one in (submission.report or {}).get("problems", ()))
    if len(_withdrawn(read, "", "")) > known:
        return True
    if not {sides.ACCEPTED, sides.UNCHANGED} & set((submission.sides or {}).values()):  # nobody looked at it
        return False
    last = survey_steps.last_of(session, submission.dataset, submission.part)
    is_base = (submission.difference or {}).get("base") == (last and last.id)
    return not is_base or survey_files.hash_of(session, submission.id) != rules_in(session).hash


def _look_again(session: Session, submission: Submission) -> None:
    survey_steps.outdated(session, submission)
    submission.job_id = jobs.add(session, JOB, {"submission": submission.id})


def _opened(settings: Settings, submission: Submission) -> Path:
    """Return where a submission's file lies beside the lake, where the service cannot read it; open it out first."""
    data, checksum = settings.data, submission.file_sha256
    arrived, path = survey_files.waiting(data, checksum), survey_files.file_kept(data, checksum, submission.file_name)
    taken = survey_files.stripped_file(data, checksum, submission.restores or submission.id)
    if not path.exists():
        if taken.exists():
            arrived.unlink(missing_ok=True)  # of a worker that was cut off
            return taken
        if not arrived.exists():
            message = f"submission {submission.id}: its file is not there"
            raise StoreError(message)
        survey_files.open_out(data, arrived, path)
    if checksums.digest(path).sha256 != checksum:
        message = f"submission {submission.id}: the kept file is not the one that was sent"
        raise StoreError(message)
    arrived.unlink(missing_ok=True)
    return path


def _settle(settings: Settings, registry: Registry, number: int, report: Mapping[str, Any], change: _Change | None = None) -> None:  # fmt: skip
    """Put down what the check found: in the registry without values, in full beside the lake; without a change it is refused."""
    keep_report(settings.data, f"submission-{number}", report)
    with _changing(registry, number) as (session, found):
        if found.state == "withdrawn":  # meanwhile, and what was just written is to go, too
            purges.forget_submission(session, settings.data, found)
        if found.state != "draft" and (change is not None or found.state not in ("accepted", COMMITTING)):
            return
        found.report = problems.kept(report)
        if change is None:
            survey_steps.step(session, found, "refused", state="refused", actor=MACHINE, role=MACHINE)
            return
        found.difference = dict(change.difference)
        found.sides = sides.asked(session, settings, found, change.countries, concerned=change.concerned)
        asking = review.asking(session, found)  # it is checked again, and nobody has answered yet
        asked_still = {side for side in asking if found.sides[side] == sides.UNCHANGED}
        found.sides = found.sides | dict.fromkeys(asked_still, sides.WAITING)
        survey_files.keep_view(session, number, change.view)
        state, action = ("asked" if asking else "submitted", "submitted") if found.wanted else ("draft", "checked")
        survey_steps.step(session, found, action, state=state, actor=MACHINE, role=MACHINE)
        if state == "submitted":
            review.replace(session, found)
            sides.accept_if_nobody_waits(session, found)


def _one_problem(name: str, error: InputError) -> dict[str, Any]:
    return report_of(name, 0, [problem_of_file(error, name, "en", file=name)], params=True)
