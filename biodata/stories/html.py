"""A story for a notebook: the same words in tables, everything escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from biodata.stories import phrases, tables
from biodata.stories.phrases import clean
from biodata.stories.story import Story


def as_html(story: Story) -> str:
    """Return a story as one HTML element without scripts, styles of the page or links."""
    parts = [f"<h3>Record {story.key}</h3>", _lines(phrases.heading(story))]
    shown = phrases.as_told(story)
    for heading, values in phrases.sections(story):
        parts += [_heading(heading), _table(tables.value_rows(values, shown))]
        if heading == "Name":
            parts += [_heading("Match with the checklist"), _lines(phrases.name_match(story))]
    if story.also_told:
        parts += [_heading("Also told, kept as it came"), _table(tables.told_rows(story))]
    parts += [_heading("Doubts" if story.doubts else "No doubts"), _table(tables.doubt_rows(story))]
    if found := phrases.assessment(story):
        parts += [_heading("Beside the other records"), _lines(found)]
    parts += [_heading("What goes out"), _lines(phrases.sharing(story)), _table(tables.difference_rows(story))]
    parts.append(_heading("Versions"))
    for version in story.history:
        parts += [_lines([phrases.version(version)]), _table([tables.change(change) for change in version.changes])]
    parts += [_heading("Rules"), _table(tables.rule_rows(story))]
    return f'<div class="biodata-story">{"".join(parts)}</div>'


def _heading(text: str) -> str:
    return f"<h4>{escape(text)}</h4>"


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table; each cell keeps the direction of its own writing."""
    if not rows:
        return ""
    cells = (
        "".join(f'<td style="text-align:left"><bdi>{escape(clean(cell))}</bdi></td>' for cell in row) for row in rows
    )
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
