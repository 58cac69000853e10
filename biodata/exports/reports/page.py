"""A report as one page: nothing from elsewhere, no script that runs, ready for paper; its numbers are attached."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import jinja2
import shapely
from markupsafe import Markup

from biodata.exports.reports import area_map, findings
from biodata.exports.reports.findings import counted, countries, flat, inputs, joined, number, plain, spaced, valued
from biodata.exports.reports.material import KINDS, Material, same_boundaries, species_of
from biodata.exports.templating import add_functions, environment
from biodata.places import country_name
from biodata.sharing.labels import in_words
from biodata.text.controlled import parse_licence

# What the templates of reports of candidates, corridors and ground show: rows of tables, drawings, sentences of a result.

CHECKS: Final = MappingProxyType(
    {
        "two_sided_evidence": "Threatened species recorded on both sides",
        "passable_link": "A way that animals could take",
        "beyond_band": "More than disagreement between maps",
    }
)
"""What the hard criteria ask, in plain words."""
TIERS: Final = MappingProxyType(
    {
        "certain": "The evidence is certain: each side has a record that surely lies there of a species that another side has, too.",
        "probable": "The evidence is probable: on a side no record of a shared species lies surely, but at least one of several very likely does.",
        "listed": "The evidence is a checklist: on a side no record shows a shared species, but a checklist of a protected area names it.",
    }
)
VIEWS: Final = MappingProxyType(
    {
        "public": "public: made from what is published of the records alone",
        "exact": "exact: made from the records themselves",
    }
)
_TESTS: Final = MappingProxyType(
    {
        "uncertainty": "how sure it is",
        "validation": "whether records of animals agree with it better than chance",
        "scenarios": "what fences, roads or another climate would change",
    }
)
_RED_LIST: Final = MappingProxyType(
    {
        "EX": "extinct", "EW": "extinct in the wild", "CR": "critically endangered", "EN": "endangered", "VU": "vulnerable",
        "NT": "near threatened", "LC": "least concern", "DD": "data deficient",
    }
)  # fmt: skip
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
_LICENCES: Final = MappingProxyType({"CC0_1_0": "CC0 1.0", "CC_BY_4_0": "CC BY 4.0", "CC_BY_NC_4_0": "CC BY-NC 4.0"})
_SHOWN_ELSEWHERE: Final = (
    "hard_criteria", "species", "links", "ground", "ranking", "notes", "boundary_disagreement_km2", "run", "boundaries", "findings",
    "survey_tasks", "survey_effort", "consent",
)  # fmt: skip
"""Parts of the evidence that have a section of their own."""
_MOST_PAIRS: Final = 40
_MOST_BARS: Final = 40

Told = Mapping[str, Any]
Rows = list[tuple[Any, ...]]


def citation(material: Material) -> str:
    """Return how to cite the result, as one line."""
    release, row = material.release, material.row
    kind = {"reserve_candidates": "Candidate transboundary reserve", "corridors": "Corridor"}.get(
        material.table, "Ground looked at"
    )
    name = row["name"] if "name" in row else f"{row['from_name']} – {row['to_name']}"
    consent = material.evidence.get("consent") or {}
    agreed = ""
    if consent.get("answers"):
        days = [one["date"] for one in (consent.get("signed") or {}).values()]
        agreed = f"{sentence(consent['said'])}{f', the last on {max(days)}' if days else ''}. "
    return (
        f"biodata ({release['created'][:10]}). {kind} “{name}” ({material.id}), run {plain(row['run_id'])}. "
        f"{agreed}Release {release['id']} of {release['created'][:10]}, content mark {release['content_hash'][:16]}…."
    )


def sentence(words: Any) -> str:
    """Return words that begin with a capital."""
    text = str(words or "")
    return text[:1].upper() + text[1:]


def not_tested(material: Material) -> str:
    """Return the tests that nobody ran, as a sentence; nothing where all were."""
    if not (missing := [words for name, words in _TESTS.items() if name not in material.findings]):
        return ""
    return f"Not tested yet: {joined(missing)}. Whoever decides on it should know that; below is said what each would tell."


def run_notes(evidence: Told, *, functional: bool = True) -> list[str]:
    """Return what the run noted of its result, word for word: why there is no link, and what limits the answer."""
    notes = [str(note) for note in evidence.get("notes") or []]
    return notes if functional or notes else ["No functional link; the run kept no reason."]


def shares_of_countries(shares: Told) -> str:
    """Return each country's share of the ground."""
    return joined([f"{number(one['percent'], digits=3)} % in {country_name(code)}" for code, one in shares.items()])


