"""Occurrence records: verbatim batches in, interpreted and flagged batches out, every row accounted for."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

import polars as pl

from biodata import places, quality
from biodata.core import terms
from biodata.core.errors import Refusal
from biodata.harmonise import coordinates, dates, datum_moves, location, measures, names, records, suspicious
from biodata.harmonise.checklists import Checklist
from biodata.harmonise.dates import DateOrders
from biodata.harmonise.findings import Findings, Stated, quality_flags, repairs, repairs_column
from biodata.harmonise.records import Identities

INTERPRETED: Final = tuple(column for column in terms.OCCURRENCE if column.name != "key")
VERBATIM: Final = tuple(column for column in terms.VERBATIM if column.name != "key")
_NOTHING_DECLARED: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class HarmonisedBatch:
    """What became of a batch: its rows are those of `interpreted` and the refusals.

    Attributes
    ----------
    interpreted : polars.DataFrame
        Columns of `terms.OCCURRENCE` without `key`.
    verbatim : polars.DataFrame
        Columns of `terms.VERBATIM` without `key`; the same rows in the same order.
    refusals : list of Refusal
        Rows that nothing identifies.
    quality : polars.DataFrame or None
        The counts of `quality.summarise` over the rows as stated; None where they are not counted.
    """

    interpreted: pl.DataFrame
    verbatim: pl.DataFrame
    refusals: list[Refusal]
    quality: pl.DataFrame | None = None


@dataclass(frozen=True)
class Identified:
    """A batch whose rows have been identified.

    Attributes
    ----------
    stated : Stated
        The rows that are kept.
    identity : Findings
        What identifies them.
    refusals : list of Refusal
        The others.
    """

    told: Stated
    identity: Findings
    refusals: list[Refusal]


class Harmoniser:
    """Interprets the batches of one ingest.

    A row's result depends on the row alone, not on its batch; only rows without any identifier that are equal in every
    cell are distinguished by a number, in the order in which they come.

    Parameters
    ----------
    boundaries : BoundarySet
        The map that places are set beside.
    secret : bytes
        The installation's secret, for identities made from content.
    checklist : polars.DataFrame, optional
        Columns of `terms.TAXON`: what names are matched to before the reference list; an empty one counts as none.
    today : date
        Nothing is recorded after it.
    gazetteer : Gazetteer, optional
        The points that stand in for places; the bundled ones where none is given.
    counted : bool
        Count the answers to TDWG BDQ Core's validations too.
    reader : Names, optional
        What reads names where no checklist is given; one of its own where none is given.
    """

    def __init__(
        self, *, boundaries: places.BoundarySet, secret: bytes, checklist: pl.DataFrame | None = None, today: date,
        gazetteer: places.Gazetteer | None = None, counted: bool = False, reader: names.Names | None = None,
    ) -> None:  # fmt: skip
        self._made_of = {
            "boundaries": boundaries, "checklist": checklist, "today": today, "gazetteer": gazetteer, "counted": counted
        }  # fmt: skip
        self._boundaries = boundaries
        self._quality = quality.Context(today=today, boundaries=boundaries, checklist=checklist) if counted else None
        self._gazetteer = places.load_gazetteer(boundaries) if gazetteer is None else gazetteer
        self.identities = Identities(secret)
        self.has_checklist: Final = checklist is not None and not checklist.is_empty()
        listed = pl.DataFrame(schema=terms.schema(terms.TAXON)) if checklist is None else checklist
        self._names = names.Names(Checklist(listed)) if reader is None or self.has_checklist else reader
        self._today = today

    def __reduce__(self) -> tuple[Any, ...]:
        """Make it anew of what it was made of, in another process: to interpret, not to identify, so without the secret."""
        return _interpreting, (self._made_of,)

    @property
    def today(self) -> date:
        """The day after which nothing is recorded."""
        return self._today

    def occurrences(
        self, batch: pl.DataFrame, *, dataset_key: str, declarations: Mapping[str, str] = _NOTHING_DECLARED
    ) -> HarmonisedBatch:
        """Interpret a batch.

        Parameters
        ----------
        batch : polars.DataFrame
            n rows: `source_file`, `source_row` and text columns by heading, null where a cell is empty.
        dataset_key : str
            The dataset of rows that state none.
        declarations : mapping
            What the dataset declares: `datum`, `calendar` (`buddhist`), `day_month_order` (`day_first`,
            `month_first`), `time_zone` (`+07:00`), `uncertainty_m` (`250`: the radius, metres, of places whose row
            tells none).

        Returns
        -------
        HarmonisedBatch
        """
        return self.interpret(self.identify(batch, dataset_key=dataset_key), declarations=declarations)

    def identify(self, batch: pl.DataFrame, *, dataset_key: str) -> Identified:
        """Say what identifies the rows of a batch; the batches of a table come one after the other.

        Parameters
        ----------
        batch, dataset_key
            As for `occurrences`.

        Returns
        -------
        Identified
        """
        stated = Stated(batch)
        identity, kept, refusals = self.identities.assign(stated, dataset_key=dataset_key)
        if not kept.all():
            stated = stated.keep(kept)
            identity = Findings(
                {name: column.filter(kept) for name, column in identity.columns.items()},
                {name: mask.filter(kept) for name, mask in identity.flags.items()},
            )
        return Identified(stated, identity, refusals)

    def interpret(
        self, identified: Identified, *, declarations: Mapping[str, str] = _NOTHING_DECLARED,
        orders: DateOrders | None = None, counted: bool = True,
    ) -> HarmonisedBatch:  # fmt: skip
        """Interpret identified rows; several batches may be interpreted at once, in any order.

        Parameters
        ----------
        identified : Identified
            n rows.
        declarations : mapping
            As for `occurrences`.
        orders : DateOrders, optional
            What the whole table says of the order of day and month.
        counted : bool
            False where they are no records, and are not counted.

        Returns
        -------
        HarmonisedBatch
        """
        stated, identity = identified.told, identified.identity
        # What a dataset declares of its coordinates need not be true of its footprints.
        outlined = None if "datum" in declarations else measures.places(stated)
        placed = datum_moves.interpret(
            stated,
            coordinates.interpret(stated, outlined),
            declared=declarations.get("datum"),
            boundaries=self._boundaries,
        )
        point = placed.point
        measured = measures.interpret(
            stated, point, widened_m=placed.widened_m, declared=declarations.get("uncertainty_m"),
            outlined_m=None if outlined is None else outlined.radius_m,
        )  # fmt: skip
        located = location.interpret(stated, point, boundaries=self._boundaries)
        recorded = records.interpret(stated)
        taxon = self._names.interpret(stated)
        parts = [
            identity,
            _accepted(stated),
            recorded,
            taxon,
            dates.interpret(stated, today=self._today, declarations=declarations, orders=orders),
            point,
            placed.datum,
            measured,
            located,
            location.interpret_provinces(
                stated["stateProvince"], located.columns["countryCode"], located.columns["province_code"], point,
                measured.columns["coordinateUncertaintyInMeters"], boundaries=self._boundaries,
            ),
            suspicious.interpret(
                stated, point, measures.stated_radius(measured), taxon=taxon, records=recorded, located=located,
                boundaries=self._boundaries, gazetteer=self._gazetteer,
            ),
        ]  # fmt: skip
        asked = self._quality if counted else None
        counts = None if asked is None else quality.summarise(stated.batch.select(stated.terms), asked)
        interpreted = coordinates.records(stated, _interpreted(stated, parts))
        return HarmonisedBatch(interpreted, _verbatim(stated, identity), identified.refusals, counts)


def _interpreting(made_of: dict[str, Any]) -> Harmoniser:
    """Return a harmoniser that interprets rows which were identified elsewhere."""
    return Harmoniser(secret=b"", **made_of)


def _accepted(stated: Stated) -> Findings:
    """Note the accepted proposals that stand in the place of what was written."""
    if not (where := stated.accepted()):
        return Findings()
    some = pl.select(pl.any_horizontal(*where.values()).alias("accepted")).to_series()
    noted = [repairs(mask, term, stated[term], "accepted_proposal", applied=True) for term, mask in where.items()]
    return Findings(flags={"PROPOSAL_ACCEPTED": some}, repairs=noted)


def _interpreted(stated: Stated, parts: list[Findings]) -> pl.DataFrame:
    """Put the interpreted columns together; terms that no step reads are as stated, without white space around them."""
    columns = {name: column for part in parts for name, column in part.columns.items()}
    columns["source_file"], columns["source_row"] = stated.batch["source_file"], stated.batch["source_row"]
    columns["quality_flags"] = quality_flags(parts, stated.height)
    columns["repairs"] = repairs_column(parts, stated.height)
    for column in INTERPRETED:
        if column.name not in columns and stated.has(column.name):
            columns[column.name] = stated[column.name]
    frame = pl.DataFrame([column.alias(name) for name, column in columns.items()])
    return terms.conform(frame, INTERPRETED)


def _verbatim(stated: Stated, identity: Findings) -> pl.DataFrame:
    """Put the verbatim layer together."""
    frame = stated.verbatim().with_columns(column.alias(name) for name, column in identity.columns.items())
    return terms.conform(frame, VERBATIM)


# The batches of a table harmonised side by side: each worker takes one from reading to its end, the order stays.
WORKERS: Final = min(os.cpu_count() or 1, 4)
"""Batches in work at once; each takes a few hundred megabytes."""

Finished = TypeVar("Finished")


class Elsewhere(Protocol):
    """Workers that interpret batches in other processes; `pipeline.executors.DaskWorkers` is one."""

    @property
    def workers(self) -> int:
        """How many tasks run at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Hand a task out."""

    def share(self, value: Any) -> Any:
        """Send a value to the workers once; what is returned stands for it among the values of tasks."""


def harmonise_batches(
    harmoniser: Harmoniser, batches: Iterator[pl.DataFrame], *, finish: Callable[[int, HarmonisedBatch], Finished],
    dataset_key: str, declarations: Mapping[str, str], orders: DateOrders | None = None,
    heard: DateOrders | None = None, elsewhere: Elsewhere | None = None,
) -> Iterator[Finished]:  # fmt: skip
    """Interpret batches of verbatim records.

    Parameters
    ----------
    harmoniser : Harmoniser
        What interprets.
    batches : iterator of frames
        As for `Harmoniser.occurrences`; asked by several threads, one at a time.
    finish : callable
        What is done with each batch, given its number from 0: equal to what `Harmoniser.occurrences` gives of the
        batches one after the other. Called by several threads, batches in any order. What it returns is kept until
        those before it are finished, so it should be small.
    dataset_key, declarations
        As for `Harmoniser.occurrences`.
    orders : DateOrders, optional
        What the whole table says of the order of day and month.
    heard : DateOrders, optional
        What hears each batch.
    elsewhere : Elsewhere, optional
        Who interprets all batches but the first; the first is interpreted here, so that a small table waits for nobody.

    Yields
    ------
    what `finish` returns, in the order of the batches
    """
    turn, numbers = Lock(), iter(range(2**62))

    def read() -> tuple[int, Identified] | None:
        """Read and identify the next batch; what equal rows are called depends on their order: one by one."""
        with turn:
            if (batch := next(batches, None)) is None:
                return None
            identified = harmoniser.identify(batch, dataset_key=dataset_key)
            if heard is not None:
                heard.add(identified.told)
            return next(numbers), identified

    def work() -> tuple[int, Finished] | None:
        """Take a batch from its reading to its end."""
        if (taken := read()) is None:
            return None
        number, identified = taken
        if elsewhere is None or number == 0:
            result = harmoniser.interpret(identified, declarations=declarations, orders=orders)
        else:
            packed = elsewhere.submit(interpret_packed, shared(), identified, declarations, orders).result()
            result = packed.unpacked()
        return number, finish(number, result)

    handle: list[Any] = []

    def shared() -> Any:
        """Return what stands for the harmoniser, sent out when it is first asked for."""
        with turn:
            if elsewhere is not None and not handle:
                handle.append(elsewhere.share(harmoniser))
        return handle[0]

    finished: dict[int, Finished] = {}
    following = 0
    # One more than work at once, so that none of them waits for a table to be read.
    at_once = WORKERS if elsewhere is None else elsewhere.workers + 1
    with _garbage_of_its_own(), ThreadPoolExecutor(at_once) as workers:
        coming: deque[Future[tuple[int, Finished] | None]] = deque(workers.submit(work) for _ in range(at_once + 1))
        while coming:
            if (done := coming.popleft().result()) is None:
                continue
            coming.append(workers.submit(work))
            finished[done[0]] = done[1]
            while following in finished:
                yield finished.pop(following)
                following += 1


@dataclass(frozen=True)
class Packed:
    """What became of a batch, without the columns that have no value: most of them, in most files.

    Attributes
    ----------
    result : HarmonisedBatch
        With those columns left out.
    """

    result: HarmonisedBatch

    def unpacked(self) -> HarmonisedBatch:
        """Return the batch with all of its columns."""
        return replace(
            self.result,
            interpreted=terms.conform(self.result.interpreted, INTERPRETED),
            verbatim=terms.conform(self.result.verbatim, VERBATIM),
        )


def interpret_packed(
    harmoniser: Harmoniser, identified: Identified, declarations: Mapping[str, str], orders: DateOrders | None
) -> Packed:
    """Interpret a batch, in whatever process, for the way back."""
    result = harmoniser.interpret(identified, declarations=declarations, orders=orders)
    return Packed(replace(result, interpreted=_filled(result.interpreted), verbatim=_filled(result.verbatim)))


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that have a value; one of a frame without any, which keeps the number of its rows."""
    filled = [column.name for column in frame if column.null_count() < frame.height]
    return frame.select(filled or frame.columns[:1])


@contextmanager
def _garbage_of_its_own() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through what there was before."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
