"""What was used of a country's records, for which purpose and how much: for the country, without telling who.

Only downloads are counted, in steps of `STEP`, and less than that is told as such. No account is kept with a download,
and neither its question nor its moment is told: a month is counted when it is over, so that who asks for the report each
day does not see a number step up. Where one download has most of the records, how many it has is not told.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from biodata.store.models import Download, Job
from biodata.store.registry import Registry

STEP: Final = 5
"""Counts of downloads are told in steps of so many."""
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
        return {
            "country": self.country,
            "year": self.year,
            "until": self.until.isoformat(),
            "downloads": self.downloads,
            "records": self.records,
            "purposes": dict(self.purposes),
            "datasets": dict(self.datasets),
            "licences": dict(self.licences),
            "step": STEP,
        }


def report(registry: Registry, country: str, *, year: int | None = None, day: date | None = None) -> UseReport:
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
            of_country = (result or {}).get("countries", {}).get(country, {})
            if not of_country:
                continue
            total += 1
            records += sum(of_country.values())
            largest = max(largest, sum(of_country.values()))
            purposes[request.get("purpose") or NOT_TOLD] += 1
            datasets.update(of_country.keys())
            licences[result.get("license", "UNSPECIFIED")] += 1
    return UseReport(
        country,
        year,
        until,
        _stepped(total) or (FEWER if total else 0),
        _records(records, largest) if total >= STEP else (FEWER + " downloads" if total else 0),
        _merged(purposes),
        _merged(datasets),
        _merged(licences),
    )


def _merged(counts: Counter[str]) -> dict[str, int]:
    """Return counts in steps, the most frequent first; those below a step together, or not at all."""
    told = {name: _stepped(n) for name, n in sorted(counts.items(), key=lambda c: (-c[1], c[0])) if n >= STEP}
    small = [n for n in counts.values() if n < STEP]
    # A single small one would be told by standing alone.
    if len(small) > 1 and sum(small) >= STEP:
        told[_OTHERS] = _stepped(sum(small))
    return told


def _stepped(n: int) -> int:
    return n // STEP * STEP


def _records(n: int, largest: int) -> int | str:
    return MOSTLY_ONE if largest * 2 > n else _two_digits(n)


def _two_digits(n: int) -> int:
    """Return a number cut to its first two digits."""
    unit = 10 ** max(len(str(n)) - 2, 0)
    return int(n // unit * unit)
