"""Every kind of file of an installation: registry, lake, release, or derived and deletable; what is none of them is named."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from biodata.store import audit_heads, checksums, folders, survey_files
from biodata.store.checksums import Checksum, digest
from biodata.store.verify_lake import RESTORE, Fault


class Part(StrEnum):
    """The part of an installation that a file belongs to."""

    REGISTRY = "registry"
    LAKE = "lake"
    RELEASE = "release"
    DERIVED = "derived"
    """Made again when it is asked for, or under way: it may be removed."""


class Guard(StrEnum):
    """What shows that a file is as it was written."""

    OWN = "own"
    """Its name or its content, or what refers to it."""
    CHECKSUM = "checksum"
    """An entry in the checksums of the installation or of its service."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file.

    Attributes
    ----------
    pattern : str
        Regular expression of its path below the installation's folder.
    part : Part
    guard : Guard
    meaning : str
        What it is, for people.
    """

    pattern: str
    part: Part
    guard: Guard
    meaning: str


KINDS: Final = tuple(
    FileKind(*row)
    for row in (
        (r"(.*/)?[^/]+\.(lock|use|part|tmp|new)|(.*/)?[^/]+\.sqlite-(wal|shm)|run_results/lock", Part.DERIVED, Guard.NONE,
         "locks, journals and files that are being written"),
        (r"(service/)?(staging|tmp|run)/.*|service/uploads/parts/.*|run_results/[^/]+\.part/.*", Part.DERIVED, Guard.NONE,
         "work under way"),
        (r"runs/.*|pulls/.*", Part.DERIVED, Guard.NONE, "runs that were cut off and go on, and what is kept of pulls"),
        (r"assessed(_open)?\.(json|parquet)|demo\.json", Part.DERIVED, Guard.NONE, "what need not be worked out again"),
        (r"service/results/[0-9a-f]{32}/(results\.json|exact\.sealed)", Part.DERIVED, Guard.CHECKSUM,
         "results of surveys; the exact ones sealed, for their team"),
        (r"downloads/.*", Part.DERIVED, Guard.OWN, "files of downloads; the registry has their checksums"),
        (r"service/registry\.sqlite", Part.REGISTRY, Guard.OWN, "the registry, and in it the sharing rules"),
        (r"service/audit_heads\.txt", Part.REGISTRY, Guard.OWN, "the audit's heads"),
        (r"(service/)?checksums\.sqlite", Part.REGISTRY, Guard.OWN, "the checksums"),
        (r"service/secrets/[^/]+|secrets/[^/]+|upload_key(\.pub)?|node-[A-Z]{2}\.pub", Part.REGISTRY, Guard.CHECKSUM,
         "secrets and keys"),
        (r"service/citations/.*", Part.REGISTRY, Guard.CHECKSUM, "what citations keep"),
        (r"(service/)?uploads/[^/]+", Part.REGISTRY, Guard.OWN, "what was handed in, under its own checksum"),
        (r"reports/[^/]+\.json", Part.REGISTRY, Guard.CHECKSUM, "reports of ingests and runs"),
        (r"cluster\.json", Part.LAKE, Guard.NONE, "where the lake lies that several machines share"),
        (r"lake\.sqlite|lake/.*\.parquet|layers/[^/]+", Part.LAKE, Guard.OWN, "the lake, its catalogue and its layers"),
        (r"secret|gazetteer\.csv|floor/boundaries\.(json|parquet)", Part.LAKE, Guard.CHECKSUM,
         "the secret, the own gazetteer, boundaries"),
        (r"sharing_memory/[0-9a-f]{64}", Part.LAKE, Guard.OWN, "what earlier releases made of sensitive records"),
        (r"run_(reads|results)/.*\.parquet", Part.LAKE, Guard.CHECKSUM, "what runs read and gave"),
        (r"releases/(release|base)-[^/]+\.duckdb", Part.RELEASE, Guard.OWN, "releases"),
        (r"releases/CURRENT", Part.RELEASE, Guard.CHECKSUM, "the pointer to the current release"),
    )
)  # fmt: skip
"""All kinds; the first that fits counts."""

_RULES: Final = re.compile(r"sharing_(rules|consents|labels)\.csv")
_UPLOAD: Final = re.compile(rf"[0-9a-f]{{64}}(\.[a-z]+|\.\d+{re.escape(survey_files.TAKEN)}\w*)?")


def kind_of(name: str) -> FileKind | None:
    """Return the kind of a file by its path below the installation's folder; None where there is none."""
    found = next((kind for kind in KINDS if re.fullmatch(kind.pattern, name)), None)
    if found is not None and "uploads/" in found.pattern and found.guard is Guard.OWN:
        return found if _UPLOAD.fullmatch(name.rsplit("/", 1)[-1]) else None
    return found


def unknown(data: Path) -> tuple[dict[str, Path], list[Fault]]:
    """Look at the name of every file.

    Returns
    -------
    guarded : dict of str to Path
        Those of a kind that has checksums, by their paths below the installation's folder.
    faults : list of Fault
        Those of no kind.
    """
    guarded, faults = {}, []
    for path in sorted(data.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(data).as_posix()
        kind = kind_of(name)
        if _RULES.fullmatch(name):
            problem = "it is no part of an installation any more: sharing rules stand in the registry"
            faults.append(Fault(name, problem, f"`biodata rules import {name}` if it is to hold, then remove it"))
        elif kind is None or path.is_symlink():
            faults.append(Fault(name, "no file of an installation is called so", "look what it is, and remove it"))
        elif kind.guard is Guard.CHECKSUM:
            guarded[name] = path
    return guarded, faults


def checked(data: Path, name: str, told: Checksum, known: Mapping[str, Checksum]) -> Fault | None:
    """Return what is wrong with a file that has a checksum of its own; a derived one may be missing."""
    path, kind = data / name, kind_of(name)
    derived = kind is not None and kind.part is Part.DERIVED
    if not path.is_file():
        return None if derived else Fault(name, "it is missing", RESTORE)
    if name == f"{folders.SERVICE}/{audit_heads.FILE}":
        good = _begins(path, told)
    else:
        before = known.get(f"{name}{checksums.BEFORE}")
        good = digest(path).sha256 in {told.sha256, before.sha256 if before is not None else told.sha256}
    return None if good else Fault(name, "it is not as it was written", "remove this file" if derived else RESTORE)


def _begins(path: Path, told: Checksum) -> bool:
    """Tell whether a file that only grows begins as it was when its checksum was put down."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(told.bytes)).hexdigest() == told.sha256 and file.tell() == told.bytes
