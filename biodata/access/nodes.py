"""National nodes: a country's own key, the keys of others that are trusted, and what a node hands over, signed."""

import re
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import polars as pl
import pycountry
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import appointments
from biodata.core import terms
from biodata.core.errors import InputError, NoReleaseError, StoreError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.formats import node_keys
from biodata.store import audit, checksums, consents, models, releases, sharing_rules
from biodata.store.account_models import Node, Withdrawal
from biodata.store.checksums import digest
from biodata.store.locks import sync_file, sync_folder
from biodata.store.models import now
from biodata.store.registry import Registry
from biodata.text.countries import country_candidates

KEY_FILE: Final = Path("secrets") / "node.pem"
"""The private key, in the installation's folder of secrets."""


def new_node(registry: Registry, data: Path, code: str, *, actor: str = "command line") -> Path:
    """Make an installation the node of a country.

    Parameters
    ----------
    registry : Registry
        Of the installation.
    data : Path
        Its folder; the private key is made in it, for its owner alone, and never leaves it.
    code : str
        ISO 3166-1 alpha-2 code of the country.
    actor : str
        What the audit calls whoever does it.

    Returns
    -------
    Path
        The file with the public key, which hubs are given.

    Raises
    ------
    InputError
        If the code is none of a country, or the installation is a node already.
    """
    country = checked_country(code)
    with registry.session() as session, session.begin():
        if (before := own(session)) is not None:
            problem = f"this installation is the node of {before.code} already"
            raise InputError(problem, value=code, code="NODE_EXISTS")
        if session.get(Node, country) is not None:
            problem = "another installation is trusted as the node of this country"
            raise InputError(problem, value=code, code="NODE_EXISTS")
        public = node_keys.public_of(_private_key(data, make=True))
        session.add(Node(code=country, public_key=public, own=True, told={}))
        details = {"fingerprint": node_keys.fingerprint(public)}
        audit.append(session, actor=actor, action="node new", subject=country, details=details)
    path = data / f"node-{country}.pub"
    path.write_text(public, encoding="ascii")
    path.chmod(0o600)  # for whoever has the machine to hand over: the service needs none of the folder
    checksums.record(data, {path.name: path})
    return path


def trust(
    registry: Registry, code: str, key_file: Path, *, compared: str | None = None, actor: str = "command line"
) -> str:
    """Trust the key of a country's node; return its fingerprint, which is compared by another way than it came.

    Parameters
    ----------
    registry : Registry
    code : str
        ISO 3166-1 alpha-2 code of the country.
    key_file : Path
        The public key, as the node gave it.
    compared : str, optional
        The fingerprint that the node stated, in hexadecimal; blanks, colons and capitals make no difference.
    actor : str
        What the audit calls whoever does it.

    Raises
    ------
    InputError
        If the file holds no public key, or that of another country's node; if its fingerprint is another than the node stated;
        or if another key of this node is trusted: that one is taken away first.
    """
    country = checked_country(code)
    public = node_keys.read_public(key_file.read_text(encoding="utf-8", errors="replace"), file=str(key_file))
    text = node_keys.fingerprint(public)
    if compared is not None and re.sub(r"[\s:]", "", compared).lower() != text:
        problem = "this key has another fingerprint than the node told: the file is not the one that it gave"
        raise InputError(problem, file=str(key_file), value=compared, expected=text, code="FINGERPRINT_OTHER")
    with registry.session() as session, session.begin():
        node = session.get(Node, country)
        if node is not None and node.own:
            problem = "this installation is that node itself"
            raise InputError(problem, value=code, code="NODE_EXISTS")
        other = session.scalar(select(Node).where(Node.public_key == public, Node.code != country))
        if other is not None:
            # Whoever signs for one country must not sign for another.
            problem = f"this is the key of the node of {other.code}"
            expected = f"the key that the node of {country} made with `biodata node new {country}`"
            raise InputError(problem, file=str(key_file), value=code, expected=expected, code="NODE_EXISTS")
        if node is not None and node.distrusted is None and node.public_key != public:
            problem = "another key of this node is trusted"
            expected = f"`biodata node distrust {country}` first"
            raise InputError(problem, file=str(key_file), expected=expected, code="NODE_EXISTS")
        if node is None:
            node = Node(code=country, public_key=public, told={})
            session.add(node)
        # The number of the last manifest stays: a new key lets nobody bring an old one again.
        node.public_key, node.distrusted, node.trusted = public, None, now()
        audit.append(session, actor=actor, action="node trust", subject=country, details={"fingerprint": text})
    return text


