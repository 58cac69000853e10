"""Withdrawn records, and events of nothing else, are known again when they come a second time, and are not taken in."""

import hmac
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
from sqlalchemy import select

from biodata.store.account_models import Tombstone, Withdrawal
from biodata.store.registry import Registry

CODE = "RECORD_WITHDRAWN"


@dataclass(frozen=True)
class Tombstones:
    """What was withdrawn.

    Attributes
    ----------
    secret : bytes
        The installation's secret.
    datasets : frozenset of str
        Datasets that were withdrawn as a whole.
    records : mapping of str to set of str
        By dataset, `identity_of` the withdrawn records, and `event_identity` of the events that went with them.
    """

    secret: bytes
    datasets: frozenset[str] = frozenset()
    records: Mapping[str, set[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, registry: Registry, secret: bytes) -> "Tombstones":
        """Read them from the registry."""
        found: dict[str, set[str]] = defaultdict(set)
        with registry.session(read_only=True) as session:
            for dataset, identity in session.execute(select(Tombstone.dataset, Tombstone.identity)):
                found[dataset].add(identity)
            whole = session.scalars(select(Withdrawal.subject).where(Withdrawal.kind == "dataset")).all()
        return cls(secret, frozenset(whole), dict(found))

    def withdrawn(self, records: pl.DataFrame) -> pl.Series:
        """Tell which records (`datasetKey`, `source_record_id`) were withdrawn."""
        known = self.datasets | set(self.records)
        asked = records.select("datasetKey", "source_record_id")
        if not known or not asked["datasetKey"].is_in(list(known)).any():
            return pl.repeat(False, records.height, eager=True)
        return pl.Series(
            "withdrawn",
            [
                dataset in self.datasets
                or identity_of(self.secret, dataset, identifier) in self.records.get(dataset, set())
                for dataset, identifier in asked.iter_rows()
            ],
            dtype=pl.Boolean,
        )

    def withdrawn_events(self, events: pl.DataFrame) -> pl.Series:
        """Tell which events (`datasetKey`, `eventID`) were withdrawn; what has no identifier was not."""
        asked = events.select("datasetKey", "eventID")
        if not self.datasets and not self.records:
            return pl.repeat(False, events.height, eager=True)
        return pl.Series(
            "withdrawn",
            [
                event is not None
                and (
                    dataset in self.datasets
                    or event_identity(self.secret, dataset, event) in self.records.get(dataset, ())
                )
                for dataset, event in asked.iter_rows()
            ],
            dtype=pl.Boolean,
        )


def event_identity(secret: bytes, dataset: str, event: str) -> str:
    """Return what a withdrawn event is known by; no record is known by the same."""
    return hmac.digest(secret, f"withdrawn event\x1f{dataset}\x1f{event}".encode(), "sha256").hex()


def event_number(identity: str) -> int:
    """Return the number under which the registry keeps a withdrawn event: below zero, which no record's is."""
    return -1 - int(identity[:15], 16) % 2**52


def identity_of(secret: bytes, dataset: str, identifier: str) -> str:
    """Return what a withdrawn record is known by; it states nothing of the identifier without the secret."""
    return hmac.digest(secret, f"withdrawn\x1f{dataset}\x1f{identifier}".encode(), "sha256").hex()