def doubtful_sides(species: Told) -> int:
    """Count the species of one side of which a record lies too near an edge."""
    return sum(one.get("side_not_certain", 0) > 0 for one in species["one_sided"])


def failed_checks(names: Sequence[str]) -> str:
    """Return hard criteria that are not passed, in words."""
    return joined([CHECKS.get(name, spaced(name)).lower() for name in names])


def species_view(material: Material) -> dict[str, Any]:
    """Return the table of species by side: what counts and what does not, with bars of the first species."""
    found = material.evidence["species"]
    codes, cells = list(found["by_country"]), found.get("at_cells") or {}
    species = species_of(material.evidence)
    tiers: dict[str, str] = {name: Markup('<span class="yes">two sides</span>') for name in found["shared"]}
    tiers |= dict.fromkeys(found.get("probably_shared") or [], "two sides, one of them probable")
    tiers |= dict.fromkeys(found.get("shared_by_list") or [], "two sides, one of them by a checklist")
    rows = [
        (_with_common(name, material), material.categories.get(name, "–"), *(_records(found, code, name) for code in codes),
         tiers.get(name, "one side at most"), number(cells[name]) if name in cells else "–")
        for name in species
    ]  # fmt: skip
    categories = {material.categories.get(name) for name in species}
    meanings = [f"{code} {meaning}" for code, meaning in _RED_LIST.items() if code in categories]
    by_side = {country_name(code): counts for code, counts in found["by_country"].items()}
    shown = species[:_MOST_BARS]
    title = f"Records that count by species and side, for {len(shown)} species"
    return {
        "head": ["Species", "Red List", *by_side, "Evidence", "of these, published as squares"],
        "rows": rows,
        "caption": "Records that count, by side" + (f" (Red List: {', '.join(meanings)})" if meanings else ""),
        "numbers": (*range(2, 2 + len(codes)), 3 + len(codes)),
        "bars": area_map.evidence_bars(shown, by_side, title=title) if shown else "",
    }


def _records(found: Told, code: str, species: str) -> str:
    """Return the records that count in a country; where there is none the chance that others lie there."""
    count = found["by_country"][code].get(species, 0)
    unsure = (found.get("uncertain") or {}).get(code, {}).get(species)
    sources = (found.get("listed") or {}).get(code, {}).get(species, [])
    named = f"; checklist: {', '.join(sources)}" if sources else ""
    if count or not unsure:
        return number(count) + named
    untold = f", {number(unsure['untold'])} without uncertainty" if unsure.get("untold") else ""
    return f"0; chance {min(unsure['chance'], 0.999):g} by {counted(unsure['records'], 'record')}{untold}{named}"


def _with_common(species: str, material: Material) -> Markup:
    """Return a species' scientific name with its common ones."""
    common = " · ".join(material.names.get(species, ()))
    name = Markup("<i>{}</i>").format(species)
    return name + Markup('<span class="common">{}</span>').format(common) if common else name


def numbered_counts(counts: Told) -> Rows:
    """Return names with their numbers."""
    return [(name, number(count)) for name, count in counts.items()]


