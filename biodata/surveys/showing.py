"""A survey's rows as they would be published, to those who decide about them: each reviewer those of their own side."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson
import polars as pl

from biodata.access.roles import Principal
from biodata.errors import InputError
from biodata.sharing.publish import WITHHELD
from biodata.store import survey_views
from biodata.store.registry import Registry
from biodata.store.survey_views import View
from biodata.surveys import seeing, words

TABLES: Final = ("occurrences", "events")
MOST_ROWS: Final = 500
_WITHHELD: Final = re.compile(
    re.escape(WITHHELD)
    .replace(r"\{\}", "(?P<reason>.+)", 1)
    .replace(r"\{\}", "(?P<rule_id>[^()]+)", 1)
    .replace(r"\{\}", "(?P<owner>[^()]+)"),
    re.DOTALL,
)


def rows(
    registry: Registry, who: Principal | None, number: int, *, table: str = "occurrences", side: str | None = None,
    change: str | None = None, event: str | None = None, offset: int = 0, limit: int = 100, language: str = "en",
    rules_hash: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return rows of a submission as they would be published.

    Parameters
    ----------
    registry : Registry
    who : Principal, optional
        Who asks: its sender sees every row, a reviewer those of their sides; the machine's owner where nobody is given.
    number : int
        The submission.
    table : str
        One of `TABLES`.
    side, change, event : str, optional
        Only rows of this side; of this kind of `survey_steps.CHANGES`; of the event of this identifier.
    offset, limit : int
        Which of them.
    language : str
        Of what the flags say.
    rules_hash : str, optional
        Of the rules in force, where they are known: rows that others let out are not shown.

    Returns
    -------
    dict
        `counts` by side, `count` of the rows that were asked for, `results`, and `flags`: what those of these rows mean.

    Raises
    ------
    InputError
        With RECORD_MISSING, if it does not concern them; SUBMISSION_DECIDED, if nobody decides about it any more; FIELD_INVALID,
        if they see no such side.
    """
    with registry.session(read_only=True) as session:
        found = seeing.need(session, who, number)
        mine = seeing.seen_sides(who, found)
        view = survey_views.read(session, number)
        state = found.state
    if view is None:
        problem = f"it is {state}: its rows are kept only while somebody decides about them"
        if state == "draft":
            problem = "it is not checked yet"
        raise InputError(
            problem, column="number", value=str(number), expected="the published data", code="SUBMISSION_DECIDED"
        )
    if rules_hash is not None and view.rules_hash != rules_hash:
        problem = "the sharing rules have changed since it was checked; it is checked again, and its rows are shown after that"
        raise InputError(
            problem, column="number", value=str(number), expected="in some minutes", code="SUBMISSION_DECIDED"
        )
    frame = _rows_for(view, table, own_sides(mine, side))
    if change is not None and table == "occurrences":
        frame = frame.filter(pl.col("change") == change)
    if event is not None:
        frame = frame.filter(pl.col("eventID") == event)
    shown = frame.slice(offset, limit)
    told = shown.with_columns(pl.col("sides").list.eval(pl.element().filter(pl.element().is_in(mine))))
    return {
        "submission": number, "table": table, "counts": {one: view.counts[one] for one in mine if one in view.counts},
        "count": frame.height, "offset": offset, "limit": limit, "results": _as_rows(_retold(told, language)),
        "flags": _meant(told["quality_flags"], language),
    }  # fmt: skip


def own_sides(mine: list[str], side: str | None) -> list[str]:
    """Return the sides that are shown.

    Raises
    ------
    InputError
        If somebody sees no such side.
    """
    if side is not None and side not in mine:
        problem, expected = "you see no such side of it", ", ".join(mine) or "none"
        raise InputError(problem, column="side", value=side, expected=expected, code="FIELD_INVALID")
    return mine if side is None else [side]


def _rows_for(view: View, table: str, sides: Collection[str]) -> pl.DataFrame:
    """Return the rows that reviewers of some sides see."""
    frame = view.occurrences if table == "occurrences" else view.events
    return frame.filter(pl.col("sides").list.eval(pl.element().is_in(sorted(sides))).list.any())


def _retold(frame: pl.DataFrame, language: str) -> pl.DataFrame:
    """Return rows with what is kept back of them, and why, in a language; a publisher's own words stay as they are."""
    said = frame["informationWithheld"].drop_nulls().unique().to_list()
    matches = {one: match for one in said if (match := _WITHHELD.fullmatch(one)) is not None}
    told = {one: words.told("PLACE_WITHHELD", match.groupdict(), language)[0] for one, match in matches.items()}
    return frame.with_columns(pl.col("informationWithheld").replace(told)) if told and language != "en" else frame


def _as_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows for JSON: what is empty is left out."""
    told = []
    for row in frame.iter_rows(named=True):
        one: Mapping[str, Any] = row | {"before": orjson.loads(row["before"])} if row.get("before") else row
        told.append({name: value for name, value in one.items() if value is not None and value != []})
    return told


def _meant(flags: pl.Series, language: str) -> dict[str, str]:
    """Return what the flags of rows mean."""
    codes = sorted(flags.explode().drop_nulls().unique())
    return {code: words.told(code, {}, language)[0] if words.has(code, language) else _english(code) for code in codes}


def _english(code: str) -> str:
    """Return what a flag means where the other languages have no words of their own for it."""
    from biodata.flags import FLAGS

    return FLAGS[code].meaning if code in FLAGS else code
