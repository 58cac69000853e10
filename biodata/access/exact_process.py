"""The process that alone reads the exact store, and the calls to it: one typed call over a local socket, checked and audited inside it.

A message is one line of JSON. Beside a call may come the descriptor of an open file: so records pass from one system user
to another without a file that both can read.

A call is ``{"grants": [{"grant": TEXT, "signature": BASE64}], "account": NAME, "ask": {"keys", "after", "until",
"limit"}}``, answered by ``{"records": […], "snapshot": …}``, with the countries whose grant is not signed as it should be
in `unsigned`, where there are any; or ``{"check": {"grant", "signature"}}``, answered by ``{"signed": BOOL}``; or
``{"revoke": ID}``, which anybody who may ask may do: it only takes away; or ``{"take": {"snapshot", "rules_hash",
"records"}}`` with the file of the records, from whoever has the lake. What is refused is answered by ``{"refused": WHY}``.
"""

import contextlib
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

import polars as pl
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from biodata.access import exact_store, grants
from biodata.access.grants import Grant
from biodata.core.errors import BiodataError, InputError, StoreError
from biodata.store import audit
from biodata.store.models import Base, UtcDateTime, now
from biodata.store.registry import open_engine

MOST_CALL_BYTES: Final = 2_000_000
"""Of a call."""
TIMEOUT_S: Final = 20.0
_TAKING_S: Final = 600.0


class RefusedError(BiodataError):
    """A call that the exact process does not answer."""

    code = "GRANT_REFUSED"


def call_exact(path: Path, call: Mapping[str, Any], *, file: int | None = None) -> dict[str, Any]:
    """Put a call to the exact process.

    Parameters
    ----------
    path : Path
        Its socket.
    call : mapping
        As `exact_process` describes it.
    file : int, optional
        Descriptor of a file that comes with it.

    Raises
    ------
    StoreError
        If nobody answers.
    RefusedError
        If it refuses; the text says why.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S if file is None else _TAKING_S)
            connection.connect(str(path))
            send(connection, call, file=file)
            answer, _ = receive(connection, 1 << 30)
    except (OSError, ValueError) as error:
        message = f"the exact process does not answer at {path}; start it with `biodata exact serve`"
        raise StoreError(message) from error
    if "refused" in answer:
        raise RefusedError(answer["refused"])
    found: dict[str, Any] = answer
    return found


def is_signed(path: Path, grant: str, signature: str) -> bool:
    """Return whether the exact process takes a signature as that of a grant's country.

    Parameters
    ----------
    path : Path
        Its socket.
    grant, signature : str
        The grant's text, and the signature in base64.

    Raises
    ------
    StoreError
        If nobody answers.
    """
    return bool(call_exact(path, {"check": {"grant": grant, "signature": signature}})["signed"])


def send(connection: socket.socket, facts: Mapping[str, Any], *, file: int | None = None) -> None:
    """Send a message."""
    data = json.dumps(facts).encode() + b"\n"
    sent = 0 if file is None else socket.send_fds(connection, [data], [file])
    connection.sendall(data[sent:])


def receive(connection: socket.socket, most: int) -> tuple[Any, int | None]:
    """Read a message, and the descriptor that came with it, which the caller closes.

    Raises
    ------
    ValueError
        If it is too long, ends early or is no JSON.
    """
    data, files, _, _ = socket.recv_fds(connection, 1 << 16, 1)
    file = files[0] if files else None
    try:
        return json.loads(_whole(connection, data, most)), file
    except BaseException:
        if file is not None:
            os.close(file)
        raise


def _whole(connection: socket.socket, data: bytes, most: int) -> bytes:
    """Return the line that begins so."""
    message = bytearray(data)
    while data and len(message) <= most and not data.endswith(b"\n"):
        data = connection.recv(1 << 16)
        message += data
    if not data or len(message) > most:
        problem = "the message is too long, or ended early"
        raise ValueError(problem)
    return bytes(message)


logger = logging.getLogger(__name__)

MOST_ROWS: Final = 10_000
"""Records of one answer."""
_MOST_GRANTS: Final = 20


class _Own(DeclarativeBase):
    """The process's own tables, beside its audit."""