def hard_criteria(criteria: Told) -> Rows:
    """Return the criteria that no weight can outweigh."""
    outcomes = {True: ("yes", "passed"), False: ("no", "not passed")}
    mark = Markup('<span class="{}">{}</span>')
    return [
        (CHECKS.get(name, spaced(name).capitalize()), mark.format(*outcomes.get(check["passed"], ("no", "could not be tested"))),
         check["meaning"], inputs(check.get("input") or {}))
        for name, check in criteria.items()
    ]  # fmt: skip


def acceptability(material: Material, first: Any) -> Markup:
    """Draw under how many weights each candidate stands first, and among the first."""
    rows = sorted([*material.others, material.row], key=lambda one: one["rank"])
    bars = [(one["name"], one["acceptability"] or 0.0, one["within_first"] or 0.0, one is material.row) for one in rows]
    title = f"Share of weights under which each candidate stands first and among the first {first}"
    return area_map.acceptability_bars(bars, title=title)


def criteria_dots(material: Material) -> Markup:
    """Draw every criterion's value against those of the other candidates."""
    axes = [
        area_map.Axis(
            spaced(name), one.get("unit", ""), one.get("direction", ""), _value_of(material.row, name),
            [_value_of(other, name) for other in material.others],
        )
        for name, one in material.row["parts"].items()
    ]  # fmt: skip
    return area_map.parallel_dots(
        axes, title="Value of each criterion for this candidate and for the others of its run"
    )


def criteria_rows(parts: Told) -> Rows:
    """Return every criterion with its value and meaning."""
    return [
        (spaced(name).capitalize(), valued(one["value"], one.get("unit", "")),
         f"{one['direction']} is better" if one.get("direction") else "–", one["meaning"] + (f" {one['note']}" if one.get("note") else ""))
        for name, one in parts.items()
    ]  # fmt: skip


def criteria_inputs(parts: Told) -> Rows:
    """Return the numbers that each criterion was made from."""
    return [(spaced(name).capitalize(), inputs(one.get("input") or {})) for name, one in parts.items()]


def link_rows(links: Sequence[Told]) -> Rows:
    """Return the links between the areas of a candidate."""
    return [
        (" – ".join(link["areas"]), number(link["distance_m"]), plain(link["functional"]) if link["functional"] is not None else "no corridor was looked for",
         number(link["least_cost"]), number(link["narrowest_m"]), link["corridor_id"] or "–")
        for link in links
    ]  # fmt: skip


def candidates_of_link(candidates: Sequence[Told]) -> Rows:
    """Return what is recorded on each side, by the candidates that a corridor is a link of."""
    rows: Rows = []
    for one in candidates:
        found = one["evidence"].get("species") or {}
        sides = ", ".join(
            f"{country_name(code)} {sum(counts.values()):,} of {counted(sum(n > 0 for n in counts.values()), 'species', 'species')}"
            for code, counts in (found.get("by_country") or {}).items()
        )
        shared = number(len(found["shared"]) + len(found.get("probably_shared") or [])) if "shared" in found else "–"
        tier = one.get("evidence_tier") or "–"
        rows.append((one["name"], number(one["rank"]), shared, tier, sides or "none told", one["candidate_id"]))
    return rows


def measure_dots(material: Material) -> Markup:
    """Draw a corridor's measures against those of the other corridors of its run."""
    axes = [
        area_map.Axis(name, unit, better, _float(material.row[key]), [_float(one[key]) for one in material.others])
        for key, name, unit, better, _ in _MEASURES
    ]
    return area_map.parallel_dots(axes, title="Measures of this corridor and of the others of its run")


def measure_rows(row: Told) -> Rows:
    """Return a corridor's measures."""
    return [(name, f"{number(row[key])} {unit}", meaning) for key, name, unit, _, meaning in _MEASURES]


def draw_map(material: Material, *, band_m: float | None) -> Markup:
    """Draw the map of a result."""
    title = f"Map of {material.row.get('name') or material.id} with protected areas, corridor and border"
    return area_map.draw(material, band_m=band_m, title=title)


