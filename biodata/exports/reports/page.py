"""A report as one page: nothing from elsewhere, no script that runs, ready for paper; its numbers are attached."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import jinja2
import shapely
from markupsafe import Markup

from biodata.exports.reports import area_map, findings, result_view
from biodata.exports.reports.findings import plain
from biodata.exports.reports.material import KINDS, Material, same_boundaries
from biodata.exports.templating import add_functions, environment
from biodata.places import country_name

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
        functions = (*spoken, *result_view.FUNCTIONS, same_boundaries)
        add_functions(made, {function.__name__: function for function in functions})
        made.globals |= {"tiers": result_view.TIERS, "views": result_view.VIEWS, "ink": area_map.INK}
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
        "citation": result_view.citation(material),
        "countries": {code: country_name(code) for code in material.row["country_codes"] or []},
    }


def _feature(row: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """Return a row as geometry and properties; not whole, it has neither shapes nor evidence."""
    shapes = {name: row[name] for name in ("geometry", "path") if name in row}
    if not whole:
        return {"properties": {name: value for name, value in row.items() if name not in (*shapes, "evidence")}}
    drawn = {name: None if shape is None else json.loads(shapely.to_geojson(shape)) for name, shape in shapes.items()}
    rest = {name: value for name, value in row.items() if name not in shapes}
    return {"geometry": drawn.pop("geometry", None), "properties": rest | drawn}
