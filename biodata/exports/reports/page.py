"""A report as one page: nothing from elsewhere, no script that runs, ready for paper; its numbers are attached."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import shapely

from biodata.exports.reports import candidate_sections, corridor_sections, markup, origin_sections, shared_sections
from biodata.exports.reports.material import KINDS, Material
from biodata.exports.reports.words import plain, text
from biodata.places import country_name

_STYLE: Final = """\
:root{color-scheme:light}
body{font:16px/1.5 system-ui,'Noto Sans','Noto Sans CJK SC','Noto Sans Thai','Noto Sans Lao','Noto Sans Khmer',\
'Noto Sans Myanmar',sans-serif;color:#1d2a26;background:#ffffff;margin:0 auto;max-width:50rem;padding:1rem 1rem 3rem}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .6rem}h2{font-size:1.25rem;margin:2rem 0 .5rem;padding-bottom:.2rem;\
border-bottom:2px solid #1f5f4a}h3{font-size:1rem;margin:1.2rem 0 .3rem}p,li{overflow-wrap:anywhere}p{margin:.4rem 0}
.kind{margin:0;color:#1f5f4a;font-weight:600}.lead{font-size:1.08rem}.quiet{color:#4c5652;font-size:.88rem}
.warning{border-left:4px solid #8a3b0d;padding-left:.7rem;color:#6b2d0a}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.88rem;margin:.4rem 0}
caption{text-align:left;color:#4c5652;padding:.3rem 0}th,td{text-align:left;vertical-align:top;padding:.3rem .55rem;\
border-bottom:1px solid #d9d4c6;overflow-wrap:break-word}td:last-child{overflow-wrap:anywhere;min-width:6rem}thead th{border-bottom:2px solid #9aa39e}tbody th{font-weight:600}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums}table.species tbody th i{white-space:nowrap}
table.parameters{table-layout:fixed}table.parameters tbody th{width:45%}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.2rem 1rem;margin:.5rem 0}dt{color:#4c5652}\
dd{margin:0;overflow-wrap:anywhere}
figure{margin:1rem 0}figure img{width:100%;max-width:34rem;height:auto;display:block}svg{max-width:100%;height:auto;display:block}.wide>svg{width:100%;max-width:42rem}.wide>svg.map{max-width:none}svg.key{display:inline-block;vertical-align:-3px}\
ul.key{list-style:none;padding:0;margin:.5rem 0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;color:#4c5652;font-size:.88rem}\
nav ul{list-style:none;padding:0;margin:.6rem 0 0;display:flex;flex-wrap:wrap;gap:.15rem 1rem;font-size:.88rem}\
.common{display:block;font-weight:400;color:#4c5652}code{font-size:.92em}figcaption{color:#4c5652;font-size:.85rem;margin-top:.3rem}
a{color:#135c8a;overflow-wrap:anywhere}:focus-visible{outline:3px solid #135c8a;outline-offset:2px}
@media (max-width:40rem){td,th{padding:.3rem .3rem}td:last-child{min-width:0}table.dense{font-size:.78rem}\
table.species tbody th i{white-space:normal}\
table.stack,table.stack tbody,table.stack tr,table.stack tbody th,table.stack td{display:block;text-align:left;border:0}\
table.stack caption{display:block}table.stack thead{display:none}table.stack tr{border-bottom:1px solid #d9d4c6;padding:.4rem 0}\
table.stack td,table.stack tbody th{padding:.1rem 0}table.stack td::before{content:attr(data-label) ": ";color:#4c5652}}
.yes{color:#1f5f4a;font-weight:600}.no{color:#8a3b0d;font-weight:600}
@page{size:A4;margin:18mm 16mm 20mm;@bottom-left{content:string(report);font:9px sans-serif;color:#4c5652}\
@bottom-right{content:counter(page) " / " counter(pages);font:9px sans-serif;color:#4c5652}}
@media print{body{font-size:10pt;padding:0;max-width:none}.lead{font-size:10.5pt}.wide{overflow:visible}\
.wide>svg{max-width:130mm;max-height:145mm}h1{font-size:1.4rem}.wide>svg.map{max-width:none;max-height:104mm}nav{display:none}table{font-size:8.5pt}table.parameters{font-size:7.5pt}\
table.parameters td,table.parameters th{padding:.1rem .4rem}dl{break-inside:avoid}h2{margin-top:1.3rem}\
.sheet{font-size:8pt}.sheet h2{font-size:10pt;margin:.5rem 0 .1rem}.sheet p,.sheet dl{margin:.1rem 0}\
.sheet table{font-size:7.5pt;margin:0}.sheet td,.sheet th,.sheet caption{padding:.08rem .4rem}.sheet .common{display:inline}\
.sheet .pair{display:flex;gap:1rem}.sheet figure{flex:1;margin:.2rem 0}.sheet figure img{width:auto;height:52mm}\
h2,h3,h2+p,caption,thead{break-after:avoid}figure,tr{break-inside:avoid}h1{string-set:report attr(data-report)}a{color:#1d2a26}}
"""

STYLE_SOURCE: Final = "'sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
"""What a content security policy calls the page's own style."""

POLICY: Final = f"default-src 'none'; style-src {STYLE_SOURCE}; img-src data:; base-uri 'none'; form-action 'none'"
"""All that the page needs."""


def page(material: Material) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    material : Material
        What it tells.

    Returns
    -------
    str
        The same material gives the same text.
    """
    corridor = material.table == "corridors"
    kind, name = (corridor_sections if corridor else candidate_sections).title(material)
    middle = corridor_sections.sections(material) if corridor else candidate_sections.sections(material)
    sections = [*middle, *shared_sections.sections(material), *origin_sections.sections(material)]
    return document(
        name, kind, sections, running=f"{material.id}, release {material.release['id']}", stand=_stand(material),
        attached=card(material),
    )  # fmt: skip


def document(
    name: str, kind: str, sections: Sequence[str], *, running: str, stand: str, attached: Mapping[str, Any],
    language: str = "en", contents: str = "Contents",
) -> str:  # fmt: skip
    """Return a page of sections.

    Parameters
    ----------
    name, kind : str
        What the page is of, and what kind of page it is.
    sections : sequence of str
        As `markup.section` returns them.
    running : str
        What stands at the foot of printed pages.
    stand : str
        Of which data it is made.
    attached : mapping
        Its numbers as plain values, which the page holds as JSON.
    language, contents : str
        Of the page, and what it calls the links to its sections.
    """
    numbers = json.dumps(attached, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    return (
        f'<!doctype html>\n<html lang="{text(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{text(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{text(name)}: {text(kind.lower())}</title>\n<link rel="icon" href="data:,">\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n<header>{markup.paragraph(kind, 'kind')}"
        f'<h1 data-report="{text(running)}">{text(name)}</h1>{markup.paragraph(stand, "quiet")}</header>\n'
        + markup.contents(sections, named=contents)
        + "\n".join(sections)
        + f'\n</main>\n<script type="application/json" id="card">{numbers}</script>\n</body>\n</html>\n'
    )


def _stand(material: Material) -> str:
    """Return of which day, release, boundary set and records a report is."""
    release, told = material.release, material.evidence.get("boundaries") or {}
    views = {"public": "published records alone", "exact": "the records themselves"}
    seen = views.get(material.row.get("evidence_view") or "")
    return (
        f"Release {release['id']} of {release['created'][:10]} · boundary set {plain(told.get('name'))} {plain(told.get('version'))}"
        + (f" · made from {seen}" if seen else "")
    )


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
        "findings": {name: dict(told) for name, told in material.findings.items()},
        "boundaries": dict(material.release.get("boundaries") or {}),
        "datasets": [dict(one) for one in material.datasets],
        "citation": origin_sections.citation(material),
        "countries": {code: country_name(code) for code in material.row["country_codes"] or []},
    }


def _feature(row: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """Return a row as geometry and properties; not whole, it has neither shapes nor evidence."""
    shapes = {name: row[name] for name in ("geometry", "path") if name in row}
    if not whole:
        return {"properties": {name: value for name, value in row.items() if name not in (*shapes, "evidence")}}
    told = {name: None if shape is None else json.loads(shapely.to_geojson(shape)) for name, shape in shapes.items()}
    plain = {name: value for name, value in row.items() if name not in shapes}
    return {"geometry": told.pop("geometry", None), "properties": plain | told}
