"""What every report says of where it comes from: citation and datasets, boundary set, all parameters."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from biodata.exports.reports import markup
from biodata.exports.reports.material import Material, same_boundaries
from biodata.exports.reports.words import flat, number, plain, spaced
from biodata.sharing.labels import in_words
from biodata.text.controlled import parse_licence

_NOT_MINE: Final = (
    "hard_criteria", "species", "links", "ground", "ranking", "notes", "boundary_disagreement_km2", "run", "boundaries", "findings",
    "survey_tasks", "survey_effort", "consent",
)  # fmt: skip
"""Parts of the evidence that have a section of their own."""
_LICENCES: Final = MappingProxyType({"CC0_1_0": "CC0 1.0", "CC_BY_4_0": "CC BY 4.0", "CC_BY_NC_4_0": "CC BY-NC 4.0"})


def sections(material: Material) -> list[str]:
    """Return those sections in their order."""
    shared = (material.evidence.get("consent") or {}).get("answers")
    consent = [_consent(material.evidence)] if shared else []
    return [*consent, _citation(material), _boundaries(material), _parameters(material.evidence)]


def citation(material: Material) -> str:
    """Return how to cite the result, as one line."""
    release, row = material.release, material.row
    kind = {"reserve_candidates": "Candidate transboundary reserve", "corridors": "Corridor"}.get(
        material.table, "Ground looked at"
    )
    name = row["name"] if "name" in row else f"{row['from_name']} – {row['to_name']}"
    return (
        f"biodata ({release['created'][:10]}). {kind} “{name}” ({material.id}), run {plain(row['run_id'])}. "
        f"{agreed(material.evidence)}Release {release['id']} of {release['created'][:10]}, content mark "
        f"{release['content_hash'][:16]}…."
    )


def agreed(evidence: Mapping[str, Any]) -> str:
    """Return who agreed that the result is shared, as a sentence of its citation; nothing where it is of one country."""
    consent = evidence.get("consent") or {}
    if not consent.get("answers"):
        return ""
    days = [one["date"] for one in (consent.get("signed") or {}).values()]
    said = str(consent["said"])
    return f"{said[:1].upper()}{said[1:]}{f', the last on {max(days)}' if days else ''}. "


def _consent(evidence: Mapping[str, Any]) -> str:
    """Return what each country answered, and by which key it signed, as a section."""
    consent = evidence.get("consent") or {}
    signed = consent.get("signed") or {}
    rows = [
        (code, state, *((one["date"], f"{one['key'][:16]}…") if (one := signed.get(code)) else ("–", "–")))
        for code, state in (consent.get("answers") or {}).items()
    ]
    said = str(consent.get("said") or "")
    return markup.section(
        "Who agreed",
        markup.paragraph(f"{said[:1].upper()}{said[1:]}."),
        markup.table(["Country", "Answer", "Signed on", "Key of its node"], rows, caption="Answers of national nodes"),
        identifier="consent",
    )  # fmt: skip


def _citation(material: Material) -> str:
    """Return how to cite it, and whose data it stands on."""
    release, row = material.release, material.row
    facts = [
        ("Release", f"{release['id']}, made {release['created']}"), ("Lake version of the release", plain(release["snapshot"])),
        ("Lake version that the run read", plain((material.evidence.get("run") or {}).get("snapshot"))),
        ("Mark of the content", release["content_hash"]), ("Hash of the sharing rules", release["rules_hash"]),
        ("Sharing category", plain(row["sharing_category"])), ("Made by", f"biodata {plain(release.get('biodata'))}"),
    ]  # fmt: skip
    return markup.section(
        "Citation",
        markup.paragraph(citation(material), "lead"), markup.facts(facts),
        markup.paragraph(
            "All numbers of this report are attached to it as JSON: in the page in the element with the id “card”, in the PDF as an attachment. "
            "The release is one file that never changes; the same question to it gives the same answer."
        ),
        _datasets(material.datasets), identifier="citation",
    )  # fmt: skip


def _datasets(datasets: Sequence[Mapping[str, Any]]) -> str:
    """Return the datasets that tell something of themselves as a table, and the names of the others."""
    titles = [one["title"] for one in datasets]
    told, bare = [], []
    for one in datasets:
        named = one["title"] if one["title"] and titles.count(one["title"]) == 1 else one["key"]
        codes = ", ".join(one.get("labels", ()))
        if one["license"] or one["citation"] or one["doi"] or codes:
            told.append((named, _licence(one["license"]), codes or "–", one["citation"] or "–", one["doi"] or "–"))
        else:
            bare.append(named)
    table = (
        markup.table(
            ["Dataset", "Licence", "Labels of communities", "Citation", "DOI"],
            told,
            caption="Datasets of the release",
            kind="stack",
        )
        if told
        else ""
    )
    rest = f"Datasets that tell neither licence nor citation: {', '.join(bare)}." if bare else ""
    carried = in_words({code for one in datasets for code in one.get("labels", ())})
    return table + markup.paragraph(carried) + markup.paragraph(rest, "quiet")


def _licence(told: str | None) -> str:
    """Return a licence as one knows it (CC BY 4.0), else as it is told."""
    if not told:
        return "not told"
    return _LICENCES.get(parse_licence(told) or "", spaced(told))


def _boundaries(material: Material) -> str:
    """Return the boundary set and its viewpoint: of the run, and of the map where that is another."""
    told, drawn = material.evidence.get("boundaries") or {}, material.release.get("boundaries") or {}
    rows = [
        ("Boundary set", f"{plain(told.get('name'))}, version {plain(told.get('version'))}"),
        ("Viewpoint", plain(told.get("viewpoint"))),
        ("Band", f"{number(told.get('band_m'))} m on each side of a border: inside it either side may be right"),
    ]
    if not same_boundaries(material):
        rows += [
            ("Set that the map draws", f"{plain(drawn.get('boundary_set'))}, version {plain(drawn.get('boundary_version'))}"),
            ("Its viewpoint", plain(drawn.get("viewpoint"))), ("Its band", f"{number(drawn.get('band_m'))} m"),
        ]  # fmt: skip
    return markup.section("Boundaries", markup.facts(rows), identifier="boundaries")


def _parameters(evidence: Mapping[str, Any]) -> str:
    """Return everything that the result was asked with; what the section on boundaries tells stands there alone."""
    told = evidence.get("boundaries") or {}
    known = {*map(plain, told.values()), f"{plain(told.get('name'))} {plain(told.get('version'))}"}
    rest = {name: value for name, value in evidence.items() if name not in _NOT_MINE}
    lines = [*flat(rest), *flat(evidence.get("run") or {}, before="run")]
    rows = [
        (name, value)
        for name, value in lines
        if not (value in known and name.rpartition(" · ")[2].startswith(("boundary ", "viewpoint", "band m")))
    ]
    table = markup.table(
        ["Parameter", "Value"], rows, caption="All that the result follows from, as the run tells it", kind="parameters"
    )
    return markup.section(
        "Annex: parameters", table if rows else markup.paragraph("None are told."), identifier="parameters"
    )
