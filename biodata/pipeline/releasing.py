"""From the lake to a release in one call."""

from biodata import assessments, places, sharing, terms
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force, ties_others


def release(settings: Settings, *, full: bool = False, progress: bool = False) -> releases.Release:
    """Build a release of what the lake holds now, under today's rules, and make it the current one.

    Parameters
    ----------
    settings : Settings
        The installation; its rules are `sharing_rules.csv` in its data folder, else the bundled list.
    full : bool
        Make a whole new file, even where adding to the release before would do.
    progress : bool
        Show a progress bar.

    Raises
    ------
    StoreError
        If there is not enough room; the release before stays the current one.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    gazetteer = places.load_gazetteer(boundaries, settings.gazetteer_file)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake, Registry.open(settings) as registry:
        rules = rules_in_force(settings, lake)
        before = releases.current(settings.data)
        full = full or (before is not None and ties_others(lake, rules, after=before.snapshot))
        assessments.assess(settings, lake=lake)
        results = {
            name: sharing.publish_results(name, lake.read(name), boundaries=boundaries)
            for name in terms.PUBLISHED_TABLES
            if name != "occurrences"
        }
        made = releases.build(
            lake,
            data=settings.data,
            publish=lambda frame: sharing.publish(frame, rules, boundaries=boundaries),
            results=results,
            boundaries=boundaries,
            rules_hash=rules.hash,
            datasets=registry.datasets(),
            assess=lambda parts: assessments.of_release(
                parts,
                gazetteer=gazetteer,
                work=settings.data / "staging",
                rows_told=assessments.unidentified(lake),
            ),
            assess_columns=assessments.RELEASE_COLUMNS,
            full=full,
            memory_limit=settings.memory_limit,
            progress=progress,
        )
        registry.record_release(made.id, snapshot=made.snapshot, rules_hash=rules.hash, counts=made.counts)
    return made
