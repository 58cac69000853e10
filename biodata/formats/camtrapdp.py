"""Camtrap DP packages, https://camtrap-dp.tdwg.org: the descriptor, and the tables that stand beside it; nothing is fetched.

Versions 1.0, 1.0.1 and 1.0.2 have the same fields; the last takes `NA`, `NaN` and `nan` for empty cells, too.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from biodata.errors import InputError
from biodata.formats import delimited, gzipped
from biodata.formats.archives import Archive, open_archive, read_document

DESCRIPTOR: Final = "datapackage.json"
TABLES: Final = ("deployments", "media", "observations")
VERSION: Final = "1.0.2"
"""The version that is written, and that a package without one is read as."""
SCHEMAS: Final = "https://raw.githubusercontent.com/tdwg/camtrap-dp"
"""Begins the address of a version's profile and schemas, which stands in every package; it is never opened."""

EFFORT_UNKNOWN: Final = "effort:unknown"
"""The tag, ours, of a deployment whose beginning and end are not those of the time in which its camera stood."""

PLACE_GENERALISED: Final = "place:generalised"
"""The tag, ours, of a deployment that is none: it stands for the cell and the year of records whose camera is not told."""
ZONE_UNKNOWN: Final = "timeZone:unknown"
"""The tag, ours, of times whose zone nobody told: they are written as if they were in UTC."""
DAYS_ONLY: Final = "time:unknown"
"""The tag, ours, of a deployment of which days were told: its times stand for the whole of them."""
SHARING: Final = "sharing:"
CELL: Final = "cell:"
COUNTRIES: Final = "countries:"
"""Begin tags, ours, of what was made coarse: by which category, into which cell (west south east north), in which countries."""
OBSERVATIONS_APART: Final = "observations:notGiven"
"""The group, ours, of deployments none of whose observations name them: that there are none says nothing of absence."""

_KNOWN: Final = ("1.0", "1.0.1", "1.0.2")
_EMPTY_TOO: Final = ("NA", "NaN", "nan")
_MAX_DESCRIPTOR_BYTES: Final = 5_000_000
_TOLD_VERSION: Final = re.compile(r"/(\d+(?:\.\d+)*[A-Za-z0-9.\-]*)/[^/]*$")
_REQUIRED: Final = (
    "profile", "created", "contributors", "project", "spatial", "temporal", "taxonomic", "project.title",
    "project.samplingDesign", "project.captureMethod", "project.individualAnimals", "project.observationLevel",
    "temporal.start", "temporal.end",
)  # fmt: skip
_ONE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "project.samplingDesign": (
        "simpleRandom",
        "systematicRandom",
        "clusteredRandom",
        "experimental",
        "targeted",
        "opportunistic",
    ),
    "project.captureMethod": ("activityDetection", "timeLapse"),
    "project.observationLevel": ("media", "event"),
}


@dataclass(frozen=True)
class Package:
    """A package whose descriptor was read.

    Attributes
    ----------
    file : str
        What the descriptor is called in errors.
    name : str
        The folder, the zip, or the descriptor.
    told : dict
        The descriptor.
    version : str or None
        The standard's version that its profile tells.
    """

    file: str
    name: str
    told: dict[str, Any]
    version: str | None
    _open: Callable[[str], Callable[[], BinaryIO] | None]

    @property
    def empty_values(self) -> tuple[str, ...]:
        """Texts that stand for an empty cell."""
        return _EMPTY_TOO if self.version in (None, VERSION) else ()

    def table(self, name: str) -> delimited.Delimited:
        """Open one of the tables; its file, plain or packed with gzip, must stand beside the descriptor.

        Raises
        ------
        InputError
            If there is none (TABLE_MISSING), or it cannot be read.
        """
        found = next((r for r in self.told["resources"] if isinstance(r, dict) and r.get("name") == name), None)
        path = found.get("path") if found else None
        if isinstance(path, list) and len(path) == 1:
            path = path[0]
        if not isinstance(path, str):
            problem = f"the package has no table {name!r} in one file of its own"
            raise InputError(problem, file=self.file, column="resources", code="TABLE_MISSING")
        opener = None if "://" in path or "\x00" in path or "\\" in path else self._open(path)
        if opener is None:
            problem = f"the file of table {name!r} does not stand beside the descriptor"
            raise InputError(problem, file=self.file, column="path", value=path, code="TABLE_MISSING")
        if path.endswith(".gz"):
            opener = gzipped.unpacked(opener, file=path)
        encoding = found.get("encoding") if found else None
        return delimited.read(
            opener,
            file=path,
            encoding=encoding if isinstance(encoding, str) else "utf-8",
            of_people=True,
            without_blank=True,
        )

    def text(self, *names: str) -> str | None:
        """Return the first of the descriptor's properties that is a text."""
        return next((told for name in names if isinstance(told := self.told.get(name), str) and told.strip()), None)

    def text_at(self, path: str) -> str | None:
        """Return a property by its path, where it is a text."""
        told = self._told_at(path)
        return told if isinstance(told, str) else None

    def faults(self) -> Iterator[tuple[str, str | None, str]]:
        """Yield what the descriptor lacks or has wrong: property, value, and what would be right."""
        for name in _REQUIRED:
            told = self._told_at(name)
            if told is None:
                yield name, None, "the standard asks for it"
            elif name in _ONE_OF:
                values = told if isinstance(told, list) else [told]
                for value in values:
                    if value not in _ONE_OF[name]:
                        yield name, str(value), f"one of {', '.join(_ONE_OF[name])}"
        if self.version is not None and self.version not in _KNOWN:
            yield "profile", self.version, f"one of {', '.join(_KNOWN)}; it is read as {VERSION}"

    def _told_at(self, path: str) -> Any:
        """Return a property by its path; None where it is not told."""
        told: Any = self.told
        for name in path.split("."):
            told = told.get(name) if isinstance(told, dict) else None
        return told


