"""The signed manifest of what a national node hands over: one canonical JSON file, and an Ed25519 signature beside it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from biodata.errors import InputError

FORMAT: Final = "biodata node manifest 1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
LARGEST_BYTES: Final = 64_000_000
"""A manifest is a list of files and of withdrawn records; one that is larger is none."""
_PURPOSE: Final = b"biodata node manifest\n"
"""Stands before what is signed, so that the signature of anything else by the same key is never taken for this."""
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


def new_key() -> bytes:
    """Return a new private key, as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_of(private_pem: bytes) -> str:
    """Return the public key of a private one, as PEM."""
    key = load_pem_private_key(private_pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        problem = "the node's private key is no Ed25519 key"
        raise InputError(problem, code="KEY_INVALID")
    return _pem(key.public_key())


def read_public(text: str, *, file: str) -> str:
    """Return a public key as PEM, written in one way.

    Raises
    ------
    InputError
        If it is none of Ed25519; a private key is refused by name, since it must not travel.
    """
    if "PRIVATE" in text:
        problem = "this is a private key, which must never leave its node"
        raise InputError(problem, file=file, expected="the file that `biodata node new` names", code="KEY_PRIVATE")
    try:
        key = load_pem_public_key(text.encode())
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        problem = "there is no Ed25519 public key in it"
        expected = "the PEM file that `biodata node new` wrote at the node"
        raise InputError(problem, file=file, expected=expected, code="KEY_INVALID")
    return _pem(key)


def fingerprint(public_pem: str) -> str:
    """Return what people compare a public key by: SHA-256 of its PEM, in hexadecimal."""
    return hashlib.sha256(public_pem.encode()).hexdigest()


def canonical(told: Mapping[str, Any]) -> bytes:
    """Return the one way to write a manifest."""
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def write(folder: Path, told: Mapping[str, Any], private_pem: bytes) -> str:
    """Write a manifest and its signature into a folder; return the manifest's SHA-256."""
    key = load_pem_private_key(private_pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        problem = "the node's private key is no Ed25519 key"
        raise InputError(problem, code="KEY_INVALID")
    text = canonical(told)
    (folder / MANIFEST).write_bytes(text)
    (folder / SIGNATURE).write_bytes(base64.b64encode(key.sign(_PURPOSE + text)) + b"\n")
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
    if not _holds(told, text, public_pem):
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


def _holds(signature: bytes, text: bytes, public_pem: str) -> bool:
    """Tell whether a signature is that of a key over a manifest."""
    key = load_pem_public_key(public_pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), _PURPOSE + text)
    except (InvalidSignature, ValueError):
        return False
    return True


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


def _pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
