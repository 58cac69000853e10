"""What the worker does with a submission: opens it, checks it, tells what it would change, and takes in what it may.

Each step ends in the registry; a worker that dies in between begins that step again, and the lake knows by the number
that each commit carries whether it has a survey already. So there is never half of one.
"""

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy.orm import Session

from biodata import jobs, pipeline, places
from biodata.access import traces
from biodata.access.consent import RELEASE_JOB
from biodata.errors import InputError, StoreError
from biodata.ingest import forms, taken_tables
from biodata.settings import Settings
from biodata.store import heading_mappings, survey_files, survey_steps, survey_views
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.private_reports import keep_report
from biodata.store.registry import Registry
from biodata.store.sharing_rules import rules_in, rules_of
from biodata.store.survey_steps import COMMITTING, JOB, MACHINE
from biodata.store.tombstones import CODE
from biodata.surveys import (
    accepting,
    conversation,
    kept_reports,
    other_parts,
    parts,
    row_sides,
    sides,
    telling,
    views,
    withdrawn_rows,
)
from biodata.surveys.check import check_paths
from biodata.surveys.licences import OfDataset, forget_unused, of_dataset
from biodata.surveys.notices import rules_and_taxa
from biodata.surveys.problems import problem_of_file, report_of, with_problems
from biodata.surveys.upload_reading import UploadReading, options_of

logger = logging.getLogger(__name__)


class _MovedOnError(Exception):
    """Another version of the part came in since it was worked out what changes; nothing is written."""


def process(settings: Settings, registry: Registry, number: int) -> dict[str, Any]:
    """Take a submission as far as it can go without anybody; a second call after a cut goes on where the first was.

    Parameters
    ----------
    settings, registry
        The installation.
    number : int
        The submission.

    Returns
    -------
    dict
        `submission`, `state` and `report`, without any value of the file.

    Raises
    ------
    RulesUnreadableError
        If the sharing rules cannot be read; nothing is changed then.
    """
    # Rules that are missing are whoever runs the service's to mend, and no fault of the survey: it waits.
    rules_of(registry)
    submission = _read(registry, number)
    if _is_to_do(submission):
        with (
            Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
            UploadReading(settings, lake) as reading,
        ):
            if submission.state == "draft":
                _prepare(settings, registry, submission, reading)
                submission = _read(registry, number)
            if submission.state in ("accepted", COMMITTING):
                if submission.removes:
                    _remove(settings, registry, submission, lake)
                else:
                    _commit(settings, registry, submission, reading)
                submission = _read(registry, number)
    if submission.state == survey_steps.COMMITTED:  # a job that was cut off comes here, too
        _release_if_due(registry, number)
    return {"submission": number, "state": submission.state, "report": submission.report}


def _is_to_do(submission: Submission) -> bool:
    """Tell whether it can go further without anybody."""
    unchecked = submission.state == "draft" and submission.report is None
    return unchecked or submission.state in ("accepted", COMMITTING)


def _read(registry: Registry, number: int) -> Submission:
    """Return a submission as it stands."""
    with registry.session(read_only=True) as session:
        return session.get_one(Submission, number)


