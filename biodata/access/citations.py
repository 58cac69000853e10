"""Citations: what was asked of which release and what came out, kept so that it can be asked again."""

import logging
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy import select

from biodata.access import content, rebuilding
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.formats.dwca import DatasetDescription, read_eml
from biodata.store import jobs, releases
from biodata.store.models import Citation, Dataset, Job
from biodata.store.query import sql
from biodata.store.query.filters import And, Filter, IsNull, Not, from_plain, to_plain
from biodata.store.registry import Registry
from biodata.store.release_use import in_use
from biodata.store.tables import RELEASE

_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
"""Of the bytes that the document was read from; the registry keeps text."""


def dataset_publishers(registry: Registry, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return key, title, publisher, license, doi and citation of datasets, by key; what is not stated is None."""
    found: dict[str, dict[str, Any]] = {}
    with registry.session(read_only=True) as session:
        for first in range(0, len(keys), 500):
            for row in session.scalars(select(Dataset).where(Dataset.key.in_(keys[first : first + 500]))):
                facts = {name: getattr(row, name) for name in ("key", "title", "license", "doi", "citation")}
                found[row.key] = facts | {"publisher": publisher(row.eml)}
    return found


def publisher(eml: str | None) -> str | None:
    """Return the first organisation that a dataset's EML names; None where it names none."""
    dataset_description = read_description(eml)
    return next(iter(dataset_description.organisations), None) if dataset_description is not None else None


def read_description(eml: str | None) -> DatasetDescription | None:
    """Return what a dataset's EML tells; None without one, or where it cannot be read."""
    if not eml:
        return None
    try:
        return read_eml(_DECLARATION.sub("", eml).encode("utf-8", "replace"), file="the dataset's EML")
    except InputError:  # taken in as it came; a document that cannot be read tells nothing
        return None


logger = logging.getLogger(__name__)

SMALL_ROWS: Final = 5_000
"""Records of an answer that are hashed at once; more are hashed by the worker."""

_LABELS: Final = "community_labels"
CONTENT_JOB: Final = "citation"
REPLAY_JOB: Final = "replay"
DOI_JOB: Final = "doi"


@dataclass(frozen=True, slots=True)
class Question:
    """What is cited.

    Attributes
    ----------
    asked : list of (name, value)
        The parameters as they were given.
    filter : Filter, optional
        What they mean, look-ups answered.
    """

    asked: Sequence[tuple[str, str]]
    filter: Filter | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return {
            "table": "occurrences",
            "parameters": [list(pair) for pair in self.asked],
            "filter": to_plain(self.filter),
        }


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation as it is stated.

    Attributes
    ----------
    id : str
        Its public name.
    state : str
        queued, running, done or failed: that of the content.
    error : str, optional
        Why it failed.
    release, snapshot, rules_hash
        What was asked.
    query : dict
        `parameters` and `filter`; see `Question`.
    content : dict
        `count`, `hash`, `columns`, `algorithm`, `datasets` (key, title, publisher, doi, license, count of each), and
        `released`: when the release was made. Empty until it is done.
    download_id, doi : str, optional
        The download that it cites; its own DOI.
    created : datetime
    replay_job_id, doi_job_id : int, optional
        The last jobs.
    """

    id: str
    state: str
    error: str | None
    release: str
    snapshot: int
    rules_hash: str
    query: Mapping[str, Any]
    content: Mapping[str, Any]
    download_id: str | None
    doi: str | None
    created: datetime
    replay_job_id: int | None
    doi_job_id: int | None

    @property
    def filter(self) -> Filter | None:
        """The filter that is asked again."""
        return from_plain(self.query["filter"])


def cite(
    settings: Settings, registry: Registry, question: Question, *, release: Mapping[str, Any],
    rows: pl.DataFrame | None, download_id: str | None = None, later: bool = True,
) -> str:  # fmt: skip
    """Keep a question and what came out; return the citation's id.

    Parameters
    ----------
    settings : Settings
        The installation.
    registry : Registry
        Where it is kept.
    question : Question
        What was asked.
    release : mapping
        What the release tells of itself: `id`, `snapshot`, `rules_hash`, `created`.
    rows : polars.DataFrame, optional
        The whole answer, columns of `terms.PUBLISHED_OCCURRENCE`, where it is small; else its content is made of the
        release's file.
    download_id : str, optional
        The download that is cited.
    later : bool
        The worker makes the content of a large answer; else it is made here and now.

    Raises
    ------
    StoreError
        If there is no room.
    """
    found: dict[str, Any] = {}
    if rows is not None:
        made = content.gather_small(terms.conform(rows, terms.PUBLISHED_OCCURRENCE), settings.data)
        found = kept_content(registry, made, released=release["created"], labels=_labels([rows]))
    citation_id = secrets.token_hex(16)
    with registry.session() as session, session.begin():
        citation = Citation(
            id=citation_id, release=release["id"], snapshot=int(release["snapshot"]), rules_hash=release["rules_hash"],
            query=question.as_dict(), content=found, download_id=download_id,
        )  # fmt: skip
        if rows is None and later:
            citation.job_id = jobs.add(session, CONTENT_JOB, {"citation": citation_id})
        session.add(citation)
    if rows is None and not later:
        make_content(settings, registry, citation_id)
    return citation_id


def address(settings: Settings, citation_id: str) -> str:
    """Return where a citation can be looked up: at the service, or by its id where it has no public address."""
    if settings.public_url is None:
        return f"biodata citation {citation_id}"
    return f"{settings.public_url.rstrip('/')}/v1/citations/{citation_id}"


def get(registry: Registry, citation_id: str) -> Cited | None:
    """Return a citation; None where there is none of that id."""
    with registry.session(read_only=True) as session:
        if (row := session.get(Citation, citation_id)) is None:
            return None
        job = session.get(Job, row.job_id) if row.job_id is not None else None
        state = "done" if row.content else job.state if job is not None else "queued"
        error = job.error if job is not None and state == "failed" else None
        kept = (field.name for field in fields(Cited) if field.name not in ("state", "error"))
        return Cited(state=state, error=error, **{name: getattr(row, name) for name in kept})


def need(registry: Registry, citation_id: str, *, done: bool = False) -> Cited:
    """Return a citation.

    Parameters
    ----------
    done : bool
        Its content must be known.

    Raises
    ------
    InputError
        If there is none of that id (CITATION_MISSING), or its content is not known yet (CITATION_UNFINISHED).
    """
    if (found := get(registry, citation_id)) is None:
        problem = "there is no citation of this id"
        raise InputError(problem, value=citation_id, code="CITATION_MISSING")
    if done and found.state != "done":
        problem = f"the content of this citation is {found.state}"
        raise InputError(problem, value=citation_id, expected="ask again when it is done", code="CITATION_UNFINISHED")
    return found


def make_content(settings: Settings, registry: Registry, citation_id: str) -> dict[str, Any]:
    """Hash the answer that a citation tells of, however large, and keep what came out; return it.

    Raises
    ------
    NoReleaseError
        If its release is no longer there.
    """
    cited = need(registry, citation_id)
    if cited.content:
        return dict(cited.content)
    columns = content.COLUMN_SETS[content.COLUMN_SET]
    statement, params = sql.select(RELEASE["occurrences"], columns, cited.filter)
    with in_use(settings.data, cited.release) as path:
        frames = rebuilding.batches(path, statement, params, content.BATCH_ROWS)
        made = content.gather(content.published_frames(frames), settings.data)
        labelled = Not(IsNull(_LABELS))
        chosen = labelled if cited.filter is None else And((cited.filter, labelled))
        asked = sql.select(RELEASE["occurrences"], ["datasetKey", _LABELS], chosen)
        labels = _labels(rebuilding.batches(path, *asked, content.BATCH_ROWS))
        with releases.connect(path) as connection:
            released = connection.execute("SELECT value FROM release_info WHERE key = 'created'").fetchall()[0][0]
    found = kept_content(registry, made, released=released, labels=labels)
    with registry.session() as session, session.begin():
        session.get_one(Citation, citation_id).content = found
    logger.info("citation %s: %d records of release %s", citation_id, made.count, cited.release)
    return found


def kept_content(
    registry: Registry, made: content.Content, *, released: str, labels: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return what a citation keeps of an answer: its hash, its counts, who published what, and communities' labels."""
    known = dataset_publishers(registry, [key for key in made.datasets if key])
    listed = [
        {**known.get(key, {"key": key or None}), "count": count}
        | ({"community_labels": list(labels[key])} if key in labels else {})
        for key, count in made.datasets.items()
    ]
    return {**made.as_dict(), "datasets": sorted(listed, key=_by_count), "released": released}


def replay_later(registry: Registry, citation_id: str) -> int:
    """Queue a replay and return its job; one that waits or runs already is the same.

    Raises
    ------
    InputError
        If there is no such citation, or its content is not known yet.
    """
    return _later(registry, need(registry, citation_id, done=True), REPLAY_JOB, {})


def doi_later(registry: Registry, citation_id: str, *, url: str) -> int:
    """Queue the registration of a DOI that leads to `url`, and return its job."""
    return _later(registry, need(registry, citation_id, done=True), DOI_JOB, {"url": url})


def set_doi(registry: Registry, citation_id: str, doi: str) -> None:
    """Keep the DOI that was registered for a citation."""
    with registry.session() as session, session.begin():
        session.get_one(Citation, citation_id).doi = doi


def released_rows(batches: Iterable[Sequence[Any]], columns: Sequence[str]) -> pl.DataFrame:
    """Return rows of a release's page as a frame."""
    types = {c.name: c.dtype for c in terms.PUBLISHED_OCCURRENCE}
    return pl.DataFrame(list(batches), schema={name: types[name] for name in columns}, orient="row")


def _labels(frames: Iterable[pl.DataFrame]) -> dict[str, list[str]]:
    """Return the labels of communities that records carry, by dataset; those of none count as ``""``."""
    found: dict[str, set[str]] = {}
    for frame in frames:
        if _LABELS in frame.columns:
            each = frame.select(key=pl.col("datasetKey").fill_null(""), label=pl.col(_LABELS).cast(pl.List(pl.String)))
            for key, label in each.explode("label").drop_nulls("label").unique().iter_rows():
                found.setdefault(key, set()).add(label)
    return {key: sorted(codes) for key, codes in found.items()}


def _later(registry: Registry, cited: Cited, name: str, more: Mapping[str, Any]) -> int:
    column = f"{name}_job_id"
    before = jobs.look(registry, getattr(cited, column))
    if before is not None and before.state in ("queued", "running"):
        return before.id
    with registry.session() as session, session.begin():
        number = jobs.add(session, name, {"citation": cited.id, **more})
        setattr(session.get_one(Citation, cited.id), column, number)
    return number


def _by_count(dataset: Mapping[str, Any]) -> tuple[int, str]:
    return -dataset["count"], dataset.get("key") or ""
