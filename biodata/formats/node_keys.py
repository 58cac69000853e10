"""The keys of national nodes, Ed25519: made, told apart, and what they sign."""

import base64
import hashlib
import os
from pathlib import Path

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
    """Tell whether a signature, in base 64, is that of a key over a text of this purpose."""
    try:
        key = load_pem_public_key(public_pem.encode())
        if not isinstance(key, Ed25519PublicKey):
            return False
        told = base64.b64decode(signature, validate=True)
        key.verify(told, purpose + text)
    except (InvalidSignature, ValueError):
        return False
    # Several texts decode to the same bytes: only the one that `sign` writes is taken.
    return base64.b64encode(told) == (signature.encode() if isinstance(signature, str) else signature)


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