def area_rows(material: Material) -> Rows:
    """Return the areas by their number on the map."""
    return [
        (n, " · ".join(dict.fromkeys(filter(None, (area["name"], area["original_name"])))) or area["area_id"],
         countries(area["country_codes"] or []), *(area[name] or "not told" for name in ("designation", "iucn_category", "status")))
        for n, area in enumerate(area_map.numbered(material), start=1)
    ]  # fmt: skip


def ground_rows(material: Material) -> Rows:
    """Return each country's share of the ground, and what is disputed."""
    ground = material.evidence.get("ground") or {}
    named = [(country_name(code), one) for code, one in (ground.get("countries") or {}).items()]
    named += [(f"{name} (disputed, no side)", one) for name, one in (ground.get("disputed") or {}).items()]
    return [(name, number(one["km2"]), f"{number(one['percent'], digits=3)} %") for name, one in named]


def uncertainty_facts(found: Told) -> Rows:
    """Return what is known of the draws."""
    labels = {
        "draws": "Draws", "seed": "Seed", "error_at_most": "Error of a frequency, at most",
        "rank_agreement": "Agreement of the links' ranks", "inputs": "Made of",
    }  # fmt: skip
    return [(label, _cell(found[name])) for name, label in labels.items() if found.get(name) is not None]


def pairs_table(found: Told) -> tuple[list[str], Rows]:
    """Return the links over all draws: the names of the columns, and the rows."""
    pairs = [one for one in found.get("pairs") or [] if isinstance(one, Mapping)]
    head = list(dict.fromkeys(name for one in pairs for name in one))
    return head, [tuple(_cell(one.get(name)) for name in head) for one in pairs[:_MOST_PAIRS]]


def assumption_lines(found: Told) -> list[str]:
    """Return the assumptions of frequencies."""
    stated = found.get("assumptions") or []
    return stated if isinstance(stated, list) else [f"{name}: {value}" for name, value in flat(stated)]


def scenario_pairs(material: Material, found: Told) -> Rows:
    """Return what barriers change between the areas that a result joins, by the ids that files of one's own use, too."""
    row = material.row
    ids = row["area_ids"] or [] if "area_ids" in row else [row["from_area_id"], row["to_area_id"]]
    own = {name for one in ids if one for name in (one, one.rpartition(":")[2])}
    measures = ("open_least_cost", "closed_least_cost", "open_narrowest_m", "closed_narrowest_m")
    return [
        (f"{plain(one.get('from_name'))} – {plain(one.get('to_name'))}", plain(one.get("change")), *(number(one.get(name)) for name in measures),
         one.get("crossings") or "–")
        for one in found.get("pairs") or []
        # A border that is closed cuts an area that lies on both sides into `id|1`, `id|2`.
        if {str(one.get(name)).partition("|")[0] for name in ("from_area_id", "to_area_id")} <= own
    ]  # fmt: skip


def scenario_crossings(found: Told) -> dict[str, Any]:
    """Return what each crossing opens."""
    gained = ("crossing_id", "alone_eca_km2", "alone_pairs_opened", "alone_cost_saved", "last_eca_km2")
    rows = [tuple(_cell(one.get(name)) for name in gained) for one in found.get("crossings") or []]
    return {"head": [spaced(name) for name in gained], "rows": rows}


def nights_needed(needed: Told) -> str:
    """Return how many nights a camera must stand, by the chance to see a species in a night."""
    cases = needed["cases"].values()
    return joined(
        [f"{case['nights']} where the chance to see it in a night is {number(case['per_night'])}" for case in cases]
    )


def survey_tasks(evidence: Told) -> dict[str, Any]:
    """Return what one side alone has, as tasks for surveys on the other."""
    head = ["Species", "Recorded in", "Survey in"]
    tasks = evidence.get("survey_tasks") or []
    found = tasks or (evidence.get("species") or {}).get("one_sided") or []
    rows: Rows = []
    for one in found:
        # A task has one side to survey in, what stands on one side alone has several.
        where = [one["survey_in"]] if tasks else one["survey_in"]
        rows.append((one["species"], countries(one["recorded_in"]), countries(where)))
        if tasks:
            rows[-1] += (f"{number(one['cells_without_effort'])} of {number(one['cells'])}", one["why"])
    return {"head": [*head, "Cells without effort", "Why"] if tasks else head, "rows": rows}


