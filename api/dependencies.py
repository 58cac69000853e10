"""What a handler asks: the installation's service, and through it one open release for the whole request, with what is read of a release once."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import polars as pl
import shapely
from pyproj import Geod
from starlette.requests import Request

from api import area_lookups
from api.area_lookups import AreaNames
from api.errors import Code, ProblemError, invalid
from api.gbif_names import KINGDOM_KEYS
from api.name_lookups import RANKS, Matching, Names
from api.records import Extras
from biodata.core import terms
from biodata.core.errors import BiodataError, NoReleaseError
from biodata.core.settings import Settings
from biodata.store import Closing, folders, pointer
from biodata.store.query.filters import Compare, Filter, Intersects, Or
from biodata.store.query.polygons import read_geojson, read_wkt
from biodata.store.reader import Cursor, OpenRelease, ReleaseReader

if TYPE_CHECKING:
    from api.catalogue import Catalogue
    from biodata.access.credentials import Passwords
    from biodata.access.tokens import Tokens
    from biodata.sharing import RuleSet
    from biodata.sharing.names import Checklists
    from biodata.store.registry import Registry

_CIRCLE_CORNERS: Final = 180
_HEADER_LENGTH: Final = 3_000
_REPORTS: Final = 64
"""Reports of a release that are kept once they are made."""
_VALUES: Final = 10_000
"""Values of a column that are known of a release."""
_SHORTEST_DEGREE_M: Final = 110_500.0  # of latitude, at the equator


class Facts:
    """What is read of a release once: extents, years, names, titles."""

    def __init__(self, release: OpenRelease) -> None:
        self._release = release
        self._known: tuple[Checklists | None] | None = None
        self.extent = cache(release.extent)
        self.values = cache(self._values)
        self.report_page = lru_cache(maxsize=_REPORTS)(self._report_page)
        self.report_card = lru_cache(maxsize=_REPORTS)(self._report_card)

    def moments(self, table: str) -> list[str | None]:
        """Return the first and the last moment that a table's rows tell."""
        if table == "occurrences":  # of some of them only the year is published
            return self._years
        first, last = self._release.days(table)
        return [f"{first}T00:00:00Z" if first else None, f"{last}T23:59:59Z" if last else None]

    @cached_property
    def _years(self) -> list[str | None]:
        """The first and the last moment that occurrences tell."""
        years = sorted(year for year, _ in self._release.facet("occurrences", None, "year", limit=10_000))
        return [f"{years[0]:04d}-01-01T00:00:00Z", f"{years[-1]:04d}-12-31T23:59:59Z"] if years else [None, None]

    @cached_property
    def names(self) -> Names:
        """The names that records and checklists tell."""
        return Names(self._release)

    def _report_page(self, identifier: str) -> str:
        """Return the report of a result as a page; see `exports.reports.page`."""
        # They load shapely's and pyproj's larger parts, which no other answer needs.
        from biodata.exports.reports import material, page

        return page.page(material.read(self._release, identifier))

    def _report_card(self, identifier: str) -> dict[str, Any]:
        """Return the report of a result as its numbers."""
        from biodata.exports.reports import material, page

        return page.card(material.read(self._release, identifier))

    def _values(self, column: str) -> frozenset[str]:
        """Return the values of a column of occurrences; of a list with semicolons each."""
        counted = self._release.facet("occurrences", None, column, limit=_VALUES)
        return frozenset(part for value, _ in counted for part in (value, *value.split(";")))

    @cached_property
    def areas(self) -> AreaNames:
        """The names of areas."""
        return AreaNames(self._release)

    @cached_property
    def matching(self) -> Matching:
        """What matches names with its checklists."""
        return Matching(self.taxa)

    @cached_property
    def taxa(self) -> pl.DataFrame:
        """Its checklists, as `terms.TAXON`; no order stands between them."""
        columns = terms.names(terms.PUBLISHED_TABLES["taxa"])
        return terms.conform(self._release.frame("taxa", columns), terms.TAXON)

    def known_to(self, rules: "RuleSet") -> "RuleSet":
        """Return sharing rules with what the checklists tell of taxa, as the worker has them of the lake's."""
        if self._known is None:
            self._known = (rules.knowing(self.taxa).checklists,)
        return replace(rules, checklists=self._known[0])

    @cached_property
    def extras(self) -> Extras:
        """What is added to records."""
        return Extras(self._release)

    @cached_property
    def catalogue(self) -> "Catalogue":
        """What is told of datasets."""
        from api.catalogue import Catalogue

        return Catalogue(self._release)


