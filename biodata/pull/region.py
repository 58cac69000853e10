"""The afternoon: what a planner needs of some places, counted first, then source by source; what was taken is not taken again."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from biodata.core.errors import BiodataError
from biodata.core.settings import Settings
from biodata.pipeline.report import IngestReport
from biodata.places import BoundarySet, country_geometry
from biodata.pull.checklists import AlienLists
from biodata.pull.gbif import GbifPull
from biodata.pull.gbif_scope import Scope, or_region, place_of
from biodata.pull.kept import Folder
from biodata.pull.protected_planet import ProtectedPlanet
from biodata.pull.rasters import Elevation, LandCover
from biodata.pull.service import Counts
from biodata.pull.status_lists import Protection, RedList


class RegionPull:
    """All sources for the places of a scope: lists, so that records find their status, areas, ground, then records.

    Parameters
    ----------
    scope : Scope
    within : Path, optional
        The file that the scope's area is of.
    settings : Settings
    boundaries : BoundarySet
    cell_m : float
        Side of the ground's cells in metres.
    progress : bool
    """

    def __init__(
        self, scope: Scope, within: Path | None, settings: Settings, boundaries: BoundarySet, *, cell_m: float = 90.0,
        progress: bool = False,
    ) -> None:  # fmt: skip
        name, area = place_of([*scope.countries], [*scope.provinces], within, boundaries)
        countries = sorted({*scope.countries, *(code[:2] for code in scope.provinces)})
        countries = countries or [code for code in or_region([]) if country_geometry(code, boundaries).intersects(area)]
        given: dict[str, Any] = {"settings": settings, "progress": progress}
        self.gbif = GbifPull(scope, settings, progress=progress)
        self.sources: dict[str, Callable[[], Any]] = {
            "alien": partial(AlienLists, countries, **given),
            "red-list": partial(RedList, countries, **given),
            "protection": partial(Protection, None, **given),
            "protected-areas": partial(ProtectedPlanet, countries, **given),
            "elevation": partial(Elevation, name, area.bounds, cell_m=cell_m, **given),
            "land-cover": partial(LandCover, name, area.bounds, cell_m=cell_m, **given),
            "gbif": lambda: self.gbif,
        }
        self.folder = Folder(settings.data, "region", scope.as_dict())

    def estimate(self) -> Iterator[tuple[str, Counts | BiodataError]]:
        """Yield how much each source has that is not taken yet, or why it cannot be counted; nothing is ordered."""
        for name, source in self.sources.items():
            if name not in self.folder.load().get("done", []):
                try:
                    if name != "gbif":
                        yield name, source().estimate()
                        continue
                    self.gbif.check_account()
                    found = self.gbif.estimate()
                    yield name, {"records": found.records, "MB, about": round(found.megabytes)}
                except BiodataError as error:
                    yield name, error

    def pull(self) -> Iterator[tuple[str, list[IngestReport] | BiodataError]]:
        """Yield what went into the lake of each source, or why nothing; GBIF's download is ordered first, and waited for last."""
        done = self.folder.load().get("done", [])
        if "gbif" not in done:
            with suppress(BiodataError):  # what fails is reported in its turn
                self.gbif.order()
        failed = False
        for name in [name for name in self.sources if name not in done]:
            try:
                reports = self.sources[name]().pull()
            except BiodataError as error:
                failed |= getattr(error, "code", None) != "ACCOUNT_MISSING"
                yield name, error
            else:
                done = self.folder.save(done=[*done, name])["done"]
                yield name, reports
        if not failed:
            self.folder.save(done=None)  # the next run looks for what is new
