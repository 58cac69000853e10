"""What every report says of how far it can be trusted: uncertainty, validation, scenarios, what is unknown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from biodata.exports.reports import markup
from biodata.exports.reports.markup import Mark
from biodata.exports.reports.material import Material
from biodata.exports.reports.words import NOT_RUN, countries, flat, joined, number, percent, plain, spaced

_MOST_PAIRS: Final = 40
_TESTS: Final = MappingProxyType(
    {
        "uncertainty": "how sure it is",
        "validation": "whether records of animals agree with it better than chance",
        "scenarios": "what fences, roads or another climate would change",
    }
)


def sections(material: Material) -> list[str]:
    """Return those sections in their order."""
    return [
        _uncertainty(material.findings.get("uncertainty")),
        _validation(material.findings.get("validation")),
        _scenarios(material),
        _unknown(material),
    ]


def not_tested(material: Material) -> str:
    """Return the tests that nobody ran, as a sentence; nothing where all were."""
    missing = [words for name, words in _TESTS.items() if name not in material.findings]
    if not missing:
        return ""
    return f"Not tested yet: {joined(missing)}. Whoever decides on it should know that; below is said what each would tell."


def run_notes(evidence: Mapping[str, Any], *, functional: bool = True) -> str:
    """Return what the run noted of its result, word for word: why there is no link, and what limits the answer."""
    notes = [str(note) for note in evidence.get("notes") or []]
    if not functional and not notes:
        notes = ["No functional link; the run kept no reason."]
    return "".join(markup.paragraph(note, "warning") for note in notes)


def _uncertainty(found: Mapping[str, Any] | None) -> str:
    """Return frequencies under assumptions, if they were given."""
    if found is None:
        words = markup.paragraph(
            f"{NOT_RUN.capitalize()}. How often this result would stand if resistances, places of records and parameters were "
            "somewhat different is not known."
        )
        return markup.section("How sure it is", words, identifier="uncertainty")
    told = found.get("assumptions") or []
    lines = told if isinstance(told, list) else [f"{name}: {value}" for name, value in flat(told)]
    pairs = [one for one in found.get("pairs") or [] if isinstance(one, Mapping)]
    head = list(dict.fromkeys(name for one in pairs for name in one))
    rows = [[_value(one.get(name)) for name in head] for one in pairs[:_MOST_PAIRS]]
    facts = [
        (label, _value(found[name]))
        for name, label in (("draws", "Draws"), ("seed", "Seed"), ("error_at_most", "Error of a frequency, at most"),
                            ("rank_agreement", "Agreement of the links' ranks"), ("inputs", "Made of"))
        if found.get(name) is not None
    ]  # fmt: skip
    return markup.section(
        "How sure it is",
        _doubts(found),
        markup.paragraph("Frequencies under the assumptions below; they are no probabilities.", "warning"),
        markup.paragraph(found.get("told") if isinstance(found.get("told"), str) else "", "lead"), markup.facts(facts),
        markup.table([spaced(name) for name in head], rows, caption="Links, over all draws") if rows else "",
        markup.heading("Assumptions"), markup.bullets(lines),
        markup.bullets(str(note) for note in found.get("notes") or []), identifier="uncertainty",
    )  # fmt: skip


def _validation(found: Mapping[str, Any] | None) -> str:
    """Return what held-out records said, if they were asked."""
    if found is None:
        words = markup.paragraph(
            f"{NOT_RUN.capitalize()}. No records were held out to test this result: whether it is better than chance is not known."
        )
        return markup.section("Tested against records", words, identifier="validation")
    p = found.get("p")
    facts = [
        ("Verdict", plain(found.get("verdict"))), ("p", number(p) if p is not None else "no test"),
        ("Records", plain(found.get("records"))), ("Independent places", plain(found.get("places"))),
        ("Places that a test needs", plain(found.get("places_needed"))), ("Species", plain(found.get("species"))),
        ("Effort told by", plain(found.get("effort"))),
    ]  # fmt: skip
    left_out = [f"{reason}: {count}" for reason, count in (found.get("left_out") or {}).items()]
    return markup.section(
        "Tested against records",
        _doubts(found),
        markup.paragraph(str(found.get("told") or found.get("verdict") or NOT_RUN), "lead"), markup.facts(facts),
        markup.heading("Records that were no test") if left_out else "", markup.bullets(left_out),
        markup.bullets(str(note) for note in [*(found.get("notes") or []), *(found.get("raster_notes") or [])]),
        identifier="validation",
    )  # fmt: skip


def _doubts(found: Mapping[str, Any]) -> str:
    """Return what a finding does not share with the result that it is told beside."""
    return "".join(markup.paragraph(str(line), "warning") for line in found.get("doubts") or [])


def _scenarios(material: Material) -> str:
    """Return what another state of the border or the climate would change, if it was asked."""
    found = material.findings.get("scenarios")
    if found is None:
        words = markup.paragraph(
            f"{NOT_RUN.capitalize()}. What a fence, a road or another climate would change was not asked."
        )
        return markup.section("Scenarios", words, identifier="scenarios")
    own = _members(material)
    pairs = [one for one in found.get("pairs") or [] if _wholes(one) <= own]
    rows = [
        (f"{plain(one.get('from_name'))} – {plain(one.get('to_name'))}", plain(one.get("change")), number(one.get("open_least_cost")),
         number(one.get("closed_least_cost")), number(one.get("open_narrowest_m")), number(one.get("closed_narrowest_m")), one.get("crossings") or "–")
        for one in pairs
    ]  # fmt: skip
    head = ["Areas", "Change", "Least cost, open", "closed", "Narrowest m, open", "closed", "Through crossings"]
    gained = ("crossing_id", "order", "alone_eca_km2", "alone_pairs_opened", "alone_cost_saved", "last_eca_km2")
    crossings = [[_value(one.get(name)) for name in gained] for one in found.get("crossings") or []]
    none = "The scenarios that were given compare no two areas of this result."
    return markup.section(
        "Scenarios",
        _doubts(found),
        markup.paragraph("The same model with the border open, and with barriers on it; it tells what these would do to cheapest ways, no more."),
        markup.table(head, rows, caption="Between its areas", numbers=(2, 3, 4, 5), kind="stack") if rows else markup.paragraph(none, "warning"),
        markup.table([spaced(name) for name in gained], crossings, caption="What each crossing opens", numbers=(1, 2, 3, 4, 5)) if crossings else "",
        markup.table(["What", "Value"], flat(found.get("asked") or found.get("run") or {}), caption="What was asked", kind="parameters"),
        identifier="scenarios",
    )  # fmt: skip


def _wholes(pair: Mapping[str, Any]) -> set[str]:
    """Return the areas of a pair; a border that is closed cuts an area that lies on both sides into `id|1`, `id|2`."""
    return {str(pair.get(name)).partition("|")[0] for name in ("from_area_id", "to_area_id")}


def _members(material: Material) -> set[str]:
    """Return the areas that a result joins, by the ids that files of one's own use, too."""
    row = material.row
    ids = row["area_ids"] or [] if "area_ids" in row else [row["from_area_id"], row["to_area_id"]]
    return {name for one in ids if one for name in (one, one.rpartition(":")[2])}


