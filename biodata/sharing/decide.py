"""Which rule decides about a record: the strictest of those that no fact speaks against, save where its owner consented.

A fact is what a rule asks of a record beside its names: where it may be, when, in which dataset, with which labels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from biodata.core.flags import TRACKED
from biodata.core.geo import Floats, metres_per_degree
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing import labels
from biodata.sharing.generalise import Bools, Longs, Region, regions_of_size
from biodata.sharing.grid import PER_DEGREE, strictness
from biodata.sharing.received import decided_by_nodes
from biodata.sharing.rule import Rule
from biodata.sharing.rules import RuleSet

TRACKED_RULE: Final = "tracked-animals"
_TRACKED_REASON: Final = "where an animal with a transmitter was is never published; this rule cannot be loosened"
_DECISION: Final = pl.Schema({"row": pl.UInt32, "category": pl.String, "rule_id": pl.String, "reason": pl.String})


def decide(occurrences: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.DataFrame:
    """Find the records that a rule makes less than open, and the rule that decides.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
        The rules.
    boundaries : BoundarySet
        Whose land the rules of a country or division are about.

    Returns
    -------
    polars.DataFrame, sorted by row
        row : UInt32, position in `occurrences`; category, rule_id, reason : String, of the rule that decides. Open records
        are left out.

    Notes
    -----
    Records with the flag `flags.TRACKED` are withheld whatever the rules say, and a community's label makes a record at
    least as coarse as it asks (`labels.gate`). A record of a national node is at least as coarse as that node made it.

    A rule is left aside only for a fact that speaks against it: a record without a country, a month, a province may be
    what the rule means. A rule of a country applies to all that would be published as one with a place there
    (`facts`). Where several apply, the strictest decides; of equally strict ones the first by name is stated.
    """
    occurrences = rules.labels.added(occurrences)
    judged = judge(occurrences, rules, boundaries)
    ranked = [(n, str(rule.category), rule.rule_id, rule.reason) for n, rule in enumerate(judged.rules)]
    of_rule = pl.DataFrame(ranked, schema={"rule": pl.Int64, **dict([*_DECISION.items()][1:])}, orient="row")
    of_rule = of_rule.filter(pl.col("category") != str(SharingCategory.OPEN))
    rows = pl.DataFrame({"case": judged.case}).with_row_index("row").drop_nulls("case")
    rows = rows.with_columns(rule=pl.Series(judged.decides[rows["case"].to_numpy()], dtype=pl.Int64))
    decided = rows.join(of_rule, on="rule", maintain_order="left")
    # Of equally strict ones the node's is stated first: it is the owner of the record.
    return stricter(decided_by_nodes(occurrences), decided, _tracked(occurrences), labels.gate(occurrences))


def _tracked(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return the records of tracked animals as withheld: no rule of an installation makes them less."""
    if "quality_flags" not in occurrences.columns:
        return _DECISION.to_frame()
    tracked = pl.col("quality_flags").cast(pl.List(pl.String)).list.contains(TRACKED).fill_null(value=False)
    facts = {"category": str(SharingCategory.WITHHELD), "rule_id": TRACKED_RULE, "reason": _TRACKED_REASON}
    rows = occurrences.select(tracked=tracked).with_row_index("row").filter("tracked")
    return rows.select("row", **{name: pl.lit(value) for name, value in facts.items()})


@dataclass(frozen=True, eq=False)
class Judged:
    """What rules come to for records; those with equal names and equal facts are one case.

    Attributes
    ----------
    case : Series of UInt32, length n
        The case of each record; null where no rule means its names.
    rules : tuple of Rule, length r
        The strictest first, equally strict ones by name.
    applies : ndarray of bool, shape (cases, r)
        The rules that no fact speaks against.
    decides : ndarray of int, length cases
        The rule that decides, -1 for none.
    consented : mapping of int to ndarray of bool, length cases
        Of each looser rule that somebody consented to: where it surely applies and a stricter one may, whether or not all
        their owners consented.
    """

    case: pl.Series
    rules: tuple[Rule, ...]
    applies: Bools
    decides: Longs
    consented: Mapping[int, Bools]

    def is_stricter(self, one: int, other: int) -> bool:
        """Return whether a rule is stricter than another."""
        return self.rules[one].category.strictness > self.rules[other].category.strictness


