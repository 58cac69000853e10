"""What national nodes sign, by Ed25519: their keys, and the manifest of what a node hands over, one canonical JSON file with a signature beside it.

Sealed files, which whoever has the public key can write, and only whoever has the private key can read, stand here, too.
"""

import base64
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from biodata.core.errors import InputError, StoreError


def new_key() -> bytes:
    """Return a new private key, as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def keep_new(path: Path) -> str:
    """Make a private key in a file that only its owner may read; return the public one, as PEM.

    Raises
    ------
    InputError
        If there is a file of this name: a key is never written over.
    """
    private = new_key()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        problem = "there is a file of this name already; a key is never written over"
        raise InputError(problem, file=str(path)) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
        file.flush()
        os.fsync(file.fileno())
    return public_of(private)


def public_of(private_pem: bytes) -> str:
    """Return the public key of a private one, as PEM."""
    return _pem(_private(private_pem).public_key())


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


def sign(purpose: bytes, text: bytes, private_pem: bytes) -> str:
    """Sign a text; return the signature in base 64.

    Parameters
    ----------
    purpose : bytes
        Stands before what is signed, so that the signature of one thing is never taken for that of another.
    text : bytes
    private_pem : bytes
        The private key, as PEM.
    """
    return base64.b64encode(_private(private_pem).sign(purpose + text)).decode()


def holds(purpose: bytes, text: bytes, signature: bytes | str, public_pem: str) -> bool:
    """Return whether a signature, in base 64, is that of a key over a text of this purpose."""
    try:
        key = load_pem_public_key(public_pem.encode())
        if not isinstance(key, Ed25519PublicKey):
            return False
        content = base64.b64decode(signature, validate=True)
        key.verify(content, purpose + text)
    except (InvalidSignature, ValueError):
        return False
    # Several texts decode to the same bytes: only the one that `sign` writes is taken.
    return base64.b64encode(content) == (signature.encode() if isinstance(signature, str) else signature)


def _private(pem: bytes) -> Ed25519PrivateKey:
    """Return a private key."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        problem = "the node's private key is no Ed25519 key"
        raise InputError(problem, code="KEY_INVALID")
    return key


def _pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


# The signed manifest of what a national node hands over: one canonical JSON file, and an Ed25519 signature beside it.
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
    stated : dict
        What it says.
    sha256 : str
        Of its file.
    """

    told: dict[str, Any]
    sha256: str


def canonical(facts: Mapping[str, Any]) -> bytes:
    """Return the bytes of a manifest; there is one way to write it."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def write_manifest(folder: Path, facts: Mapping[str, Any], private_pem: bytes) -> str:
    """Write a manifest and its signature into a folder; return the manifest's SHA-256."""
    text = canonical(facts)
    (folder / MANIFEST).write_bytes(text)
    (folder / SIGNATURE).write_text(sign(_PURPOSE, text, private_pem) + "\n", encoding="ascii")
    return hashlib.sha256(text).hexdigest()


def claimed_node(folder: Path) -> str:
    """Return the node that a manifest says it is of; nothing else of it may be used before `read_manifest` has looked at it."""
    node = _parsed(_small_file(folder / MANIFEST), folder / MANIFEST).get("node")
    if not isinstance(node, str):
        msg = "it names no node"
        raise _invalid(msg, folder / MANIFEST)
    return node


