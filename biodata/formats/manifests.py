"""The signed manifest of what a national node hands over: one canonical JSON file, and an Ed25519 signature beside it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from biodata.errors import InputError
from biodata.formats import node_keys

FORMAT: Final = "biodata node manifest 1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
LARGEST_BYTES: Final = 64_000_000
"""A manifest is a list of files and of withdrawn records; one that is larger is none."""
_PURPOSE: Final = b"biodata node manifest\n"
_FIELDS: Final = frozenset(
    "format node key sequence previous release snapshot rules boundaries created biodata files datasets counts withdrawals".split()
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A manifest whose signature holds.

    Attributes
    ----------
    told : dict
        What it says.
    sha256 : str
        Of its file.
    """

    told: dict[str, Any]
    sha256: str


def canonical(told: Mapping[str, Any]) -> bytes:
    """Return the one way to write a manifest."""
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def write(folder: Path, told: Mapping[str, Any], private_pem: bytes) -> str:
    """Write a manifest and its signature into a folder; return the manifest's SHA-256."""
    text = canonical(told)
    (folder / MANIFEST).write_bytes(text)
    (folder / SIGNATURE).write_text(node_keys.sign(_PURPOSE, text, private_pem) + "\n", encoding="ascii")
    return hashlib.sha256(text).hexdigest()


def claimed_node(folder: Path) -> str:
    """Return the node that a manifest says it is of; nothing else of it may be used before `read` has looked at it."""
    node = _parsed(_bytes(folder / MANIFEST), folder / MANIFEST).get("node")
    if not isinstance(node, str):
        msg = "it names no node"
        raise _refused(msg, folder / MANIFEST)
    return node


def read(folder: Path, *, public_pem: str) -> Signed:
    """Return what a manifest says, once its signature is seen to hold.

    Raises
    ------
    InputError
        If the signature does not hold (`MANIFEST_TAMPERED`), or the manifest is not written as `canonical` writes it.
    """
    text, told = _bytes(folder / MANIFEST), _bytes(folder / SIGNATURE)
    ended = told.endswith(b"\n")
    if not (ended and node_keys.holds(_PURPOSE, text, told.removesuffix(b"\n"), public_pem)):
        problem = "the signature is not that of the node's key over this manifest"
        expected = "the folder as the node exported it"
        raise InputError(problem, file=str(folder / SIGNATURE), expected=expected, code="MANIFEST_TAMPERED")
    manifest = _parsed(text, folder / MANIFEST)
    if canonical(manifest) != text:
        msg = "it is not written in the canonical way"
        raise _refused(msg, folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        msg = f"its format is {manifest.get('format')!r}"
        raise _refused(msg, folder / MANIFEST, f"{FORMAT!r}")
    for name in sorted(_FIELDS ^ set(manifest)):
        msg = f"the field {name} is {'missing' if name in _FIELDS else 'not known'}"
        raise _refused(msg, folder / MANIFEST)
    return Signed(manifest, hashlib.sha256(text).hexdigest())


def _bytes(path: Path) -> bytes:
    """Return a small file's content."""
    if path.is_symlink() or not path.is_file():
        msg = "there is no such file"
        raise _refused(msg, path, "the folder that `biodata node export` wrote")
    if path.stat().st_size > LARGEST_BYTES:
        msg = "it is too large"
        raise _refused(msg, path, f"at most {LARGEST_BYTES} bytes")
    return path.read_bytes()


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON object of a manifest."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        msg = "it is no JSON object"
        raise _refused(msg, path)
    return found


def _refused(problem: str, path: Path, expected: str | None = None) -> InputError:
    return InputError(problem, file=str(path), expected=expected, code="MANIFEST_INVALID")
