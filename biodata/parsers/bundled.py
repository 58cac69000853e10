"""The bundled tables that parsers, checks and pages take their words from."""

import csv
from importlib.resources import files


def read_rows(name: str, folder: str = "data") -> list[dict[str, str]]:
    """Return the rows of a bundled CSV file by heading.

    Parameters
    ----------
    name, folder : str
        The file's name, and its folder in `biodata`.
    """
    text = files("biodata").joinpath(folder, name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
