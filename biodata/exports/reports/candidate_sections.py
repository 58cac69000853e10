"""What the report of a candidate, or of ground that was looked at, says in its own sections."""

from collections.abc import Mapping
from typing import Any, Final

from biodata.exports.reports import markup, place_section, plots
from biodata.exports.reports.markup import Mark
from biodata.exports.reports.material import Material, species_of
from biodata.exports.reports.words import counted, countries, joined, number, percent, place, plain, spaced
from biodata.places import country_name

_MOST_BARS: Final = 40
_FRONT: Final = (
    "Front 1 holds the candidates that no other candidate of the run beats: none is at least as good in every criterion "
    "and better in one. A front says nothing of which criterion should count most."
)
_ACCEPTABILITY: Final = (
    "Acceptability is the share of all sampled weights of the criteria under which a candidate stands first. It tells how "
    "far the rank depends on what one holds important; it is no probability that the candidate is the right one."
)


def title(material: Material) -> tuple[str, str]:
    """Return what the report is of, and its name."""
    if material.table == "reserve_candidates":
        return "Candidate transboundary reserve", str(material.row["name"])
    return "Ground that was looked at as a transboundary reserve", str(material.row["name"])


def sections(material: Material) -> list[str]:
    """Return the sections that come before those of every report."""
    ranked = material.table == "reserve_candidates"
    return [
        _short(material, ranked=ranked),
        place_section.section(material),
        _evidence(material),
        _hard_criteria(material.evidence),
        *([_ranking(material), _criteria(material)] if ranked else []),
        _links(material),
    ]


def _short(material: Material, *, ranked: bool) -> str:
    """Return the whole in a few sentences."""
    row, evidence = material.row, material.evidence
    shares = (evidence.get("ground") or {}).get("countries") or {}
    parts = joined([f"{one['percent']:g} % in {country_name(code)}" for code, one in shares.items()]) if shares else ""
    size = f"{number(row['area_km2'])} km²" if row.get("area_km2") is not None else ""
    what = (
        f"would join {counted(len(row['area_ids']), 'protected area')}"
        if row["area_ids"]
        else "is ground along a border"
    )
    lead = (
        f"It {what} in {countries(row['country_codes'])}"
        + (f": {size}" if size else "")
        + (f", {parts}." if parts else ".")
    )
    told = [lead]
    found = evidence.get("species")
    if found:
        shared, one_sided = len(found["shared"]), len(found["one_sided"])
        doubtful = sum(one.get("side_not_certain", 0) > 0 for one in found["one_sided"])
        told.append(
            f"{counted(shared, 'threatened species', 'threatened species')} {'has' if shared == 1 else 'have'} records that count on "
            f"two sides, {counted(one_sided, 'species', 'species')} on one side only"
            + (f"; of {doubtful} of these a record lies too near an edge to tell its side." if doubtful else ".")
        )
    elif ranked or row["outcome"] == "without_evidence":
        told.append("No records on either side were at hand: nothing is known of its species.")
    if ranked:
        ranking, count = evidence.get("ranking") or {}, len(material.others) + 1
        told.append(
            f"It stands {place(row['rank'])} of {counted(count, 'candidate')} of its run, on Pareto front {row['front']}, and first "
            f"under {percent(row['acceptability'])} of {number(ranking.get('draws'))} sampled weights."
        )
        ranks = ranking.get("nine_in_ten_ranks")
        if ranks:
            told.append(
                f"Under nine in ten weights its rank lies between {ranks[0]} and {ranks[1]}"
                + (": what one holds important decides its place." if ranks[1] - ranks[0] > count / 3 else ".")
            )
    elif row["outcome"] == "failed":
        told.append(f"It is no candidate: it does not pass {joined([spaced(name) for name in row['failed']])}.")
    elif row["outcome"] == "without_evidence":
        told.append("It is no candidate: its run had no records.")
    else:
        told.append("It passes every hard criterion; the candidate of the same name has a report of its own.")
    return markup.section("In short", *(markup.paragraph(words, "lead") for words in told), identifier="short")


