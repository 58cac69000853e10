"""The process that alone reads the exact store: one typed call over a local socket, checked and audited inside it.

A message is four bytes that tell its length, most significant first, and JSON. A call is ``{"grants": [{"grant": TEXT,
"signature": BASE64}], "account": NAME, "ask": {"keys", "after", "limit"}}``, or ``{"revoke": ID}``, which anybody who
reaches the socket may do: it only takes away. The answer is ``{"records": […], "release": …}`` or ``{"refused": WHY}``.
"""

import json
import logging
import os
import socket
import socketserver
import struct
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from biodata.access import exact_store, grants
from biodata.access.grants import Grant
from biodata.errors import BiodataError, InputError, StoreError
from biodata.store import audit, audit_heads
from biodata.store.engine import open_engine
from biodata.store.models import Base, UtcDateTime, now

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 200_000
"""Of a call."""
MOST_ROWS: Final = 10_000
"""Records of one answer."""
_MOST_GRANTS: Final = 20
_TIMEOUT_S: Final = 20.0


class _Own(DeclarativeBase):
    """The process's own tables, beside its audit."""


class Use(_Own):
    """How much of a grant was used, and whether it was revoked."""

    __tablename__ = "grant_use"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rows: Mapped[int] = mapped_column(default=0)
    requests: Mapped[int] = mapped_column(default=0)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RefusedError(BiodataError):
    """A call that the exact process does not answer."""

    code = "GRANT_REFUSED"


class ExactStore:
    """The store, its trusted keys, what was used of each grant, and its own audit.

    Parameters
    ----------
    folder : Path
        The store's folder. The public key of each node that is trusted is ``nodes/XX.pem`` in it.
    """

    def __init__(self, folder: Path) -> None:
        exact_store.check_closed(folder)
        self._folder = folder
        self._lock = threading.Lock()
        database = folder / "use.sqlite"
        database.touch(0o600)
        engine = open_engine(f"sqlite:///{database.resolve()}")
        _Own.metadata.create_all(engine)
        Base.metadata.create_all(engine, tables=[Base.metadata.tables["audit"]])
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        audit_heads.keep(self._sessions, folder)
        self._records, self._stamp = exact_store.read(folder), self._now()

    def answer(self, call: Any) -> dict[str, Any]:
        """Answer a call: with records, or with why it is refused; both stand in the audit.

        Parameters
        ----------
        call : any
            JSON, as the module's description tells.
        """
        with self._lock:  # limits are counted one call after the other
            try:
                if isinstance(call, dict) and set(call) == {"revoke"}:
                    return self._revoke(str(call["revoke"])[:64])
                found = self._grants(call)
                return self._give(found, call)
            except (RefusedError, InputError) as error:
                self._note("somebody", "exact read refused", "exact store", {"why": str(error)[:300]})
                return {"refused": str(error)}

    def first_broken(self) -> int | None:
        """Return the first entry of the audit that was changed; None where all is well."""
        with self._sessions() as session, session.begin():
            heads = audit_heads.read(self._folder)
            found = audit.first_broken(session), audit_heads.first_missing(session, heads)
        return min((number for number in found if number is not None), default=None)

    def _grants(self, call: Any) -> list[Grant]:
        """Return the grants of a call, each with a signature of its own country's node."""
        if not isinstance(call, dict) or set(call) != {"grants", "account", "ask"}:
            raise _refused(why="the call is none")
        told = call["grants"]
        if not isinstance(told, list) or not 0 < len(told) <= _MOST_GRANTS:
            raise _refused(why="the call has no grant, or too many")
        found = []
        for one in told:
            if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("grant", "signature")):
                raise _refused(why="a grant has no text or no signature")
            grant = Grant.read(one["grant"])
            public = self._folder / "nodes" / f"{grant.country}.pem"
            if not public.is_file() or not grants.signed_by(one["grant"], one["signature"], public.read_bytes()):
                raise _refused(why="a grant is not signed by the node of its country")
            if grant.expired():
                raise _refused(why="a grant has expired")
            found.append(grant)
        if len({g.country for g in found}) < len(found) or len({(g.request, g.account) for g in found}) > 1:
            raise _refused(why="the grants are not of one request, one for each country")
        if found[0].account != call["account"]:
            raise _refused(why="the grant is another account's")
        return found

    def _give(self, found: Sequence[Grant], call: Mapping[str, Any]) -> dict[str, Any]:
        """Return records, once their number is counted and the audit has the read."""
        asked = _asked(call["ask"])
        self._fresh()
        records = exact_store.chosen(exact_store.covered(self._records, found), asked)
        with self._sessions() as session, session.begin():
            for grant in found:
                use = session.get(Use, grant.id) or Use(id=grant.id, rows=0, requests=0)
                session.add(use)
                if use.revoked is not None:
                    raise _refused(why="a grant was revoked")
                if use.requests >= grant.requests:
                    raise _refused(why=f"a grant was used {grant.requests} times, as often as it may be")
                if use.rows + records.height > grant.rows:
                    left = grant.rows - use.rows
                    raise _refused(why=f"a grant has {left} records left; ask for fewer")
                use.requests += 1
                use.rows += records.height
            told = {"grants": [g.id for g in found], "countries": [g.country for g in found], "rows": records.height,
                    "fields": records.columns[1:], "asked": {n: v for n, v in asked.items() if n != "keys"}}  # fmt: skip
            audit.append(session, actor=found[0].account, action="exact read", subject=found[0].request, details=told)
        return {"records": json.loads(records.write_json()), "snapshot": self._facts()["snapshot"]}

    def _revoke(self, number: str) -> dict[str, Any]:
        """End a grant for good."""
        with self._sessions() as session, session.begin():
            use = session.get(Use, number) or Use(id=number, rows=0, requests=0)
            session.add(use)
            if use.revoked is None:
                use.revoked = now()
                audit.append(session, actor="service", action="grant revoked", subject=number, details={})
        return {"revoked": number}

    def _note(self, actor: str, action: str, subject: str, details: Mapping[str, Any]) -> None:
        with self._sessions() as session, session.begin():
            audit.append(session, actor=actor, action=action, subject=subject, details=details)

    def _fresh(self) -> None:
        """Read the records again where they were built anew."""
        if self._now() != self._stamp:
            self._records, self._stamp = exact_store.read(self._folder), self._now()

    def _now(self) -> tuple[int, int]:
        found = (self._folder / exact_store.FILE).stat()
        return found.st_ino, found.st_mtime_ns

    def _facts(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self._folder / exact_store.FACTS).read_text(encoding="utf-8"))
        return told


