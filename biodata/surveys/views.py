"""What reviewers decide about: a survey's rows as they would be published, each beside what is published now.

All of it, and to whom a row is shown, follows from published values: those that `sharing` would let out of the upload, and
those of the current release. So nobody learns more from it than from the release that would follow; but for how many records
of a side no rule lets out.
"""

import re
from collections.abc import Collection
from typing import Any, Final

import orjson
import polars as pl

from biodata.access.roles import Principal
from biodata.core.flags import FLAGS
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.pipeline import Preview, interpreted
from biodata.pipeline.preview import countries_of
from biodata.sharing.publish import WITHHELD
from biodata.store import survey_files
from biodata.store.registry import Registry
from biodata.store.shapes import boxes
from biodata.store.survey_files import View
from biodata.store.survey_steps import NO_COUNTRY
from biodata.surveys import sides, words
from biodata.surveys.difference import TABLES as TABLES
from biodata.surveys.difference import Difference
from biodata.surveys.problems import refuse

MOST_ROWS: Final = 500
_COMPARED: Final = (
    "occurrenceID", "scientificName", "individualCount", "organismQuantity", "organismQuantityType", "sex", "lifeStage",
    "occurrenceStatus", "basisOfRecord", "eventDate", "year", "eventID", "samplingProtocol", "decimalLatitude",
    "decimalLongitude", "coordinateUncertaintyInMeters", "countryCode", "locality", "sharing_category",
)  # fmt: skip
"""Of records: what is shown of each, and what makes one changed."""
_BESIDE: Final = (
    "species", "country_codes", "cell_west", "cell_south", "cell_east", "cell_north", "quality_flags", "informationWithheld",
)  # fmt: skip
_EVENTS: Final = (
    "eventID", "design", "samplingProtocol", "event_start", "event_end", "year", "locality", "effort_value", "effort_unit",
    "failed_days", "targetTaxonomicScope", "isAbsenceReported", "records", "species", "country_codes", "quality_flags",
    "sharing_category", "informationWithheld",
)  # fmt: skip
_WITHHELD: Final = re.compile(re.escape(WITHHELD).replace(r"\{\}", "(.+?)"))
_FIRST: Final = ("eventDate", "year", "scientificName", "eventID", "occurrenceID", "decimalLatitude", "decimalLongitude")  # fmt: skip
"""What rows are sorted by, before all else that is shown of them: the file's order could state the event of a coarse record."""
_EXACT: Final = (
    "occurrenceID", "scientificName", "individualCount", "eventDate", "eventID", "decimalLatitude", "decimalLongitude",
    "locality", "quality_flags",
)  # fmt: skip


def view_of(found: Preview, changes: Difference, countries: Collection[str]) -> tuple[View, set[str]]:
    """Return the rows of an upload for those who decide about its sides, and the sides that have something to decide.

    These are the sides of each published row that becomes another one or goes, and of each whose cells change; every side
    where a row changes that is not published, since by its exact place alone it would be stated on which side of the border it
    lies; and every side where nothing changes.
    """
    columns, every = [*_COMPARED, *_BESIDE], sorted(countries)
    was, now = (frame.select("key", *columns).with_columns(_sides(frame, every)) for frame in (found.before, found.occurrences))  # fmt: skip
    both = now.join(was.with_columns(known=True), on="key", how="left", suffix=" was", maintain_order="left")
    differs = [pl.col(name).ne_missing(pl.col(f"{name} was")) for name in _COMPARED]
    change = pl.when(pl.col("known").is_null()).then(pl.lit("new")).when(pl.any_horizontal(differs)).then(pl.lit("changed"))  # fmt: skip
    both = both.with_columns(change=change.otherwise(pl.lit("unchanged")))
    gone = was.filter(pl.col("key").is_in(list(found.gone))).with_columns(change=pl.lit("gone"))
    rows = pl.concat([both.with_columns(before=_before(both)), gone], how="diagonal")
    order = [*_FIRST, "change", *(name for name in columns if name not in _FIRST and not rows.schema[name].is_nested())]
    rows = rows.sort(*order, nulls_last=True)
    events = pl.concat([found.events.select(_EVENTS), boxes(found.events["geometry"])], how="horizontal")
    events = events.with_columns(_sides(events, every)).sort("event_start", "eventID", "year", nulls_last=True)
    values = changes["occurrences"].changing()["identifier"]
    touched, hidden = [rows.filter(pl.col("change") != "unchanged")["key"]], False
    for records, published in ((found.records, now), (found.had, was)):
        keys = records.filter(pl.col("identifier").is_in(values.implode()))["key"]
        hidden |= not keys.is_in(published["key"].implode()).all()
        touched.append(keys)
    values = changes["events"].changing()["identifier"]
    hidden |= not values.is_in(events["eventID"].implode()).all()
    places = pl.concat([found.event_places, found.had_events]).filter(pl.col("identifier").is_in(values.implode()))
    own = pl.concat([now, was]).filter(pl.col("key").is_in(pl.concat(touched).implode()))["sides"]
    concerned = set(pl.concat([own, places["countries"]]).explode().drop_nulls()) & set(every)
    shown = rows.select("change", "before", *columns, "sides")
    view = View(shown, events, _counts(rows, found, every), found.rules_hash)
    return view, set(every) if hidden or not concerned else concerned


