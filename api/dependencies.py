"""What a handler asks: the installation's service, and through it one open release for the whole request."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import shapely
from pyproj import Geod
from starlette.requests import Request

from api.errors import Code, ProblemError, invalid
from biodata.errors import BiodataError, NoReleaseError
from biodata.settings import Settings
from biodata.store import pointer
from biodata.store.query.filters import Compare, Filter, Intersects, Or
from biodata.store.query.geometry import check_wkt
from biodata.store.reader import Cursor, OpenRelease, Page, ReleaseReader
from biodata.store.registry import Registry

_RANKS: Final = ("KINGDOM", "PHYLUM", "CLASS", "ORDER", "FAMILY", "GENUS", "SPECIES")
_CIRCLE_CORNERS: Final = 180
_COUNTS_KEPT: Final = 2_000
_SHORTEST_DEGREE_M: Final = 110_500.0  # of latitude, at the equator


class Service:
    """An installation as the API sees it: its releases and its registry, and nothing else.

    Attributes
    ----------
    settings : Settings
        The installation.
    registry : Registry
        Keys, submissions, the queue.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.registry = Registry.open(settings)
        self._reader = ReleaseReader(settings.data)
        self._counts: OrderedDict[tuple[str, str, Filter | None], int] = OrderedDict()
        self._known: dict[str, _Facts] = {}
        self._lock = Lock()

    @contextmanager
    def open(self, request: Request, *, cursor: str | None = None, release_id: str | None = None) -> Iterator["Opened"]:
        """Open one release for a whole request, so that its parts agree; the answer tells which.

        Parameters
        ----------
        request : Request
            Keeps the release's id for the header.
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
        try:
            release = self._reader.get(wanted) if wanted not in (None, current.id) and wanted else current
        except NoReleaseError as error:
            detail = "that release is no longer open"
            raise ProblemError(Code.RELEASE_GONE, detail, expected="ask again without cursor or release") from error
        request.state.release = release.id
        yield Opened(self, release, cursor)

    def release_id(self) -> str:
        """Return the id of the current release; `none` where there is none."""
        # The pointer's own file: opening a release here would hold up every other request.
        try:
            told = pointer.read(self.settings.data)
        except BiodataError:
            return "none"
        return told.current.id if told is not None else "none"

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self.registry.close()

    def count(self, release: OpenRelease, table: str, filter_: Filter | None) -> int:
        """Count rows; pages of one search ask the same again and again, so the last answers are kept."""
        key = (release.id, table, filter_)
        with self._lock:
            if key in self._counts:
                self._counts.move_to_end(key)
                return self._counts[key]
        found = release.count(table, filter_)
        with self._lock:
            self._counts[key] = found
            while len(self._counts) > _COUNTS_KEPT:
                self._counts.popitem(last=False)
        return found

    def facts(self, release: OpenRelease) -> "_Facts":
        """Return what is read once from a release; those of the last few releases are kept."""
        with self._lock:
            if release.id not in self._known:
                while len(self._known) >= 3:
                    self._known.pop(next(iter(self._known)))
                self._known[release.id] = _Facts(release)
            return self._known[release.id]


class _Facts:
    """What is asked of a release once: extents, years, names of divisions."""

    def __init__(self, release: OpenRelease) -> None:
        self._release = release
        self._extents: dict[str, tuple[float, float, float, float]] = {}
        self._years: list[str | None] | None = None
        self._provinces: dict[str, list[str]] | None = None

    def extent(self, table: str) -> tuple[float, float, float, float]:
        """Return west, south, east, north in degrees."""
        if table not in self._extents:
            self._extents[table] = self._release.extent(table)
        return self._extents[table]

    def years(self) -> list[str | None]:
        """Return the first and the last moment that occurrences tell."""
        if self._years is None:
            counted = self._release.facet("occurrences", None, "year", limit=10_000)
            years = sorted(year for year, _ in counted)
            self._years = (
                [f"{years[0]:04d}-01-01T00:00:00Z", f"{years[-1]:04d}-12-31T23:59:59Z"] if years else [None, None]
            )
        return self._years

    def provinces(self) -> dict[str, list[str]]:
        """Return the codes of divisions by their names in lower case."""
        if self._provinces is None:
            found: dict[str, list[str]] = {}
            page = self._release.page("boundaries", Compare("level", "=", "province"), ("name", "code"), limit=10_000)
            for name, code in page.rows:
                found.setdefault(str(name).lower(), []).append(code)
            self._provinces = found
        return self._provinces


class Opened:
    """One release, open for the time of one request.

    Attributes
    ----------
    id : str
        The release's id.
    """

    def __init__(self, service: Service, release: OpenRelease, cursor: str | None) -> None:
        self._service, self._release, self._cursor = service, release, cursor
        self.id = release.id

    def page(self, table: str, filter_: Filter | None, columns: Sequence[str], *, limit: int, offset: int) -> Page:
        """Read a page of rows, behind the request's cursor where it has one; see `OpenRelease.page`."""
        return self._release.page(table, filter_, columns, limit=limit, offset=offset, cursor=self._cursor)

    def count(self, table: str, filter_: Filter | None) -> int:
        """Count rows."""
        return self._service.count(self._release, table, filter_)

    def facet(
        self, table: str, filter_: Filter | None, column: str, *, limit: int, offset: int = 0, minimum: int = 1
    ) -> list[tuple[Any, int]]:
        """Count rows by a column's values, the most frequent first."""
        return self._release.facet(table, filter_, column, limit=limit, offset=offset, minimum=minimum)

    def tile(self, table: str, z: int, x: int, y: int, filter_: Filter | None = None) -> bytes:
        """Return a vector tile."""
        return self._release.tile(table, z, x, y, filter_)

    def extent(self, table: str) -> tuple[float, float, float, float]:
        """Return west, south, east, north of a table's places, degrees."""
        return self._service.facts(self._release).extent(table)

    def years(self) -> list[str | None]:
        """Return the first and the last moment that occurrences tell."""
        return self._service.facts(self._release).years()

    def taxon(self, key: str) -> Filter:
        """Return the filter for a taxon with all that lies below it, by GBIF's integer key or the checklist's."""
        number = int(key) if key.isascii() and key.isdigit() and len(key) < 18 else None
        asked: tuple[Filter, ...] = (Compare("taxon_id", "=", key), Compare("col_key", "=", key))
        direct: list[Filter] = [Compare("taxon_id", "=", key)]
        if number is not None:
            asked += (Compare("gbif_key", "=", number),)
            direct += [Compare("taxonKey", "=", number), Compare("speciesKey", "=", number)]
        found = self._release.page("taxa", Or(asked), ("taxonRank", "scientificName"), limit=20)
        below = [Compare(rank.lower(), "=", name) for rank, name in found.rows if rank in _RANKS]
        return Or((*direct, *below))

    def province_codes(self, name: str) -> list[str]:
        """Return the codes of the divisions of that name."""
        return self._service.facts(self._release).provinces().get(name.lower(), [])

    def polygon(self, text: str) -> Filter:
        """Return the filter for a WKT polygon."""
        return Intersects(check_wkt(text))

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


def service(request: Request) -> Service:
    """Return the application's service."""
    found: Service = request.app.state.service
    return found