def _evidence(material: Material) -> str:
    """Return species by side: what counts, what does not, and where to look next."""
    found = material.evidence.get("species")
    view = material.row["evidence_view"]
    seen = (
        "public: made from what is published of the records alone"
        if view == "public"
        else "exact: made from the records themselves"
        if view == "exact"
        else "not told"
    )
    words = markup.paragraph(f"View of the records: {seen}.")
    if not found:
        return markup.section(
            "Evidence on each side",
            words,
            markup.paragraph(
                "No species are told here. How many are shared by side stands under the hard criteria, where the run had records."
            ),
            identifier="evidence",
        )
    by_side = {country_name(code): counts for code, counts in found["by_country"].items()}
    codes, species, cells = list(found["by_country"]), species_of(material.evidence), found.get("at_cells") or {}
    shared = set(found["shared"])
    rows = [
        (name, material.categories.get(name, "–"), *(number(found["by_country"][code].get(name, 0)) for code in codes),
         Mark('<span class="yes">two sides</span>') if name in shared else "one side", number(cells[name]) if name in cells else "–")
        for name in species
    ]  # fmt: skip
    counting = (material.evidence.get("counted") or {}).get("parameters") or {}
    years = (
        f"Records from {counting['since']} to {counting['as_of']} count" if counting.get("since") else "Records count"
    )
    rule = (
        f"{years} where at least {percent(counting.get('side_share'))} of their uncertainty lies on one side, no quality flag speaks "
        f"against them, and none stands within {number(counting.get('independent_minutes'))} minutes and "
        f"{number(counting.get('independent_m'))} m of another that counts."
    ) if counting else ""  # fmt: skip
    at_cells = (
        f"{counted(len(cells), 'species', 'species')} {'is' if len(cells) == 1 else 'are'} told at the scale of the cell that is published of "
        "their records (0.1° for most): such a record counts for the cell's country, once a cell and year, where at least half of the cell lies on the ground."
        if cells else ""
    )  # fmt: skip
    shown = species[:_MOST_BARS]
    bars = (
        plots.evidence_bars(shown, by_side, title=f"Records that count by species and side, for {len(shown)} species")
        if species
        else ""
    )
    left_out = [(reason, number(count)) for reason, count in (found.get("left_out") or {}).items()]
    return markup.section(
        "Evidence on each side",
        words, markup.paragraph(rule), markup.paragraph(at_cells, "warning"),
        markup.figure(bars, "Records that count, by species and side. Few records tell of little search as well as of few animals.") if bars else "",
        markup.table(["Species", "Red List", *by_side, "Evidence", "of which cells"], rows, caption="Records that count, by side", numbers=tuple(range(2, 2 + len(codes))), kind="species"),
        markup.table(["Records near it that do not count", "Records"], left_out, caption="Left out, by the first reason that applies", numbers=(1,)) if left_out else "",
        identifier="evidence",
    )  # fmt: skip


def _hard_criteria(evidence: Mapping[str, Any]) -> str:
    """Return the criteria that no weight can outweigh."""
    outcome = {True: '<span class="yes">passed</span>', False: '<span class="no">not passed</span>'}
    rows = [
        (spaced(name).capitalize(), Mark(outcome.get(check["passed"], '<span class="no">could not be tested</span>')),
         check["meaning"], "; ".join(f"{spaced(k)}: {plain(v)}" for k, v in (check.get("input") or {}).items()))
        for name, check in (evidence.get("hard_criteria") or {}).items()
    ]  # fmt: skip
    if not rows:
        return ""
    return markup.section(
        "Hard criteria",
        markup.paragraph("Each must be passed; nothing that is good elsewhere makes up for one that is not."),
        markup.table(
            ["Criterion", "Outcome", "Meaning", "From"], rows, caption="Hard criteria with what they were tested on"
        ),
        identifier="hard",
    )