def read_manifest(folder: Path, *, public_pem: str) -> Signed:
    """Return what a manifest says, once its signature is seen to hold.

    Raises
    ------
    InputError
        If the signature does not hold (`MANIFEST_TAMPERED`), or the manifest is not written as `canonical` writes it.
    """
    text, content = _small_file(folder / MANIFEST), _small_file(folder / SIGNATURE)
    ended = content.endswith(b"\n")
    if not (ended and holds(_PURPOSE, text, content.removesuffix(b"\n"), public_pem)):
        problem = "the signature is not that of the node's key over this manifest"
        expected = "the folder as the node exported it"
        raise InputError(problem, file=str(folder / SIGNATURE), expected=expected, code="MANIFEST_TAMPERED")
    manifest = _parsed(text, folder / MANIFEST)
    if canonical(manifest) != text:
        msg = "it is not written in the canonical way"
        raise _invalid(msg, folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        msg = f"its format is {manifest.get('format')!r}"
        raise _invalid(msg, folder / MANIFEST, f"{FORMAT!r}")
    for name in sorted(_FIELDS ^ set(manifest)):
        msg = f"the field {name} is {'missing' if name in _FIELDS else 'not known'}"
        raise _invalid(msg, folder / MANIFEST)
    return Signed(manifest, hashlib.sha256(text).hexdigest())


def _small_file(path: Path) -> bytes:
    """Return a small file's content."""
    if path.is_symlink() or not path.is_file():
        msg = "there is no such file"
        raise _invalid(msg, path, "the folder that `biodata node export` wrote")
    if path.stat().st_size > LARGEST_BYTES:
        msg = "it is too large"
        raise _invalid(msg, path, f"at most {LARGEST_BYTES} bytes")
    return path.read_bytes()


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON object of a manifest."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        msg = "it is no JSON object"
        raise _invalid(msg, path)
    return found


def _invalid(problem: str, path: Path, expected: str | None = None) -> InputError:
    return InputError(problem, file=str(path), expected=expected, code="MANIFEST_INVALID")


# Sealed files: whoever has the public key can write one, and only whoever has the private key can read it.
MAGIC: Final = b"biodata sealed 1\n"
PIECE_BYTES: Final = 1 << 16
"""Bytes of content in each piece but the last."""

_TAG_BYTES: Final = 16
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_INFO: Final = b"biodata upload"


def new_sealing_key() -> tuple[bytes, bytes]:
    """Return a private key and its public one, 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def seal(parts: Iterable[bytes], public: bytes) -> Iterator[bytes]:
    """Seal a content; what is given is never kept whole.

    Parameters
    ----------
    parts : iterable of bytes
        The content, in parts of any length.
    public : bytes
        The public key.

    Yields
    ------
    bytes
        The sealed file, part by part.
    """
    key = os.urandom(32)
    wrapped = _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public), _INFO)
    yield MAGIC + struct.pack(">H", len(wrapped)) + wrapped
    cipher, number, held = ChaCha20Poly1305(key), 0, bytearray()
    for part in parts:
        held += part
        while len(held) > PIECE_BYTES:  # one piece is kept back: the last one says that it is
            yield cipher.encrypt(_nonce(number, last=False), bytes(held[:PIECE_BYTES]), None)
            del held[:PIECE_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(held), None)


def unseal(file: BinaryIO, private: bytes) -> Iterator[bytes]:
    """Give the content of a sealed file, piece by piece.

    Parameters
    ----------
    file : binary file
        At its beginning.
    private : bytes
        The private key.

    Raises
    ------
    StoreError
        If it is none, was changed or cut short, or was sealed for another key.
    """
    if file.read(len(MAGIC)) != MAGIC:
        message = "this is no sealed file"
        raise StoreError(message)
    try:
        (length,) = struct.unpack(">H", file.read(2))
        key = _SUITE.decrypt(file.read(length), X25519PrivateKey.from_private_bytes(private), _INFO)
        cipher, number, piece = ChaCha20Poly1305(key), 0, file.read(PIECE_BYTES + _TAG_BYTES)
        while True:
            following = file.read(PIECE_BYTES + _TAG_BYTES)
            yield cipher.decrypt(_nonce(number, last=not following), piece, None)
            if not following:
                return
            piece, number = following, number + 1
    except (InvalidTag, ValueError, struct.error) as error:
        message = "a sealed file was changed, cut short, or sealed for another key"
        raise StoreError(message) from error


def _nonce(number: int, *, last: bool) -> bytes:
    """Return the nonce of a piece: its number, and whether it is the last."""
    return number.to_bytes(11, "big") + bytes([last])
