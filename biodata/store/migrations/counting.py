"""SQLite's triggers that count changes of rows: each table has three; see `checksums.seal_registry`."""

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from alembic import op

_TRIGGER: Final = "CREATE TRIGGER {} BEGIN UPDATE changes SET count = count + 1 WHERE id = 1; END"


def count_changes(tables: Iterable[str]) -> None:
    """Let every change of a row of these tables be counted; elsewhere than on SQLite nothing is done."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in tables:
        for event in ("INSERT", "UPDATE", "DELETE"):
            named = f'"counted_{table}_{event.lower()}" AFTER {event} ON "{table}"'
            op.execute(sa.text(_TRIGGER.format(named)))
