"""Surveys that wait and whose rows were let out by other sharing rules than today's: they are checked and looked at again."""

from sqlalchemy import select

from biodata.store import jobs
from biodata.store.models import Submission, SubmissionView
from biodata.store.registry import Registry
from biodata.store.survey_steps import JOB, WAITING, outdated


def check_again(registry: Registry, rules_hash: str) -> int:
    """Queue the surveys that wait whose rows other rules let out; return how many it was.

    Their rows are gone at once: what a rule hides from today on is shown to nobody who decides.

    Parameters
    ----------
    registry : Registry
    rules_hash : str
        Of the rules in force.
    """
    waits = Submission.state.in_(set(WAITING) - {"committing"})
    with registry.session() as session, session.begin():
        asked = select(Submission).join(SubmissionView, SubmissionView.submission_id == Submission.id)
        found = session.scalars(asked.where(waits, SubmissionView.rules_hash != rules_hash)).all()
        for submission in found:
            outdated(session, submission)
            submission.job_id = jobs.add(session, JOB, {"submission": submission.id})
        return len(found)
