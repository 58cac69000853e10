"""What the worker does with a submission: opens it, checks it, tells what it would change, and takes in what it may.

Each step ends in the registry; a worker that dies in between begins that step again, and the lake knows by the number
that each commit carries whether it has a survey already. So there is never half of one.
"""

import hashlib
import logging
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy.orm import Session

from biodata import jobs, pipeline, places
from biodata.access import traces
from biodata.errors import InputError, StoreError
from biodata.ingest import forms, taken_tables
from biodata.settings import Settings
from biodata.store import heading_mappings, survey_files, survey_steps, survey_views
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.private_reports import keep_report
from biodata.store.registry import Registry
from biodata.store.secret import secret
from biodata.store.sharing_rules import rules_in, rules_of
from biodata.store.survey_steps import JOB, MACHINE
from biodata.store.tombstones import CODE
from biodata.surveys import (
    conversation,
    correcting,
    gone_rows,
    kept_reports,
    other_forms,
    parts,
    renaming,
    returning,
    row_sides,
    sides,
    standing,
    telling,
    views,
    withdrawn_rows,
)
from biodata.surveys.check import check
from biodata.surveys.comparing import SAME
from biodata.surveys.difference import Corrected, Difference
from biodata.surveys.licences import OfDataset, forget_unused, of_dataset
from biodata.surveys.notices import rules_and_taxa
from biodata.surveys.problems import problem_of_file, report_of, with_problems
from biodata.surveys.upload_reading import UploadReading, options_of

logger = logging.getLogger(__name__)


class _MovedOnError(Exception):
    """Another survey came into the dataset since it was worked out what goes; nothing is written."""


def take(settings: Settings, registry: Registry, number: int) -> dict[str, Any]:
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
            if submission.state in ("accepted", "committing"):
                _publish(settings, registry, submission, reading)
                submission = _read(registry, number)
    return {"submission": number, "state": submission.state, "report": submission.report}


def _is_to_do(submission: Submission) -> bool:
    """Tell whether it can go further without anybody."""
    unchecked = submission.state == "draft" and submission.report is None
    return unchecked or submission.state in ("accepted", "committing")


def _read(registry: Registry, number: int) -> Submission:
    """Return a submission as it stands."""
    with registry.session(read_only=True) as session:
        return session.get_one(Submission, number)


def _prepare(settings: Settings, registry: Registry, submission: Submission, reading: UploadReading) -> None:
    """Check a submission, tell what it would change, and let it wait for whoever reviews it."""
    options = options_of(registry, submission)
    base = _last_version(registry, submission.dataset)
    found = shown = None
    countries: set[str] = set()
    about, held = None, False
    try:
        path, report = _checked(settings, registry, submission, reading.lake)
        if report["ok"]:
            read = reading.read(submission, path, options)
            report = with_problems(report, withdrawn_rows.problems(read, path.name, submission.file_name))
        if report["ok"]:
            of = _corrected(settings, registry, submission, reading.lake)
            found = reading.difference(submission, path, options, of=of)
            about = found.fingerprint(secret(settings.data))
            held = renaming.unanswered(submission, found, about)
            if held and submission.renamed is not None:  # it was said of other rows, or cannot be done
                found = reading.difference(submission, path, options, answered=False, of=of)
            read = reading.read(submission, path, options)
            shown = pipeline.preview(
                read, reading.lake, settings, dataset=submission.dataset, complete=submission.complete,
                renamed=found.occurrences.renamed() if not held and _is_sure(submission, found) else {},
                gone=found.occurrences.gone(),
            )  # fmt: skip
            found = gone_rows.told(found, registry, reading.lake, published=_published(shown))
            # Whose records go, or are told anew, is asked too, whatever the file itself tells.
            countries = sides.countries(read) | shown.touched
            forget_unused(registry, submission, read)
    except InputError as error:
        report = _one_problem(submission.file_name, error)
    if found is None or shown is None:
        _settle(settings, registry, submission.id, report, action="refused", state="refused")
        return
    keep_report(settings.data, f"difference-{submission.id}", found.as_dict())
    view, told_to = views.view_of(shown, countries), row_sides.told_to(shown, countries)
    found = replace(found, events=row_sides.with_sides(found.events, told_to["events"]),
                    occurrences=row_sides.with_sides(found.occurrences, told_to["occurrences"]))  # fmt: skip
    concerned = row_sides.concerned(found, shown, view, countries)
    state, action = ("submitted", "submitted") if submission.wanted else ("draft", "checked")
    if held:
        state, action = "draft", "held" if submission.wanted else "checked"
    _settle(settings, registry, submission.id, report, action=action, state=state, countries=countries, concerned=concerned,
            about=about, held=held, told={"base": base, **found.as_dict(values=False), **_waits(shown)}, view=view)  # fmt: skip