def _before(both: pl.DataFrame) -> pl.Series:
    lines = []
    for row in both.iter_rows(named=True):
        was = {name: row[f"{name} was"] for name in _COMPARED if row[name] != row[f"{name} was"]}
        lines.append(orjson.dumps(was).decode() if row["change"] == "changed" else None)
    return pl.Series("before", lines, dtype=pl.String)


def _sides(rows: pl.DataFrame, sides: list[str]) -> pl.Series:
    """Return whose reviewers see each row: the countries that are published of it, else all, since it may be of each."""
    own = countries_of(rows).list.eval(pl.element().filter(pl.element().is_in(sides)))
    return rows.select(sides=pl.when(own.list.len() > 0).then(own).otherwise(pl.lit(sides)))["sides"]


def _counts(rows: pl.DataFrame, shown: Preview, sides: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for side in sides:
        own = rows.filter(pl.col("change") != "gone", pl.col("sides").list.contains(side))
        hidden, waiting = (
            sum(side in (codes or [NO_COUNTRY]) for codes in countries.to_list())
            for countries in (shown.withheld, shown.waiting["countries"])
        )
        coarse = int((own["sharing_category"] != SharingCategory.OPEN).sum())
        found[side] = {"records": own.height, "coarse": coarse, "withheld": hidden}
        found[side] |= {"waiting": waiting} if waiting else {}
    return found


def rows(
    registry: Registry, who: Principal | None, number: int, *, table: str = "occurrences", side: str | None = None,
    change: str | None = None, event: str | None = None, offset: int = 0, limit: int = 100, language: str = "en",
    rules_hash: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return rows of a submission as they would be published: all to its team and the machine's owner, else those of their sides."""
    with registry.session(read_only=True) as session:
        found = sides.need(session, who, number)
        mine, view = sides.visible_sides(who, found), survey_files.read_view(session, number)
    asked: dict[str, Any] = {"column": "number", "value": str(number)}
    if view is None:
        problem = "NOT_CHECKED" if found.state == "draft" else "ROWS_GONE"
        refuse("SUBMISSION_DECIDED", problem, "PUBLISHED", **asked, a=found.state)
    if rules_hash is not None and view.rules_hash != rules_hash:
        refuse("SUBMISSION_DECIDED", "RULES_CHANGED", "SOME_MINUTES", **asked)
    frame = _of_sides(view.occurrences if table == "occurrences" else view.events, mine, side)
    wanted = {"change": change if table == "occurrences" else None, "eventID": event}
    frame = frame.filter(**{name: value for name, value in wanted.items() if value is not None})
    own = pl.col("sides").list.eval(pl.element().filter(pl.element().is_in(mine)))
    reported = frame.slice(offset, limit)
    withheld = {one: _reason(one, language) for one in reported["informationWithheld"].drop_nulls().unique()}
    reported = reported.with_columns(own, pl.col("informationWithheld").replace(withheld))
    return {
        "submission": number, "table": table, "counts": {one: view.counts[one] for one in mine if one in view.counts},
        "count": frame.height, "offset": offset, "limit": limit, "results": _as_rows(reported),
        "flags": _meant(reported["quality_flags"], language),
    }  # fmt: skip


def _reason(text: str, language: str) -> str:
    """Return why a published row is no more exact, whose column is in English, in a language."""
    if (values := _WITHHELD.fullmatch(text)) is None:
        return text
    params = dict(zip(("reason", "rule_id", "owner"), values.groups(), strict=True))
    return words.message_of("REASON_WITHHELD", params, language)[0]


def exact_rows(
    settings: Settings, registry: Registry, who: Principal | None, number: int, *, side: str | None = None
) -> pl.DataFrame:
    """Return the rows of a submission's file with their exact places: of the sides of `who`, or of all."""
    with registry.session(read_only=True) as session:
        found = sides.need(session, who, number)
        mine = sides.visible_sides(who, found)
    taken = survey_files.stripped_file(settings.data, found.file_sha256, number)
    path = taken if taken.exists() else survey_files.file_kept(settings.data, found.file_sha256, found.file_name)
    if not path.exists():
        refuse("SUBMISSION_DECIDED", "FILE_GONE", column="number", value=str(number), a=found.state)
    _, records = interpreted("survey", [path], settings, dataset=found.dataset, part=found.part)
    codes = countries_of(records)
    codes = pl.when(codes.list.len() > 0).then(codes).otherwise([NO_COUNTRY])
    return _of_sides(records.with_columns(codes.alias("sides")).select("source_row", *_EXACT, "sides"), mine, side)


def _of_sides(frame: pl.DataFrame, mine: list[str], side: str | None) -> pl.DataFrame:
    """Return the rows of a side, or of all of somebody's; a side that is none of theirs is refused (FIELD_INVALID)."""
    if side is not None and side not in mine:
        refuse("FIELD_INVALID", "SEE_NO_SIDE", ", ".join(mine) or "none", column="side", value=side)
    return frame.filter(pl.col("sides").list.eval(pl.element().is_in(mine if side is None else [side])).list.any())


def _as_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    rows = frame.iter_rows(named=True)
    filled = [{name: value for name, value in row.items() if value not in (None, [])} for row in rows]
    return [row | {"before": orjson.loads(row["before"])} if "before" in row else row for row in filled]


def _meant(flags: pl.Series, language: str) -> dict[str, str]:
    named = {code: words.code_of(code) for code in sorted(flags.explode().drop_nulls().unique())}
    return {code: words.message_of(own, {}, language)[0] if own else FLAGS[code].meaning for code, own in named.items()}