class _Handler(socketserver.BaseRequestHandler):
    """One connection, one call."""

    server: "ExactServer"

    def handle(self) -> None:
        self.request.settimeout(_TIMEOUT_S)
        user = struct.unpack("3i", self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        if user not in self.server.users:
            logger.warning("system user %d may not ask here", user)
            return
        try:
            answer = self.server.store.answer(json.loads(_receive(self.request, MOST_BYTES)))
        except (ValueError, RecursionError, OSError):
            answer = {"refused": "the call cannot be read"}
        _send(self.request, answer)


class ExactServer(socketserver.ThreadingUnixStreamServer):
    """Serves the exact store over a socket, to named system users.

    Parameters
    ----------
    path : Path
        The socket; it is made, and removed at the end.
    store : ExactStore
        What is served.
    users : collection of int
        Numbers of the system users who may ask beside the process's own.
    """

    daemon_threads = True

    def __init__(self, path: Path, store: ExactStore, *, users: Sequence[int] = ()) -> None:
        self.store, self.users, self._path = store, {os.geteuid(), *users}, path
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        # Who asks is told by the system, so that everybody may reach it where another user is to ask.
        path.chmod(0o666 if users else 0o600)

    def server_close(self) -> None:
        """Close the socket and remove it."""
        super().server_close()
        self._path.unlink(missing_ok=True)


def ask(path: Path, call: Mapping[str, Any]) -> dict[str, Any]:
    """Put a call to the exact process; the service's part.

    Raises
    ------
    StoreError
        If nobody answers.
    RefusedError
        If it refuses; the text says why.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(str(path))
            _send(connection, call)
            answer = json.loads(_receive(connection, 1 << 30))
    except (OSError, ValueError) as error:
        message = "the exact process does not answer; start it with `biodata exact serve`"
        raise StoreError(message) from error
    if "refused" in answer:
        raise RefusedError(answer["refused"])
    found: dict[str, Any] = answer
    return found


def _asked(told: Any) -> dict[str, Any]:
    """Return a question, checked."""
    if not isinstance(told, dict) or not set(told) <= {"keys", "after", "limit"}:
        raise _refused(why="the question is none")
    keys, after, limit = told.get("keys"), told.get("after"), told.get("limit", 1000)
    if keys is not None and not (isinstance(keys, list) and len(keys) <= MOST_ROWS and all(map(_number, keys))):
        raise _refused(why="keys are whole numbers")
    if (after is not None and not _number(after)) or not _number(limit) or not 0 < limit <= MOST_ROWS:
        raise _refused(why=f"after is a key, limit 1 to {MOST_ROWS}")
    return {"keys": keys, "after": after, "limit": limit}


def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _receive(connection: socket.socket, most: int) -> bytes:
    """Read a message."""
    length = struct.unpack(">I", _exactly(connection, 4))[0]
    if length > most:
        message = "the message is too long"
        raise ValueError(message)
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1 << 16))
        if not part:
            message = "the message ended early"
            raise ValueError(message)
        parts += part
    return bytes(parts)


def _send(connection: socket.socket, told: Mapping[str, Any]) -> None:
    data = json.dumps(told).encode()
    connection.sendall(struct.pack(">I", len(data)) + data)


def _refused(why: str) -> RefusedError:
    return RefusedError(why)