def distrust(registry: Registry, code: str, *, actor: str = "command line") -> None:
    """Take nothing more from a node; what it shared stays until it is withdrawn."""
    country = checked_country(code)
    with registry.session() as session, session.begin():
        node = session.get(Node, country)
        if node is None or node.own or node.distrusted is not None:
            problem = "no node of this country is trusted"
            raise InputError(problem, value=code, code="NODE_UNKNOWN")
        node.distrusted = now()
        audit.append(session, actor=actor, action="node distrust", subject=country, details={})


def node_lines(registry: Registry) -> list[str]:
    """Return a line for each node."""
    with registry.session(read_only=True) as session:
        return [
            "\t".join(
                (
                    node.code,
                    "this installation" if node.own else "trusted" if node.distrusted is None else "not trusted",
                    f"manifest {node.sequence}" if node.sequence else "nothing yet",
                    node_keys.fingerprint(node.public_key),
                )
            )
            for node in session.scalars(select(Node).order_by(Node.code))
        ]


def own(session: Session) -> Node | None:
    """Return the node that this installation is; None where it is none."""
    return session.scalar(select(Node).where(Node.own))


def need_own(registry: Registry) -> str:
    """Return the country whose node this installation is, or fail."""
    with registry.session(read_only=True) as session:
        node = own(session)
    if node is None:
        problem = "this installation is no national node"
        raise InputError(problem, expected="`biodata node new CODE` first", code="NODE_UNKNOWN")
    return node.code


def is_own(registry: Registry, code: str) -> bool:
    """Return whether this installation is the node of a country."""
    with registry.session(read_only=True) as session:
        node = own(session)
        return node is not None and node.code == code


def sign_consent(data: Path, text: bytes) -> str:
    """Sign an answer about a shared output with the node's own key; return the signature in base 64."""
    return consents.sign(text, private_key(data))


def appoint(
    registry: Registry, data: Path, account: str, *, given: bool, actor: str = "command line"
) -> tuple[str, dict[str, str]]:
    """Sign who manages this node at a hub, or does no longer; return the country, and `text` with its `signature`."""
    country = need_own(registry)
    text = appointments.word(country, account, given=given)
    signature = node_keys.sign(appointments.PURPOSE, text.encode(), private_key(data))
    with registry.session() as session, session.begin():
        audit.append(session, actor=actor, action="node appoint", subject=account, details={"given": given})
    return country, {"text": text, "signature": signature}


def private_key(data: Path) -> bytes:
    """Return the node's private key, as PEM."""
    return _private_key(data, make=False)


def checked_country(code: str) -> str:
    """Return the code of a country, in capitals.

    Raises
    ------
    InputError
        If it is none.
    """
    country = code.strip().upper()
    if not re.fullmatch("[A-Z]{2}", country) or pycountry.countries.get(alpha_2=country) is None:
        problem, meant = "this is no code of a country", country_candidates(code)
        expected = f"{' or '.join(sorted(meant))}, its ISO 3166-1 code" if meant else "an ISO 3166-1 code, such as LA"
        raise InputError(problem, column="country", value=code, expected=expected, code="COUNTRY_UNKNOWN")
    return country


def _private_key(data: Path, *, make: bool) -> bytes:
    """Return the private key; a new one is made where there is none and one is wanted."""
    path = data / KEY_FILE
    try:
        if make and not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            node_keys.keep_new(path)
            checksums.record(data, {KEY_FILE.as_posix(): path})
        if path.stat().st_mode & 0o077:
            message = f"{KEY_FILE}: others can read the node's private key; its mode must be 0600"
            raise StoreError(message)
        return path.read_bytes()
    except OSError as error:
        message = f"the node's private key cannot be read: {error.strerror}"
        raise StoreError(message) from error


RECORDS: Final = "occurrences.parquet"


@dataclass(frozen=True, slots=True)
class Export:
    """What was handed over.

    Attributes
    ----------
    node : str
        Code of the country.
    sequence : int
        Number of the manifest.
    release : str
        The release that it was made of.
    counts : dict of str to int
        records, generalised; elsewhere: published records of other countries, or of none, which stay.
    """

    node: str
    sequence: int
    release: str
    counts: dict[str, int]