class Use(_Own):
    """How much of a grant was used, and whether it was revoked."""

    __tablename__ = "grant_use"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rows: Mapped[int] = mapped_column(default=0)
    requests: Mapped[int] = mapped_column(default=0)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DayOfUse(_Own):
    """How many records a grant gave on one day."""

    __tablename__ = "grant_day"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    rows: Mapped[int] = mapped_column(default=0)


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
        audit.keep_heads(self._sessions, folder)
        self._facts = exact_store.Facts(0, "", 0)
        self._records, self._stamp = pl.DataFrame(schema=exact_store.SCHEMA), (0, 0)
        if (folder / exact_store.FILE).exists():
            self._fresh()

    def answer(self, call: Any, *, file: int | None = None, owner: bool = False) -> dict[str, Any]:
        """Answer a call: with records, or with why it is refused; both stand in the audit.

        Parameters
        ----------
        call : any
            JSON, as the module's description tells.
        file : int, optional
            Descriptor of the file that came with it.
        owner : bool
            Whether it comes from whoever has the lake.
        """
        with self._lock:  # limits are counted one call after the other
            try:
                if isinstance(call, dict) and set(call) == {"revoke"}:
                    return self._revoke(str(call["revoke"])[:64])
                if isinstance(call, dict) and set(call) == {"take"}:
                    return self._take(call["take"], file, owner=owner)
                if isinstance(call, dict) and set(call) == {"check"}:
                    return {"signed": self._signed(*_signed_text(call["check"]))}
                found, unsigned = self._grants(call)
                return self._give(found, call) | ({"unsigned": unsigned} if unsigned else {})
            except (RefusedError, InputError, StoreError) as error:
                text = error.without_value() if isinstance(error, InputError) else str(error)
                self._note(_actor(call), "exact read refused", "exact store", {"why": text[:300]})
                return {"refused": text}

    def first_broken(self) -> int | None:
        """Return the first entry of the audit that was changed; None where all is well."""
        with self._sessions() as session, session.begin():
            heads = audit.read_heads(self._folder)
            found = audit.first_broken(session), audit.first_missing(session, heads)
        return min((number for number in found if number is not None), default=None)

    def _signed(self, grant: Grant, text: str, signature: str) -> bool:
        """Return whether a grant is signed with the key that is trusted for its country."""
        public = self._folder / "nodes" / f"{grant.country}.pem"
        return public.is_file() and grants.signed_by(text, signature, public.read_bytes())

    def _grants(self, call: Any) -> tuple[list[Grant], list[str]]:
        """Return the grants of a call that are signed by their country's node, and the countries of the others."""
        if not isinstance(call, dict) or set(call) != {"grants", "account", "ask"}:
            raise _refused(why="the call is none")
        entries = call["grants"]
        if not isinstance(entries, list) or not 0 < len(entries) <= _MOST_GRANTS:
            raise _refused(why="the call has no grant, or too many")
        read = [_signed_text(one) for one in entries]
        every = [grant for grant, _, _ in read]
        if len({g.country for g in every}) < len(every) or len({(g.request, g.account) for g in every}) > 1:
            raise _refused(why="the grants are not of one request, one for each country")
        found = [grant for grant, text, signature in read if self._signed(grant, text, signature)]
        unsigned = sorted({g.country for g in every} - {g.country for g in found})
        if not found:
            raise _refused(why=f"the grant of {', '.join(unsigned)} is not signed by that country's node")
        if any(grant.expired() for grant in found):
            raise _refused(why="a grant has expired")
        if found[0].account != call["account"]:
            raise _refused(why="the grant is another account's")
        return found, unsigned

    def _give(self, found: Sequence[Grant], call: Mapping[str, Any]) -> dict[str, Any]:
        """Return records, once their number is counted and the audit has the read."""
        asked = _asked(call["ask"])
        self._fresh()
        records = exact_store.chosen(exact_store.covered(self._records, found), asked)
        with self._sessions() as session, session.begin():
            for grant in found:
                _count(session, grant, records.height)
            facts = {"grants": [g.id for g in found], "countries": [g.country for g in found], "rows": records.height,
                    "fields": records.columns[1:], "asked": {n: v for n, v in asked.items() if n != "keys"}}  # fmt: skip
            audit.append(session, actor=found[0].account, action="exact read", subject=found[0].request, details=facts)
        return {"records": json.loads(records.write_json()), "snapshot": self._facts.snapshot}

    def _take(self, reported: Any, file: int | None, *, owner: bool) -> dict[str, Any]:
        """Take the records that whoever has the lake hands over, in the place of those of before."""
        if not owner:
            raise _refused(why="this system user gives no records; start with --owner to name the one who does")
        if file is None or not isinstance(reported, dict):
            raise _refused(why="no file of records came")
        facts = exact_store.put(self._folder, file)
        self._note("owner", "exact records taken", "exact store", facts.as_dict())
        self._fresh()
        return {"taken": facts.records}

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
        try:
            found = (self._folder / exact_store.FILE).stat()
        except OSError as error:
            message = "the exact store has no records yet; `biodata exact build` gives them"
            raise StoreError(message) from error
        stamp = found.st_ino, found.st_mtime_ns
        if stamp != self._stamp:
            self._facts, self._records = exact_store.read(self._folder)
            self._stamp = stamp