def open_package(path: Path) -> Package:
    """Open a package.

    Parameters
    ----------
    path : Path
        A `datapackage.json`, the folder that holds one, or a zip of such a folder.

    Returns
    -------
    Package

    Raises
    ------
    InputError
        If it is none, if its version is before 1.0 (VERSION_UNKNOWN), or see `archives.open_archive`.
    """
    if path.is_file() and _is_zip(path):
        archive = open_archive(path)
        if DESCRIPTOR not in archive.sizes:
            problem = f"there is no {DESCRIPTOR} in it"
            raise InputError(problem, file=path.name, expected="a Camtrap DP package", code="FILE_MISSING")
        content = read_document(archive, DESCRIPTOR, most=_MAX_DESCRIPTOR_BYTES)
        return _package(content, f"{path.name}/{DESCRIPTOR}", path.name, _in_archive(archive))
    descriptor = path / DESCRIPTOR if path.is_dir() else path
    if not descriptor.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(descriptor), expected="a Camtrap DP descriptor", code="FILE_MISSING")
    if descriptor.stat().st_size > _MAX_DESCRIPTOR_BYTES:
        problem = "the descriptor is too large"
        raise InputError(problem, file=descriptor.name, code="INPUT_TOO_LARGE")
    name = descriptor.parent.name or descriptor.name
    return _package(descriptor.read_bytes(), descriptor.name, name, _beside(descriptor.parent))


def _is_zip(path: Path) -> bool:
    """Tell whether a file begins as a zip does."""
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def _in_archive(archive: Archive) -> Callable[[str], Callable[[], BinaryIO] | None]:
    """Return what opens a member by its name; names are only compared."""
    return lambda name: (lambda: archive.open(name)) if name in archive.sizes else None


def _beside(folder: Path) -> Callable[[str], Callable[[], BinaryIO] | None]:
    """Return what opens a file that really stands in a folder, links followed."""

    def opener(name: str) -> Callable[[], BinaryIO] | None:
        path = folder / name
        inside = path.resolve().is_relative_to(folder.resolve())
        if Path(name).is_absolute() or not inside or not path.is_file():
            return None
        return lambda: path.open("rb")

    return opener


def _package(content: bytes, file: str, name: str, opener: Callable[[str], Callable[[], BinaryIO] | None]) -> Package:
    """Read a descriptor."""
    try:
        told = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        problem = f"the descriptor is no JSON ({reason})"
        raise InputError(problem, file=file, code="DESCRIPTOR_INVALID") from error
    if not isinstance(told, dict) or not isinstance(told.get("resources"), list):
        problem = "the descriptor has no list of resources"
        raise InputError(problem, file=file, code="DESCRIPTOR_INVALID")
    profile = told.get("profile")
    found = _TOLD_VERSION.search(profile) if isinstance(profile, str) and "camtrap" in profile else None
    version = found.group(1) if found else None
    if version is not None and not version.startswith("1."):
        problem = "packages of this version of Camtrap DP are not read"
        raise InputError(
            problem, file=file, column="profile", value=version, expected="1.0 or later", code="VERSION_UNKNOWN"
        )
    return Package(file, name, told, version, opener)
