"""What the report of a candidate, or of ground that was looked at, says in its own sections."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from biodata.exports.reports import evidence_section, markup, place_section, plots
from biodata.exports.reports.markup import Mark
from biodata.exports.reports.material import Material
from biodata.exports.reports.shared_sections import not_tested, run_notes
from biodata.exports.reports.words import (
    counted,
    countries,
    inputs,
    joined,
    number,
    percent,
    place,
    plain,
    spaced,
    valued,
)  # fmt: skip
from biodata.places import country_name

_FRONT: Final = (
    "Which criterion should count most is a choice that people make, not a result. Front 1 (the Pareto front) holds the "
    "candidates that no other candidate beats whatever one chooses: no other is at least as good in every criterion and "
    "better in one. To see how far the order depends on the choice, all candidates are ranked again under many weights of "
    "the criteria drawn by chance."
)
CHECKS: Final = MappingProxyType(
    {
        "two_sided_evidence": "Threatened species recorded on both sides",
        "passable_link": "A way that animals could take",
        "beyond_band": "More than disagreement between maps",
    }
)
"""What the hard criteria ask, in plain words."""
_ACCEPTABILITY: Final = (
    "The share of these weights under which a candidate stands first is its acceptability. It is no probability that the "
    "candidate is the right one."
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
        evidence_section.section(material),
        _hard_criteria(material.evidence),
        *([_ranking(material), _criteria(material)] if ranked else []),
        _links(material),
    ]


def _short(material: Material, *, ranked: bool) -> str:
    """Return the whole in a few sentences."""
    row, evidence = material.row, material.evidence
    shares = (evidence.get("ground") or {}).get("countries") or {}
    parts = joined([f"{number(one['percent'], digits=3)} % in {country_name(code)}" for code, one in shares.items()])
    size = f"{number(row['area_km2'])} km²" if row.get("area_km2") is not None else ""
    what = (
        f"would join {counted(len(row['area_ids']), 'protected area')}"
        if row["area_ids"]
        else "is ground along a border"
    )
    lead = (
        f"It {what} in {countries(row['country_codes'])}"
        + (f": {size}" if size else "")
        + (f", {parts}." if shares else ".")
    )
    told = [lead]
    found = evidence.get("species")
    if found:
        shared, one_sided = len(found["shared"]), len(found["one_sided"])
        probable = len(found.get("probably_shared") or [])
        doubtful = sum(one.get("side_not_certain", 0) > 0 for one in found["one_sided"])
        told.append(
            f"{counted(shared, 'threatened species', 'threatened species')} {'has' if shared == 1 else 'have'} records that count on "
            f"two sides, {f'{probable} more probably, ' if probable else ''}"
            f"{counted(one_sided, 'species', 'species')} on one side only"
            + (f"; of {doubtful} of these a record lies too near an edge to tell its side." if doubtful else ".")
        )
    elif ranked or row["outcome"] == "without_evidence":
        told.append("No records on either side were at hand: nothing is known of its species.")
    if row.get("evidence_tier"):
        told.append(evidence_section.tier(row["evidence_tier"]))
    if ranked:
        ranking, count = evidence.get("ranking") or {}, len(material.others) + 1
        told.append(
            f"It stands {place(row['rank'])} of {counted(count, 'candidate')} of its run, on front {row['front']}: "
            + (
                "no other candidate is at least as good in every criterion and better in one. "
                if row["front"] == 1
                else "another is at least as good in every criterion and better in one. "
            )
            + f"Weighed in {number(ranking.get('draws'))} ways drawn by chance, it comes first in {percent(row['acceptability'])} of them."
        )
        ranks = ranking.get("nine_in_ten_ranks")
        if ranks:
            told.append(
                f"In nine of ten such ways its place lies between {ranks[0]} and {ranks[1]}"
                + (": what one holds important decides its place." if ranks[1] - ranks[0] > count / 3 else ".")
            )
    elif row["outcome"] == "failed":
        told.append(
            f"It is no candidate: {row['reason']}."
            if row.get("reason")
            else f"It is no candidate: it does not pass: {joined([CHECKS.get(name, spaced(name)).lower() for name in row['failed']])}."
        )
    elif row["outcome"] == "without_evidence":
        told.append("It is no candidate: its run had no records.")
    else:
        told.append("It passes every hard criterion; the candidate of the same name has a report of its own.")
    return markup.section(
        "In short", *(markup.paragraph(words, "lead") for words in told), run_notes(evidence), markup.paragraph(not_tested(material), "warning"),
        identifier="short",
    )  # fmt: skip


def _hard_criteria(evidence: Mapping[str, Any]) -> str:
    """Return the criteria that no weight can outweigh."""
    outcome = {True: '<span class="yes">passed</span>', False: '<span class="no">not passed</span>'}
    rows = [
        (CHECKS.get(name, spaced(name).capitalize()), Mark(outcome.get(check["passed"], '<span class="no">could not be tested</span>')),
         check["meaning"], inputs(check.get("input") or {}))
        for name, check in (evidence.get("hard_criteria") or {}).items()
    ]  # fmt: skip
    if not rows:
        return ""
    return markup.section(
        "Hard criteria",
        markup.paragraph("Each must be passed; nothing that is good elsewhere makes up for one that is not."),
        markup.table(
            ["Criterion", "Outcome", "Meaning", "From"],
            rows,
            caption="Hard criteria with what they were tested on",
            kind="stack",
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
        (spaced(name).capitalize(), valued(one["value"], one.get("unit", "")),
         f"{one['direction']} is better" if one.get("direction") else "–", one["meaning"] + (f" {one['note']}" if one.get("note") else ""))
        for name, one in parts.items()
    ]  # fmt: skip
    made_from = [
        (spaced(name).capitalize(), inputs(one.get("input") or {})) for name, one in parts.items()
    ]  # fmt: skip
    return markup.section(
        "Criteria",
        markup.figure(
            plots.parallel_dots(axes, title="Value of each criterion for this candidate and for the others of its run"),
            "A line for each criterion, the better end to the right. Diamond: this candidate; rings: the others of its run.",
        ),
        markup.table(
            ["Criterion", "Value", "Direction", "Meaning"], rows, caption="Criteria of this candidate", kind="stack"
        ),
        markup.table(
            ["Criterion", "From"],
            made_from,
            caption="The numbers that each value was made from, rounded; all digits are attached",
            kind="stack",
        ),
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
            caption="Links; each corridor has a report of its own", numbers=(1, 3, 4), kind="stack",
        ),
        identifier="links",
    )  # fmt: skip
