"""Sealed files: whoever has the public key can write one, and only whoever has the private key can read it.

A key of its own for each file is sealed by HPKE (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305); the content follows
in pieces, each with its number and whether it is the last (the STREAM construction), so that none can be left out.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from biodata.core.errors import StoreError

MAGIC: Final = b"biodata sealed 1\n"
PIECE_BYTES: Final = 1 << 16
"""Bytes of content in each piece but the last."""

_TAG_BYTES: Final = 16
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_INFO: Final = b"biodata upload"


def new_key() -> tuple[bytes, bytes]:
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
