"""Runs whose results are held back since the sharing rules, or their records, changed: which, why, and made again."""

from dataclasses import dataclass

from biodata import assessments, jobs, places, run_records
from biodata.runs.results import KEYS
from biodata.runs.standing import kept_runs
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force

JOB = "corridors again"


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run whose results are held back.

    Attributes
    ----------
    run_id : str
        The run, as its rows in the lake name it.
    kept : RunRecord or None
        The run as it was kept; None where nobody kept it.
    results : dict of str to str
        Why each of its results is not told today, by name.
    """

    run_id: str
    kept: run_records.RunRecord | None
    results: dict[str, str]

    def lines(self) -> list[str]:
        """Return what is held back, and what makes it again, for a person."""
        reasons: dict[str, list[str]] = {}
        for name, why in self.results.items():
            reasons.setdefault(why, []).append(name)
        found = [f"  {why}: {', '.join(names)}" for why, names in reasons.items()]
        how = f"biodata runs repeat {self.kept.id}" if self.kept else "biodata corridors --layer … --resistance …"
        return [*found, f"  run {self.run_id} is made again by `{how}`, then `biodata release`"]


def held_runs(settings: Settings) -> list[HeldRun]:
    """Return the runs whose results are held back until they are made again."""
    boundaries = places.load_boundaries(settings.boundaries)
    held: dict[str, dict[str, str]] = {}
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        for table in KEYS:
            for (name, run_id), why in assessments.held_results(
                lake, table, rules=rules, boundaries=boundaries
            ).items():
                held.setdefault(run_id, {})[name] = why
        kept = kept_runs(settings, lake, list(held))
    return [HeldRun(run_id, kept.get(run_id), results) for run_id, results in held.items()]


def queue(settings: Settings, held: list[HeldRun]) -> list[HeldRun]:
    """Ask the worker to make held runs again, those that were kept; return them."""
    known = [one for one in held if one.kept is not None]
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        waiting = jobs.asked(session, JOB)
        for one in known:
            arguments = {"run": one.kept.id if one.kept else ""}
            if arguments not in waiting:
                jobs.add(session, JOB, arguments)
    return known
