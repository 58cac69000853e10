"""An empty registry and an empty lake, made once a process and copied from then on: a third of a second less for each test.

What makes them is asked all the same by `test_lake` and every test that starts a process of its own.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Engine, inspect

from biodata.store import registry as registries
from biodata.store.lake import Lake


@contextlib.contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Let new registries and lakes be copies of those that are made in a folder."""
    registry, lake = folder / "registry.sqlite", folder / "made" / "lake.sqlite"
    make_tables, attach = registries.make_tables, Lake._attach

    def copied_registry(engine: Engine, *, rules: bool) -> None:
        file = engine.url.database
        if not rules or engine.dialect.name != "sqlite" or not file or inspect(engine).get_table_names():
            make_tables(engine, rules=rules)
        elif registry.exists():
            with (
                contextlib.closing(sqlite3.connect(registry)) as made,
                contextlib.closing(sqlite3.connect(file)) as new,
            ):
                made.backup(new)
        else:
            make_tables(engine, rules=rules)
            with (
                contextlib.closing(sqlite3.connect(file)) as made,
                contextlib.closing(sqlite3.connect(registry)) as kept,
            ):
                made.backup(kept)

    def copied_lake(self: Lake) -> None:
        file = self.data / "lake.sqlite"
        if not file.exists():
            if not lake.exists():
                with patch.object(Lake, "_attach", attach):
                    Lake.open(lake.parent).close()
                with contextlib.closing(sqlite3.connect(lake)) as made:
                    made.execute("PRAGMA journal_mode = DELETE")
            unnamed = file.with_suffix(f".{os.getpid()}")
            shutil.copyfile(lake, unnamed)
            with contextlib.suppress(FileExistsError):  # another thread was faster
                os.link(unnamed, file)
            unnamed.unlink()
        attach(self)

    with patch.object(registries, "make_tables", copied_registry), patch.object(Lake, "_attach", copied_lake):
        yield