def _prepare(settings: Settings, registry: Registry, submission: Submission, reading: UploadReading) -> None:
    """Check a submission, tell what it would change, and let it wait for whoever reviews it."""
    options, base = options_of(registry, submission), _current(registry, submission)
    shown = None
    countries: set[str] = set()
    try:
        path, report = _checked(settings, registry, submission, reading.lake)
        if report["ok"]:
            read = reading.read(submission, path, options)
            faults = [*withdrawn_rows.problems(read, path.name, submission.file_name),
                     *other_parts.problems(reading.brought, reading.lake, submission)]  # fmt: skip
            report = with_problems(report, faults)
        if report["ok"]:
            shown = pipeline.preview(read, reading.lake, settings, dataset=submission.dataset)
            # Whose records go, or are told anew, is asked too, whatever the file itself tells.
            countries = sides.countries(read) | shown.touched
            forget_unused(registry, submission, read)
    except InputError as error:
        report = _one_problem(submission.file_name, error)
    if shown is None:
        _settle(settings, registry, submission.id, report, action="refused", state="refused")
        return
    found = reading.difference(submission, published=_published(shown))
    keep_report(settings.data, f"difference-{submission.id}", found.as_dict())
    view, told_to = views.view_of(shown, countries), row_sides.told_to(shown, countries)
    found = replace(found, events=row_sides.with_sides(found.events, told_to["events"]),
                    occurrences=row_sides.with_sides(found.occurrences, told_to["occurrences"]))  # fmt: skip
    concerned = row_sides.concerned(found, shown, view, countries)
    state, action = ("submitted", "submitted") if submission.wanted else ("draft", "checked")
    _settle(settings, registry, submission.id, report, action=action, state=state, countries=countries,
            concerned=concerned, difference={"base": base, **found.as_dict(values=False), **_waits(shown)}, view=view)  # fmt: skip


def _current(registry: Registry, submission: Submission) -> int | None:
    """Return the submission that a part has now; None of a part that the dataset has not."""
    with registry.session(read_only=True) as session:
        last = survey_steps.last_of(session, submission.dataset, submission.part)
        return None if last is None else last.id


def _published(shown: pipeline.Preview) -> dict[str, Sequence[str]]:
    """Return what the current release calls the dataset's rows."""
    called = shown.had.join(shown.before.select("key", "occurrenceID"), on="key")
    records = called.filter(pl.col("identifier") == pl.col("occurrenceID"))["identifier"]
    return {"events": sorted(shown.events_before), "occurrences": records.to_list()}


def _waits(shown: pipeline.Preview) -> dict[str, dict[str, int]]:
    """Return how many records wait for more places, by how many there are."""
    counts = shown.waiting["places"].value_counts().sort("places").iter_rows()
    return {telling.WAITS: {str(places): count for places, count in counts}}