class Opened:
    """One release, open for the time of one request.

    Attributes
    ----------
    file : OpenRelease
        What is asked.
    facts : Facts
        What was read of it once.
    """

    def __init__(self, service: "Service", release: OpenRelease) -> None:
        self._service, self.file = service, release
        self.facts = service.facts(release)
        self._told: dict[str, list[str]] = {}

    def taxon(self, key: str) -> Filter:
        """Return the filter for a taxon with all that lies below it, by GBIF's integer key or the checklist's."""
        direct: list[Filter] = [Compare("taxon_id", "=", key)]
        if _is_number(key):
            number = int(key)
            direct += [Compare("taxonKey", "=", number), Compare("speciesKey", "=", number)]
            direct += [Compare("kingdom", "=", name) for name, kingdom in KINGDOM_KEYS.items() if kingdom == number]
        found = self.file.page("taxa", Or(keyed(key)), ("taxonRank", "scientificName"), limit=20)
        below = [Compare(rank.lower(), "=", name) for rank, name in found.rows if rank in RANKS]
        return Or((*direct, *below))

    def polygon(self, text: str) -> Filter:
        """Return the filter for a polygon in WKT or GeoJSON; what was done to read it is told in a header."""
        found = read_geojson(_json(text)) if text.lstrip()[:1] == "{" else read_wkt(text)
        self.keep_header("X-Biodata-Geometry", found.notes)
        return Intersects(found.wkb)

    def find_areas(self, identifier: str) -> list[area_lookups.Found]:
        """Return the areas of an id."""
        return area_lookups.find(self.file, self._service.registry, identifier)

    def area(self, name: str, identifier: str) -> Filter:
        """Return the filter for what lies inside an area; the parameter's name stands in an error."""
        found = area_lookups.the_one(self.find_areas(identifier), field=name, identifier=identifier)
        return Intersects(found.wkb or b"")

    def listed(self, names: Sequence[str]) -> Filter:
        """Return the filter for a list of names; those that are not known are told in a header."""
        filter_, unknown = self.facts.names.listed(names)
        self.keep_header("X-Biodata-Names-Unmatched", unknown)
        return filter_

    def keep_header(self, header: str, words: Sequence[str]) -> None:
        """Keep words for a header of the answer."""
        if words:
            self._told.setdefault(header, []).extend(words)

    def headers(self) -> dict[str, str]:
        """Return the headers that tell what was made of the request: JSON lists in ASCII, cut where they grow long."""
        found = {}
        for header, words in self._told.items():
            kept = list(dict.fromkeys(words))
            found[f"{header}-Count"] = str(len(kept))
            while len(text := json.dumps(kept)) > _HEADER_LENGTH:
                kept = kept[: len(kept) * 3 // 4]
            found[header] = text
        return found

    def circle(self, latitude: float, longitude: float, radius_m: float) -> Filter:
        """Return the filter for a circle on the ellipsoid, as a polygon whose edges touch it from outside."""
        azimuths = np.arange(_CIRCLE_CORNERS) * (360 / _CIRCLE_CORNERS)
        reach = np.full(_CIRCLE_CORNERS, radius_m / np.cos(np.pi / _CIRCLE_CORNERS))
        start = np.full(_CIRCLE_CORNERS, 1.0)
        east, north, _ = Geod(ellps="WGS84").fwd(start * longitude, start * latitude, azimuths, reach)
        if np.ptp(east) > 180 or abs(latitude) + radius_m / _SHORTEST_DEGREE_M > 90:
            raise invalid(
                field="geoDistance", value=f"{latitude},{longitude}", expected="a circle off poles and date line"
            )
        return Intersects(shapely.to_wkb(shapely.Polygon(np.column_stack([east, north]))))


def keyed(key: str) -> tuple[Filter, ...]:
    """Return the filters for the name of a key: by its checklist, by the Catalogue of Life, by GBIF."""
    own = (Compare("taxon_id", "=", key), Compare("col_key", "=", key))
    return (*own, Compare("gbif_key", "=", int(key))) if _is_number(key) else own


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 18


def _json(text: str) -> Any:
    """Read a GeoJSON geometry that stands in a parameter."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(field="geometry", value=text, expected="WKT, or a GeoJSON geometry") from error


__all__ = ["Opened", "Service", "service"]

_GONE: Final = "ask again without it for release {}; a citation of the old one can be replayed by `biodata replay`"


class Service(Closing):
    """An installation as the API sees it: its releases and its registry, and nothing else.

    Attributes
    ----------
    settings : Settings
        The installation.
    facts : function of an OpenRelease to Facts
        What is read once from a release; those of the last few releases are kept.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._reader = ReleaseReader(settings.data, timeout_seconds=settings.query_timeout_s)
        self.facts: Callable[[OpenRelease], Facts] = lru_cache(maxsize=3)(Facts)

    @cached_property
    def registry(self) -> "Registry":
        """Keys, submissions, the queue; opened when it is first asked for: few commands need it."""
        from biodata.store.registry import Registry

        return Registry.open(self.settings)

    @cached_property
    def tokens(self) -> "Tokens":
        """What logins give, and how it is checked."""
        from biodata.access.tokens import Tokens

        return Tokens(self.registry, self.settings)

    @cached_property
    def passwords(self) -> "Passwords":
        """What is kept of passwords, and how it is checked."""
        from biodata.access.credentials import Passwords

        return Passwords(memory_mib=self.settings.password_memory_mib)

    @contextmanager
    def open(
        self, request: Request | None, *, cursor: str | None = None, release_id: str | None = None
    ) -> Iterator[Opened]:
        """Open one release for a whole request, so that its parts agree; the answer tells which.

        Parameters
        ----------
        request : Request, optional
            Keeps the release's id for the header; a command has none.
        cursor : str, optional
            Goes on in the release that it was made for.
        release_id : str, optional
            Asks for one release.

        Raises
        ------
        ProblemError
            With RELEASE_GONE, if that release is no longer open.
        NoReleaseError
            If there is none at all.
        """
        current = self._reader.current()
        wanted = Cursor.decode(cursor).release if cursor is not None else release_id
        if release_id not in (None, wanted):
            raise invalid(field="snapshot", value=str(release_id), expected=f"{wanted}, the release of the cursor")
        try:
            release = self._reader.get(wanted) if wanted not in (None, current.id) and wanted else current
        except NoReleaseError as error:
            detail = f"release {str(wanted)[:40]!r} is not open here any more"
            raise ProblemError(
                Code.RELEASE_GONE, detail, field="snapshot", expected=_GONE.format(current.id)
            ) from error
        if request is not None:
            request.state.release = release.id
        yield Opened(self, release)

    def release_id(self) -> str:
        """Return the id of the current release; `none` where there is none."""
        # The pointer's own file: opening a release here would hold up every other request.
        try:
            stated_pointer = pointer.read(self.settings.data)
        except BiodataError:
            return "none"
        return stated_pointer.current.id if stated_pointer is not None else "none"

    def rules_hash(self) -> str:
        """Return the hash of the sharing rules that the current release was made under."""
        return str(self._reader.current().info["rules_hash"])

    def check_queue(self, job: str, code: Code = Code.JOBS_TOO_MANY) -> None:
        """Refuse more work for the worker where much of its kind waits already."""
        from biodata.store import jobs

        if jobs.waiting(self.registry, job) >= self.settings.downloads_waiting:
            detail = "much of this kind waits for the worker already"
            raise ProblemError(code, detail, expected="ask again later", headers={"Retry-After": "60"})

    def warm(self) -> None:
        """Ask the current release, where there is one, what takes seconds for the first time only."""
        self._reader.ready()

    def sweep(self) -> None:
        """Remove parts of uploads that expired while nobody served."""
        if not (folders.service(self.settings.data) / "uploads").is_dir():
            return
        from biodata.surveys.submit import sweep

        sweep(self.settings, self.registry)

    def probe(self) -> str:
        """Ask the current release a question and return its id.

        Raises
        ------
        NoReleaseError
            If none can be read.
        """
        if not self._reader.ready():
            message = "no release can be read"
            raise NoReleaseError(message)
        return self._reader.current().id

    def close(self) -> None:
        """Close the releases, and the registry where it was opened."""
        self._reader.close()
        if "registry" in self.__dict__:
            self.registry.close()


def service(request: Request) -> Service:
    """Return the application's service."""
    found: Service = request.app.state.service
    return found
