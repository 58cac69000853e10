"""The tables of `biodata/data` that parsers take their words from."""

import csv
from importlib.resources import files


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a bundled CSV file by heading.

    Parameters
    ----------
    name : str
        The file's name in `biodata/data`.
    """
    text = (files("biodata") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
