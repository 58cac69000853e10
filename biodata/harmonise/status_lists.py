"""Checklists that give taxa a status: red lists and lists of protected species, each with its scope and year."""

import re
from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.harmonise.headings import Headings

KINDS: Final = ("red_list", "protection")
GLOBAL: Final = "global"
_SCOPE: Final = re.compile(r"global|[A-Z]{2}(-[A-Z0-9]{1,3})?")
_YEAR: Final = re.compile(r"1[89]\d\d|20\d\d")
_LEVEL: Final = ("protectionlevel", "protectionclass", "保护级别", "级别", "等级", "level", "category")


def status_columns(table: Headings, red_list: pl.Series, declarations: Mapping[str, str]) -> dict[str, pl.Series]:
    """Return the columns of a status list; nulls for a checklist that is none.

    Parameters
    ----------
    table : Headings
        A whole checklist of n rows.
    red_list : Series of str, length n
        The Red List categories that it tells, as IUCN's codes.
    declarations : mapping
        `list` (red_list or protection), with `scope`, `year` and `authority`.

    Returns
    -------
    dict of Series of length n
        The columns of `terms.TAXON` that begin with `status_`, and `iucnRedListCategory`, which is global: of a
        national red list it is null.

    Raises
    ------
    InputError
        If what is declared is not whole, with the option and what would be right (OPTION_INVALID).
    """
    n, kind = table.batch.height, declarations.get("list")
    if kind is None:
        for name in ("scope", "year", "authority"):
            if name in declarations:
                _refuse("without a kind of list it says nothing", name, declarations[name], "list=red_list beside it")
    elif kind not in KINDS:
        _refuse("no kind of status list", "list", kind, f"one of {', '.join(KINDS)}")
    scope, year = declarations.get("scope"), declarations.get("year")
    if kind is not None and not _SCOPE.fullmatch(scope or ""):
        _refuse("no scope of a status list", "scope", scope, "global, or an ISO 3166 code as CN or CN-YN")
    if kind is not None and not _YEAR.fullmatch(year or ""):
        _refuse("no year of a status list", "year", year, "a year as 2021")
    told = red_list if kind == "red_list" else pl.Series([None] * n, dtype=pl.String)
    if kind == "protection":
        told = pl.Series(table.values(*_LEVEL), dtype=pl.String)
    national = kind == "red_list" and scope != GLOBAL
    facts = {
        "status_list": (kind, pl.String),
        "status_scope": (scope, pl.String),
        "status_year": (int(year) if year and kind else None, pl.Int32),
        "status_authority": (declarations.get("authority"), pl.String),
    }
    return {
        **{name: pl.Series([value] * n, dtype=dtype) for name, (value, dtype) in facts.items()},
        "status_category": told,
        "iucnRedListCategory": red_list.clear(n) if national else red_list,
    }


def _refuse(problem: str, option: str, value: str | None, expected: str) -> None:
    raise InputError(problem, column=option, value=value, expected=expected, code="OPTION_INVALID")