def _checked(settings: Settings, registry: Registry, submission: Submission, lake: Lake) -> tuple[Path, dict[str, Any]]:
    """Return the tables that come in of a submission's file, with what is wrong in it.

    From here on they are read, never the file again. Of a file in another form than sheets nothing else is kept: it may
    hold people, or a patrol's arrests.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    kept = heading_mappings.kept(registry, submission.dataset)
    path, name = _opened(settings, registry, submission), submission.file_name
    rules, known = rules_and_taxa(settings, lake)
    # The licence that was stated with an earlier file stands in `license`.
    licences = OfDataset(registered=of_dataset(registry, submission.dataset).registered)
    target = survey_files.taken(settings.data, submission.file_sha256, submission.id)
    is_taken = path.suffix == taken_tables.SUFFIX
    report = check_paths(
        [(name, path)], boundaries, kept=kept, rules=rules, known=known, licence=submission.license, licences=licences,
        dataset=submission.dataset, target=None if is_taken else target, params=True,
        accepted=accepting.accepted_of(registry, submission.dataset),
    )  # fmt: skip
    if is_taken:
        return path, report
    if report["form"] != forms.SHEETS:
        path.unlink()  # it may hold people; nobody knows what one of no form holds
    with registry.session() as session, session.begin():  # what was marked in the workbook itself, too
        accepting.remember(session, submission.dataset, report["accepts"], account_id=submission.account_id)
    return target, report


def _commit(settings: Settings, registry: Registry, submission: Submission, reading: UploadReading) -> None:
    """Take a submission into the lake, whole or not at all."""
    lake = reading.lake
    own, of_restored = (
        survey_files.taken(settings.data, submission.file_sha256, number)
        for number in (submission.id, submission.restores or submission.id)
    )
    path = own if own.exists() else of_restored
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        if found.state not in ("accepted", COMMITTING):  # taken back meanwhile
            return
        decided = bool({sides.ACCEPTED, sides.UNCHANGED} & set((found.sides or {}).values()))
        if decided and _version_of(lake, submission.id) is None and _is_outdated(session, found):
            _look_again(session, found)
            return
    base = _current(registry, submission)
    try:
        read = reading.read(submission, path, options_of(registry, submission))
    except InputError as error:  # a checklist is another
        _refuse(settings, registry, submission, error)
        return
    lost = _loses_more(submission, read) and _version_of(lake, submission.id) is None
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        if found.state not in ("accepted", COMMITTING):
            return
        if lost:
            _look_again(session, found)
            return
        found.state = COMMITTING

    def check_base() -> None:
        if _current(registry, submission) != base and _version_of(lake, submission.id) is None:
            raise _MovedOnError

    try:
        reports = pipeline.commit(read, lake, settings, extra={"submission": submission.id}, check=check_base)
    except _MovedOnError:
        with registry.session() as session, session.begin():
            _look_again(session, session.get_one(Submission, submission.id))
        return
    except InputError as error:
        _refuse(settings, registry, submission, error)
        return
    report = {**(submission.report or {}), "taken_in": [one.without_values() for one in reports]}
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        found.report = report
        survey_steps.committed(session, found, snapshot=_version_of(lake, submission.id) or reports[-1].snapshot)


def _remove(settings: Settings, registry: Registry, submission: Submission, lake: Lake) -> None:
    """Let a part have no rows any more: a version like any other, which an earlier one may follow again."""
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        if found.state not in ("accepted", COMMITTING):  # taken back meanwhile
            return
        found.state = COMMITTING
    with lake.staging() as nothing, lake.row_files("events") as no_events:
        records, events = lake.commit_survey(
            nothing, no_events, part=(submission.dataset, submission.part), author="survey",
            message=f"part {submission.part} of {submission.dataset} removed", extra={"submission": submission.id},
        )  # fmt: skip
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        counts = {"records": {"gone": records.gone}, "events": {"gone": events.gone}}
        found.report = {"file": None, "ok": True, "problems": [], **counts}
        survey_steps.committed(session, found, snapshot=_version_of(lake, submission.id) or records.snapshot)


def _release_if_due(registry: Registry, number: int) -> None:
    """Let a submission that is in the lake and not on the map be released, once with all others that are."""
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, number)
        if survey_steps.state_of(session, found) == survey_steps.COMMITTED:
            found.job_id = jobs.add_once(session, RELEASE_JOB)


def _version_of(lake: Lake, number: int) -> int | None:
    """Return the version of the lake that a submission made; None where it made none."""
    versions = lake.snapshots()
    own = versions.filter(versions["extra"].str.json_path_match("$.submission") == str(number))
    return None if own.is_empty() else int(own["snapshot"][0])


def _refuse(settings: Settings, registry: Registry, submission: Submission, error: InputError) -> None:
    """Put down why an accepted submission cannot go in."""
    logger.warning("survey %d cannot go in: %s", submission.id, error)
    report = _one_problem(submission.file_name, error)
    keep_report(settings.data, f"submission-{submission.id}", report)
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        if found.state == "withdrawn":  # meanwhile, and what was just written is to go, too
            traces.forget_submission(session, settings.data, found)
        if found.state not in ("accepted", COMMITTING):
            return
        found.report = kept_reports.kept(report)
        survey_steps.step(session, found, "refused", state="refused", actor=MACHINE, role=MACHINE)


def _is_outdated(session: Session, submission: Submission) -> bool:
    """Tell whether what was accepted is not what would happen: its part has gone on since, or the sharing rules have."""
    last = survey_steps.last_of(session, submission.dataset, submission.part)
    if (submission.difference or {}).get("base") != (None if last is None else last.id):
        return True
    is_same: bool = survey_views.hash_of(session, submission.id) == rules_in(session).hash
    return not is_same


def _loses_more(submission: Submission, read: pipeline.Interpreted) -> bool:
    """Tell whether rows would be left out that were withdrawn since it was checked."""
    known: int = sum(one["code"] == CODE for one in (submission.report or {}).get("problems", ()))
    return withdrawn_rows.count(read) > known


def _look_again(session: Session, submission: Submission) -> None:
    """Let a submission be checked once more."""
    survey_steps.outdated(session, submission)
    submission.job_id = jobs.add(session, JOB, {"submission": submission.id})


def _opened(settings: Settings, registry: Registry, submission: Submission) -> Path:
    """Return where a submission's file lies beside the lake, where the service cannot read it; open it out first.

    Where the file itself is not kept, that is what was taken of it.
    """
    data = settings.data
    arrived = survey_files.waiting(data, submission.file_sha256)
    path = survey_files.kept(data, submission.file_sha256, submission.file_name)
    if path.exists():
        _check_content(path, submission)
        arrived.unlink(missing_ok=True)
        return path
    taken = survey_files.taken(data, submission.file_sha256, submission.restores or submission.id)
    if taken.exists():
        arrived.unlink(missing_ok=True)  # of a worker that was cut off
        return taken
    if submission.upload_id is not None:
        return _from_parts(settings, registry, submission)
    if not arrived.exists():
        message = f"submission {submission.id}: its file is not there"
        raise StoreError(message)
    survey_files.open_out(data, [arrived], path)
    _check_content(path, submission)
    arrived.unlink()
    return path


def _from_parts(settings: Settings, registry: Registry, submission: Submission) -> Path:
    """Put the parts of an upload together; from then on it is known by the checksum that it really has."""
    data, upload = settings.data, str(submission.upload_id)
    part = survey_files.kept(data, f"upload-{upload}", submission.file_name)
    survey_files.open_out(data, parts.files_of(registry, data, upload), part)
    with part.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    told = parts.told_checksum(registry, upload)
    if told not in (None, checksum):
        part.unlink()
        problem = "the parts together are not the file that was told: its SHA-256 is another"
        raise InputError(problem, file=submission.file_name, expected=f"sha256 {told}", code="CHECKSUM_WRONG")
    path = survey_files.kept(data, checksum, submission.file_name)
    part.replace(path)
    with registry.session() as session, session.begin():
        session.get_one(Submission, submission.id).file_sha256 = checksum
    submission.file_sha256 = checksum
    shutil.rmtree(survey_files.parts_folder(data, upload), ignore_errors=True)
    return path


def _check_content(path: Path, submission: Submission) -> None:
    """Make sure that a kept file is the one that was sent."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != submission.file_sha256:
            message = f"submission {submission.id}: the kept file is not the one that was sent"
            raise StoreError(message)