def judge(occurrences: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> Judged:
    """Return which rules may apply to records, and which one decides.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
    boundaries : BoundarySet
        Whose land counts.

    Notes
    -----
    A rule that withholds has no cell of its own, so it is also asked with the cell of each rule that applies and has one.

    The strictest decides. A looser one acts in its place only where it surely applies and the owner of every stricter rule
    that may apply consented to it; where several may, the loosest does: the owners of the others consented too.
    """
    if not rules.rules:
        nothing = pl.Series([None], dtype=pl.UInt32).new_from_index(0, occurrences.height)
        return Judged(nothing, (), np.zeros((0, 0), dtype=bool), np.zeros(0, dtype=np.int64), {})
    occurrences = rules.labels.added(occurrences)
    resolved = rules.resolver.resolve(occurrences)
    order = sorted(range(len(rules.rules)), key=lambda n: (-rules.rules[n].category.strictness, rules.rules[n].rule_id))
    ranked = tuple(rules.rules[n] for n in order)
    any_taxon = np.array([rule.scientific_name is None for rule in ranked])
    of_set = np.array([[n in numbers for n in order] for numbers in resolved.rule_sets], dtype=bool)
    of_set = of_set.reshape(-1, len(ranked)) | any_taxon
    may, surely = (resolved.table[name].to_numpy() for name in ("rules", "sure"))

    asked = of_set.any(axis=1)[may][resolved.place.to_numpy()]
    facts = facts_of(occurrences.filter(asked), rules, boundaries)
    facts = facts.with_columns(names=resolved.place.filter(asked))
    cases = facts.unique(maintain_order=True).with_row_index("case")
    number = facts.join(cases, on=facts.columns, how="left", nulls_equal=True, maintain_order="left")["case"]
    case = np.full(len(asked), -1, dtype=np.int64)
    case[asked] = number.to_numpy()

    def true_of(conditions: Iterable[pl.Expr | None]) -> Bools:
        every = list(conditions)
        found = np.ones((cases.height, len(every)), dtype=bool)
        asked = {str(n): condition for n, condition in enumerate(every) if condition is not None}
        if asked:
            found[:, [int(n) for n in asked]] = cases.select(**asked).to_numpy()
        return found

    at_names = cases["names"].to_numpy()
    sizes = [PER_DEGREE.get(str(rule.category)) for rule in ranked]
    free = of_set[may[at_names]] & true_of(nothing_against(rule) for rule in ranked)
    applies = free & true_of(may_be_there(rule, size) for rule, size in zip(ranked, sizes, strict=True))
    without_cell = [n for n, rule in enumerate(ranked) if sizes[n] is None and rule.of_place]
    for size in {size for size in sizes if size is not None} if without_cell else ():
        shown = applies[:, [one == size for one in sizes]].any(axis=1)
        there = true_of(may_be_there(ranked[n], size) for n in without_cell)
        applies[:, without_cell] |= free[:, without_cell] & there & shown[:, None]

    decides = np.where(applies.any(axis=1), applies.argmax(axis=1), -1)
    given = {(consent.looser_rule, consent.stricter_owner) for consent in rules.consents}
    strictness = np.array([rule.category.strictness for rule in ranked])
    consented = {}
    for n, rule in enumerate(ranked):
        if rule.rule_id not in {looser for looser, _ in given}:
            continue
        above = applies & (strictness > strictness[n])
        ready = applies[:, n] & of_set[surely[at_names], n] & above.any(axis=1)
        for size in PER_DEGREE.values():
            cells = above[:, [one == size for one in sizes]].any(axis=1)
            cells |= size in (sizes[n], PER_DEGREE[str(SharingCategory.THOUSANDTH_DEGREE)])
            ready &= ~cells | true_of([surely_applies(rule, size)])[:, 0]
        refused = above[:, [(rule.rule_id, other.answerable) not in given for other in ranked]].any(axis=1)
        decides[ready & ~refused], consented[n] = n, ready
    return Judged(pl.Series(case).replace(-1, None).cast(pl.UInt32), ranked, applies, decides, consented)


def stricter(*decided: pl.DataFrame) -> pl.DataFrame:
    """Return several answers of `decide` about the same records as one: of each record the stricter, of equal ones the first."""
    together = pl.concat([one.select(pl.col(name).cast(dtype) for name, dtype in _DECISION.items()) for one in decided])
    in_order = together.sort("row", strictness("category"), descending=[False, True], maintain_order=True)
    return in_order.unique("row", keep="first", maintain_order=True)


def strictest(occurrences: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> SharingCategory:
    """Return the strictest category of some records: what a result made from them all must carry.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
        The rules.
    boundaries : BoundarySet
        Whose land the rules of a country or division are about.

    Returns
    -------
    SharingCategory
        OPEN where no rule applies, or where there are no records.
    """
    found = (SharingCategory(value) for value in decide(occurrences, rules, boundaries=boundaries)["category"].unique())
    return max(found, key=lambda category: category.strictness, default=SharingCategory.OPEN)


USED: Final = tuple(
    """
    countryCode located_country_code country_codes province_code ambiguous datasetKey event_start event_end month
    publishingCountry community_labels decimalLongitude decimalLatitude coordinateUncertaintyInMeters
    """.split()
)
ASSUMED_UNCERTAINTY_M: Final = 1000.0
"""Radius in metres that a record without a usable coordinateUncertaintyInMeters is taken to have."""
METRES_PER_DEGREE: Final = 110_000.0
"""A degree of latitude is a little more everywhere: circles drawn with it are not too small."""
_SEPARATOR: Final = "|"
Shapes = Mapping[str, BaseGeometry]
"""The areas of rules, by their names."""
_ALL_MONTHS: Final = 0xFFF
_WIDER: Final = 1.01
"""A plane's distances are right to less than a hundredth."""


def facts_of(occurrences: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what some rules ask of each record beside its names.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`; what is missing is not known.
    rules : RuleSet
        What none of them asks is null.
    boundaries : BoundarySet
        Whose land counts.

    Returns
    -------
    polars.DataFrame of n rows
        possible : countries that the record may belong to; stated, province, beside (near a border, or not known),
        dataset, publisher, labels; months : bits, January the lowest; areas : where the place's circle may lie in.
        For each size of cell (cells along a degree) that is asked for: countries_N, provinces_N and unsure_N (of the
        region that would be published and the band around it; disputed land makes it unsure), touches_N and within_N
        (areas that the region touches, or lies in); null where no region would be published. A list is a text: |LA|VN|.

    Notes
    -----
    A record that is made coarse since it lies in a country, or a reserve, beside one that is stated as it is since it
    does not, would lie in that country's part of its cell, which can be as small as you like. So a rule of a place
    applies to a record where the square that the record would be published as, by the rule's category, comes so near to
    the rule's place that the record could lie there, or be taken for lying there. Then every place of a square is
    treated alike, and nothing is stated of where in it the record is; of the neighbour's records of the taxon, those next
    to the border are made coarse with it.
    """
    frame = occurrences.with_columns(
        pl.lit(None).alias(name) for name in USED if name not in occurrences.columns
    ).select(USED)
    codes = pl.col("country_codes").cast(pl.List(pl.String)).fill_null([])
    possible = pl.concat_list(codes, pl.col("countryCode", "located_country_code").cast(pl.String))
    beside = pl.col("ambiguous").cast(pl.Boolean).fill_null(value=True)
    asked: dict[str, tuple[str, pl.Expr, type[pl.DataType]]] = {
        "possible": ("country_code", _joined(possible), pl.String),
        "stated": ("country_code", pl.col("countryCode"), pl.String),
        "province": ("province_code", pl.col("province_code"), pl.String),
        "beside": ("province_code", beside, pl.Boolean),
        "dataset": ("dataset", pl.col("datasetKey"), pl.String),
        "publisher": ("publishing_country", pl.col("publishingCountry"), pl.String),
        "labels": ("label", _joined(pl.col("community_labels")), pl.String),
        "months": ("month_from", months_of(), pl.Int64),
    }
    facts = [
        (fact if any(getattr(rule, of) for rule in rules.rules) else pl.lit(None)).cast(dtype).alias(name)
        for name, (of, fact, dtype) in asked.items()
    ]
    return frame.with_columns(facts).select(list(asked)).with_columns(_of_places(frame, rules, boundaries))


def _joined(values: pl.Expr) -> pl.Expr:
    """Return lists as texts, sorted, each once: |LA|VN|; | for nothing."""
    items = values.cast(pl.List(pl.String)).list.drop_nulls().list.unique().list.sort()
    joined = items.list.join(_SEPARATOR) + _SEPARATOR
    return _SEPARATOR + pl.when(items.list.len() > 0).then(joined).otherwise(pl.lit(""))


def _text(values: Iterable[str | None]) -> str:
    """Return values as `_joined` does."""
    return _SEPARATOR + "".join(f"{one}{_SEPARATOR}" for one in sorted({one for one in values if one is not None}))


def _has(column: str, value: str | None) -> pl.Expr:
    return pl.col(column).str.contains(f"|{value}|", literal=True).fill_null(value=False)


def nothing_against(rule: Rule) -> pl.Expr | None:
    """Tell where dataset, publisher and season do not speak against a rule, and its label is there; None where it asks for none."""
    found = [(pl.col("months") & rule.months) != 0] if rule.months != _ALL_MONTHS else []
    for column, wanted in (("dataset", rule.dataset), ("publisher", rule.publishing_country)):
        if wanted is not None:
            found.append((pl.col(column) == wanted).fill_null(value=True))
    if rule.label is not None:
        found.append(_has("labels", rule.label))
    return pl.all_horizontal(found) if found else None


def may_be_there(rule: Rule, size: int | None) -> pl.Expr | None:
    """Tell where a rule's place may be the record's: by the region of a size, or by facts where there is none.

    None for a rule without a place.
    """
    if not rule.of_place:
        return None
    none, of_area = pl.lit(value=True), rule.of_area
    here = (pl.col("possible") == "|") | _has("possible", rule.country_code) if rule.country_code else none
    division = none
    if rule.province_code:
        division = (pl.col("province") == rule.province_code).fill_null(value=True) | pl.col("beside")
    area = pl.col("areas").is_null() | _has("areas", rule.rule_id) if of_area else none
    by_facts = here & division & area
    if size is None:
        return by_facts
    countries, provinces, unsure = (pl.col(f"{name}_{size}") for name in ("countries", "provinces", "unsure"))
    there = _has(f"countries_{size}", rule.country_code) | unsure
    stated = pl.col("stated").eq_missing(rule.country_code) | ((countries == "|") & pl.col("stated").is_null())
    here = there | stated if rule.country_code else none
    # Near a border of countries a division is not certain, wherever its own border is.
    beside = unsure | (there & (countries.str.count_matches("|", literal=True) > 2))
    if rule.province_code:
        division = (provinces == "|") | _has(f"provinces_{size}", rule.province_code) | beside
    area = _has("areas", rule.rule_id) | _has(f"touches_{size}", rule.rule_id) if of_area else none
    return pl.when(countries.is_null()).then(by_facts).otherwise(here & division & area)


def surely_applies(rule: Rule, size: int) -> pl.Expr | None:
    """Tell where every fact that a rule asks for is known and speaks for it, all over the cell of a size; None for no fact."""
    equal = {"dataset": rule.dataset, "publisher": rule.publishing_country}
    if rule.country_code:
        equal |= {f"countries_{size}": f"|{rule.country_code}|", "possible": f"|{rule.country_code}|"}
    if rule.province_code:
        equal[f"provinces_{size}"] = f"|{rule.province_code}|"
    found = [pl.col(name).eq_missing(value) for name, value in equal.items() if value is not None]
    if rule.of_place:
        found.append(~pl.col(f"unsure_{size}").fill_null(value=False))
    if rule.of_area:
        found.append(_has(f"within_{size}", rule.rule_id))
    if rule.label is not None:
        found.append(_has("labels", rule.label))
    if rule.months != _ALL_MONTHS:
        found.append((pl.col("months") & ~rule.months).eq_missing(0))
    return pl.all_horizontal(found) if found else None


def _of_places(frame: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what rules of a place ask of the place's circle and of its cells; null where there is no place."""
    of_place = [rule for rule in rules.rules if rule.of_place]
    shapes = {rule.rule_id: shape for rule in of_place if (shape := rules.shape_of(rule)) is not None}
    unknown = [rule.rule_id for rule in of_place if rule.of_area and rule.rule_id not in shapes]
    # Of a rule without a cell of its own it is asked what another one would show.
    asking = of_place if all(str(rule.category) in PER_DEGREE for rule in of_place) else rules.rules
    sizes = {PER_DEGREE[str(rule.category)] for rule in asking if str(rule.category) in PER_DEGREE}
    longitude, latitude, radius = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters")
    )
    rows = np.flatnonzero((np.abs(longitude) <= 180) & (np.abs(latitude) <= 90))
    x, y, radius = longitude[rows], latitude[rows], radius[rows]
    found = {"areas": _of_circles(x, y, radius, shapes, unknown)}
    for size in sorted(PER_DEGREE.values() if rules.consents else sizes) if of_place else ():
        found |= _of_cells(x, y, size, shapes, boundaries)
    at = np.full(frame.height, len(rows))
    at[rows] = np.arange(len(rows))
    return pl.DataFrame(found).select(pl.all().extend_constant(None, 1).gather(at))


def _of_circles(x: Floats, y: Floats, radius: Floats, shapes: Shapes, unknown: list[str]) -> pl.Series:
    """Return the rules whose area a place may lie in, those of an unknown area too; null where no rule has one."""
    if not shapes and not unknown:
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(x))
    reach = np.where(radius > 0, radius, ASSUMED_UNCERTAINTY_M) / METRES_PER_DEGREE
    wide = reach / np.maximum(np.cos(np.radians(np.clip(y, -89, 89))), 0.02)
    boxes = shapely.box(x - wide, y - reach, x + wide, y + reach)
    found = [[*unknown] for _ in boxes]
    for name, shape in shapes.items():
        shapely.prepare(shape)
        for row in np.flatnonzero(shapely.intersects(shape, boxes)):
            found[row].append(name)
    return pl.Series([_text(names) for names in found], dtype=pl.String)


def _of_cells(x: Floats, y: Floats, size: int, shapes: Shapes, boundaries: BoundarySet) -> dict[str, pl.Series]:
    """Return what is near the regions of one size, and whose areas they touch or lie in; null where there is no region."""
    regions = regions_of_size(x, y, size, boundaries)
    known = {region: n for n, region in enumerate(dict.fromkeys(one for one in regions if one is not None))}
    near = [(*_near(region, boundaries), *_areas(region, shapes)) for region in known]
    names = ("countries", "provinces", "unsure", "touches", "within")
    schema = dict.fromkeys(names, pl.String()) | {"unsure": pl.Boolean()}
    table = pl.DataFrame(near, schema=schema, orient="row")
    at = pl.Series([None if region is None else known[region] for region in regions], dtype=pl.UInt32)
    return {f"{name}_{size}": table[name].gather(at) for name in schema}


def _areas(region: Region, shapes: Shapes) -> list[str]:
    """Return the rules whose area a region touches, and those in whose area it lies."""
    box = shapely.box(region.west, region.south, region.east, region.north)
    tests = (shapely.intersects, shapely.covers)
    return [_text(name for name, shape in shapes.items() if test(shape, box)) for test in tests]


def _near(region: Region, boundaries: BoundarySet) -> tuple[str, str, bool]:
    """Return the countries and divisions with land in a region, or within the band around it; and whether any is disputed.

    Disputed land is nobody's, so it may be anybody's.
    """
    poleward = min(max(abs(region.south), abs(region.north)), 89.0)
    east_m, north_m = (float(value[0]) for value in metres_per_degree(np.array([poleward])))
    aside, along = boundaries.band_m * _WIDER / east_m, boundaries.band_m * _WIDER / north_m
    box = shapely.box(region.west - aside, region.south - along, region.east + aside, region.north + along)
    units = boundaries.tree.query(box, predicate="intersects").tolist()
    countries = {boundaries.countries[boundaries.country_of[unit]] for unit in units}
    return _text(countries), _text(boundaries.provinces[unit] for unit in units), None in countries


def months_of() -> pl.Expr:
    """Return the months that each record may be of as bits, January the lowest; all where none is stated."""
    start, end = (pl.col(name).cast(pl.Date).dt for name in ("event_start", "event_end"))
    first, last = (day.year().cast(pl.Int64) * 12 + day.month().cast(pl.Int64) - 1 for day in (start, end))
    single = pl.col("month").cast(pl.Int64) - 1
    in_order = pl.when(last >= first).then(last - first + 1)
    span = pl.when(first.is_not_null()).then(in_order).when(single.is_not_null()).then(1)
    two = pl.lit(2, dtype=pl.Int64)
    bits = (two.pow(span.fill_null(12).clip(1, 12)) - 1) * two.pow(pl.coalesce(first, single).fill_null(0) % 12)
    return (bits & _ALL_MONTHS) | (bits // (1 << 12))