def _ranking(material: Material) -> str:
    """Return front, rank and acceptability."""
    row, ranking = material.row, material.evidence.get("ranking") or {}
    told = [*material.others, row]
    bars = sorted(
        (
            (one["name"], one["acceptability"] or 0.0, one["within_first"] or 0.0, one is row, one["rank"])
            for one in told
        ),
        key=lambda bar: bar[4],
    )
    first = ranking.get("first", "few")
    drawing = plots.acceptability_bars(
        [bar[:4] for bar in bars],
        title=f"Share of weights under which each candidate stands first and among the first {first}",
    )
    facts = [
        ("Rank", f"{row['rank']} of {len(told)}"), ("Pareto front", str(row["front"])),
        ("First", f"under {percent(row['acceptability'])} of weights (± {percent(ranking.get('acceptability_error'))}, standard error of the sample)"),
        (f"Among the first {first}", f"under {percent(row['within_first'])}"), ("Mean rank", number(ranking.get("mean_rank"))),
        ("Before the next candidate", f"under {percent(ranking['beats_next'])} of weights" if ranking.get("beats_next") is not None else "there is none"),
        ("Weights", f"{number(ranking.get('draws'))} drawn, {ranking.get('weights', 'as the run tells')}, seed {plain(ranking.get('seed'))}"),
    ]  # fmt: skip
    return markup.section(
        "Front and rank",
        markup.paragraph(_FRONT), markup.paragraph(_ACCEPTABILITY), markup.facts(facts),
        markup.figure(drawing, f"Dark bar and first figure: share of weights under which it stands first; pale bar and second figure: among the first {first}. This candidate is brown."),
        identifier="rank",
    )  # fmt: skip


def _criteria(material: Material) -> str:
    """Return every criterion with its value, against the other candidates."""
    parts = material.row["parts"]
    axes = [
        plots.Axis(spaced(name), one.get("unit", ""), one.get("direction", ""), _value(material.row, name), [_value(other, name) for other in material.others])
        for name, one in parts.items()
    ]  # fmt: skip
    if not axes:
        return ""
    rows = [
        (spaced(name).capitalize(), f"{number(one['value'])} {one.get('unit', '') if one['value'] is not None else ''}",
         f"{one['direction']} is better" if one.get("direction") else "–", one["meaning"] + (f" {one['note']}" if one.get("note") else ""))
        for name, one in parts.items()
    ]  # fmt: skip
    inputs = [
        (f"{spaced(name)}", "; ".join(f"{spaced(k)}: {plain(v)}" for k, v in (one.get("input") or {}).items())) for name, one in parts.items()
    ]  # fmt: skip
    return markup.section(
        "Criteria",
        markup.figure(
            plots.parallel_dots(axes, title="Value of each criterion for this candidate and for the others of its run"),
            "A line for each criterion, the better end to the right. Diamond: this candidate; rings: the others of its run.",
        ),
        markup.table(["Criterion", "Value", "Direction", "Meaning"], rows, caption="Criteria of this candidate"),
        markup.table(["Criterion", "From"], inputs, caption="The numbers that each value was made from"),
        identifier="criteria",
    )


def _value(row: Mapping[str, Any], name: str) -> float | None:
    value = (row["parts"].get(name) or {}).get("value")
    return float(value) if isinstance(value, int | float) else None


def _links(material: Material) -> str:
    """Return the links between its areas."""
    links = material.evidence.get("links") or []
    rows = [
        (" – ".join(link["areas"]), number(link["distance_m"]), plain(link["functional"]) if link["functional"] is not None else "no corridor was looked for",
         number(link["least_cost"]), number(link["narrowest_m"]), link["corridor_id"] or "–")
        for link in links
    ]  # fmt: skip
    if not rows:
        return ""
    return markup.section(
        "Links between its areas",
        markup.table(
            ["Areas", "Apart, m", "Functional", "Least cost, cost-m", "Narrowest, m", "Corridor"], rows,
            caption="Links; each corridor has a report of its own", numbers=(1, 3, 4),
        ),
        identifier="links",
    )  # fmt: skip
