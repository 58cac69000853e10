"""A story as text for a terminal: aligned, wrapped, wide characters counted as two."""

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from biodata.stories import phrases, tables
from biodata.stories.story import Story

WIDTH: Final = 100
_INDENT: Final = 2


def as_text(story: Story, *, width: int = WIDTH) -> str:
    """Return a story as lines of at most `width` cells (40 at least).

    Parameters
    ----------
    story : Story
        The story.
    width : int
        Cells of a line; a Chinese character takes two.
    """
    page = _Page(max(width, 40))
    page.line(f"Record {story.key}")
    page.lines(phrases.heading(story))
    shown = phrases.as_told(story)
    for heading, values in phrases.sections(story):
        page.heading(heading)
        page.table(tables.value_rows(values, shown))
        if heading == "Name":
            page.heading("Match with the checklist")
            page.lines(phrases.name_match(story))
    if story.also_told:
        page.heading("Also told, kept as it came")
        page.table(tables.told_rows(story))
    page.heading("Doubts" if story.doubts else "No doubts")
    page.table(tables.doubt_rows(story), widest=44)
    if found := phrases.assessment(story):
        page.heading("Beside the other records")
        page.lines(found)
    page.heading("What goes out")
    page.lines(phrases.sharing(story))
    page.table(tables.difference_rows(story))
    page.heading("Versions")
    for version in story.history:
        page.lines([phrases.version(version)])
        page.table([tables.change(change) for change in version.changes])
    if rules := tables.rule_rows(story):
        page.heading("Rules")
        page.table(rules)
    return page.text()


class _Page:
    """Lines of text as they are put together."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._out = StringIO()
        self._console = Console(
            file=self._out,
            width=width,
            color_system=None,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )

    def line(self, text: str) -> None:
        """Add a line, wrapped."""
        self._console.print(Text(text))

    def heading(self, text: str) -> None:
        """Add a heading."""
        self._console.print(Text(f"\n{text.upper()}"))

    def lines(self, texts: Iterable[str]) -> None:
        """Add lines, each wrapped."""
        self.table([(text,) for text in texts], indent=0)

    def table(self, rows: Sequence[tuple[str, ...]], *, indent: int = _INDENT, widest: int = 30) -> None:
        """Add rows in columns; the first is as wide as it needs to be, up to `widest`."""
        if not rows:
            return
        table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        count = len(rows[0])
        if count > 1:
            table.add_column(overflow="fold", max_width=min(widest, self._width // 3))
        for _ in range(count - 2):
            table.add_column(overflow="fold", max_width=max(self._width // 3, 12))
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(Padding(table, (0, 0, 0, indent)))

    def text(self) -> str:
        """Return the page without white space at the ends of its lines."""
        return "\n".join(line.rstrip() for line in self._out.getvalue().splitlines()) + "\n"
