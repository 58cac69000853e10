"""Pieces of a report's page: sections, tables, lists; every text goes through `words.text`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

from biodata.exports.reports.words import text

_HEADING: Final = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>')


@dataclass(frozen=True, slots=True)
class Mark:
    """Markup that was made here and stays as it is."""

    html: str


def cell(value: Any) -> str:
    """Return the inside of a cell or paragraph."""
    return value.html if isinstance(value, Mark) else text(value)


def section(title: str, *parts: str, identifier: str) -> str:
    """Return a section with a heading; parts that are empty are left out."""
    body = "".join(part for part in parts if part)
    return f'<section aria-labelledby="{identifier}"><h2 id="{identifier}">{text(title)}</h2>{body}</section>'


def contents(sections: Iterable[str], *, named: str = "Contents") -> str:
    """Return links to sections."""
    found = [match for one in sections if (match := _HEADING.search(one))]
    links = "".join(f'<li><a href="#{one[1]}">{one[2]}</a></li>' for one in found)
    return f'<nav aria-label="{text(named)}"><ul>{links}</ul></nav>' if links else ""


def heading(title: str) -> str:
    """Return a heading inside a section."""
    return f"<h3>{text(title)}</h3>"


def paragraph(words: Any, kind: str = "") -> str:
    """Return a paragraph; nothing for no words."""
    if not words:
        return ""
    named = f' class="{kind}"' if kind else ""
    return f"<p{named}>{cell(words)}</p>"


def bullets(items: Iterable[Any]) -> str:
    """Return a list; nothing for no items."""
    told = "".join(f"<li>{cell(item)}</li>" for item in items)
    return f"<ul>{told}</ul>" if told else ""


def table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], *, caption: str, numbers: Sequence[int] = (), kind: str = ""
) -> str:
    """Return a table; the first cell of a row heads it, `numbers` are columns that stand to the right.

    On a narrow screen a table of the kind `stack` shows each row as a list, its cells named by their columns' heads.
    """
    right = dict.fromkeys(numbers, ' class="n"')
    top = "".join(f'<th scope="col"{right.get(n, "")}>{text(name)}</th>' for n, name in enumerate(head))
    body = ""
    for row in rows:
        first, *rest = row
        cells = "".join(
            f'<td{right.get(n, "")} data-label="{text(head[n])}">{cell(value)}</td>'
            for n, value in enumerate(rest, start=1)
        )
        body += f'<tr><th scope="row">{cell(first)}</th>{cells}</tr>'
    named = f' class="{kind}"' if kind else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{text(caption)}"><table{named}>'
        f"<caption>{text(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def facts(rows: Iterable[tuple[str, Any]]) -> str:
    """Return names with their values."""
    told = "".join(f"<dt>{text(name)}</dt><dd>{cell(value)}</dd>" for name, value in rows)
    return f"<dl>{told}</dl>" if told else ""


def code(words: str) -> str:
    """Return a sentence in which what stands between backticks is shown as what one types."""
    parts = text(words).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))


def figure(drawing: str, words: str) -> str:
    """Return a drawing with what it shows."""
    return f'<figure><div class="wide">{drawing}</div><figcaption>{text(words)}</figcaption></figure>'


def as_text(html: str) -> str:
    r"""Return markup as lines for a terminal: a row of a table is one, its cells apart by two spaces.

    Examples
    --------
    >>> as_text("<h2>Effort</h2><tr><th>China</th><td>1 km &amp; more</td></tr>")
    'Effort\nChina  1 km & more'
    """
    apart = re.sub(r"</t[hd]><t[hd][^>]*>|</dt>", "  ", html)
    lines = re.sub(r"<[^>]*>", "", re.sub(r"</(?:tr|p|li|dd|h\d|caption|figcaption)>", "\n", apart)).split("\n")
    return "\n".join(unescape(line).rstrip() for line in lines if line.strip())
