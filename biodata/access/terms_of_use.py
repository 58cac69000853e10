"""Terms of use, who accepted them before a restricted download, and what was used of a country's records.

Restricted are records with a community's label, of a dataset that rests on a permit, or whose licence is none that
everybody knows. Where an installation has no terms nothing is asked.

Only downloads are counted, in steps of `STEP`, and less than that is stated as such. No account is kept with a download,
and neither its question nor its moment is stated: a month is counted when it is over, so that who asks for the report each
day does not see a number step up. Where one download has most of the records, how many it has is not stated.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import MAXYEAR, UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from biodata.core.errors import InputError
from biodata.sharing.licences import UNSPECIFIED, UNSUPPORTED
from biodata.store import audit
from biodata.store.account_models import Permit, TermsAcceptance, TermsVersion
from biodata.store.models import Download, Job
from biodata.store.query.filters import And, Filter, In, IsNull, Not, Or
from biodata.store.registry import Registry

MOST_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Terms:
    """A version of the terms.

    Attributes
    ----------
    version : int
        Counted from 1.
    text : str
        What they say.
    sha256 : str
        Of the text.
    created : datetime
        Since when they hold.
    """

    version: int
    text: str
    sha256: str
    created: datetime


def current(registry: Registry) -> Terms | None:
    """Return the terms that hold; None where there are none."""
    with registry.session(read_only=True) as session:
        found = session.scalar(select(TermsVersion).order_by(TermsVersion.version.desc()).limit(1))
    return None if found is None else Terms(found.version, found.text, found.sha256, found.created)


def put(registry: Registry, text: str, *, actor: str) -> Terms:
    """Make a text the terms that hold; the same text once more is no new version.

    Raises
    ------
    InputError
        If it is empty, or longer than `MOST_BYTES`.
    """
    raw = text.strip().encode()
    if not 0 < len(raw) <= MOST_BYTES:
        problem, expected = "no terms of use", f"a text of 1 to {MOST_BYTES:,} bytes"
        raise InputError(problem, value=f"{len(raw)} bytes", expected=expected, code="TERMS_INVALID")
    before, digest = current(registry), hashlib.sha256(raw).hexdigest()
    if before is not None and before.sha256 == digest:
        return before
    version = 1 if before is None else before.version + 1
    with registry.session() as session, session.begin():
        session.add(TermsVersion(version=version, text=raw.decode(), sha256=digest))
        audit.append(session, actor=actor, action="terms of use set", subject=str(version), details={"sha256": digest})
    made = current(registry)
    assert made is not None
    return made


def accept(registry: Registry, account_id: int, version: int, *, actor: str) -> None:
    """Keep that an account accepted the terms that hold.

    Raises
    ------
    InputError
        If that version does not hold: nobody accepts what is not in force.
    """
    held = current(registry)
    if held is None or held.version != version:
        expected = "there are no terms" if held is None else f"{held.version}, the version that holds"
        problem = "these terms do not hold"
        raise InputError(problem, column="version", value=str(version), expected=expected, code="TERMS_VERSION")
    with registry.session() as session, session.begin():
        if session.get(TermsAcceptance, (account_id, version)) is None:
            session.add(TermsAcceptance(account_id=account_id, version=version))
            details = {"sha256": held.sha256}
            audit.append(session, actor=actor, action="terms of use accepted", subject=str(version), details=details)


def accepted(registry: Registry, account_id: int | None) -> bool:
    """Return whether an account accepted the terms that hold; nobody in particular accepted nothing."""
    if (held := current(registry)) is None:
        return True
    if account_id is None:
        return False
    with registry.session(read_only=True) as session:
        return session.get(TermsAcceptance, (account_id, held.version)) is not None


def restricts(registry: Registry, made: Mapping[str, Any]) -> bool:
    """Return whether a download holds restricted records, by what is stated of it since it was made.

    Parameters
    ----------
    registry : Registry
        The installation's; a permit that came later counts.
    made : mapping
        `license`, `community_labels` and `datasets` of it, as `downloads.summary` tells them; where one is missing
        nothing is known, and it is taken for restricted.
    """
    if not {"license", "community_labels", "datasets"} <= made.keys():
        return True
    if not made["datasets"]:
        return False  # there are no records
    if made["community_labels"] or made["license"] in (UNSPECIFIED, UNSUPPORTED):
        return True
    return not _resting(registry).isdisjoint(dataset["key"] for dataset in made["datasets"])


def restricted(registry: Registry, chosen: Filter | None) -> Filter:
    """Return a filter for the restricted records of those that are chosen."""
    resting = _resting(registry)
    parts: list[Filter] = [
        Not(IsNull("community_labels")),
        IsNull("license_effective"),
        In("license_effective", (UNSPECIFIED, UNSUPPORTED)),
    ]
    if resting:
        parts.append(In("datasetKey", tuple(sorted(resting))))
    return Or(tuple(parts)) if chosen is None else And((chosen, Or(tuple(parts))))


def _resting(registry: Registry) -> set[str]:
    """Return the datasets that rest on a permit."""
    with registry.session(read_only=True) as session:
        return set(session.scalars(select(Permit.dataset).where(Permit.withdrawn.is_(None)).distinct()))


STEP: Final = 5
"""Counts of downloads are stated in steps of so many."""
FEWER: Final = f"fewer than {STEP}"
MOSTLY_ONE: Final = "not told: one download has most of them"
_OTHERS: Final = "all with fewer downloads"


class Purpose(StrEnum):
    """What somebody wants records for."""

    RESEARCH = "research"
    CONSERVATION_PLANNING = "conservation_planning"
    IMPACT_ASSESSMENT = "impact_assessment"
    MONITORING = "monitoring"
    REPORTING = "reporting"
    EDUCATION = "education"
    COMMERCIAL = "commercial"
    OTHER = "other"


NOT_TOLD: Final = "not told"


@dataclass(frozen=True, slots=True)
class UseReport:
    """What was used of a country's records.

    Attributes
    ----------
    country : str
        ISO 3166-1 alpha-2 code of the country that the records are from.
    year : int, optional
        The year in which the downloads were asked for; None for all.
    until : date
        The first day (UTC) that is not counted: of this month, or of the year that follows.
    downloads : int or str
        Those with records of the country, down to the step below; `FEWER` for less than one step.
    records : int or str
        Records of the country in them, with two digits; `FEWER` downloads tell none, nor do those that are `MOSTLY_ONE`.
    purposes, datasets, licences : mapping of str to int
        Downloads by purpose, by dataset with a part in them, and by their strictest licence. Those with less than a
        step stand together, where together they reach one.
    """

    country: str
    year: int | None
    until: date
    downloads: int | str
    records: int | str
    purposes: Mapping[str, int]
    datasets: Mapping[str, int]
    licences: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return {**asdict(self), "until": self.until.isoformat(), "step": STEP}


def use_report(registry: Registry, country: str, *, year: int | None = None, day: date | None = None) -> UseReport:
    """Count the downloads that hold published records of a country.

    Parameters
    ----------
    registry : Registry
        The installation's.
    country : str
        ISO 3166-1 alpha-2 code.
    year : int, optional
        The year (UTC) in which they were asked for; all years where none is given.
    day : date, optional
        The day of the report, whose month is not over; today where none is given.
    """
    until = (day or datetime.now(UTC).date()).replace(day=1)
    asked = select(Download.request, Job.result).join(Job, Job.id == Download.job_id).where(Job.state == "done")
    if year is not None:
        until = min(until, date(year + 1, 1, 1)) if year < MAXYEAR else until
        asked = asked.where(Download.created >= datetime(year, 1, 1, tzinfo=UTC))
    asked = asked.where(Download.created < datetime.combine(until, time(), tzinfo=UTC))
    total, records, largest = 0, 0, 0
    purposes: Counter[str] = Counter()
    datasets: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    with registry.session(read_only=True) as session:
        for request, result in session.execute(asked):
            if not (of_country := (result or {}).get("countries", {}).get(country, {})):
                continue
            total += 1
            records += sum(of_country.values())
            largest = max(largest, sum(of_country.values()))
            purposes[request.get("purpose") or NOT_TOLD] += 1
            datasets.update(of_country.keys())
            licences[result.get("license", "UNSPECIFIED")] += 1
    return UseReport(
        country, year, until, _stepped(total) or (FEWER if total else 0),
        _records(records, largest) if total >= STEP else (FEWER + " downloads" if total else 0), _merged(purposes),
        _merged(datasets), _merged(licences),
    )  # fmt: skip


def _merged(counts: Counter[str]) -> dict[str, int]:
    """Return counts in steps, the most frequent first; those below a step together, or not at all."""
    facts = {name: _stepped(n) for name, n in sorted(counts.items(), key=lambda c: (-c[1], c[0])) if n >= STEP}
    small = [n for n in counts.values() if n < STEP]
    # A single small one would be stated by standing alone.
    if len(small) > 1 and sum(small) >= STEP:
        facts[_OTHERS] = _stepped(sum(small))
    return facts


def _stepped(n: int) -> int:
    return n // STEP * STEP


def _records(n: int, largest: int) -> int | str:
    return MOSTLY_ONE if largest * 2 > n else _two_digits(n)


def _two_digits(n: int) -> int:
    """Return a number cut to its first two digits."""
    unit = 10 ** max(len(str(n)) - 2, 0)
    return int(n // unit * unit)