def _count(session: Session, grant: Grant, rows: int) -> None:
    """Count a read of a grant, or refuse it."""
    use = session.get(Use, grant.id) or Use(id=grant.id, rows=0, requests=0)
    day = now().date().isoformat()
    today = session.get(DayOfUse, (grant.id, day)) or DayOfUse(id=grant.id, day=day, rows=0)
    session.add_all([use, today])
    if use.revoked is not None:
        raise _refused(why="a grant was revoked")
    if use.requests >= grant.requests:
        raise _refused(why=f"a grant was used {grant.requests} times, as often as it may be")
    if use.rows + rows > grant.rows:
        raise _refused(why=f"a grant has {grant.rows - use.rows} records left; ask for fewer")
    if today.rows + rows > grant.rows_a_day:
        left = grant.rows_a_day - today.rows
        raise _refused(why=f"a grant has {left} records left today; ask for fewer, or again tomorrow (UTC)")
    use.requests += 1
    use.rows += rows
    today.rows += rows


def _signed_text(facts: Any) -> tuple[Grant, str, str]:
    """Return a grant, its text, and the signature that came with it."""
    if not isinstance(facts, dict) or not all(isinstance(facts.get(name), str) for name in ("grant", "signature")):
        raise _refused(why="a grant has no text or no signature")
    return Grant.read(facts["grant"]), facts["grant"], facts["signature"]


def _actor(call: Any) -> str:
    """Return whom a refused call named, which nobody has proved."""
    named = call.get("account") if isinstance(call, dict) else None
    return f"unproved: {named[:100]}" if isinstance(named, str) else "somebody"


class _Handler(socketserver.BaseRequestHandler):
    """One connection, one call."""

    server: "ExactServer"

    def handle(self) -> None:
        self.request.settimeout(TIMEOUT_S)
        user = struct.unpack("3i", self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        owner = user in self.server.owners
        if not owner and user not in self.server.users:
            logger.warning("system user %d may not ask here", user)
            return
        file = None
        try:
            call, file = receive(self.request, MOST_CALL_BYTES)
            answer = self.server.store.answer(call, file=file, owner=owner)
        except (ValueError, RecursionError, OSError):
            answer = {"refused": "the call cannot be read"}
        except Exception:  # whoever asks hears that it failed, and nothing of why
            logger.exception("a call failed")
            answer = {"refused": "the exact process failed; its log tells why"}
        finally:
            if file is not None:
                os.close(file)
        with contextlib.suppress(OSError):  # whoever asked is gone
            send(self.request, answer)


class ExactServer(socketserver.ThreadingUnixStreamServer):
    """Serves the exact store over a socket, to named system users.

    Parameters
    ----------
    path : Path
        The socket; it is made, and removed at the end.
    users : collection of int
        Numbers of the system users who may ask beside the process's own.
    owners : collection of int
        Numbers of those who have the lake and give the records, beside the process's own.
    """

    daemon_threads = True

    store: ExactStore

    def __init__(self, path: Path, *, users: Sequence[int] = (), owners: Sequence[int] = ()) -> None:
        self._path = path
        self.users, self.owners = set(users), set(owners)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        # Who asks is stated by the system, so that everybody may reach it where another user is to ask.
        path.chmod(0o666 if users or owners else 0o600)

    def serve(self, store: ExactStore) -> None:
        """Answer from a store until `shutdown` is called, as the system user that the process is now."""
        self.store = store
        self.users.add(os.geteuid())
        self.owners.add(os.geteuid())
        self.serve_forever()

    def server_close(self) -> None:
        """Close the socket and remove it, where this system user may."""
        super().server_close()
        with contextlib.suppress(PermissionError):
            self._path.unlink(missing_ok=True)


def _asked(facts: Any) -> dict[str, Any]:
    """Return a question, checked."""
    if not isinstance(facts, dict) or not set(facts) <= {"keys", "after", "until", "limit"}:
        raise _refused(why="the question is none")
    keys, limit = facts.get("keys"), facts.get("limit", 1000)
    ends = {name: facts.get(name) for name in ("after", "until")}
    if keys is not None and not (isinstance(keys, list) and len(keys) <= MOST_ROWS and all(map(_number, keys))):
        raise _refused(why="keys are whole numbers")
    if (
        not all(end is None or _number(end) for end in ends.values())
        or not _number(limit)
        or not 0 < limit <= MOST_ROWS
    ):
        raise _refused(why=f"after and until are keys, limit 1 to {MOST_ROWS}")
    return {"keys": keys, **ends, "limit": limit}


def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _refused(why: str) -> RefusedError:
    return RefusedError(why)
