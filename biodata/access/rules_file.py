"""The file of an installation's own sharing rules: written whole, by one at a time, and only if it can be read again."""

import csv
import io
import os
from contextlib import AbstractContextManager
from pathlib import Path

from biodata.sharing import Rule, RuleSet
from biodata.sharing.rule_lines import COLUMNS, cells
from biodata.store.locks import file_lock


def lock(data: Path) -> AbstractContextManager[None]:
    """Return the lock of whoever reads the rules to write them anew: of two changes at once neither is lost."""
    return file_lock(data / "sharing_rules.lock", what="the file of sharing rules")


def write(path: Path, rules: tuple[Rule, ...]) -> None:
    """Write a file of rules under another name, read it again, and give it its name.

    Raises
    ------
    InputError
        If what is written would not be read; the file stays as it was.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells(rule) for rule in rules)
    unnamed = path.with_name("sharing_rules.new.csv")
    try:
        with unnamed.open("w", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        RuleSet.read(unnamed)
        unnamed.replace(path)
    finally:
        unnamed.unlink(missing_ok=True)
