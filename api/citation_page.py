"""A citation's page for people: where its DOI or address leads."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import HTMLResponse

from api import html
from api.gbif_names import LICENSE_URLS
from biodata.access import citation_texts
from biodata.access.citations import Cited


def page(cited: Cited, url: str) -> HTMLResponse:
    """Return the page.

    Parameters
    ----------
    cited : Cited
        Its content is known.
    url : str
        Its address.
    """
    content = cited.content
    facts = [
        ("Records", f"{content['count']:,}"),
        ("Release", cited.release),
        ("Released", content["released"]),
        ("Cited", cited.created.isoformat(timespec="seconds")),
        ("Content hash", f"{content['algorithm']} {content['hash']} ({content['columns']})"),
        ("DOI", (f"https://doi.org/{cited.doi}", cited.doi) if cited.doi else "none"),
    ]
    asked = [(name, value[:500]) for name, value in cited.query["parameters"]] or [("", "every record")]
    here = f"/v1/citations/{cited.id}"
    forms = (("txt", "Text"), ("bib", "BibTeX"), ("ris", "RIS"), ("csl", "CSL-JSON"), ("json", "JSON"))
    return html.page(
        citation_texts.title(cited),
        html.paragraph(citation_texts.text(cited, url)),
        html.links([(f"{here}.{suffix}", name) for suffix, name in forms]),
        html.heading("What it is"),
        html.table(["Fact", "Value"], facts),
        html.heading("What was asked"),
        html.table(["Parameter", "Value"], asked),
        html.heading("Datasets"),
        html.table(
            ["Dataset", "Publisher", "Licence", "Labels of communities", "DOI", "Records"],
            map(_row, content["datasets"]),
        ),
        html.heading("Ask it again"),
        html.paragraph(
            "The same version of the records under today's sharing rules: identical, or what changed and why."
        ),
        f'<form method="post" action="{here}/replay"><button>Ask again</button></form>',
        html.links([(f"{here}/replay", "What came out the last time")] if cited.replay_job_id is not None else []),
        up=[("/", "Map"), ("/v1/dataset?f=html", "Datasets")],
    )


def _row(told: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a dataset's row."""
    key, doi = told.get("key"), told.get("doi")
    name = told.get("title") or key or "records of no dataset"
    licence = LICENSE_URLS.get(told.get("license") or "", told.get("license"))
    return (
        (f"/v1/dataset/{quote(key, safe='')}?f=html", name) if key else name,
        told.get("publisher"),
        (licence, told["license"]) if licence and licence.startswith("http") else licence,
        ", ".join(told.get("community_labels", ())) or None,
        (f"https://doi.org/{doi.removeprefix('https://doi.org/')}", doi) if doi else None,
        f"{told['count']:,}",
    )
