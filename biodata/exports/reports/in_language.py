"""A report and its plots in another language: each text that a reader sees is retold, what stands in the data is not.

Who makes reports knows English alone. Whoever asks for another language gives what retells a sentence.
"""

import re
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING, Final, TypeAlias

from biodata.exports.reports.words import text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Retold: TypeAlias = Callable[[str], str]
"""Returns an English sentence in the reader's language."""

_TAG: Final = re.compile(r"(<[^>]*>)")
_READ: Final = re.compile(r'\b(alt|aria-label|data-label)="([^"]*)"')
_LETTERS: Final = 44
"""In a line of a plot's title."""

_OF_LABEL: Final = 34
"""In a line beside an axis, which is narrower than the plot by the names of species."""


def page_in(html: str, retold: Retold) -> str:
    """Return markup whose texts, and attributes that are read out or shown, are retold.

    Examples
    --------
    >>> page_in('<p aria-label="one &amp; all">one <i>two</i></p>', str.upper)
    '<p aria-label="ONE &amp; ALL">ONE <i>TWO</i></p>'
    """
    parts = _TAG.split(html)
    for n, part in enumerate(parts):
        if n % 2:
            parts[n] = _READ.sub(lambda match: f'{match[1]}="{_told(match[2], retold)}"', part)
        elif part.strip():
            parts[n] = _told(part, retold)
    return "".join(parts)


def figure_in(figure: "Figure", retold: Retold) -> None:
    """Retell the texts of a plot but the labels of its ticks, which are names and numbers; lines are broken anew."""
    from matplotlib.text import Text

    from biodata.exports.reports.survey_plots import wrapped

    ticks = {id(label) for axes in figure.axes for label in (*axes.get_xticklabels(), *axes.get_yticklabels())}
    labels = {id(axis.label) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)}
    for one in figure.findobj(Text):
        said = one.get_text()
        if id(one) in ticks or not said.strip():
            continue
        told = retold(" ".join(said.split()))
        if told != said:
            one.set_text(wrapped(told, _OF_LABEL if id(one) in labels else _LETTERS))


def _told(escaped: str, retold: Retold) -> str:
    return text(retold(unescape(escaped)))