def _settle(
    settings: Settings, registry: Registry, number: int, report: Mapping[str, Any], *, action: str, state: str,
    difference: Mapping[str, Any] | None = None, countries: set[str] | None = None,
    view: survey_views.View | None = None, concerned: set[str] | None = None,
) -> None:  # fmt: skip
    """Put down what the check found: in the registry without values, in full beside the lake; and what it would publish."""
    keep_report(settings.data, f"submission-{number}", report)
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, number)
        if found.state == "withdrawn":  # meanwhile, and what was just written is to go, too
            traces.forget_submission(session, settings.data, found)
        if found.state != "draft":
            return
        found.report = kept_reports.kept(report)
        found.difference = dict(difference) if difference is not None else None
        if countries is not None:
            looked_at = (concerned or countries) | conversation.asking(session, found)
            found.sides = sides.asked(session, settings, found, countries, concerned=looked_at)
        if view is not None:
            survey_views.keep(session, number, view)
        if state == "submitted" and conversation.asking(session, found):
            state = "asked"  # checked again, and nobody has answered yet
        survey_steps.step(session, found, action, state=state, actor=MACHINE, role=MACHINE)
        if state == "submitted":
            conversation.replace(session, found)
            sides.accept_if_nobody_waits(session, found)


def _one_problem(name: str, error: InputError) -> dict[str, Any]:
    """Return the report of a file that could not even be opened."""
    return report_of(name, 0, [problem_of_file(error, name, "en", file=name)], params=True)
