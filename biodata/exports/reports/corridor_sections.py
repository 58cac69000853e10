"""What the report of a corridor says in its own sections."""

from collections.abc import Mapping
from typing import Any, Final

from biodata.exports.reports import markup, place_section, plots
from biodata.exports.reports.material import Material
from biodata.exports.reports.shared_sections import not_tested, run_notes
from biodata.exports.reports.words import counted, countries, metres, number, percent, plain
from biodata.places import country_name

_MEASURES: Final = (
    ("least_cost", "Least accumulated cost", "cost-metres", "less", "What the cheapest path costs: resistance times metres."),
    ("cost_ratio", "Cost for a straight metre", "", "less", "Least cost divided by the straight distance."),
    ("cost_per_path_m", "Cost for a metre of path", "", "less", "Mean resistance along the cheapest path."),
    ("euclidean_m", "Straight distance", "m", "less", "Between the two areas' edges."),
    ("path_length_m", "Length of the path", "m", "less", "Of the cheapest path."),
    ("width_m", "Width, median", "m", "more", "Of the corridor along the path."),
    ("narrowest_m", "Width, narrowest", "m", "more", "At its narrowest place."),
    ("area_km2", "Area", "km²", "", "Of the corridor, on the ellipsoid."),
)  # fmt: skip


def title(material: Material) -> tuple[str, str]:
    """Return what the report is of, and its name."""
    return "Corridor", f"{material.row['from_name']} – {material.row['to_name']}"


def sections(material: Material) -> list[str]:
    """Return the sections that come before those of every report."""
    return [
        _short(material),
        place_section.section(material),
        _evidence(material),
        _measures(material),
        _ground(material.evidence),
    ]


def _short(material: Material) -> str:
    """Return the whole in a few sentences."""
    row, evidence = material.row, material.evidence
    across = len(row["country_codes"]) > 1
    lead = f"It links {row['from_name']} and {row['to_name']} in {countries(row['country_codes'])}" + (
        ", across the border." if across else "."
    )
    told = [lead]
    if row["functional"]:
        told.append(
            f"A cheapest path of {metres(row['path_length_m'])} was found over a gap of {metres(row['euclidean_m'])}; the corridor "
            f"is {metres(row['width_m'])} wide in the median and {metres(row['narrowest_m'])} at its narrowest."
        )
        if evidence.get("habitat_share") is not None:
            told.append(f"{percent(evidence['habitat_share'])} of its path leads through ground of low resistance.")
    told.append(
        "It is a model's answer to resistances that people chose. It tells where moving would be cheapest under these, not that "
        "animals move there."
    )
    return markup.section(
        "In short", *(markup.paragraph(words, "lead") for words in told), run_notes(evidence, functional=row["functional"]),
        markup.paragraph(not_tested(material), "warning"), identifier="short",
    )  # fmt: skip


def _evidence(material: Material) -> str:
    """Return what is recorded on each side, by the candidates that the corridor is a link of."""
    rows = []
    for one in material.candidates:
        found = one["evidence"].get("species") or {}
        sides = ", ".join(
            f"{country_name(code)} {sum(counts.values()):,} of {counted(sum(n > 0 for n in counts.values()), 'species', 'species')}"
            for code, counts in (found.get("by_country") or {}).items()
        )
        shared = number(len(found["shared"]) + len(found.get("probably_shared") or [])) if "shared" in found else "–"
        rows.append(
            (
                one["name"],
                number(one["rank"]),
                shared,
                one.get("evidence_tier") or "–",
                sides or "none told",
                one["candidate_id"],
            )
        )
    words = (
        "A corridor itself is made without records. What is recorded on each side stands with the candidates that it is a link of."
        if rows
        else "A corridor is made without records, and it is a link of no candidate of its run: nothing is told of the animals on either side."
    )
    return markup.section(
        "Evidence on each side",
        markup.paragraph(words),
        markup.table(
            ["Candidate", "Rank", "Species on two sides", "Evidence", "Records that count", "Its report"], rows,
            caption="Candidates that this corridor is a link of", numbers=(1, 2), kind="stack",
        ) if rows else "",
        identifier="evidence",
    )  # fmt: skip


def _measures(material: Material) -> str:
    """Return its measures against the other corridors of the run."""
    row = material.row
    axes = [
        plots.Axis(name, unit, better, _float(row[key]), [_float(one[key]) for one in material.others])
        for key, name, unit, better, _ in _MEASURES
    ]
    rows = [(name, f"{number(row[key])} {unit}", meaning) for key, name, unit, _, meaning in _MEASURES]
    functional = sum(bool(one["functional"]) for one in material.others)
    return markup.section(
        "Measures",
        markup.paragraph(
            f"{counted(len(material.others), 'other corridor')} of the same run, {functional} of them functional."
        ),
        markup.figure(
            plots.parallel_dots(axes, title="Measures of this corridor and of the others of its run"),
            "A line for each measure, the better end to the right where one is better. Diamond: this corridor; rings: the others.",
        ),
        markup.table(["Measure", "Value", "Meaning"], rows, caption="Measures of this corridor", kind="stack"),
        identifier="measures",
    )


def _ground(evidence: Mapping[str, Any]) -> str:
    """Return what the corridor leads over."""
    rows = [
        ("Path on ground of low resistance", percent(evidence.get("habitat_share"))),
        ("Path on cells without data", percent(evidence.get("nodata_share"))),
        ("Mean resistance of the corridor", number(evidence.get("mean_resistance"))),
        ("Strands", plain(evidence.get("strands"))),
        ("Leads through", plain(evidence.get("through") or [])),
        ("Cut above the least cost", f"{number(evidence.get('cut_cost'))} cost-metres"),
    ]
    return markup.section("The ground it leads over", markup.facts(rows), identifier="ground")


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