def consent_rows(consent: Told) -> Rows:
    """Return what each country answered, and by which key it signed."""
    signed = consent.get("signed") or {}
    return [
        (code, state, *((one["date"], f"{one['key'][:16]}…") if (one := signed.get(code)) else ("–", "–")))
        for code, state in consent["answers"].items()
    ]


def dataset_view(datasets: Sequence[Told]) -> dict[str, Any]:
    """Return the datasets that state something of themselves, the names of the others, and labels of communities in words."""
    titles = [one["title"] for one in datasets]
    rows: Rows = []
    bare = []
    for one in datasets:
        name = one["title"] if one["title"] and titles.count(one["title"]) == 1 else one["key"]
        codes = ", ".join(one.get("labels", ()))
        if one["license"] or one["citation"] or one["doi"] or codes:
            rows.append((name, _licence(one["license"]), codes or "–", one["citation"] or "–", one["doi"] or "–"))
        else:
            bare.append(name)
    return {
        "rows": rows,
        "bare": bare,
        "labels": in_words({code for one in datasets for code in one.get("labels", ())}),
    }


def _licence(stated: str | None) -> str:
    """Return a licence as one knows it (CC BY 4.0), else as it is stated."""
    return _LICENCES.get(parse_licence(stated) or "", spaced(stated)) if stated else "not told"


def parameter_rows(evidence: Told) -> Rows:
    """Return everything that the result was asked with, save what the section on boundaries has."""
    stated = evidence.get("boundaries") or {}
    known = {*map(plain, stated.values()), f"{plain(stated.get('name'))} {plain(stated.get('version'))}"}
    rest = {name: value for name, value in evidence.items() if name not in _SHOWN_ELSEWHERE}
    return [
        (name, value)
        for name, value in [*flat(rest), *flat(evidence.get("run") or {}, before="run")]
        if not (value in known and name.rpartition(" · ")[2].startswith(("boundary ", "viewpoint", "band m")))
    ]


def _value_of(row: Told, name: str) -> float | None:
    return _float((row["parts"].get(name) or {}).get("value"))


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _cell(value: Any) -> str:
    """Return a value of a table of findings."""
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else plain(value)


FUNCTIONS: Final = (
    citation, sentence, not_tested, run_notes, shares_of_countries, doubtful_sides, failed_checks, species_view, numbered_counts,
    hard_criteria, acceptability, criteria_dots, criteria_rows, criteria_inputs, link_rows, candidates_of_link, measure_dots,
    measure_rows, draw_map, area_rows, ground_rows, uncertainty_facts, pairs_table, assumption_lines, scenario_pairs,
    scenario_crossings, nights_needed, survey_tasks, consent_rows, dataset_view, parameter_rows,
)  # fmt: skip
"""What templates call."""


_STYLE: Final = files("biodata.exports.reports").joinpath("templates/report.css").read_text(encoding="utf-8")
STYLE_SOURCE: Final = "'sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
"""What a content security policy calls the page's own style."""
POLICY: Final = f"default-src 'none'; style-src {STYLE_SOURCE}; img-src data:; base-uri 'none'; form-action 'none'"
"""All that the page needs."""
_HEADING: Final = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>')
_STATED_IN: Final = {"public": "published records alone", "exact": "the records themselves"}


def templates() -> jinja2.Environment:
    """Return the environment of reports with the words and views that their templates use."""
    made = environment("biodata.exports.reports", lenient=True)
    if "citation" not in made.globals:
        spoken = (getattr(findings, name) for name in findings.IN_TEMPLATES)
        functions = (*spoken, *FUNCTIONS, same_boundaries)
        add_functions(made, {function.__name__: function for function in functions})
        made.globals |= {"tiers": TIERS, "views": VIEWS, "ink": area_map.INK}
    return made