def _unknown(material: Material) -> str:
    """Return what this result does not tell."""
    row, evidence = material.row, material.evidence
    told = [
        f"{spaced(name).capitalize()}: the input is missing; it counts as worse than every known value."
        for name, one in (row.get("parts") or {}).items() if one["value"] is None
    ]  # fmt: skip
    told += [
        f"{spaced(name).capitalize()}: could not be tested." for name, check in (evidence.get("hard_criteria") or {}).items() if check["passed"] is None
    ]  # fmt: skip
    disagreement = row.get("boundary_disagreement_km2")
    if disagreement:
        told.append(
            f"{number(disagreement)} km² overlap another country on this boundary set: disagreement between maps, no evidence."
        )
    if material.table == "corridors":
        told.append("This result rests on resistances alone: no record of any animal was asked.")
    else:
        told.append(
            "Ground where nobody looked is not told apart here from ground where nothing was found; `biodata survey-design` does that."
        )
    needed = evidence.get("survey_effort")
    if needed:
        cases = needed["cases"].values()
        nights = joined(
            [f"{case['nights']} where the chance to see it in a night is {number(case['per_night'])}" for case in cases]
        )
        told.append(
            f"Nights that one camera must stand so that a species which uses its ground is missed in fewer than "
            f"{percent(needed['miss'])} of cases: {nights} ({needed['source']})."
        )
    return markup.section(
        "What is unknown, and where to look next",
        markup.bullets(Mark(markup.code(words)) for words in told),
        _tasks(evidence),
        identifier="unknown",
    )  # fmt: skip


def _tasks(evidence: Mapping[str, Any]) -> str:
    """Return what one side alone has, as tasks for surveys on the other."""
    caption, head = "Surveys that would settle evidence on one side only", ["Species", "Recorded in", "Survey in"]
    tasks = evidence.get("survey_tasks") or []
    if tasks:
        rows = [
            (one["species"], countries(one["recorded_in"]), countries([one["survey_in"]]),
             f"{number(one['cells_without_effort'])} of {number(one['cells'])}", one["why"])
            for one in tasks
        ]  # fmt: skip
        head = [*head, "Cells without effort", "Why"]
        return markup.table(head, rows, caption=caption, kind="species")
    one_sided = (evidence.get("species") or {}).get("one_sided") or []
    plain_rows = [(one["species"], countries(one["recorded_in"]), countries(one["survey_in"])) for one in one_sided]
    return markup.table(head, plain_rows, caption=caption, kind="species") if plain_rows else ""


def _value(value: Any) -> str:
    """Return a value of a table of findings."""
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else plain(value)