def _published(shown: pipeline.Preview) -> dict[str, Collection[str]]:
    """Return what the current release calls the dataset's rows."""
    called = shown.had.join(shown.before.select("key", "occurrenceID"), on="key")
    records = called.filter(pl.col("identifier") == pl.col("occurrenceID"))["identifier"]
    return {"events": shown.events_before, "occurrences": records.to_list()}


def _waits(shown: pipeline.Preview) -> dict[str, dict[str, int]]:
    """Return how many records wait for more places, by how many there are."""
    counts = shown.waiting["places"].value_counts().sort("places").iter_rows()
    return {telling.WAITS: {str(places): count for places, count in counts}}


def _checked(settings: Settings, registry: Registry, submission: Submission, lake: Lake) -> tuple[Path, dict[str, Any]]:
    """Return the file that is kept of a submission, with what is wrong in it.

    Of a file in another form than sheets only what came in is kept: it may hold people, or a patrol's arrests.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    kept = heading_mappings.kept(registry, submission.dataset)
    path, name = _opened(settings, registry, submission), submission.file_name
    rules, known = rules_and_taxa(settings, lake)
    licences = OfDataset(
        registered=of_dataset(registry, submission.dataset).registered
    )  # the other one stands in `license`
    if path.suffix == taken_tables.SUFFIX:
        return path, other_forms.check_taken(path, name, boundaries, rules=rules, known=known, licences=licences,
                                               params=True)  # fmt: skip
    try:
        form = forms.recognise([path], names=[name])
        if form == forms.SHEETS:
            with path.open("rb") as file:
                return path, check(
                    file,
                    name,
                    boundaries,
                    kept=kept,
                    rules=rules,
                    known=known,
                    licence=submission.license,
                    licences=licences,
                    dataset=submission.dataset,
                    params=True,
                )
        target = survey_files.taken(settings.data, submission.file_sha256, submission.id)
        report = other_forms.check(
            [(name, path)], form, boundaries, target=target, dataset=submission.dataset, kept=kept, rules=rules, known=known,
            licence=submission.license, licences=licences, params=True,
        )  # fmt: skip
    except InputError:
        path.unlink()  # nobody knows what it holds
        raise
    path.unlink()
    return target, report


def _publish(settings: Settings, registry: Registry, submission: Submission, reading: UploadReading) -> None:
    """Take a submission into the lake, whole or not at all."""
    path = _opened(settings, registry, submission)
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        if found.state not in ("accepted", "committing"):  # taken back meanwhile
            return
        decided = found.state == "accepted" and {sides.ACCEPTED, sides.UNCHANGED} & set((found.sides or {}).values())
        if decided and _is_outdated(session, found):
            _look_again(session, found)
            return
    options = options_of(registry, submission)
    others = _others(registry, submission)
    try:
        of = _corrected(settings, registry, submission, reading.lake)
        now = reading.difference(submission, path, options, of=of)
        read = reading.read(submission, path, options)
    except InputError as error:  # something was withdrawn since it was checked, or a checklist is another
        _refuse(settings, registry, submission, error)
        return
    untold = _lost_untold(submission, read, reading.lake)
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        if found.state not in ("accepted", "committing"):
            return
        if untold or renaming.unanswered(found, now, now.fingerprint(secret(settings.data))):
            _look_again(session, found)
            return
        found.state = "committing"

    def check() -> None:
        # What goes is what others did not say then.
        moved_on = now.whole and _others(registry, submission) != others
        if moved_on and not standing.has(reading.lake, submission.id):
            raise _MovedOnError

    try:
        taken_in = _commit(settings, submission, read, reading.lake, now, check=check)
    except _MovedOnError:
        with registry.session() as session, session.begin():
            _look_again(session, session.get_one(Submission, submission.id))
        return
    except InputError as error:
        _refuse(settings, registry, submission, error)
        return
    report = {**(submission.report or {}), "taken_in": [one.without_values() for one in taken_in]}
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        found.report = report
        survey_steps.committed(session, found, snapshot=taken_in[-1].snapshot)


def _others(registry: Registry, submission: Submission) -> set[tuple[int, bool]]:
    """Return the other surveys that are in its dataset, or are being written to it, and whether each is taken back."""
    with registry.session(read_only=True) as session:
        return {
            (one.id, one.state == "withdrawn")
            for one in correcting.of_dataset(session, submission.dataset)
            if one.id != submission.id and (one.dataset_version is not None or one.state == survey_steps.COMMITTING)
        }


def _refuse(settings: Settings, registry: Registry, submission: Submission, error: InputError) -> None:
    """Put down why an accepted submission cannot go in."""
    logger.warning("survey %d cannot go in: %s", submission.id, error)
    report = _one_problem(submission.file_name, error)
    keep_report(settings.data, f"submission-{submission.id}", report)
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, submission.id)
        if found.state == "withdrawn":  # meanwhile, and what was just written is to go, too
            traces.forget_submission(session, settings.data, found)
        if found.state not in ("accepted", "committing"):
            return
        found.report = kept_reports.kept(report)
        survey_steps.step(session, found, "refused", state="refused", actor=MACHINE, role=MACHINE)


def _is_outdated(session: Session, submission: Submission) -> bool:
    """Tell whether what was accepted is not what would happen: the dataset has gone on since, or the sharing rules have."""
    base, rules = (submission.difference or {}).get("base"), survey_views.hash_of(session, submission.id)
    corrects = correcting.corrected(correcting.of_dataset(session, submission.dataset), submission)
    if corrects != (submission.difference or {}).get("corrects"):  # that was published, or taken back
        return True
    unchanged = sides.UNCHANGED in (submission.sides or {}).values()
    about_all = submission.complete or corrects is not None or unchanged
    if about_all and base != survey_steps.last_version(session, submission.dataset):
        return True
    return rules != rules_in(session).hash


def _lost_untold(submission: Submission, read: pipeline.Interpreted, lake: Lake) -> bool:
    """Tell whether rows would be left out that were withdrawn since it was checked; what is in the lake already is in."""
    told = sum(one["code"] == CODE for one in (submission.report or {}).get("problems", ()))
    return withdrawn_rows.count(read) > told and not standing.has(lake, submission.id)


def _look_again(session: Session, submission: Submission) -> None:
    """Let a submission be checked once more."""
    survey_steps.outdated(session, submission)
    submission.job_id = jobs.add(session, JOB, {"submission": submission.id})


def _is_sure(submission: Submission, found: Difference) -> bool:
    """Tell whether rows under another identifier are those that the dataset has."""
    return found.whole or submission.renamed == SAME


def _corrected(settings: Settings, registry: Registry, submission: Submission, lake: Lake) -> Corrected | None:
    """Return the survey that a submission corrects, with the rows that it alone says; None where it corrects none.

    Raises
    ------
    InputError
        With SUBMISSION_DECIDED, if another one took that survey's place meanwhile.
    """
    with registry.session(read_only=True) as session:
        every = correcting.of_dataset(session, submission.dataset)
        number = correcting.corrected(every, submission)
    if number is not None and not standing.has(lake, submission.id):  # what is in already is the one
        correcting.check_current(every, number, told=submission.answers or number)
    return None if number is None else Corrected(number, correcting.said_alone(settings, registry, lake, number))


def _commit(
    settings: Settings, submission: Submission, read: pipeline.Interpreted, lake: Lake, found: Difference,
    check: Callable[[], None] = lambda: None,
) -> list[pipeline.IngestReport]:  # fmt: skip
    """Take what was read of a submission in, known by its number; records that are renamed keep their numbers.

    An event that is renamed takes the place of the one that it was: its effort counts once.
    """
    sure = _is_sure(submission, found)
    gone, gone_events = (found.occurrences.gone(), found.events.gone()) if found.corrects is not None else ([], [])
    return pipeline.commit(
        read, lake, settings, extra={"submission": submission.id},
        renamed=found.occurrences.renamed() if sure else {}, gone=gone,
        gone_events=(*gone_events, *(found.events.renamed() if sure else ())), check=check,
    )  # fmt: skip


def _opened(settings: Settings, registry: Registry, submission: Submission) -> Path:
    """Return where a submission's file lies beside the lake, where the service cannot read it; open it out first."""
    data = settings.data
    taken = survey_files.taken(data, submission.file_sha256, submission.id)
    if taken.exists() and submission.file_sha256 != returning.NOT_YET:
        for left in (survey_files.waiting, partial(survey_files.kept, name=submission.file_name)):
            left(data, submission.file_sha256).unlink(missing_ok=True)  # of a worker that was cut off
        return taken
    if submission.returns_to is not None and submission.file_sha256 == returning.NOT_YET:
        return returning.write(settings, registry, submission)
    path = survey_files.kept(data, submission.file_sha256, submission.file_name)
    if path.exists():
        _check_content(path, submission)
        survey_files.waiting(data, submission.file_sha256).unlink(missing_ok=True)
        return path
    if submission.upload_id is not None:
        return _from_parts(settings, registry, submission)
    arrived = survey_files.waiting(data, submission.file_sha256)
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
    told: Mapping[str, Any] | None = None, countries: set[str] | None = None, view: survey_views.View | None = None,
    concerned: set[str] | None = None, about: str | None = None, held: bool = False,
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
        found.difference = dict(told) if told is not None else None
        found.renamed_of = about
        if held:  # a draft of its sender alone, until they say which rows are the same
            found.renamed, found.wanted = None, False
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


def _last_version(registry: Registry, dataset: str) -> int | None:
    """Return the number of a dataset's last version that a survey made."""
    with registry.session(read_only=True) as session:
        return survey_steps.last_version(session, dataset)


def _one_problem(name: str, error: InputError) -> dict[str, Any]:
    """Return the report of a file that could not even be opened."""
    return report_of(name, 0, [problem_of_file(error, name, "en", file=name)], params=True)