def export_node(settings: Settings, folder: Path, *, actor: str = "command line") -> Export:
    """Write what the node's release publishes of its own country into a folder, with a signed manifest.

    Parameters
    ----------
    settings : Settings
        The node's installation.
    folder : Path
        A new folder; it appears when it is whole.
    actor : str
        What the audit calls whoever does it.

    Raises
    ------
    InputError
        If the folder is there, or the installation is no node.
    NoReleaseError
        If there is no release.
    StoreError
        If the release was made under other rules than today's.
    """
    if folder.exists():
        problem = "this folder is there already"
        raise InputError(problem, file=str(folder), expected="the name of a new one", code="OUTPUT_EXISTS")
    if (release := releases.current(settings.data)) is None:
        raise NoReleaseError
    with Registry.open(settings) as registry:
        rules = sharing_rules.rules_of(registry)
        with registry.session(read_only=True) as session:
            if (node := own(session)) is None:
                problem = "this installation is no national node"
                raise InputError(problem, expected="`biodata node new CODE` first", code="NODE_UNKNOWN")
            code, sequence, previous = node.code, node.sequence + 1, node.manifest
            made = session.get(models.Release, release.id)
            if made is None or made.rules_hash != rules.hash:
                message = "the release was made under other sharing rules than today's; `biodata release` first"
                raise StoreError(message)
            withdrawals = select(Withdrawal).where(Withdrawal.kind != "node").order_by(Withdrawal.id)
            withdrawn = _withdrawals(session.scalars(withdrawals))
        key = private_key(settings.data)
        everything = releases.read(release, "occurrences")
        records = everything.filter(of_country(code)).drop(terms.names(terms.ASSESSED)).sort("key")
        datasets = (
            releases.read(release, "datasets")
            .drop("count")
            .join(records, left_on="key", right_on="datasetKey", how="semi")
        )
        counts = {
            "records": records.height,
            "generalised": records.filter(pl.col("sharing_category") != SharingCategory.OPEN).height,
            "elsewhere": everything.height - records.height,
        }
        unnamed = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(unnamed, ignore_errors=True)
        unnamed.mkdir(parents=True)
        try:
            files = {RECORDS: _written(records, unnamed / RECORDS)}
            facts = {
                "format": node_keys.FORMAT, "node": code, "key": node_keys.fingerprint(node_keys.public_of(key)),
                "sequence": sequence, "previous": previous, "release": release.id, "snapshot": release.snapshot,
                "rules": rules.hash, "boundaries": settings.boundaries, "created": now().isoformat(),
                "biodata": version("biodata"), "files": files, "datasets": datasets.sort("key").to_dicts(),
                "counts": counts, "withdrawals": withdrawn,
            }  # fmt: skip
            sha256 = node_keys.write_manifest(unnamed, facts, key)
            for path in unnamed.iterdir():
                sync_file(path)
            with registry.session() as session, session.begin():
                node = own(session)
                if node is None or node.sequence != sequence - 1:
                    message = "another export was made meanwhile; nothing was written"
                    raise StoreError(message)
                node.sequence, node.manifest, node.told = sequence, sha256, dict(counts)
                details = {"sequence": sequence, "manifest": sha256, "release": release.id, **counts}
                audit.append(session, actor=actor, action="node export", subject=code, details=details)
                unnamed.rename(folder)
        finally:
            shutil.rmtree(unnamed, ignore_errors=True)
    sync_folder(folder.parent)
    return Export(code, sequence, release.id, counts)


def of_country(code: str) -> pl.Expr:
    """Tell which published records a country's node speaks for: those stated to be there, or, silent, that may be."""
    may_be = pl.col("country_codes").list.contains(code)
    return ((pl.col("countryCode") == code) | (pl.col("countryCode").is_null() & may_be)).fill_null(value=False)


def _withdrawals(found: Any) -> list[dict[str, Any]]:
    """Return what the manifest tells of withdrawals: never what was withdrawn, only that it was."""
    return [
        {"kind": w.kind, "subject": w.subject, "records": w.records, "date": w.created.date().isoformat()}
        for w in found
    ]


def _written(frame: pl.DataFrame, path: Path) -> dict[str, Any]:
    """Write a table and return what the manifest tells of its file."""
    frame.write_parquet(path, compression="zstd", statistics=False)
    checksum = digest(path)
    return {"sha256": checksum.sha256, "bytes": checksum.bytes, "rows": frame.height}