def page(material: Material) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    material : Material
        What it reports.

    Returns
    -------
    str
        The same material gives the same text.
    """
    row, release, stated = material.row, material.release, material.evidence.get("boundaries") or {}
    kind, name = _title(material)
    template = "corridor.html" if material.table == "corridors" else "candidate.html"
    ranked = material.table == "reserve_candidates"
    body = "".join(
        templates().get_template(part).render(material=material, ranked=ranked) for part in (template, "shared.html")
    )
    view = _STATED_IN.get(row.get("evidence_view") or "")
    standing = (
        f"Release {release['id']} of {release['created'][:10]} · boundary set {plain(stated.get('name'))} {plain(stated.get('version'))}"
        + (f" · made from {view}" if view else "")
    )
    return document(
        name, kind, body, running=f"{material.id}, release {release['id']}", standing=standing, attached=card(material)
    )


def document(
    name: str, kind: str, body: str, *, running: str, standing: str, attached: Mapping[str, Any],
    language: str = "en", contents: str = "Contents",
) -> str:  # fmt: skip
    """Return a page of sections.

    Parameters
    ----------
    name, kind : str
        What the page is called, and what it is.
    body : str
        Its sections as markup.
    running : str
        The line at the foot of printed pages.
    standing : str
        Of which day, release and records it is.
    attached : mapping
        The numbers that are attached as JSON.
    language, contents : str
        Of the page, and what its list of sections is called.
    """
    return templates().get_template("document.html").render(
        name=name, kind=kind, body=Markup(body), running=running, standing=standing, language=language, contents=contents,
        headings=_HEADING.findall(body), policy=POLICY, style=_STYLE,
        numbers=json.dumps(attached, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c"),
    )  # fmt: skip


def _title(material: Material) -> tuple[str, str]:
    """Return what a report is of, and its name."""
    row = material.row
    if material.table == "corridors":
        return "Corridor", f"{row['from_name']} – {row['to_name']}"
    if material.table == "reserve_candidates":
        return "Candidate transboundary reserve", str(row["name"])
    return "Ground that was looked at as a transboundary reserve", str(row["name"])


def card(material: Material) -> dict[str, Any]:
    """Return all numbers of a report as plain values: the row as the map's card has it, and what it is compared with."""
    key = KINDS[material.table]
    reached = {
        *(material.row["country_codes"] or []),
        *((material.evidence.get("ground") or {}).get("countries") or {}),
    }
    return {
        "release": {
            name: material.release[name] for name in ("id", "snapshot", "created", "content_hash", "rules_hash")
        },
        "table": material.table,
        "feature": {"type": "Feature", "id": material.id, **_feature(material.row)},
        "others": {str(one[key]): _feature(one, whole=False)["properties"] for one in material.others},
        "corridors": {str(one["corridor_id"]): _feature(one)["properties"] for one in material.corridors},
        "candidates": {str(one["candidate_id"]): _feature(one)["properties"] for one in material.candidates},
        "red_list": dict(material.categories),
        "findings": {name: dict(found) for name, found in material.findings.items()},
        "boundaries": dict(material.release.get("boundaries") or {}),
        "datasets": [dict(one) for one in material.datasets],
        "citation": citation(material),
        "countries": {code: country_name(code) for code in sorted(reached)},
    }


def _feature(row: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """Return a row as geometry and properties; not whole, it has neither shapes nor evidence."""
    shapes = {name: row[name] for name in ("geometry", "path") if name in row}
    if not whole:
        return {"properties": {name: value for name, value in row.items() if name not in (*shapes, "evidence")}}
    drawn = {name: None if shape is None else json.loads(shapely.to_geojson(shape)) for name, shape in shapes.items()}
    rest = {name: value for name, value in row.items() if name not in shapes}
    return {"geometry": drawn.pop("geometry", None), "properties": rest | drawn}
