"""Outputs that touch several countries, as the registry tells their nodes of them before the public hears of any."""

import polars as pl
from sqlalchemy import select

from biodata.store import audit
from biodata.store.account_models import SharedOutput
from biodata.store.consents import SHARED, content_of, plain_row
from biodata.store.models import now
from biodata.store.registry import Registry


def put_down(registry: Registry, table: str, frame: pl.DataFrame) -> int:
    """Keep what nodes are asked about; return how many are new or say something else than before.

    Parameters
    ----------
    registry : Registry
    table : str
        A table of `SHARED`.
    frame : polars.DataFrame
        All its rows that the sharing rules let out. Of an output that is not among them nothing is kept but its name.
    """
    name_of, news = SHARED[table], 0
    wanted = {row[name_of]: row for row in frame.iter_rows(named=True) if len(set(row["country_codes"] or [])) > 1}
    with registry.session() as session, session.begin():
        known = {one.name: one for one in session.scalars(select(SharedOutput).where(SharedOutput.table_name == table))}
        for name, one in known.items():
            if name not in wanted and one.gone is None:
                one.gone, one.row = now(), {}
        for name, row in wanted.items():
            content, before = content_of(row), known.get(name)
            if before is not None and before.gone is None and before.content == content:
                continue
            if before is None:
                before = SharedOutput(name=name, table_name=table)
                session.add(before)
            before.content, before.row, before.since, before.gone = content, plain_row(row), now(), None
            details = {"content": content, "countries": sorted(set(row["country_codes"]))}
            audit.append(session, actor="biodata", action="consent asked", subject=name, details=details)
            news += 1
    return news
